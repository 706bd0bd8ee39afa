"""When the next session may start: never too many a minute, never all at once.

The service bounds how many sessions an account may begin within a minute: 5 for a free one, from
100 for a paid one, and it raises that by a tenth after each minute in which 70 % of it was used
(the vendor's page on concurrency). Other servers bound how many are open. Both say "Too many
concurrent sessions", so after a refusal one session at a time finds out whether there is
room again: after a pause, or when another ends.
"""

import random
from collections import deque
from collections.abc import Callable
from copy import copy

FREE_STARTS_PER_MINUTE = 5
"""New sessions a minute for a free account."""

MIN_START_GAP_S = 0.03
"""Seconds between two starts, so that sessions already streaming keep their processor."""

RATE_WINDOW_S = 60.0
MIN_USED_SHARE = 0.7
"""The share of a minute's starts that must have been used for more to be tried."""

SERVICE_GROWTH = 1.1
PROBING_GROWTH = 2.0
"""What the bound grows by a minute: behind a refusal as the service's does, before any faster."""

FIRST_PAUSE_S = 4.0
"""Seconds, doubled with each refusal in a row, up to a minute; a random part of it is left out."""

MIN_PAUSE_S = 1.0
"""Seconds, even if a session ends meanwhile."""

MAX_OUTAGE_S = 600.0
"""Seconds for which a server that has answered before is waited for at nobody's cost."""

TRIAL_TIMEOUT_S = 30.0
"""Seconds that one session may take to be let in or not before the next is tried all the same."""


class StartRateLimiter:
    """The bound on starts, and what refusals have taught. Times are of the monotonic clock.

    ``per_minute`` starts are never exceeded; None is no bound. With ``probing`` the bound is where
    to begin: it grows for as long as nothing is refused, and falls to what was let in.
    """

    def __init__(self, per_minute: int | None = None, *, probing: bool = False) -> None:
        self._limit = per_minute
        self._probing = probing
        self._growth = PROBING_GROWTH
        self._raised_at: float | None = None
        self._start_times: deque[float] = deque()
        """Of starts that were not refused, within the last minute."""
        self._ever_accepted = False
        """Some session was let in."""
        self._unreachable_since: float | None = None
        """When nobody was found there first, if nobody was found since."""
        self._refusals_in_row = 0
        """In a row."""
        self._refused_at = float("-inf")
        self._pause_until = float("-inf")
        self._trial_started_at: float | None = None
        """When the one session was started that finds out whether there is room again."""

    def next_start_at(self, now: float) -> float:
        """When the next start is allowed."""
        self._drop_old_starts(now)
        self._raise_limit(now)
        due = self._start_times[-1] + MIN_START_GAP_S if self._start_times else now
        if self._limit is not None and len(self._start_times) >= self._limit:
            due = max(due, self._start_times[-self._limit] + RATE_WINDOW_S)
        if self._trial_started_at is not None:
            due = max(due, self._trial_started_at + TRIAL_TIMEOUT_S)
        return max(due, self._pause_until)

    def start_simulator(self) -> Callable[[float], float]:
        """Tries out the starts to come, if none of them is refused; here, none of them counts.

        To be asked for one after another: takes when there is a place for it, gives its time.
        """
        twin, now = copy(self), float("-inf")
        twin._start_times = self._start_times.copy()

        def start(free: float) -> float:
            nonlocal now
            now = max(now, free)
            now = max(now, twin.next_start_at(now))
            twin.record_start(now)
            twin.record_accepted(now)
            return now

        return start

    def record_start(self, now: float) -> None:
        """A session was started."""
        self._start_times.append(now)
        if now - self._refused_at < RATE_WINDOW_S:
            self._trial_started_at = now

    def record_accepted(self, started_at: float) -> None:
        """The session that was started then was let in."""
        self._ever_accepted, self._refusals_in_row, self._unreachable_since = True, 0, None
        self._end_trial(started_at)

    def record_refused(self, started_at: float, now: float) -> None:
        """It was not."""
        if self._begin_pause(started_at, now) and self._probing:
            self._limit, self._growth, self._raised_at = (
                max(1, len(self._start_times)),
                SERVICE_GROWTH,
                now,
            )

    def record_unreachable(self, started_at: float, now: float) -> bool:
        """It found nobody there. True: the server has answered before, so it is waited for."""
        if not self._ever_accepted:
            self._end_trial(started_at)
            return False
        self._begin_pause(started_at, now)
        self._unreachable_since = (
            now if self._unreachable_since is None else self._unreachable_since
        )
        return now - self._unreachable_since < MAX_OUTAGE_S

    def skip_pause(self) -> None:
        """Somebody knows better than to wait."""
        self._pause_until = float("-inf")

    def _begin_pause(self, started_at: float, now: float) -> bool:
        """Those that were started together fail together, and count once: False for the others."""
        self._end_trial(started_at)
        if started_at in self._start_times:
            self._start_times.remove(started_at)
        if started_at <= self._refused_at:
            return False
        self._drop_old_starts(now)
        self._refusals_in_row += 1
        self._refused_at = now
        pause = min(RATE_WINDOW_S, FIRST_PAUSE_S * 2 ** (self._refusals_in_row - 1))
        self._pause_until = now + pause * random.uniform(0.5, 1.0)
        return True

    def record_end(self, started_at: float, now: float) -> None:
        """It is over, so there may be room."""
        self._end_trial(started_at)
        self._pause_until = min(self._pause_until, max(now, self._refused_at + MIN_PAUSE_S))

    def _end_trial(self, started_at: float) -> None:
        if self._trial_started_at == started_at:
            self._trial_started_at = None

    def _drop_old_starts(self, now: float) -> None:
        while self._start_times and self._start_times[0] <= now - RATE_WINDOW_S:
            self._start_times.popleft()

    def _raise_limit(self, now: float) -> None:
        """After a minute in which most of it was used, and nothing refused."""
        if not self._probing or self._limit is None:
            return
        if self._raised_at is None:
            self._raised_at = now
        elif (
            now - self._raised_at >= RATE_WINDOW_S
            and len(self._start_times) >= MIN_USED_SHARE * self._limit
        ):
            self._raised_at = now
            self._limit = max(self._limit + 1, int(self._limit * self._growth))
