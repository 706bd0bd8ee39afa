"""What all sessions come to: audio streamed, sockets open, who is late, and when all will be done.

Plain Python. It looks at every job, so the frame asks at most once a second.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from heapq import heapify, heappop, heappush

from tui.model import metrics
from tui.model.metrics import Punctuality, punctuality
from workers.jobs.events import Outcome
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus

MANY_LATE_SHARE = 0.25
"""From this share of the streaming sessions on, it is the machine that is late, not one of them."""


_LIVE_STATUSES = frozenset(status for status in JobStatus if status.is_live)
_WAITING_STATUSES = frozenset({JobStatus.QUEUED, JobStatus.RETRYING})


class SendingPace(Enum):
    """Whether this machine sends as fast as it should."""

    KEEPS_UP = "keeps up"
    SOME_LATE = "some late"
    FALLS_BEHIND = "falls behind"


class TurnAwayReason(Enum):
    """Why the server takes nobody in."""

    UNREACHABLE = "nobody answers there"
    SERVER_FULL = "no place at the server"


@dataclass(frozen=True, slots=True)
class Totals:
    """At one moment; times in seconds."""

    sent_s: float = 0.0
    """Audio that need not be sent any more, of ``audio``."""
    audio_s: float = 0.0
    open_s: float = 0.0
    """How long sockets were open, all of them together: what a service bills."""
    remaining_s: float | None = None
    """Until all is done, about; None when there is nothing to do, or no telling."""
    is_lower_bound: bool = False
    """Some recordings have not been read yet, so ``left`` is only what is known of."""
    worst_lag_ms: float | None = None
    """Of the chunks sent last, over all that are streaming; None when none is."""
    streaming_count: int = 0
    late_count: int = 0
    """Of those that are streaming."""
    turn_away_reason: TurnAwayReason | None = None
    turned_away_count: int = 0
    """Jobs that wait because of that."""

    @property
    def pace(self) -> SendingPace | None:
        """None while nothing is streaming."""
        if not self.streaming_count:
            return None
        if not self.late_count:
            return SendingPace.KEEPS_UP
        many = (
            self.late_count >= max(MANY_LATE_SHARE * self.streaming_count, 2)
            or self.late_count == self.streaming_count
        )
        return SendingPace.FALLS_BEHIND if many else SendingPace.SOME_LATE


def start_immediately(slot_free_in_s: float) -> float:
    """Starts that nothing bounds."""
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
    """Of these jobs; ``queue``: those that wait, in order; ``max_sessions``: sessions at once, 0
    unknown.

    ``start_simulator``: as `SupervisorProtocol.start_simulator` gives them. ``all_job_states``:
    every job, where some have left the table. Their sockets were open all the same.

    A job that waits but is not in the queue yet comes behind those that are.
    """
    every = job_states.values()
    live = [job_state for job_state in every if job_state.status in _LIVE_STATUSES]
    waiting = {
        job: history for job, history in job_states.items() if history.status in _WAITING_STATUSES
    }
    lags = [each.lag.now for each in live if each.lag and each.status is JobStatus.STREAMING]
    turned_away = [
        why for history in waiting.values() if (why := _turn_away_reason(history)) is not None
    ]
    if lags:  # somebody answers again
        turned_away = [why for why in turned_away if why is not TurnAwayReason.UNREACHABLE]
    barred = turned_away and not lags  # how long the server is away, nobody knows
    foreseen = max_sessions and (live or waiting) and not (held and waiting) and not barred
    in_order = dict.fromkeys([*(job for job in queue if job in waiting), *waiting])
    still = [_unsent_s(waiting[job]) for job in in_order] if foreseen else []
    return Totals(
        sent_s=sum(map(metrics.reached_s, every)),
        audio_s=sum(history.total_seconds for history in every),
        open_s=sum(
            history.open_seconds
            for history in (every if all_job_states is None else all_job_states)
        ),
        remaining_s=time_to_finish_s(map(_unsent_s, live), still, max_sessions, start_simulator)
        if foreseen
        else None,
        is_lower_bound=any(not history.total_seconds for history in waiting.values()),
        worst_lag_ms=max(lags, default=None),
        streaming_count=len(lags),
        late_count=sum(punctuality(lag) is not Punctuality.ON_TIME for lag in lags),
        turn_away_reason=min(turned_away, key=list(TurnAwayReason).index, default=None),
        turned_away_count=len(turned_away),
    )


def _unsent_s(job_state: JobState) -> float:
    return max(job_state.total_seconds - metrics.reached_s(job_state), 0.0)


def time_to_finish_s(
    live_s: Iterable[float],
    waiting_s: Iterable[float],
    max_sessions: int,
    start_simulator: Callable[[float], float] = start_immediately,
) -> float:
    """Seconds until the last of them ends, when each takes the next place that becomes free.

    ``live_s`` and ``waiting_s``: what each still needs, at the speed of speech.
    ``start_simulator``: takes in how many seconds there is a place for the next one, gives in how
    many it starts.
    """
    ends = list(live_s)
    ends += [0.0] * (max_sessions - len(ends))
    heapify(ends)
    while len(ends) > max_sessions:  # there are fewer places than there were
        heappop(ends)
    last = max(ends, default=0.0)
    for seconds in waiting_s:
        end = start_simulator(heappop(ends)) + seconds
        last = max(last, end)
        heappush(ends, end)
    return last


def _turn_away_reason(job_state: JobState) -> TurnAwayReason | None:
    """Why a job that waits was not let in, if that is what it waits for."""
    refused = job_state.refusal
    if refused is None and job_state.status is JobStatus.RETRYING and job_state.earlier_attempts:
        refused = job_state.earlier_attempts[-1].ended
    if refused is None:
        return None
    by_outcome = {
        Outcome.UNREACHABLE: TurnAwayReason.UNREACHABLE,
        Outcome.BUSY: TurnAwayReason.SERVER_FULL,
    }
    return by_outcome.get(refused.outcome)
