"""What a run spends, and how a budget holds new starts: over retries, pairs and resumed runs."""

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.fake_launcher import RECORDING, FakeLauncher, Script
from workers.audio.source import ReadOptions, Source
from workers.jobs.events import Began, Connecting, Ended, JobReport, Outcome
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.prices.budget import Budget
from workers.prices.price_list import HourlyPrice
from workers.runs import run_folder
from workers.runs.run_folder import RunFolder
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.scheduler import Scheduler
from workers.scheduling.spending import SOCKET_OVERHEAD_S, Spending
from workers.scheduling.start_rate import StartRateLimiter
from workers.session.assignment import Assignment, Timeouts

NEEDED_S = RECORDING.seconds + SOCKET_OVERHEAD_S
"""What a session of a recording here reserves."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    with closing(run_folder.create(tmp_path / "run")) as created:
        yield created


def seconds(number: float) -> Budget:
    return Budget(number / 3600)


def make_scheduler(folder: RunFolder, launcher: FakeLauncher, spending: Spending) -> Scheduler:
    return Scheduler(
        folder,
        StreamSettings(),
        launcher,
        clock=launcher.clock,
        start_limiter=StartRateLimiter(),
        retry_policy=RetryPolicy(max_attempts=3),
        timeouts=Timeouts(),
        session_limit=10,
        spending=spending,
    )


def session(outcome: Outcome, open_s: float) -> Script:
    """A session whose socket is open for so long."""
    began = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 1.0)
    ended = Ended(outcome, outcome.value, open_seconds=open_s)
    return Script([(0.1, Connecting("ws://x", "ab")), (0.2, began), (open_s, ended)], open_s + 0.1)


def run_to_the_end(launcher: FakeLauncher, scheduler: Scheduler) -> list[JobReport]:
    """Does what ``paceline run`` does: stops when nothing fits any more."""

    def stop_if_exhausted() -> None:
        if scheduler.spending_status.is_exhausted:
            scheduler.stop()

    launcher.run(scheduler, between=stop_if_exhausted)
    reports = []
    while not scheduler.reports.empty():
        reports.append(scheduler.reports.get())
    return reports


def test_sessions_that_are_open_reserve_what_they_will_take(folder: RunFolder) -> None:
    """Three fit at once; when they took less than was reserved, one more fits; the rest says why it
    did not start."""
    launcher = FakeLauncher(lambda _: session(Outcome.DONE, NEEDED_S - 1))
    spending = Spending(budget=seconds(3.5 * NEEDED_S))
    scheduler = make_scheduler(folder, launcher, spending)
    for _ in range(6):
        scheduler.add(Source("a.wav"))
    reports = run_to_the_end(launcher, scheduler)

    first_end = launcher.starts[0][0] + NEEDED_S - 1
    assert sum(at < first_end for at, _ in launcher.starts) == 3
    assert len(launcher.starts) == 4
    unstarted = [
        report.event
        for report in reports
        if isinstance(report.event, Ended) and report.event.outcome is Outcome.INTERRUPTED
    ]
    assert len(unstarted) == 2
    assert {"--budget" in event.hint for event in unstarted} == {True}
    assert "the budget of" in unstarted[0].reason


@given(
    outcomes=st.lists(st.sampled_from([Outcome.DONE, Outcome.LOST, Outcome.BUSY]), min_size=1),
    limit=st.floats(1.0, 60.0),
    seed=st.integers(0, 1000),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_start_ever_commits_more_than_the_budget(
    tmp_path_factory: pytest.TempPathFactory, outcomes: list[Outcome], limit: float, seed: int
) -> None:
    """However sessions end: retries and refusals count with what they took."""
    chance = random.Random(seed)
    endings: Iterator[Outcome] = iter(outcomes)
    taken: list[float] = []

    def play(assignment: Assignment) -> Script:
        Path(assignment.trace_path).touch()
        taken.append(chance.uniform(0.3, NEEDED_S))
        return session(next(endings, Outcome.DONE), taken[-1])

    with closing(run_folder.create(tmp_path_factory.mktemp("run") / "r")) as folder:
        launcher = FakeLauncher(play)
        scheduler = make_scheduler(folder, launcher, Spending(budget=seconds(limit)))
        for _ in range(8):
            scheduler.add(Source("a.wav"))
        run_to_the_end(launcher, scheduler)
        status = scheduler.spending_status

    assert status.spent * 3600 == pytest.approx(sum(taken))
    assert sum(taken) <= limit + 1e-6


def test_both_halves_of_a_pair_must_fit(folder: RunFolder) -> None:
    """A call costs two sessions; half of one would be of no use."""
    launcher = FakeLauncher(lambda _: session(Outcome.DONE, NEEDED_S))
    scheduler = make_scheduler(folder, launcher, Spending(budget=seconds(1.5 * NEEDED_S)))
    scheduler.add(Source("call.wav", ReadOptions(speakers=("agent", "caller"))))
    while (claim := scheduler.claim_unprobed()) is not None:
        scheduler.enqueue(claim, replace(RECORDING, channels=2))

    assert scheduler.claim_start() is None
    assert scheduler.next_start_at is None
    assert scheduler.spending_status.is_exhausted


def test_what_an_earlier_program_spent_counts(folder: RunFolder) -> None:
    """Of all attempts: a job that is done, and one that is not."""
    launcher = FakeLauncher(lambda _: session(Outcome.DONE, NEEDED_S))
    states = []
    for number, outcome in ((1, Outcome.DONE), (2, Outcome.INTERRUPTED)):
        folder.add_job(JobId(number), Source("a.wav"), None)
        state = JobState(JobId(number), "a.wav")
        for event in (Connecting("ws://x", "ab"), Ended(outcome, "", open_seconds=10.0)):
            state.apply(JobReport(JobId(number), 1, "a.wav", 1.0, event))
        states.append(state)
    spending = Spending(budget=seconds(20 + NEEDED_S - 1))
    scheduler = make_scheduler(folder, launcher, spending)
    scheduler.resume(states)
    run_to_the_end(launcher, scheduler)

    assert launcher.starts == []
    assert scheduler.spending_status.spent * 3600 == pytest.approx(20)


@pytest.mark.parametrize(
    ("price", "cost"), [(HourlyPrice(0.45), 0.45 / 2), (HourlyPrice(None), None)]
)
def test_money_is_counted_by_the_price_of_each_session(
    price: HourlyPrice, cost: float | None
) -> None:
    """An unknown price makes the cost unknown; hours are counted all the same."""
    spending = Spending(lambda _: price, currency="USD", budget=Budget(1.0))
    spending.add(1800, StreamSettings())
    status = spending.status(StreamSettings(), 0.0, is_reached=False)

    assert status.cost == cost
    assert status.spent == 0.5


def test_models_of_a_matrix_have_their_own_prices() -> None:
    """A cheap session fits where a dear one does not."""
    prices = {"u3-rt-pro": 0.45, "universal-streaming-english": 0.15}

    def price_of(one: StreamSettings) -> HourlyPrice:
        return HourlyPrice(prices[one.speech_model])

    spending = Spending(price_of, currency="USD", budget=Budget(0.2, "USD"))

    assert not spending.fits([(3600, StreamSettings())], 0.0)
    assert spending.fits([(3600, StreamSettings(speech_model="universal-streaming-english"))], 0.0)
