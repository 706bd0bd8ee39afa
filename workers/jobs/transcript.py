"""The fold from turns to a transcript; the only one, so screen, exports and figures agree.

Rules of the wire that it holds: a later message replaces the earlier one of the same
``turn_order`` (a formatted twin included), an empty final says nothing and is ignored, and a turn
is final from its first ``end_of_turn`` on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.protocol.messages import Turn, Word


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One turn as a reader sees it."""

    turn_order: int
    stable_text: str
    """Words that will not change any more."""
    unstable_text: str
    """Words that may still be revised; empty in a final."""
    is_final: bool
    start_ms: int | None
    """From the first word, on the recording's clock; None when the server sent no words."""
    end_ms: int | None
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(part for part in (self.stable_text, self.unstable_text) if part)


def transcript_line(turn: Turn) -> TranscriptLine:
    """A turn read as both model families mean it.

    Universal-Streaming puts only final words into ``transcript``, the last word of a partial stands
    in ``words`` alone; u3 puts everything into ``transcript`` and marks no word of a partial as
    final.
    """
    settled, unsettled = _stable_and_unstable(turn)
    return TranscriptLine(
        turn_order=turn.turn_order,
        stable_text=settled,
        unstable_text=unsettled,
        is_final=turn.end_of_turn,
        start_ms=turn.words[0].start if turn.words else None,
        end_ms=turn.words[-1].end if turn.words else None,
        words=turn.words,
    )


def _stable_and_unstable(turn: Turn) -> tuple[str, str]:
    text = turn.transcript.strip()
    if turn.end_of_turn:
        return text, ""
    written = text.split()
    finals = sum(word.word_is_final for word in turn.words)
    if len(written) >= len(turn.words):  # all words are in the transcript: u3
        return " ".join(written[:finals]), " ".join(written[finals:])
    return text, " ".join(word.text for word in turn.words if not word.word_is_final)


def _first_words(turn: Turn, count: int) -> Turn:
    """A turn without its words behind so many."""
    if not count < len(turn.words):
        return turn
    kept, text = turn.words[:count], turn.transcript.rstrip()
    for word in reversed(turn.words[count:]):
        if not text.endswith(word.text):  # written in another way than it was heard
            text = " ".join(each.text for each in kept)
            break
        text = text.removesuffix(word.text).rstrip()
    return replace(turn, transcript=text, utterance="", words=kept)


MAX_EVICTABLE_TURN = 1 << 20
"""Turns with greater numbers are kept: there are none in any recording, whatever a server says."""


class Transcript:
    """The turns of one job, in order, over all its attempts.

    Whoever has them elsewhere may let the old ones go with `evict`, and put them back with
    `refill`.
    """

    def __init__(
        self, turns: Iterable[Turn] = (), resume_points: Iterable[ResumePoint] = ()
    ) -> None:
        self._turns: dict[int, Turn] = {}
        self._evicted_mask = 0
        """A bit for every turn that is not here: hours of them take a few hundred bytes."""
        self._evict_threshold = 0
        """Nothing is shed before there are so many."""
        self.resume_points = list(resume_points)
        """Where one attempt took over from another, in order; the first one's start is none."""
        for turn in turns:
            self.apply(turn)

    def apply(self, turn: Turn) -> bool:
        """Takes a reading in; False when it said nothing new."""
        order = turn.turn_order
        known = self._turns.get(order)
        empty = not turn.transcript.strip() and not turn.words
        if empty and (turn.end_of_turn or known is None):
            return False
        is_final = self._is_evicted(order) or (known is not None and known.end_of_turn)
        if is_final and not turn.end_of_turn:
            return False  # a straggling partial does not take a final back
        self._store(turn)
        return True

    def rewind_to(self, resume_point: ResumePoint) -> None:
        """A further attempt takes over: what was heard behind the seam will be heard again."""
        self._turns = {
            order: turn for order, turn in self._turns.items() if order < resume_point.turn
        }
        divided = self._turns.get(resume_point.turn - 1)
        if divided is not None and resume_point.kept_words is not None:
            self._turns[divided.turn_order] = _first_words(divided, resume_point.kept_words)
        self._evicted_mask &= (1 << max(0, min(resume_point.turn, MAX_EVICTABLE_TURN))) - 1
        self.resume_points = [each for each in self.resume_points if each.turn < resume_point.turn]
        if resume_point != RECORDING_START:
            self.resume_points.append(resume_point)

    # --- old turns

    @property
    def is_complete(self) -> bool:
        """Whether all that was heard is here."""
        return not self._evicted_mask

    def evict(self, keep_turns: int) -> None:
        """Lets go of finals before the last ``keep_turns`` turns. To be called often: a look costs
        nothing until there are twice as many."""
        if len(self._turns) < max(2 * keep_turns, self._evict_threshold):
            return
        for order in sorted(self._turns)[: len(self._turns) - keep_turns]:
            if self._turns[order].end_of_turn and 0 <= order < MAX_EVICTABLE_TURN:
                del self._turns[order]
                self._evicted_mask |= 1 << order
        self._evict_threshold = len(self._turns) + keep_turns

    def restore(self, turns: Iterable[Turn]) -> None:
        """Puts back what was shed; of the turns given, those that were not are passed over."""
        for turn in turns:
            if self._is_evicted(turn.turn_order):
                self._store(turn)

    def copy(self) -> "Transcript":
        """One that another thread may read while this one goes on."""
        copied = Transcript((), self.resume_points)
        copied._turns, copied._evicted_mask = dict(self._turns), self._evicted_mask
        return copied

    def _is_evicted(self, order: int) -> bool:
        return 0 <= order < MAX_EVICTABLE_TURN and bool(self._evicted_mask >> order & 1)

    def _store(self, turn: Turn) -> None:
        if self._is_evicted(turn.turn_order):
            self._evicted_mask ^= 1 << turn.turn_order
        self._turns[turn.turn_order] = turn

    # --- what was heard, but for what was shed

    @property
    def turns(self) -> list[Turn]:
        """The latest reading of every turn that has text, by ``turn_order``."""
        return [self._turns[order] for order in sorted(self._turns)]

    def last_turns(self, count: int) -> list[Turn]:
        """The last so many of them, or fewer."""
        older = max(len(self._turns) - count, 0)
        return [self._turns[order] for order in sorted(self._turns)[older:]]

    @property
    def lines(self) -> list[TranscriptLine]:
        """The same as a reader sees it."""
        return [transcript_line(turn) for turn in self.turns]

    @property
    def latest_line(self) -> TranscriptLine | None:
        """The turn that is being spoken, or was last."""
        return transcript_line(self._turns[max(self._turns)]) if self._turns else None

    @property
    def text(self) -> str:
        """Everything heard, one turn a line."""
        return "\n".join(each.text for each in self.lines if each.text)

    def __len__(self) -> int:
        """Of all turns, those too that were shed."""
        return len(self._turns) + self._evicted_mask.bit_count()
