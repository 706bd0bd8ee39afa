"""Where a further attempt takes over from one that broke.

The protocol has no resumption: a new session counts its turns and its time from zero. So a job goes
on from the end of the last final turn that was heard in full; audio behind that is sent again, and
whatever was already heard of it is dropped.
"""

from dataclasses import dataclass

from workers.speech.messages import Turn

BEYOND_MS = 2000
"""How far the last word may end behind the audio that is known to be sent: progress is told once a
second, and the service pads the ends of turns. What is later than that is no time of this stream.
"""


@dataclass(frozen=True, slots=True)
class Seam:
    """A place between two turns."""

    at_ms: int = 0
    """On the recording's clock: from here on audio is sent by the further attempt."""
    turn: int = 0
    """The ``turn_order`` that its first turn gets, within the job."""


START = Seam()
"""Of a first attempt, and of one that starts anew."""


class Bearings:
    """Follows what an attempt hears, to know at any moment where another would take over."""

    def __init__(self, begun_at: Seam = START) -> None:
        self._begun_at = begun_at
        self._last = begun_at
        """Behind the last final turn that tells its times."""
        self._next_ms: int | None = None
        """Where the words of a turn behind that begin; None when there is none."""
        self._sent_ms = float(begun_at.at_ms)

    def sent(self, seconds: float) -> None:
        """Audio has left up to here, in seconds of the recording."""
        self._sent_ms = max(self._sent_ms, seconds * 1000)

    def hear(self, turn: Turn, *, cut: bool) -> None:
        """A turn's latest reading; ``cut``: it ended with the session, not with its speaker."""
        if cut or not turn.words or turn.turn_order + 1 < self._last.turn:
            return
        if turn.end_of_turn:
            if turn.turn_order >= self._last.turn:
                self._next_ms = None
            self._last = Seam(turn.words[-1].end, turn.turn_order + 1)
        elif turn.turn_order >= self._last.turn:
            self._next_ms = turn.words[0].start

    @property
    def seam(self) -> Seam:
        """Never before the seam that it began at, nor beyond what was sent."""
        at = self._last.at_ms
        if self._next_ms is not None:  # ends of turns are padded, at times into the next one
            at = min(at, self._next_ms)
        at = min(at, round(self._sent_ms) + BEYOND_MS)
        return Seam(max(at, self._begun_at.at_ms), self._last.turn)
