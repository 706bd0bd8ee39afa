"""The point at which another attempt continues after one that broke.

The protocol has no resumption: a new session counts turns and time from zero. So a job resumes at
the end of its last complete final turn. The audio after that is sent again, and its turns are
dropped. A turn is split only if it is longer than a session.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from workers import ranges
from workers.jobs.events import Connecting, Outcome
from workers.protocol.messages import Turn, Word


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """A position between two turns, or between two words of a turn."""

    at_ms: Annotated[int, ranges.POSITION_MS] = (
        0  # on the recording's clock: the next attempt sends audio from here on
    )
    turn: Annotated[int, ranges.TURN_NUMBER] = (
        0  # the ``turn_order`` of its first turn, within the job
    )
    kept_words: Annotated[int, ranges.COUNT] | None = None
    """How many words of the previous turn are kept if it was split; None: all of them."""

    @classmethod
    def from_connecting(cls, event: Connecting) -> "ResumePoint":
        return cls(event.from_ms, event.from_turn, event.kept_words)


RECORDING_START = ResumePoint()
"""The point where a first attempt starts, or one that starts over."""

TORN_WORD_MARGIN_MS = 1000
"""A word that ends this close to the end of the audio sent may be cut off, and a word that starts
this close to it may not have been reported."""


class ResumeTracker:
    """Tracks the turns of an attempt, and so the point where another attempt would continue."""

    def __init__(self, started_from: ResumePoint = RECORDING_START) -> None:
        self._started_from = started_from
        self._last_final = started_from  # the end of the last final turn that has times
        self._last_word_start_ms = 0
        """Start of the last word of that turn, or end of the word before, whichever is later."""
        self._open_turn_start_ms: int | None = None
        """The start of the first open turn after that turn; None without one."""
        self._open_turn_order = started_from.turn
        self._sent_ms = self._final_bound_ms = started_from.at_ms
        """The audio sent so far, and the audio sent before the latest turn arrived. Servers pad the
        ends of turns, but no turn can end after the audio sent."""
        self._turn_count = started_from.turn
        """How many turns the job has had, including final turns without times."""
        self._is_turn_open = False  # whether the last of them is not final yet
        self._cut_point: ResumePoint | None = None
        """Where to split the last turn if the end of the session cut it off; else None."""

    def apply_progress(self, sent_seconds: float) -> None:
        """Records how much audio was sent, in seconds of the recording. Must be called before each
        final turn: see `workers.traces.format.needs_progress_first`."""
        self._sent_ms = max(self._sent_ms, round(sent_seconds * 1000))

    def apply_turn(self, turn: Turn, *, cut: bool) -> None:
        """Applies the latest update of a turn; ``cut`` if the session ended within this turn."""
        order, known = turn.turn_order, self._last_final.turn
        if order + 1 < known or not (turn.words or turn.transcript.strip()):
            return
        if order + 1 == self._turn_count and not (self._is_turn_open or turn.end_of_turn):
            return  # a late partial turn does not reopen a final one
        if order >= known:  # otherwise it repeats the last final turn
            self._turn_count = max(self._turn_count, order + 1)
            self._is_turn_open = not turn.end_of_turn
            self._final_bound_ms = self._sent_ms
            if cut and turn.end_of_turn and order + 1 == self._turn_count:
                self._cut_point = self._split_point(turn)
            elif turn.words and not cut:
                if turn.end_of_turn:
                    self._open_turn_start_ms = None
                elif self._open_turn_start_ms is None or order <= self._open_turn_order:
                    # If several turns are open, the first one counts.
                    self._open_turn_start_ms, self._open_turn_order = turn.words[0].start, order
        end = self._end_ms(turn.words)
        if end is not None and turn.end_of_turn and not cut:
            self._last_final = ResumePoint(min(end, self._final_bound_ms), order + 1)
            *before, last = turn.words
            self._last_word_start_ms = max([last.start, *(word.end for word in before[-1:])])

    def end_attempt(self, outcome: Outcome) -> None:
        """Applies the end of the attempt. After a handover the server has processed all audio sent,
        so the resume point must advance, even without a final turn."""
        if outcome is not Outcome.HANDED_OVER or self.has_advanced:
            return
        if self._cut_point is not None:  # a turn longer than a session
            self._last_final, self._open_turn_start_ms = self._cut_point, None
        elif not self._is_turn_open:  # hours of silence, or final turns without times
            start, before_margin = self._started_from, self._sent_ms - TORN_WORD_MARGIN_MS
            silent = self._turn_count == start.turn and before_margin > start.at_ms
            at_ms = before_margin if silent else self._sent_ms
            self._last_final, self._open_turn_start_ms = ResumePoint(at_ms, self._turn_count), None

    @property
    def resume_point(self) -> ResumePoint:
        """The point where another attempt would continue; never before the start of this one."""
        at, opened = self._last_final.at_ms, self._open_turn_start_ms
        if opened is not None and opened > self._last_word_start_ms:
            at = min(at, opened)  # the end of the final turn is padded into the open one
        return replace(self._last_final, at_ms=max(at, self._started_from.at_ms))

    @property
    def has_advanced(self) -> bool:
        """True if another attempt would start later in the recording than this one did."""
        return self.resume_point.at_ms > self._started_from.at_ms

    def _end_ms(self, words: Sequence[Word]) -> int | None:
        """The end of the last word; None without words, or if their times are impossible."""
        latest_start = max((word.start for word in words), default=0)
        end = words[-1].end if words else 0
        return end if end >= latest_start and end > self._started_from.at_ms else None

    def _split_point(self, turn: Turn) -> ResumePoint:
        """Where to split a turn that was cut off: after its last word, or before it if the word may
        be incomplete. If the words have no times: at the end of the audio sent."""
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
