"""Totals over all jobs: audio sent, sockets open, late sessions, and the time until all is done.

The computation visits every job. With many thousands it takes a tenth of a second, so the screen
computes them in steps, and handles keys in between.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from heapq import heapify, heappop, heappush
from typing import TypeVar

from tui.model import metrics
from tui.model.metrics import Punctuality, punctuality
from workers.jobs import outcomes
from workers.jobs.events import Outcome
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import PairState, session_states
from workers.scheduling.spending import SOCKET_OVERHEAD_S

T = TypeVar("T")

STEP_JOBS = 500
"""Jobs to visit in one step; they take about a millisecond."""

MANY_LATE_SHARE = 0.25
"""The machine counts as overloaded from this share of late streaming sessions on."""


class SendingPace(Enum):
    """Whether this machine sends all chunks on time."""

    KEEPS_UP = "keeps up"
    SOME_LATE = "some late"
    FALLS_BEHIND = "falls behind"


BETTER_AFTER_S = 6.0
"""For so long the pace must be better before `SteadyPace` shows it."""


class SteadyPace:
    """The pace that is shown: a worse one at once, a better one only when it has lasted, so that a
    machine at its limit does not flicker between the two."""

    def __init__(self) -> None:
        self.shown: SendingPace | None = None
        self._better_since: float | None = None
        """Since when the pace has been better than the one that is shown; None if it is not."""

    def update(self, pace: SendingPace | None, now: float) -> None:
        """Takes the pace at a moment in seconds."""
        paces = list(SendingPace)
        if pace and self.shown and paces.index(pace) < paces.index(self.shown):
            if self._better_since is None:
                self._better_since = now
            if now - self._better_since < BETTER_AFTER_S:
                return
        self.shown, self._better_since = pace, None


class TurnAwayReason(Enum):
    """Why sessions do not start."""

    UNREACHABLE = "the server does not answer"
    SERVER_FULL = "the server is full"
    MACHINE_FULL = "this machine is at a limit"


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals at one point in time."""

    sent_s: float = 0.0
    """How much of ``audio_s`` was sent or does not need to be sent again."""
    audio_s: float = 0.0
    open_s: float = 0.0
    """The sum of the seconds that each socket was open; a service bills this time."""
    remaining_s: float | None = None
    """Estimated seconds until all jobs are done; None if unknown or if nothing is left."""
    is_lower_bound: bool = False
    """Whether ``remaining_s`` is a lower bound, because the length of a recording is unknown,
    or it is still being written."""
    worst_lag_ms: float | None = None
    """The largest current lag of a streaming session; None if there is none."""
    streaming_count: int = 0
    late_count: int = 0
    """How many streaming sessions are sending late."""
    turn_away_reason: TurnAwayReason | None = None
    turned_away_count: int = 0
    """Number of jobs that wait because of ``turn_away_reason``."""
    is_exact: bool = True
    """Whether ``audio_s`` contains no estimate."""
    remaining_open_s: float = 0.0
    """How long sockets will still be open, all together."""

    @property
    def pace(self) -> SendingPace | None:
        """Whether chunks are sent on time; None while nothing is streaming."""
        if not self.streaming_count:
            return None
        if not self.late_count:
            return SendingPace.KEEPS_UP
        many = min(max(MANY_LATE_SHARE * self.streaming_count, 2), self.streaming_count)
        return SendingPace.FALLS_BEHIND if self.late_count >= many else SendingPace.SOME_LATE


def start_immediately(slot_free_in_s: float) -> float:
    """A start simulator without a start rate: each job starts as soon as a slot is free."""
    return slot_free_in_s


def totals(
    job_states: Mapping[JobId, JobState],
    queue: Sequence[JobId],
    max_sessions: int,
    *,
    held: bool,
    start_simulator: Callable[[float], float] = start_immediately,
    all_job_states: Iterable[JobState] | None = None,
) -> Totals:
    """Computes the totals of the jobs in the table at once; see `totals_in_steps`."""
    return _finish(
        totals_in_steps(
            job_states,
            queue,
            max_sessions,
            held=held,
            start_simulator=start_simulator,
            all_job_states=all_job_states,
        )
    )


def totals_in_steps(
    job_states: Mapping[JobId, JobState],
    queue: Sequence[JobId],
    max_sessions: int,
    *,
    held: bool,
    start_simulator: Callable[[float], float] = start_immediately,
    all_job_states: Iterable[JobState] | None = None,
) -> Generator[None, None, Totals]:
    """Computes the totals of the jobs in the table; yields after `STEP_JOBS`, and returns them.
    Jobs may change, come and go between two steps.

    ``queue``: waiting jobs in order; jobs not in it come last. ``max_sessions``: the limit on
    sessions at once, 0 if unknown. ``start_simulator``: see `SupervisorProtocol.start_simulator`.
    ``all_job_states``: includes jobs removed from the table, for the total open time of sockets.
    """
    live: list[JobState] = []
    waiting: dict[JobId, JobState] = {}
    reasons: list[TurnAwayReason] = []
    sent_s = audio_s = open_s = remaining_open_s = 0.0
    is_exact, is_lower_bound = True, False
    for number, (job, job_state) in enumerate(list(job_states.items()), 1):
        status = job_state.status
        if status.is_waiting:
            waiting[job] = job_state
            is_lower_bound |= job_state.is_growing or not job_state.total_seconds
            if (reason := _turn_away_reason(job_state)) is not None:
                reasons.append(reason)
        if isinstance(job_state, PairState):
            live += [half for half in job_state.halves if half.is_live]
        elif status.is_live:
            live.append(job_state)
        audio_s += job_state.part_seconds
        if job_state.sent_seconds or job_state.retrying:
            sent_s += metrics.reached_s(job_state)
        is_exact = is_exact and job_state.is_exact
        if not status.is_finished:
            for session in session_states(job_state):
                if not session.status.is_finished:
                    remaining_open_s += (metrics.remaining_s(session) or 0.0) + SOCKET_OVERHEAD_S
        if not number % STEP_JOBS:
            yield
    for number, job_state in enumerate(list(all_job_states or job_states.values()), 1):
        if job_state.attempt:
            open_s += job_state.open_seconds
        if not number % (4 * STEP_JOBS):  # most need nothing more than this look
            yield
    streaming = [job_state for job_state in live if job_state.status is JobStatus.STREAMING]
    lags = [job_state.lag.now for job_state in streaming if job_state.lag]
    if lags:  # the server answers again
        reasons = [reason for reason in reasons if reason is not TurnAwayReason.UNREACHABLE]
    blocked = (held and waiting) or (reasons and not lags)  # for an unknown period
    remaining_s = None
    if max_sessions and (live or waiting) and not blocked:
        in_order = dict.fromkeys([*(job for job in queue if job in waiting), *waiting])
        remaining_s = yield from _time_to_finish(
            (metrics.remaining_s(job_state) or 0.0 for job_state in live),
            (
                metrics.remaining_s(session) or 0.0
                for job in in_order
                for session in session_states(waiting[job])
                if session.status.is_waiting
            ),
            max_sessions,
            start_simulator,
        )
    return Totals(
        sent_s=sent_s,
        audio_s=audio_s,
        is_exact=is_exact,
        open_s=open_s,
        remaining_open_s=remaining_open_s,
        remaining_s=remaining_s,
        is_lower_bound=is_lower_bound
        or any(job_state.is_growing or not job_state.total_seconds for job_state in live),
        worst_lag_ms=max(lags, default=None),
        streaming_count=len(lags),
        late_count=sum(punctuality(lag) is not Punctuality.ON_TIME for lag in lags),
        turn_away_reason=min(reasons, key=list(TurnAwayReason).index, default=None),
        turned_away_count=len(reasons),
    )


def time_to_finish_s(
    live_s: Iterable[float],
    waiting_s: Iterable[float],
    max_sessions: int,
    start_simulator: Callable[[float], float] = start_immediately,
) -> float:
    """Estimates the seconds until the last session ends; waiting ones take free slots in order.

    ``live_s`` and ``waiting_s``: seconds that each session still needs.
    """
    return _finish(_time_to_finish(live_s, waiting_s, max_sessions, start_simulator))


def _time_to_finish(
    live_s: Iterable[float],
    waiting_s: Iterable[float],
    max_sessions: int,
    start_simulator: Callable[[float], float],
) -> Generator[None, None, float]:
    ends = list(live_s)
    ends += [0.0] * (max_sessions - len(ends))
    heapify(ends)
    while len(ends) > max_sessions:  # the limit was lowered
        heappop(ends)
    last = max(ends, default=0.0)
    for number, seconds in enumerate(waiting_s, 1):
        end = start_simulator(heappop(ends)) + seconds
        last = max(last, end)
        heappush(ends, end)
        if not number % STEP_JOBS:
            yield
    return last


def _finish(steps: Generator[None, None, T]) -> T:
    """Takes all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            result: T = finished.value
            return result


def _turn_away_reason(job_state: JobState) -> TurnAwayReason | None:
    """Returns why the server refused a waiting job; None if the job waits for another reason."""
    refusal = job_state.refusal
    if refusal is None and job_state.status is JobStatus.RETRYING and job_state.earlier_attempts:
        refusal = job_state.earlier_attempts[-1].ended
    if refusal is None:
        return None
    if refusal.outcome is Outcome.UNREACHABLE:
        return TurnAwayReason.UNREACHABLE
    if refusal.outcome is not Outcome.BUSY:
        return None
    is_machine_full = outcomes.is_machine_full(refusal)
    return TurnAwayReason.MACHINE_FULL if is_machine_full else TurnAwayReason.SERVER_FULL
