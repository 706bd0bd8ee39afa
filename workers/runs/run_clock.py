"""The clock of a replayed run: starts with its first session and skips long pauses."""

from bisect import bisect_right
from collections.abc import Iterable

MAX_IDLE_GAP_S = 10.0
"""A longer time without live sessions is cut to this, as when a run is resumed the next day."""


class RunClock:
    """Converts between the wall clock and the run's clock, which stands still in long pauses.

    ``spans`` are the times in which sessions were live: start in seconds since the epoch, duration.
    """

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        self._started_at = reached = 0.0
        self._skipped_gaps: list[tuple[float, float]] = []
        """The end of each pause on the run's clock, and all seconds that were cut by then."""
        cut = 0.0
        for start, seconds in sorted(spans):
            if not reached:
                self._started_at = reached = start
            if start - reached > MAX_IDLE_GAP_S:
                cut += start - reached - MAX_IDLE_GAP_S
                self._skipped_gaps.append((start - self._started_at - cut, cut))
            reached = max(reached, start + seconds)

    def from_wall_time(self, wall_s: float) -> float:
        """Converts seconds since the epoch to seconds of the run."""
        whole = max(wall_s - self._started_at, 0.0)
        cut = max((cut for at, cut in self._skipped_gaps if at + cut <= whole), default=0.0)
        return whole - cut

    def to_wall_time(self, at_s: float) -> float:
        """Converts seconds of the run to seconds since the epoch."""
        skipped = bisect_right(self._skipped_gaps, at_s, key=lambda skip: skip[0])
        return self._started_at + at_s + (self._skipped_gaps[skipped - 1][1] if skipped else 0.0)
