"""The clock of a run that is looked back at: from its first session on, without its lulls."""

from bisect import bisect_right
from collections.abc import Iterable

MAX_IDLE_GAP_S = 10.0
"""Seconds that are left of a stretch in which no session was live: a run that was resumed the next
day is no day long."""


class RunClock:
    """The run's clock, which stands still in lulls; from the spans in which sessions were live.

    Spans: seconds since the epoch when each began, and how many it lasted.
    """

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        self._started_at = reached = 0.0
        self._skipped_gaps: list[tuple[float, float]] = []
        """Behind each lull: seconds of the run, and all that was cut by then."""
        cut = 0.0
        for begun, seconds in sorted(spans):
            if not reached:
                self._started_at = reached = begun
            if begun - reached > MAX_IDLE_GAP_S:
                cut += begun - reached - MAX_IDLE_GAP_S
                self._skipped_gaps.append((begun - self._started_at - cut, cut))
            reached = max(reached, begun + seconds)

    def from_wall_time(self, wall_s: float) -> float:
        """Seconds of the run, for seconds since the epoch."""
        whole = max(wall_s - self._started_at, 0.0)
        cut = max((cut for at, cut in self._skipped_gaps if at + cut <= whole), default=0.0)
        return whole - cut

    def to_wall_time(self, at_s: float) -> float:
        """The other way round."""
        skipped = bisect_right(self._skipped_gaps, at_s, key=lambda skip: skip[0])
        return self._started_at + at_s + (self._skipped_gaps[skipped - 1][1] if skipped else 0.0)
