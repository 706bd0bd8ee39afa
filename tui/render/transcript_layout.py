"""Wraps a transcript into rows; only turns that changed are wrapped again."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from tui.model.transcript_search import MatchSpans, RowSpan
from tui.text.formats import format_duration
from tui.text.width import cell_width, clean, fit, row_spans
from tui.theme.symbols import Symbols
from workers.jobs.attempt_spans import AttemptSpan
from workers.jobs.transcript import transcript_line
from workers.protocol.messages import Turn, Word

MAX_TURN_CHARS = 100_000
"""Maximum characters drawn for a turn; a faulty server may send longer turns."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """One row of one turn."""

    start_label: str  # the turn's start time; empty except on its first row
    settled: str
    unsettled: str
    final: bool
    text_offset: int = 0  # offset of the row's first character in the turn's text
    end_label: str = ""  # end time and mean confidence of the turn, on its first row


TranscriptRow: TypeAlias = TextRow | AttemptSpan
"""A row of text, or a divider row before a further attempt."""


def wrap_turn(turn: Turn, cells: int, *, with_speaker: bool = False) -> list[TextRow]:
    """Wraps a turn into rows of at most ``cells`` cells: settled words, then open words.

    ``with_speaker``: begin with the name of the speaker.
    """
    line = transcript_line(turn)
    settled = " ".join(clean(line.stable_text, MAX_TURN_CHARS).split())
    if with_speaker and turn.speaker_label:
        settled = f"{_speaker_prefix(turn.speaker_label)}{settled}".rstrip()
    unsettled = clean(line.unstable_text, MAX_TURN_CHARS).split()
    text = " ".join(part for part in (settled, *unsettled) if part)
    border = len(settled)  # the space between the two parts belongs to the second
    start_label = "" if line.start_ms is None else _format_timestamp(line.start_ms)
    end_label = "" if line.end_ms is None else f"-{_format_timestamp(line.end_ms)}"
    confidences = [word.confidence for word in line.words if word.confidence is not None]
    percent = 100 * sum(confidences) / len(confidences) if confidences else None
    end_label = end_label.ljust(9)  # at most 14 cells with the percentage
    end_label += "" if percent is None else f"{min(max(percent, 0), 100):3.0f} %"
    rows: list[TextRow] = []
    for start, end in row_spans(text, cells):
        texts = text[start : min(end, border)], text[max(start, border) : end]
        rows.append(TextRow(start_label, *texts, line.is_final, start, end_label))
        start_label = end_label = ""
    return rows


def _speaker_prefix(speaker: str) -> str:
    return f"{clean(speaker)}: "


def _format_timestamp(time_ms: int) -> str:
    """Formats a time in at most 7 cells; empty if the time is impossible."""
    minutes = time_ms // 60_000
    if minutes < 600:
        return format_duration(time_ms / 1000) if time_ms >= 0 else ""
    return f"{minutes // 60}h{minutes % 60:02}" if minutes < 600_000 else ""


def attempt_divider(attempt_span: AttemptSpan, cells: int, symbols: Symbols) -> str:
    """Draws the rule between two attempts; narrow lines show only the attempt's number."""
    at, rule = attempt_span.start.at_ms, symbols.rule * 2
    speaker = f"{clean(attempt_span.speaker)}, " if attempt_span.speaker else ""
    number = f"{speaker}attempt {attempt_span.attempt}"
    full = f"{number} from {format_duration(at / 1000)}.{at // 100 % 10}"
    for label in (f"{rule} {full} {rule}", f"{rule} {number} {rule}", number):
        if cell_width(label) <= cells:
            return label
    return fit(number, cells, symbols.ellipsis)


class TranscriptLayout:
    """The rows of one transcript at one width.

    Only changed turns are wrapped again: updating three hours of final turns costs one
    comparison per turn.
    """

    def __init__(self, cells: int, *, with_speakers: bool = False) -> None:
        """``with_speakers``: begin each turn with the name of its speaker."""
        self.cells = cells
        self._with_speakers = with_speakers
        self.rows: list[TranscriptRow] = []
        self._items: list[Turn | AttemptSpan] = []
        self._first_rows: list[int] = []
        self._texts: list[str | None] = []
        """The text of each item; None until it is first searched."""

    def update(self, turns: Sequence[Turn], attempt_spans: Sequence[AttemptSpan] = ()) -> int:
        """Updates the rows; ``attempt_spans``: the attempts after the first one.

        Returns the first row that may differ from before.
        """
        items: list[Turn | AttemptSpan] = list(turns)
        for span in reversed(attempt_spans):  # before the first turn of the attempt, present or not
            at = bisect_left(turns, span.start.turn, key=lambda turn: turn.turn_order)
            items.insert(at, span)
        same = 0
        for known, item in zip(self._items, items, strict=False):
            if known is not item and not (isinstance(item, AttemptSpan) and known == item):
                break
            same += 1
        if same == len(items) == len(self._items):
            return len(self.rows)
        first = self._first_rows[same] if same < len(self._first_rows) else len(self.rows)
        del self._items[same:], self._first_rows[same:], self._texts[same:], self.rows[first:]
        for item in items[same:]:
            self._items.append(item)
            self._first_rows.append(len(self.rows))
            self._texts.append(None)
            if isinstance(item, AttemptSpan):
                self.rows.append(item)
            else:
                self.rows += wrap_turn(item, self.cells, with_speaker=self._with_speakers)
        return first

    def continues_turn(self, row: int) -> bool:
        """Whether a row has more words of the turn in the row above it."""
        rows = self.rows[max(row - 1, 0) : row + 1]
        both_words = len(rows) == 2 and all(isinstance(each, TextRow) for each in rows)
        return both_words and not getattr(rows[1], "start_label", "")

    def find(self, text: str, first_row: int = 0) -> list[MatchSpans]:
        """Finds a text, ignoring case; matches may span several rows.

        ``first_row``: where to start; must be the first row of a turn.
        """
        text = " ".join(text.split())
        if not text:
            return []
        pattern = re.compile(re.escape(text), re.IGNORECASE)
        found: list[MatchSpans] = []
        for item in range(bisect_left(self._first_rows, first_row), len(self._first_rows)):
            if not (matches := list(pattern.finditer(self._item_text(item)))):
                continue
            found += [self._row_spans(item, *match.span()) for match in matches]
        return found

    # --- words

    def word_spans(self, at_ms: int) -> MatchSpans:
        """The place of the last word that starts at or before ``at_ms``, on the recording's clock;
        empty if there is none."""
        for item in range(len(self._items) - 1, -1, -1):
            words = self._item_words(item)
            if words and words[0].start <= at_ms:
                index = bisect_right(words, at_ms, key=lambda word: word.start) - 1
                return self._row_spans(item, *self._word_places(item)[index])
        return ()

    def word_start_ms(self, row: int, char: int = 0) -> int | None:
        """The start of the word at a character of a row, or of the next word; None without one."""
        first = max(bisect_right(self._first_rows, row) - 1, 0)
        for item in range(first, len(self._items)):
            offset = 0
            if item == first and isinstance(text_row := self.rows[row], TextRow):
                offset = text_row.text_offset + char
            for word, (_, end) in zip(self._item_words(item), self._word_places(item), strict=True):
                if offset < end:
                    return word.start
        return None

    def char_at(self, row: int, column: int) -> int:
        """The number of the character in cell ``column`` of a row's text, without the margin."""
        text_row = self.rows[row]
        if not isinstance(text_row, TextRow):
            return 0
        text = text_row.settled + text_row.unsettled
        ends = accumulate(cell_width(char) for char in text)
        return next((char for char, end in enumerate(ends) if end > column), len(text))

    def neighbour_word_ms(self, at_ms: int, offset: int) -> int | None:
        """The start of the word after (1) or before (-1) the one at ``at_ms``; None without one."""
        starts = [word.start for item in range(len(self._items)) for word in self._item_words(item)]
        here = bisect_right(starts, at_ms) - 1
        if offset < 0:  # words of one start count as one, or the cursor would not get past them
            here = bisect_left(starts, starts[max(here, 0)]) if starts else 0
        return starts[here + offset] if 0 <= here + offset < len(starts) else None

    def _item_words(self, item: int) -> Sequence[Word]:
        turn = self._items[item]
        return () if isinstance(turn, AttemptSpan) else turn.words

    def _word_places(self, item: int) -> list[tuple[int, int]]:
        """The start and end of each word in the item's text.

        A server that formats turns may write several words as one, or one as several. Then the
        words are spread evenly over what is written, which is right to within a word or two.
        """
        text, count = self._item_text(item), len(self._item_words(item))
        places = [match.span() for match in re.finditer(r"\S+", text)]
        turn = self._items[item]
        if self._with_speakers and isinstance(turn, Turn) and turn.speaker_label:
            del places[: len(_speaker_prefix(turn.speaker_label).split())]
        return [
            places[index * len(places) // count] if places else (0, 0) for index in range(count)
        ]

    # --- items and rows

    def _row_spans(self, item: int, start: int, end: int) -> MatchSpans:
        """The parts of rows that show a part of the item's text."""
        spans = []
        for number, row in enumerate(self._item_rows(item), self._first_rows[item]):
            length = len(row.settled) + len(row.unsettled)
            first, last = max(start - row.text_offset, 0), min(end - row.text_offset, length)
            if first < last:
                spans.append(RowSpan(number, first, last))
        return tuple(spans)

    def _item_rows(self, item: int) -> list[TextRow]:
        (end,) = self._first_rows[item + 1 : item + 2] or [len(self.rows)]
        return [row for row in self.rows[self._first_rows[item] : end] if isinstance(row, TextRow)]

    def _item_text(self, item: int) -> str:
        """Returns the text of the item's rows, joined with the spaces between them."""
        text = self._texts[item]
        if text is None:
            text = ""
            for row in self._item_rows(item):
                text = text.ljust(row.text_offset) + row.settled + row.unsettled
            self._texts[item] = text
        return text
