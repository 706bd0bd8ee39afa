"""Spaces starts by the lag that they cause: a start takes processor time from sessions that stream.

On an idle machine sessions start as fast as they can. When chunks become late, whatever the reason,
starts become rarer until they are on time again, but they never stop.
"""

FIRST_GAP_S = 0.01
MIN_GAP_S, MAX_GAP_S = 0.008, 0.04
"""Between two starts."""

CALM_LAG_MS = 2.0
"""A chunk that is later than this counts as late."""

_WIDENING, _NARROWING = 1.5, 0.99
"""For each late chunk, and for each that was on time: the gap settles where 1 in 40 is late."""


class StartPace:
    """The gap between two starts. Each streaming session tells the lag of a chunk each second."""

    def __init__(self) -> None:
        self.machines = 1
        """How many machines sessions start on: a start takes no time from the other machines."""
        self._gap_s = FIRST_GAP_S

    @property
    def gap_s(self) -> float:
        """Seconds between two starts."""
        return self._gap_s / self.machines

    def record_lag(self, lag_ms: float) -> None:
        """Records how late a chunk left that has just been sent."""
        factor = _WIDENING if lag_ms > CALM_LAG_MS else _NARROWING
        self._gap_s = min(MAX_GAP_S, max(MIN_GAP_S, self._gap_s * factor))
