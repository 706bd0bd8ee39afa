"""Folds turns into a transcript. Screen, exports and metrics share this fold, so they agree.

A later message replaces the earlier one of the same ``turn_order``, even if only its format
differs. An empty final turn is ignored. A turn is final from its first ``end_of_turn`` on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.protocol.messages import Turn, Word
from workers.ranges import Range


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One turn as a reader sees it."""

    turn_order: int
    stable_text: str  # words that no longer change
    unstable_text: str  # words that may still change; empty in a final turn
    is_final: bool
    start_ms: int | None
    """Start of the first word, on the recording's clock; None if the server sent no words."""
    end_ms: int | None
    words: tuple[Word, ...]
    speaker: str = ""
    """The speaker's name in the transcript of a pair; otherwise empty."""

    @property
    def text(self) -> str:
        """The whole turn."""
        return " ".join(part for part in (self.stable_text, self.unstable_text) if part)


def transcript_line(turn: Turn) -> TranscriptLine:
    """A turn of either model family as a reader sees it.

    Universal-Streaming puts only final words into ``transcript``: the last word of a partial turn
    is only in ``words``. u3 puts everything into ``transcript``; words of its partials
    are not final.
    """
    stable, unstable = turn.transcript.strip(), ""
    if not turn.end_of_turn:
        written = stable.split()
        if len(written) >= len(turn.words):  # u3
            finals = sum(word.word_is_final for word in turn.words)
            stable, unstable = " ".join(written[:finals]), " ".join(written[finals:])
        else:
            unstable = " ".join(word.text for word in turn.words if not word.word_is_final)
    return TranscriptLine(
        turn_order=turn.turn_order,
        stable_text=stable,
        unstable_text=unstable,
        is_final=turn.end_of_turn,
        start_ms=turn.words[0].start if turn.words else None,
        end_ms=turn.words[-1].end if turn.words else None,
        words=turn.words,
    )


def first_words(turn: Turn, count: int) -> Turn:
    """A copy of a turn with only its first ``count`` words."""
    if not turn.words:  # its words were dropped after it was split
        return replace(turn, transcript=" ".join(turn.transcript.split()[:count]), utterance="")
    if count >= len(turn.words):
        return turn
    kept, text = turn.words[:count], turn.transcript.rstrip()
    for word in reversed(turn.words[count:]):
        if not text.endswith(word.text):  # formatting changed it
            text = " ".join(kept_word.text for kept_word in kept)
            break
        text = text.removesuffix(word.text).rstrip()
    return replace(turn, transcript=text, utterance="", words=kept)


MAX_LISTED_TURN = 100_000
"""No `TurnList` names turns with higher numbers: a bit each must fit into memory for all jobs."""
_LISTED = Range(0, MAX_LISTED_TURN)


@dataclass(frozen=True, slots=True)
class TurnList:
    """Which final turns the traces of a job contain, and the text of the last one."""

    runs: tuple[tuple[Annotated[int, _LISTED], Annotated[int, _LISTED]], ...] = ()
    """Numbers in a row: the first one, and how many they are."""
    last_text: str = ""
    start_ms: int | None = None  # of the last turn
    end_ms: int | None = None


MAX_EVICTABLE_TURN = 1 << 20
"""Turns with higher numbers stay in memory; no recording has that many."""


class _TurnNumbers:
    """A set of turn numbers: a bit each, so that a million turns take 128 KB."""

    def __init__(self, bits: bytes = b"", count: int = 0) -> None:
        self._bits = bytearray(bits)
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __contains__(self, order: int) -> bool:
        return 0 <= order < 8 * len(self._bits) and bool(self._bits[order >> 3] >> (order & 7) & 1)

    def add(self, order: int) -> None:
        if order not in self:
            self._bits.extend(bytes(max(0, (order >> 3) + 1 - len(self._bits))))
            self._bits[order >> 3] |= 1 << (order & 7)
            self._count += 1

    def add_run(self, first: int, count: int) -> None:
        """Adds so many numbers in a row."""
        bits = int.from_bytes(self._bits, "little") | ((1 << count) - 1) << first
        self._bits = bytearray(bits.to_bytes((bits.bit_length() + 7) // 8, "little"))
        self._count = bits.bit_count()

    def discard(self, order: int) -> None:
        if order in self:
            self._bits[order >> 3] ^= 1 << (order & 7)
            self._count -= 1

    def drop_from(self, first: int) -> None:
        """Removes all numbers from ``first`` on."""
        if 0 <= first < 8 * len(self._bits):
            kept = int.from_bytes(self._bits, "little") & ((1 << first) - 1)
            self._bits = bytearray(kept.to_bytes((first + 7) // 8, "little"))
            self._count = kept.bit_count()

    def runs(self) -> Iterator[tuple[int, int]]:
        """The numbers in rows: the first one of each, and how many they are."""
        first: int | None = None
        for order in range(8 * len(self._bits) + 1):
            if order in self:
                first = order if first is None else first
            elif first is not None:
                yield first, order - first
                first = None

    def copy(self) -> "_TurnNumbers":
        return _TurnNumbers(bytes(self._bits), self._count)


class Transcript:
    """The turns of one job, in order, over all its attempts. `evict` frees the memory of old turns,
    which the traces contain; `restore` puts them back."""

    def __init__(
        self, turns: Iterable[Turn] = (), resume_points: Iterable[ResumePoint] = ()
    ) -> None:
        self._turns: dict[int, Turn] = {}
        self._evicted = _TurnNumbers()
        self._unevictable = 0  # how many turns `evict` had to leave
        self._last_evicted: TranscriptLine | None = None
        """The last turn, without its words, if it was evicted."""
        self.resume_points = list(resume_points)
        """The points at which further attempts continued, in order."""
        for turn in turns:
            self.apply(turn)

    def apply(self, turn: Turn) -> bool:
        """Stores an update of a turn; returns False if the update is ignored."""
        order = turn.turn_order
        known = self._turns.get(order)
        empty = not turn.transcript.strip() and not turn.words
        if empty and (turn.end_of_turn or known is None):
            return False
        is_final = self.is_evicted(order) or (known is not None and known.end_of_turn)
        if is_final and not turn.end_of_turn:
            return False  # a late partial turn does not reopen a final one
        self._store(turn)
        return True

    def rewind_to(
        self, resume_point: ResumePoint, start_point: ResumePoint = RECORDING_START
    ) -> None:
        """Drops the turns that an attempt from ``resume_point`` will receive again;
        ``start_point``: where the job's first attempt starts."""
        first = resume_point.turn
        self._turns = {order: turn for order, turn in self._turns.items() if order < first}
        split = self._turns.get(first - 1)
        if split is not None and resume_point.kept_words is not None:
            self._turns[split.turn_order] = first_words(split, resume_point.kept_words)
        self._evicted.drop_from(max(0, first))
        if self._last_evicted is not None and self._last_evicted.turn_order >= first:
            self._last_evicted = None
        self.resume_points = [point for point in self.resume_points if point.turn < first]
        if resume_point != start_point:
            self.resume_points.append(resume_point)

    @property
    def is_complete(self) -> bool:
        """True if no turn is evicted."""
        return not self._evicted

    @property
    def turns_in_memory(self) -> int:
        """The number of turns that are not evicted."""
        return len(self._turns)

    def is_evicted(self, order: int) -> bool:
        """Whether a turn was evicted, so that only its number is known here."""
        return order in self._evicted

    def evict(self, keep_turns: int) -> list[Turn]:
        """Drops final turns before the last ``keep_turns``, and returns them, in order. Cheap to
        call often: it does nothing until there are twice as many."""
        if len(self._turns) < max(2 * keep_turns, 1) + self._unevictable:
            return []
        evicted = [
            self._turns[order]
            for order in sorted(self._turns)[: max(0, len(self._turns) - keep_turns)]
            if self._turns[order].end_of_turn and 0 <= order < MAX_EVICTABLE_TURN
        ]
        before = -1 if self._last_evicted is None else self._last_evicted.turn_order
        if evicted and len(evicted) == len(self._turns) and evicted[-1].turn_order >= before:
            self._last_evicted = replace(transcript_line(evicted[-1]), words=())
        for turn in evicted:
            del self._turns[turn.turn_order]
            self._evicted.add(turn.turn_order)
        self._unevictable = max(0, len(self._turns) - keep_turns)
        return evicted

    def restore(self, turns: Iterable[Turn]) -> None:
        """Puts evicted turns back; ignores other turns."""
        for turn in turns:
            if self.is_evicted(turn.turn_order):
                self._store(turn)

    def turn_list(self) -> TurnList | None:
        """The turns of a transcript of which all are evicted; None if some are not, if the text of
        the last one is not known any more, or if there are too many."""
        runs, last = tuple(self._evicted.runs()), self._last_evicted
        if not runs and not self._turns:
            return TurnList()
        if self._turns or last is None or sum(runs[-1]) - 1 != last.turn_order:
            return None
        if last.turn_order >= MAX_LISTED_TURN:
            return None
        return TurnList(runs, last.text, last.start_ms, last.end_ms)

    def restore_list(self, turns: TurnList, resume_points: Iterable[ResumePoint]) -> None:
        """Fills an empty transcript with evicted turns, and the points between its attempts."""
        self.resume_points = list(resume_points)
        for first, count in turns.runs:
            self._evicted.add_run(first, max(0, min(count, MAX_LISTED_TURN - first)))
        if turns.runs:
            order, text = sum(turns.runs[-1]) - 1, turns.last_text
            times = turns.start_ms, turns.end_ms
            self._last_evicted = TranscriptLine(order, text, "", True, *times, words=())

    def copy(self) -> "Transcript":
        """A copy that another thread may read while this one changes."""
        copied = Transcript((), self.resume_points)
        copied._turns, copied._evicted = dict(self._turns), self._evicted.copy()
        copied._last_evicted = self._last_evicted
        return copied

    def _store(self, turn: Turn) -> None:
        known = self._turns.get(turn.turn_order)
        if known is not None and turn.end_of_turn and not known.end_of_turn:
            self._unevictable = max(0, self._unevictable - 1)
        self._evicted.discard(turn.turn_order)
        self._turns[turn.turn_order] = turn

    @property
    def turns(self) -> list[Turn]:
        """The latest version of every turn that has text and is not evicted, by ``turn_order``."""
        return self.last_turns(len(self._turns))

    def last_turns(self, count: int) -> list[Turn]:
        """At most ``count`` turns from the end."""
        older = max(len(self._turns) - count, 0)
        return [self._turns[order] for order in sorted(self._turns)[older:]]

    @property
    def lines(self) -> list[TranscriptLine]:
        """`turns` as a reader sees them."""
        return [transcript_line(turn) for turn in self.turns]

    @property
    def latest_line(self) -> TranscriptLine | None:
        """The last turn, which may still be open. If it was evicted, it has no words."""
        last, evicted = max(self._turns, default=-1), self._last_evicted
        if evicted is not None and evicted.turn_order > last:
            return evicted
        return transcript_line(self._turns[last]) if self._turns else None

    @property
    def latest_text(self) -> str:
        """The words of the last turn; empty without one. Faster than `latest_line`."""
        last = max(self._turns, default=-1)
        turn = self._turns.get(last)
        if turn is not None and turn.end_of_turn and self._last_evicted is None:
            return turn.transcript.strip()
        latest = self.latest_line
        return latest.text if latest else ""

    @property
    def text(self) -> str:
        """The whole transcript, one turn a line."""
        return "\n".join(line.text for line in self.lines if line.text)

    def __len__(self) -> int:
        """The number of turns, including evicted ones."""
        return len(self._turns) + len(self._evicted)
