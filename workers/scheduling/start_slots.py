"""The moments at which a shard may start a session if the limit is too low to be divided.

Several machines share a limit of fewer starts a minute than there are machines. Each has to wait
for longer than a minute between its starts, and all of them together must not start more in any
minute. So they take turns by the time of day, on which their clocks agree.
"""

from dataclasses import dataclass
from typing import Self

from workers.sources.shard import Shard

OPEN_S = 1.0
"""How long after its moment a start is still allowed: the program may be late."""
CLOCK_TOLERANCE_S = 1.0
"""How far apart the clocks of two machines may be without exceeding the limit."""
_ROUNDING_S = 0.001
WINDOW_S = 60.0 + OPEN_S + CLOCK_TOLERANCE_S
"""The time over which the starts of a minute are spread, so that the limit holds in any minute,
also if the first of them is late and the last one early."""


@dataclass(frozen=True, slots=True)
class StartSlots:
    """The starts of one shard, on the wall clock in seconds since the epoch."""

    shard: Shard
    per_minute: int
    """Starts in a minute of all shards together; sessions that start at once count as one."""

    @classmethod
    def of(cls, shard: Shard, per_minute: int, together: int = 1) -> Self | None:
        """The slots of a shard that has less than one start a minute; None if it has more.
        ``together``: how many sessions start at once."""
        starts = max(per_minute // together, 1)
        return cls(shard, starts) if starts < shard.count else None

    @property
    def period_s(self) -> float:
        """The time between two slots of this shard."""
        return WINDOW_S / self.per_minute * self.shard.count

    def next_at(self, earliest: float, last_start: float | None) -> float:
        """The next moment from ``earliest`` on at which this shard may start. ``last_start``: its
        latest start, if there was one, as each slot is for one start."""
        number = self._number_at(earliest)
        began = number * self.period_s + self._first_s
        is_used = last_start is not None and number <= self._number_at(last_start)
        if earliest - began <= OPEN_S and not is_used:
            return earliest
        return began + self.period_s

    @property
    def _first_s(self) -> float:
        return (self.shard.number - 1) * self.period_s / self.shard.count

    def _number_at(self, wall_s: float) -> float:
        """The number of the latest slot, counted since the epoch. A start may seem to come just
        before its slot, because times are rounded."""
        return (wall_s - self._first_s + _ROUNDING_S) // self.period_s
