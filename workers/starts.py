"""When the next session may start: never too many a minute, never all at once."""

from collections import deque

GAP = 0.03
"""Seconds between two starts, so that sessions already streaming keep their processor."""


class Starts:
    """The starts of the last minute. ``per_minute`` bounds them; None does not."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._times: deque[float] = deque()

    def next(self, now: float) -> float:
        """When the next start is allowed, on the monotonic clock."""
        while self._times and self._times[0] <= now - 60:
            self._times.popleft()
        if self._per_minute is not None and len(self._times) >= self._per_minute:
            return self._times[-self._per_minute] + 60
        return self._times[-1] + GAP if self._times else now

    def started(self, now: float) -> None:
        """Notes a start."""
        self._times.append(now)
