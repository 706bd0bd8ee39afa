"""When the next session may start: never too many a minute, never all at once.

The service bounds how many sessions an account may begin within a minute: 5 for a free one, from
100 for a paid one, and it raises that by a tenth after each minute in which 70 % of it was used
(the vendor's page on concurrency). Other servers bound how many are open. Both say "Too many
concurrent sessions", so what helps is found by trying: a session's end, or a minute's.
"""

import random
from collections import deque

FREE = 5
"""New sessions a minute for a free account."""

GAP = 0.03
"""Seconds between two starts, so that sessions already streaming keep their processor."""

MINUTE = 60.0
USED = 0.7
"""The share of a minute's starts that must have been used for more to be tried."""

RISE = 1.1
PROBE = 2.0
"""What the bound grows by a minute: behind a refusal as the service's does, before any faster."""

FIRST_PAUSE = 4.0
"""Seconds, doubled with each refusal in a row, up to a minute; a random part of it is left out."""


class Starts:
    """The bound on starts, and what refusals have taught. Times are of the monotonic clock.

    ``per_minute`` starts are never exceeded; None is no bound. With ``probing`` the bound is where
    to begin, and grows for as long as nothing is refused.
    """

    def __init__(self, per_minute: int | None = None, *, probing: bool = False) -> None:
        self._bound: float | None = per_minute
        self._most = None if probing else per_minute
        self._grows = PROBE if probing else RISE
        self._times: deque[float] = deque()
        """Of starts that were not refused, within the last minute."""
        self._changed_at = 0.0
        self._refused_at = float("-inf")
        self._refusals = 0
        """In a row."""
        self._pause_until = float("-inf")
        self._places = 0
        """Sessions that ended since a refusal: each may have made room for another."""
        self._ends_help = True

    def next(self, now: float) -> float:
        """When the next start is allowed."""
        self._forget(now)
        self._recover(now)
        due = self._times[-1] + GAP if self._times else now
        if self._bound is not None and not self._places and len(self._times) >= int(self._bound):
            due = max(due, self._times[-int(self._bound)] + MINUTE)
        return max(due, self._pause_until)

    def started(self, now: float) -> None:
        """A session was started."""
        self._times.append(now)
        self._places = max(0, self._places - 1)

    def accepted(self) -> None:
        """A session was let in."""
        self._refusals = 0

    def refused(self, started_at: float, now: float) -> None:
        """One that was started then was not let in. Those of one wave count once."""
        if started_at in self._times:
            self._times.remove(started_at)
        if started_at <= self._refused_at:
            return
        self._refusals += 1
        self._refused_at = self._changed_at = now
        self._forget(now)
        self._bound = float(max(1, len(self._times)))  # so many were let in
        self._grows = RISE
        self._ends_help = self._refusals == 1
        self._places = 0
        pause = min(MINUTE, FIRST_PAUSE * 2 ** (self._refusals - 1))
        self._pause_until = now + pause * random.uniform(0.5, 1.0)

    def ended(self, now: float) -> None:
        """A session that had been let in is over."""
        if now - self._refused_at < MINUTE and self._ends_help:
            self._places += 1
            self._pause_until = min(self._pause_until, max(now, self._refused_at + 1.0))

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] <= now - MINUTE:
            self._times.popleft()

    def _recover(self, now: float) -> None:
        """Once a minute without a refusal; a bound that is hardly used says nothing about more."""
        if self._bound is None or now - self._changed_at < MINUTE:
            return
        self._changed_at = now
        if len(self._times) < USED * self._bound and self._most is None:
            return
        bound = max(self._bound * self._grows, self._bound + 1)
        self._bound = bound if self._most is None else min(bound, float(self._most))
