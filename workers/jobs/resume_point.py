"""The point at which another attempt continues after one that broke.

The protocol has no resumption: a new session counts turns and time from zero. So a job resumes at
the end of its last complete final turn. The audio after that is sent again, and its turns are
dropped. A turn is split only if it is longer than a session, or if its last word has no length.

A final turn is evidence of what the server has heard only if its word times can be true; otherwise
it is heard again. ``docs/untrue-messages.md`` has the rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from workers import ranges
from workers.jobs.events import Connecting, Outcome
from workers.jobs.word_times import MIN_WORD_INTERVAL_MS, time_fault
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


MAX_DELAY_GROWTH_MS = 500
"""How much later than any turn before it a turn may arrive if the server's clock is doubted."""


class ResumeTracker:
    """Tracks the turns of an attempt, and so the point where another attempt would continue."""

    def __init__(self, started_from: ResumePoint = RECORDING_START) -> None:
        self._started_from = started_from
        self._last_final = started_from  # the end of the last final turn that has times
        self._last_word_start_ms = 0
        """Start of the last word of that turn, or end of the word before, whichever is later."""
        self._latest_start_ms: int | None = None
        """Start of the last word of that turn: the next turn starts after it. None without one."""
        self._previous_start_ms: int | None = None
        """The same of the turn before that one."""
        self._heard_words = 0
        """How many words the final turns of this attempt have."""
        self._is_clock_doubted = False
        """Whether the latest final turn was no evidence."""
        self._max_delay_ms: int | None = None
        """The longest time from the end of a turn to its arrival, in audio sent; None without a
        turn that was evidence."""
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
        if turn.end_of_turn and not cut:
            self._apply_final(turn, is_new=order >= known)

    def _apply_final(self, turn: Turn, *, is_new: bool) -> None:
        """Moves the resume point to the end of a final turn, if its times are evidence."""
        words = turn.words
        if is_new:
            self._heard_words += len(words) or len(turn.transcript.split())
        elif words and words[-1].start >= self._final_bound_ms:  # it has gone on since
            self._final_bound_ms = self._sent_ms
        earlier_start = self._latest_start_ms if is_new else self._previous_start_ms
        if not self._is_evidence(words, earlier_start):
            self._is_clock_doubted |= is_new
            return
        *before, last = words
        self._is_clock_doubted = False
        self._max_delay_ms = max(self._max_delay_ms or 0, self._final_bound_ms - last.end)
        if last.end > last.start:
            end, following = min(last.end, self._final_bound_ms), turn.turn_order + 1
            self._last_final = ResumePoint(end, following)
        elif before and len(turn.transcript.split()) == len(words):
            # Nobody knows where its last word ends, so that word is heard again.
            self._last_final = ResumePoint(last.start, turn.turn_order + 1, len(before))
        else:
            at_ms = max(words[0].start, self._last_final.at_ms)
            self._last_final = ResumePoint(at_ms, turn.turn_order)
            return
        self._last_word_start_ms = max([last.start, *(word.end for word in before[-1:])])
        self._previous_start_ms, self._latest_start_ms = earlier_start, last.start

    def _is_evidence(self, words: Sequence[Word], earlier_start_ms: int | None) -> bool:
        """Whether the times of a final turn tell how much the server has heard.

        After a turn that was no evidence, the clock of the server may have started over. It is
        believed again when turns arrive with the delay that they had before.
        """
        start_ms, sent_ms = self._started_from.at_ms, self._final_bound_ms
        if not words or time_fault(words, start_ms, sent_ms):
            return False
        last = words[-1]
        known_ms, delay_ms = self._max_delay_ms, sent_ms - last.end
        is_late = known_ms is not None and delay_ms > known_ms + MAX_DELAY_GROWTH_MS
        return (
            last.start <= sent_ms
            and last.end >= max(word.end for word in words)
            and last.end - start_ms >= max(1, MIN_WORD_INTERVAL_MS * self._heard_words)
            and (earlier_start_ms is None or words[0].start > earlier_start_ms)
            and not (self._is_clock_doubted and is_late)
        )

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
        """The end of the last word; None without words, or if their times cannot be true."""
        if not words or time_fault(words, self._started_from.at_ms, self._final_bound_ms):
            return None
        end = words[-1].end
        return end if end > self._started_from.at_ms else None

    def _split_point(self, turn: Turn) -> ResumePoint:
        """Where to split a turn that was cut off: after its last word, or before it if the word may
        be incomplete. If the words have no times: at the end of the audio sent."""
        following, sent = turn.turn_order + 1, self._final_bound_ms
        end, kept = self._end_ms(turn.words), turn.words[:-1]
        has_length = bool(turn.words) and turn.words[-1].end > turn.words[-1].start
        if end is not None and has_length and end + TORN_WORD_MARGIN_MS <= sent:
            return ResumePoint(end, following)
        before = self._end_ms(kept)
        if before is not None and end is not None and kept[-1].end == kept[-1].start:
            before = turn.words[-1].start  # nobody knows where the word before it ends
        if before is not None and before < sent:
            return ResumePoint(before, following, len(kept))
        if len(turn.words) == 1 and self._started_from.at_ms < turn.words[0].start < sent:
            return ResumePoint(turn.words[0].start, turn.turn_order)
        return ResumePoint(sent if end is None else min(end, sent), following)
