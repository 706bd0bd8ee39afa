"""What all sessions come to: audio streamed, sockets open, who is late, and when all will be done.

Plain Python. It looks at every job, so the frame asks at most once a second.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from heapq import heapify, heappop, heappush

from tui.model import metrics
from tui.render.gauges import Punctuality, punctuality
from workers.jobs.events import Outcome
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory, Status

MANY = 0.25
"""From this share of the streaming sessions on, it is the machine that is late, not one of them."""


_LIVE = frozenset(status for status in Status if status.live)
_WAITING = frozenset({Status.QUEUED, Status.RETRYING})


class Pace(Enum):
    """Whether this machine sends as fast as it should."""

    KEEPS_UP = "keeps up"
    SOME_LATE = "some late"
    FALLS_BEHIND = "falls behind"


class Away(Enum):
    """Why the server takes nobody in."""

    NOBODY_ANSWERS = "nobody answers there"
    NO_PLACE = "no place at the server"


@dataclass(frozen=True, slots=True)
class Totals:
    """At one moment; times in seconds."""

    sent: float = 0.0
    """Audio that need not be sent any more, of ``audio``."""
    audio: float = 0.0
    open: float = 0.0
    """How long sockets were open, all of them together: what a service bills."""
    left: float | None = None
    """Until all is done, about; None when there is nothing to do, or no telling."""
    at_least: bool = False
    """Some recordings have not been read yet, so ``left`` is only what is known of."""
    worst_lag_ms: float | None = None
    """Of the chunks sent last, over all that are streaming; None when none is."""
    streaming: int = 0
    late: int = 0
    """Of those that are streaming."""
    away: Away | None = None
    turned_away: int = 0
    """Jobs that wait because of that."""

    @property
    def pace(self) -> Pace | None:
        """None while nothing is streaming."""
        if not self.streaming:
            return None
        if not self.late:
            return Pace.KEEPS_UP
        many = self.late >= max(MANY * self.streaming, 2) or self.late == self.streaming
        return Pace.FALLS_BEHIND if many else Pace.SOME_LATE


def at_once(place_in: float) -> float:
    """Starts that nothing bounds."""
    return place_in


def totals(
    histories: Mapping[JobId, JobHistory],
    queue: Sequence[JobId],
    places: int,
    *,
    held: bool,
    starts: Callable[[float], float] = at_once,
    run: Iterable[JobHistory] | None = None,
) -> Totals:
    """Of these jobs; ``queue``: those that wait, in order; ``places``: sessions at once, 0 unknown.

    ``starts``: as `Supervision.foreseen_starts` gives them.
    ``run``: every job, where some have left the table. Their sockets were open all the same.

    A job that waits but is not in the queue yet comes behind those that are.
    """
    every = histories.values()
    live = [history for history in every if history.status in _LIVE]
    waiting = {job: history for job, history in histories.items() if history.status in _WAITING}
    lags = [each.lag.now for each in live if each.lag and each.status is Status.STREAMING]
    turned_away = [why for history in waiting.values() if (why := _away(history)) is not None]
    if lags:  # somebody answers again
        turned_away = [why for why in turned_away if why is not Away.NOBODY_ANSWERS]
    barred = turned_away and not lags  # how long the server is away, nobody knows
    foreseen = places and (live or waiting) and not (held and waiting) and not barred
    in_order = dict.fromkeys([*(job for job in queue if job in waiting), *waiting])
    still = [_left(waiting[job]) for job in in_order] if foreseen else []
    return Totals(
        sent=sum(map(metrics.reached, every)),
        audio=sum(history.total_seconds for history in every),
        open=sum(history.open_seconds for history in (every if run is None else run)),
        left=finished_in(map(_left, live), still, places, starts) if foreseen else None,
        at_least=any(not history.total_seconds for history in waiting.values()),
        worst_lag_ms=max(lags, default=None),
        streaming=len(lags),
        late=sum(punctuality(lag) is not Punctuality.ON_TIME for lag in lags),
        away=min(turned_away, key=list(Away).index, default=None),
        turned_away=len(turned_away),
    )


def _left(history: JobHistory) -> float:
    return max(history.total_seconds - metrics.reached(history), 0.0)


def finished_in(
    live: Iterable[float],
    waiting: Iterable[float],
    places: int,
    starts: Callable[[float], float] = at_once,
) -> float:
    """Seconds until the last of them ends, when each takes the next place that becomes free.

    ``live`` and ``waiting``: what each still needs, at the speed of speech. ``starts``: takes in
    how many seconds there is a place for the next one, gives in how many it starts.
    """
    ends = list(live)
    ends += [0.0] * (places - len(ends))
    heapify(ends)
    while len(ends) > places:  # there are fewer places than there were
        heappop(ends)
    last = max(ends, default=0.0)
    for seconds in waiting:
        end = starts(heappop(ends)) + seconds
        last = max(last, end)
        heappush(ends, end)
    return last


def _away(history: JobHistory) -> Away | None:
    """Why a job that waits was not let in, if that is what it waits for."""
    refused = history.refused
    if refused is None and history.status is Status.RETRYING and history.earlier:
        refused = history.earlier[-1].ended
    if refused is None:
        return None
    by_outcome = {Outcome.UNREACHABLE: Away.NOBODY_ANSWERS, Outcome.BUSY: Away.NO_PLACE}
    return by_outcome.get(refused.outcome)
