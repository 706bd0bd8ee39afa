"""Where a further attempt takes over from one that broke.

The protocol has no resumption: a new session counts its turns and its time from zero. So a job goes
on from the end of the last final turn that was heard in full; audio behind that is sent again, and
whatever was already heard of it is dropped. Only a turn that is longer than a session is divided.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workers.jobs.events import Connecting, Outcome
from workers.protocol.messages import Turn, Word


@dataclass(frozen=True, slots=True)
class Seam:
    """A place between two turns, or between two words of one."""

    at_ms: int = 0
    """On the recording's clock: from here on audio is sent by the further attempt."""
    turn: int = 0
    """The ``turn_order`` that its first turn gets, within the job."""
    kept_words: int | None = None
    """How many words of the turn before it are kept, where that was divided; None: all of them."""

    @classmethod
    def of(cls, event: Connecting) -> "Seam":
        """Where the attempt begins that calls."""
        return cls(event.from_ms, event.from_turn, event.kept_words)


START = Seam()
"""Of a first attempt, and of one that starts anew."""


UNTOLD_MS = 1000
"""A word that ends so shortly before the end of what was sent may be torn by it; one that begins
there may not be told."""


class Bearings:
    """Follows what an attempt hears, to know at any moment where another would take over."""

    def __init__(self, begun_at: Seam = START) -> None:
        self._begun_at = begun_at
        self._last = begun_at
        """Behind the last final turn that tells its times."""
        self._next_ms: int | None = None
        """Where the words of a turn behind that begin; None when there is none."""
        self._last_word_ms = 0
        """Where the last word of that final turn begins, or the one before it ends."""
        self._next_turn = begun_at.turn
        self._sent_ms = self._bound_ms = begun_at.at_ms
        """Up to where audio had left, and had when the last final turn was heard first. Ends of
        turns are padded, but nothing can have been heard that was not sent."""
        self._turns = begun_at.turn
        """How many turns were heard in the job, finals without times too."""
        self._open = False
        """Whether the last of them has not ended."""
        self._cut: Seam | None = None
        """In, or behind, the last turn that ended with the session; None when none did."""

    def sent(self, seconds: float) -> None:
        """Audio has left up to here, in seconds of the recording; told before each final turn."""
        self._sent_ms = max(self._sent_ms, round(seconds * 1000))

    def hear(self, turn: Turn, *, cut: bool) -> None:
        """A turn's latest reading; ``cut``: it ended with the session, not with its speaker."""
        order, known = turn.turn_order, self._last.turn
        if order + 1 < known or not (turn.words or turn.transcript.strip()):
            return
        if order + 1 == self._turns and not (self._open or turn.end_of_turn):
            return  # a straggling partial does not open what has ended
        if order >= known:  # else it says again what is known
            self._turns = max(self._turns, order + 1)
            self._open = not turn.end_of_turn
            self._bound_ms = self._sent_ms
            if cut and turn.end_of_turn and order + 1 == self._turns:
                self._cut = self._divided(turn)
            elif turn.words and not cut:
                self._open_turn(turn)
        end = self._end(turn.words)
        if end is not None and turn.end_of_turn and not cut:
            self._last = Seam(min(end, self._bound_ms), order + 1)
            *before, last = turn.words
            self._last_word_ms = max([last.start, *(word.end for word in before[-1:])])

    def _open_turn(self, turn: Turn) -> None:
        """Of several turns behind the last final one, the first counts."""
        if turn.end_of_turn:
            self._next_ms = None
        elif self._next_ms is None or turn.turn_order <= self._next_turn:
            self._next_ms, self._next_turn = turn.words[0].start, turn.turn_order

    def _end(self, words: Sequence[Word]) -> int | None:
        """Of the last of them; None if there are none, or it tells a time that cannot be."""
        begins = max((word.start for word in words), default=0)
        end = words[-1].end if words else 0
        return end if end >= begins and end > self._begun_at.at_ms else None

    def _divided(self, turn: Turn) -> Seam:
        """A place in a turn that ended with the session: before its last word if that may be torn,
        else behind it. Without times nobody knows."""
        following, sent = turn.turn_order + 1, self._bound_ms
        end, kept = self._end(turn.words), turn.words[:-1]
        if end is not None and end + UNTOLD_MS <= sent:
            return Seam(end, following)
        before = self._end(kept)
        if before is not None and before < sent:
            return Seam(before, following, len(kept))
        if len(turn.words) == 1 and self._begun_at.at_ms < turn.words[0].start < sent:
            return Seam(turn.words[0].start, turn.turn_order)
        return Seam(sent if end is None else min(end, sent), following)

    def end(self, outcome: Outcome) -> None:
        """The attempt is over.

        One that handed over was heard to its end, so another gets further in any case.
        """
        if outcome is not Outcome.HANDED_OVER or self.moved:
            return
        if self._cut is not None:  # a turn that is longer than a session
            self._last, self._next_ms = self._cut, None
        elif not self._open:  # hours of silence, say
            self._last, self._next_ms = Seam(self._heard_ms, self._turns), None

    @property
    def _heard_ms(self) -> int:
        """Up to where an attempt that was told no words has listened."""
        back = self._sent_ms - UNTOLD_MS
        told = self._turns > self._begun_at.turn  # without times
        return self._sent_ms if told or back <= self._begun_at.at_ms else back

    @property
    def seam(self) -> Seam:
        """Never before the seam that it began at."""
        at = self._last.at_ms
        if self._next_ms is not None and self._next_ms > self._last_word_ms:
            at = min(at, self._next_ms)  # the padding at times reaches into the next turn
        return replace(self._last, at_ms=max(at, self._begun_at.at_ms))

    @property
    def moved(self) -> bool:
        """Whether another would take over further on than this one did."""
        return self.seam.at_ms > self._begun_at.at_ms
