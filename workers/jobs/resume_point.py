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
class ResumePoint:
    """A place between two turns, or between two words of one."""

    at_ms: int = 0
    """On the recording's clock: from here on audio is sent by the further attempt."""
    turn: int = 0
    """The ``turn_order`` that its first turn gets, within the job."""
    kept_words: int | None = None
    """How many words of the turn before it are kept, where that was divided; None: all of them."""

    @classmethod
    def from_connecting(cls, event: Connecting) -> "ResumePoint":
        """Where the attempt begins that calls."""
        return cls(event.from_ms, event.from_turn, event.kept_words)


RECORDING_START = ResumePoint()
"""Of a first attempt, and of one that starts anew."""


TORN_WORD_MARGIN_MS = 1000
"""A word that ends so shortly before the end of what was sent may be torn by it; one that begins
there may not be told."""


class ResumeTracker:
    """Follows what an attempt hears, to know at any moment where another would take over."""

    def __init__(self, started_from: ResumePoint = RECORDING_START) -> None:
        self._started_from = started_from
        self._last_final = started_from
        """Behind the last final turn that tells its times."""
        self._open_turn_start_ms: int | None = None
        """Where the words of a turn behind that begin; None when there is none."""
        self._last_word_start_ms = 0
        """Where the last word of that final turn begins, or the one before it ends."""
        self._open_turn_order = started_from.turn
        self._sent_ms = self._final_bound_ms = started_from.at_ms
        """Up to where audio had left, and had when the last final turn was heard first. Ends of
        turns are padded, but nothing can have been heard that was not sent."""
        self._turn_count = started_from.turn
        """How many turns were heard in the job, finals without times too."""
        self._is_turn_open = False
        """Whether the last of them has not ended."""
        self._cut_point: ResumePoint | None = None
        """In, or behind, the last turn that ended with the session; None when none did."""

    def apply_progress(self, sent_seconds: float) -> None:
        """Audio has left up to here, in seconds of the recording; told before each final turn."""
        self._sent_ms = max(self._sent_ms, round(sent_seconds * 1000))

    def apply_turn(self, turn: Turn, *, cut: bool) -> None:
        """A turn's latest reading; ``cut``: it ended with the session, not with its speaker."""
        order, known = turn.turn_order, self._last_final.turn
        if order + 1 < known or not (turn.words or turn.transcript.strip()):
            return
        if order + 1 == self._turn_count and not (self._is_turn_open or turn.end_of_turn):
            return  # a straggling partial does not open what has ended
        if order >= known:  # else it says again what is known
            self._turn_count = max(self._turn_count, order + 1)
            self._is_turn_open = not turn.end_of_turn
            self._final_bound_ms = self._sent_ms
            if cut and turn.end_of_turn and order + 1 == self._turn_count:
                self._cut_point = self._split_point(turn)
            elif turn.words and not cut:
                self._track_open_turn(turn)
        end = self._end_ms(turn.words)
        if end is not None and turn.end_of_turn and not cut:
            self._last_final = ResumePoint(min(end, self._final_bound_ms), order + 1)
            *before, last = turn.words
            self._last_word_start_ms = max([last.start, *(word.end for word in before[-1:])])

    def _track_open_turn(self, turn: Turn) -> None:
        """Of several turns behind the last final one, the first counts."""
        if turn.end_of_turn:
            self._open_turn_start_ms = None
        elif self._open_turn_start_ms is None or turn.turn_order <= self._open_turn_order:
            self._open_turn_start_ms, self._open_turn_order = turn.words[0].start, turn.turn_order

    def _end_ms(self, words: Sequence[Word]) -> int | None:
        """Of the last of them; None if there are none, or it tells a time that cannot be."""
        begins = max((word.start for word in words), default=0)
        end = words[-1].end if words else 0
        return end if end >= begins and end > self._started_from.at_ms else None

    def _split_point(self, turn: Turn) -> ResumePoint:
        """A place in a turn that ended with the session: before its last word if that may be torn,
        else behind it. Without times nobody knows."""
        following, sent = turn.turn_order + 1, self._final_bound_ms
        end, kept = self._end_ms(turn.words), turn.words[:-1]
        if end is not None and end + TORN_WORD_MARGIN_MS <= sent:
            return ResumePoint(end, following)
        before = self._end_ms(kept)
        if before is not None and before < sent:
            return ResumePoint(before, following, len(kept))
        if len(turn.words) == 1 and self._started_from.at_ms < turn.words[0].start < sent:
            return ResumePoint(turn.words[0].start, turn.turn_order)
        return ResumePoint(sent if end is None else min(end, sent), following)

    def end_attempt(self, outcome: Outcome) -> None:
        """The attempt is over.

        One that handed over was heard to its end, so another gets further in any case.
        """
        if outcome is not Outcome.HANDED_OVER or self.has_advanced:
            return
        if self._cut_point is not None:  # a turn that is longer than a session
            self._last_final, self._open_turn_start_ms = self._cut_point, None
        elif not self._is_turn_open:  # hours of silence, say
            self._last_final, self._open_turn_start_ms = (
                ResumePoint(self._silence_end_ms, self._turn_count),
                None,
            )

    @property
    def _silence_end_ms(self) -> int:
        """Up to where an attempt that was told no words has listened."""
        back = self._sent_ms - TORN_WORD_MARGIN_MS
        told = self._turn_count > self._started_from.turn  # without times
        return self._sent_ms if told or back <= self._started_from.at_ms else back

    @property
    def resume_point(self) -> ResumePoint:
        """Never before the seam that it began at."""
        at = self._last_final.at_ms
        if (
            self._open_turn_start_ms is not None
            and self._open_turn_start_ms > self._last_word_start_ms
        ):
            at = min(
                at, self._open_turn_start_ms
            )  # the padding at times reaches into the next turn
        return replace(self._last_final, at_ms=max(at, self._started_from.at_ms))

    @property
    def has_advanced(self) -> bool:
        """Whether another would take over further on than this one did."""
        return self.resume_point.at_ms > self._started_from.at_ms
