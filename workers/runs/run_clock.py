"""The clock of a run that is looked back at: from its first session on, without its lulls."""

from bisect import bisect_right
from collections.abc import Iterable

LULL = 10.0
"""Seconds that are left of a stretch in which no session was live: a run that was resumed the next
day is no day long."""


class RunClock:
    """The run's clock, which stands still in lulls; from the spans in which sessions were live.

    Spans: seconds since the epoch when each began, and how many it lasted.
    """

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        self._zero = reached = 0.0
        self._skips: list[tuple[float, float]] = []
        """Behind each lull: seconds of the run, and all that was cut by then."""
        cut = 0.0
        for begun, seconds in sorted(spans):
            if not reached:
                self._zero = reached = begun
            if begun - reached > LULL:
                cut += begun - reached - LULL
                self._skips.append((begun - self._zero - cut, cut))
            reached = max(reached, begun + seconds)

    def at(self, wall: float) -> float:
        """Seconds of the run, for seconds since the epoch."""
        whole = max(wall - self._zero, 0.0)
        cut = max((cut for at, cut in self._skips if at + cut <= whole), default=0.0)
        return whole - cut

    def wall(self, at: float) -> float:
        """The other way round."""
        skipped = bisect_right(self._skips, at, key=lambda skip: skip[0])
        return self._zero + at + (self._skips[skipped - 1][1] if skipped else 0.0)
