"""Finds the limit: makes trials as `LimitSearch` asks, within a budget, and says what gave in."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from workers.errors import UsageProblem
from workers.limit_search.diagnosis import Diagnosis, Side, diagnose
from workers.limit_search.search import LimitSearch
from workers.limit_search.trial import Failure, Trial, TrialPlan, TrialRunner
from workers.prices.budget import Budget
from workers.prices.price_list import HourlyPrice


class Bound(Enum):
    """Why a search ended."""

    FOUND = "found"
    MAX_SESSIONS = "max_sessions"  # all that may be tried hold
    BUDGET = "budget"  # the next trial would pass it


@dataclass(frozen=True, slots=True)
class Allowance:
    """What all trials together may take."""

    budget: Budget | None
    price: HourlyPrice

    def allows(self, open_seconds: float) -> bool:
        """Whether sockets may have been open for so long."""
        if self.budget is None:
            return True
        return open_seconds / 3600 * self.budget.per_hour(self.price) <= self.budget.limit

    def is_spent(self, earlier_seconds: float, live_seconds: float) -> bool:
        """Whether earlier trials and the one that runs have taken all of it."""
        return not self.allows(earlier_seconds + live_seconds)


@dataclass(frozen=True, slots=True)
class LimitReport:
    """What was found."""

    limit: int
    """The most sessions that hold; 0: not even one does."""
    first_failing: int | None
    """The fewest that do not; None: none of those that were tried."""
    bound: Bound
    trials: tuple[Trial, ...]
    """In order."""
    diagnoses: tuple[Diagnosis, ...]
    """One for each trial."""
    open_seconds: float
    """How long sockets were open, all together."""

    @property
    def diagnosis(self) -> Diagnosis:
        """What gave in at `first_failing`: of its trials that did not hold, the most frequent side,
        with the evidence of the first such trial."""
        found = [
            diagnosis
            for trial, diagnosis in zip(self.trials, self.diagnoses, strict=True)
            if trial.sessions == self.first_failing and not trial.holds
        ]
        if not found:
            return Diagnosis(Side.NONE, ())
        sides = [one.side for one in found]
        return found[sides.index(max(sides, key=sides.count))]


def run_search(
    search: LimitSearch,
    runner: TrialRunner,
    plan: TrialPlan,
    folder: Path,
    *,
    allowance: Allowance,
    is_embedded: bool,
    on_trial: Callable[[Trial, Diagnosis], None],
) -> LimitReport:
    """Makes trials until the search is over, each in a run folder of its own below ``folder``.

    Raises `UsageProblem` if an objective cannot be measured with one session, because then it would
    never hold.
    """
    trials: list[Trial] = []
    diagnoses: list[Diagnosis] = []
    open_s, bound = 0.0, Bound.FOUND
    while (sessions := search.next_sessions()) is not None:
        if not allowance.allows(open_s + plan.session_seconds(sessions)):
            bound = Bound.BUDGET
            break
        trial = runner.run(
            sessions,
            folder / f"trial-{len(trials) + 1:02}-of-{sessions}",
            partial(allowance.is_spent, open_s),
        )
        open_s += trial.open_seconds
        if trial.failure is Failure.STOPPED:
            bound = Bound.BUDGET
            break
        if sessions == 1:
            _check_measured(trial, plan)
        alone = next((one for one in trials if one.sessions == 1 and one.holds), None)
        diagnosis = diagnose(trial, alone, is_embedded=is_embedded)
        trials.append(trial)
        diagnoses.append(diagnosis)
        search.record(sessions, held=trial.holds, refused=trial.failure is Failure.REFUSED)
        on_trial(trial, diagnosis)
    if bound is Bound.FOUND and search.is_bounded:
        bound = Bound.MAX_SESSIONS
    return LimitReport(
        search.limit, search.first_failing, bound, tuple(trials), tuple(diagnoses), open_s
    )


def _check_measured(trial: Trial, plan: TrialPlan) -> None:
    """Raises `UsageProblem` for an objective of which one session gave no sample."""
    for result in trial.results:
        if trial.failure is None and result.value is None:
            name = result.objective.metric
            raise UsageProblem(
                f"one session gave no figure for {name} in {plan.hold_s:g} s",
                "Lengthen --hold, or choose recordings with more speech.",
            )
