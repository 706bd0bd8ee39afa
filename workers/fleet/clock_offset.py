"""How far the clock of another machine is ahead of ours, measured as NTP does (RFC 5905, 8)."""

from collections import deque
from dataclasses import dataclass

MAX_SAMPLES = 64
"""How many exchanges are kept: about a minute of them, in which a clock drifts by a millisecond."""


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One exchange of a question and an answer."""

    offset_s: float
    round_trip_s: float
    """How long both were on the way. The offset is wrong by half of it at most."""

    @classmethod
    def of(cls, asked: float, received: float, answered: float, returned: float) -> "ClockSample":
        """``asked`` and ``returned`` are on our clock, ``received`` and ``answered`` on the other;
        the time between these two does not count."""
        offset_s = ((received - asked) + (answered - returned)) / 2
        return cls(offset_s, max(0.0, (returned - asked) - (answered - received)))


class ClockOffset:
    """The offset by the exchange with the shortest way of the latest ones."""

    def __init__(self) -> None:
        self._samples: deque[ClockSample] = deque(maxlen=MAX_SAMPLES)

    def add(self, sample: ClockSample) -> None:
        """Adds an exchange."""
        self._samples.append(sample)

    @property
    def best(self) -> ClockSample | None:
        """The exchange to rely on; None before the first one."""
        return min(self._samples, key=lambda sample: sample.round_trip_s, default=None)
