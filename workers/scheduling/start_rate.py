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

SHORTEST_PAUSE = 1.0
"""Seconds, even if a session ends meanwhile."""

OUTAGE = 600.0
"""Seconds for which a server that has answered before is waited for at nobody's cost."""

VERDICT = 30.0
"""Seconds that one session may take to be let in or not before the next is tried all the same."""


class Starts:
    """The bound on starts, and what refusals have taught. Times are of the monotonic clock.

    ``per_minute`` starts are never exceeded; None is no bound. With ``probing`` the bound is where
    to begin: it grows for as long as nothing is refused, and falls to what was let in.
    """

    def __init__(self, per_minute: int | None = None, *, probing: bool = False) -> None:
        self._bound = per_minute
        self._probing = probing
        self._grows = PROBE
        self._raised_at: float | None = None
        self._times: deque[float] = deque()
        """Of starts that were not refused, within the last minute."""
        self._worked = False
        """Some session was let in."""
        self._away_since: float | None = None
        """When nobody was found there first, if nobody was found since."""
        self._refusals = 0
        """In a row."""
        self._refused_at = float("-inf")
        self._pause_until = float("-inf")
        self._on_trial: float | None = None
        """When the one session was started that finds out whether there is room again."""

    def next(self, now: float) -> float:
        """When the next start is allowed."""
        self._forget(now)
        self._raise_bound(now)
        due = self._times[-1] + GAP if self._times else now
        if self._bound is not None and len(self._times) >= self._bound:
            due = max(due, self._times[-self._bound] + MINUTE)
        if self._on_trial is not None:
            due = max(due, self._on_trial + VERDICT)
        return max(due, self._pause_until)

    def rehearsal(self) -> Callable[[float], float]:
        """Tries out the starts to come, if none of them is refused; here, none of them counts.

        To be asked for one after another: takes when there is a place for it, gives its time.
        """
        twin, now = copy(self), float("-inf")
        twin._times = self._times.copy()

        def start(free: float) -> float:
            nonlocal now
            now = max(now, free)
            now = max(now, twin.next(now))
            twin.started(now)
            twin.accepted(now)
            return now

        return start

    def started(self, now: float) -> None:
        """A session was started."""
        self._times.append(now)
        if now - self._refused_at < MINUTE:
            self._on_trial = now

    def accepted(self, started_at: float) -> None:
        """The session that was started then was let in."""
        self._worked, self._refusals, self._away_since = True, 0, None
        self._judged(started_at)

    def refused(self, started_at: float, now: float) -> None:
        """It was not."""
        if self._pause(started_at, now) and self._probing:
            self._bound, self._grows, self._raised_at = max(1, len(self._times)), RISE, now

    def unreachable(self, started_at: float, now: float) -> bool:
        """It found nobody there. True: the server has answered before, so it is waited for."""
        if not self._worked:
            self._judged(started_at)
            return False
        self._pause(started_at, now)
        self._away_since = now if self._away_since is None else self._away_since
        return now - self._away_since < OUTAGE

    def try_now(self) -> None:
        """Somebody knows better than to wait."""
        self._pause_until = float("-inf")

    def _pause(self, started_at: float, now: float) -> bool:
        """Those that were started together fail together, and count once: False for the others."""
        self._judged(started_at)
        if started_at in self._times:
            self._times.remove(started_at)
        if started_at <= self._refused_at:
            return False
        self._forget(now)
        self._refusals += 1
        self._refused_at = now
        pause = min(MINUTE, FIRST_PAUSE * 2 ** (self._refusals - 1))
        self._pause_until = now + pause * random.uniform(0.5, 1.0)
        return True

    def ended(self, started_at: float, now: float) -> None:
        """It is over, so there may be room."""
        self._judged(started_at)
        self._pause_until = min(self._pause_until, max(now, self._refused_at + SHORTEST_PAUSE))

    def _judged(self, started_at: float) -> None:
        if self._on_trial == started_at:
            self._on_trial = None

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] <= now - MINUTE:
            self._times.popleft()

    def _raise_bound(self, now: float) -> None:
        """After a minute in which most of it was used, and nothing refused."""
        if not self._probing or self._bound is None:
            return
        if self._raised_at is None:
            self._raised_at = now
        elif now - self._raised_at >= MINUTE and len(self._times) >= USED * self._bound:
            self._raised_at = now
            self._bound = max(self._bound + 1, int(self._bound * self._grows))
