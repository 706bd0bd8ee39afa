"""Wraps turns into rows; only turns that changed are wrapped again."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeAlias

from tui.model.transcript_search import MatchSpans, RowSpan, TextMatch
from tui.model.turn_archive import MAX_TURN_CHARS
from tui.text.formats import format_duration
from tui.text.width import cell_width, clean, fit, row_spans
from tui.theme.symbols import Symbols
from workers.jobs.attempt_spans import AttemptSpan
from workers.jobs.transcript import transcript_line
from workers.protocol.messages import Turn, Word


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


class TurnRows:
    """The rows of some turns of a transcript, at one width."""

    def __init__(self, cells: int, *, with_speakers: bool = False) -> None:
        """``with_speakers``: begin each turn with the name of its speaker."""
        self._cells = cells
        self._with_speakers = with_speakers
        self.rows: list[TranscriptRow] = []
        self.items: list[Turn | AttemptSpan] = []
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
        for known, item in zip(self.items, items, strict=False):
            if known is not item and not (isinstance(item, AttemptSpan) and known == item):
                break
            same += 1
        if same == len(items) == len(self.items):
            return len(self.rows)
        first = self._first_rows[same] if same < len(self._first_rows) else len(self.rows)
        del self.items[same:], self._first_rows[same:], self._texts[same:], self.rows[first:]
        for item in items[same:]:
            self.items.append(item)
            self._first_rows.append(len(self.rows))
            self._texts.append(None)
            if isinstance(item, AttemptSpan):
                self.rows.append(item)
            else:
                self.rows += wrap_turn(item, self._cells, with_speaker=self._with_speakers)
        return first

    def take_first(self, count: int) -> "TurnRows":
        """Removes the first items, and returns them with their rows."""
        taken = TurnRows(self._cells, with_speakers=self._with_speakers)
        rows = self._first_rows[count] if count < len(self.items) else len(self.rows)
        taken.rows, self.rows = self.rows[:rows], self.rows[rows:]
        taken.items, self.items = self.items[:count], self.items[count:]
        taken._texts, self._texts = self._texts[:count], self._texts[count:]
        taken._first_rows = self._first_rows[:count]
        self._first_rows = [first - rows for first in self._first_rows[count:]]
        return taken

    def find(self, pattern: re.Pattern[str], first_item: int = 0) -> Iterator[TextMatch]:
        """Finds a pattern in the texts of the items from ``first_item`` on."""
        for item in range(first_item, len(self.items)):
            for match in pattern.finditer(self.item_text(item)):
                yield TextMatch(item, *match.span())

    def text_range(self, row: int) -> TextMatch:
        """The part of an item's text that a row shows; an empty one for a divider, and behind the
        last row."""
        item = self._item_at(row)
        shown = self.rows[row] if 0 <= row < len(self.rows) else None
        if not isinstance(shown, TextRow):
            return TextMatch(item, 0, 0)
        start = shown.text_offset
        return TextMatch(item, start, start + len(shown.settled) + len(shown.unsettled))

    def _item_at(self, row: int) -> int:
        return max(bisect_right(self._first_rows, row) - 1, 0)

    # --- words

    def word_spans(self, at_ms: int) -> MatchSpans:
        """The place of the last word that starts at or before ``at_ms``, on the recording's clock;
        empty if there is none."""
        for item in range(len(self.items) - 1, -1, -1):
            words = self._item_words(item)
            if words and words[0].start <= at_ms:
                index = bisect_right(words, at_ms, key=lambda word: word.start) - 1
                return self.row_spans(TextMatch(item, *self._word_places(item)[index]))
        return ()

    def word_start_ms(self, row: int, char: int = 0) -> int | None:
        """The start of the word at a character of a row, or of the next word; None without one."""
        first = self._item_at(row)
        for item in range(first, len(self.items)):
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

    @property
    def word_starts_ms(self) -> list[int]:
        """The start of each word, in order."""
        return [word.start for item in range(len(self.items)) for word in self._item_words(item)]

    def _item_words(self, item: int) -> Sequence[Word]:
        turn = self.items[item]
        return () if isinstance(turn, AttemptSpan) else turn.words

    def _word_places(self, item: int) -> list[tuple[int, int]]:
        """The start and end of each word in the item's text.

        A server that formats turns may write several words as one, or one as several. Then the
        words are spread evenly over what is written, which is right to within a word or two.
        """
        text, count = self.item_text(item), len(self._item_words(item))
        places = [match.span() for match in re.finditer(r"\S+", text)]
        turn = self.items[item]
        if self._with_speakers and isinstance(turn, Turn) and turn.speaker_label:
            del places[: len(_speaker_prefix(turn.speaker_label).split())]
        return [
            places[index * len(places) // count] if places else (0, 0) for index in range(count)
        ]

    # --- items and rows

    def row_spans(self, match: TextMatch) -> MatchSpans:
        """The parts of rows that show a part of an item's text."""
        spans = []
        for number, row in enumerate(self._item_rows(match.item), self._first_rows[match.item]):
            length = len(row.settled) + len(row.unsettled)
            first = max(match.start - row.text_offset, 0)
            last = min(match.end - row.text_offset, length)
            if first < last:
                spans.append(RowSpan(number, first, last))
        return tuple(spans)

    def _item_rows(self, item: int) -> list[TextRow]:
        (end,) = self._first_rows[item + 1 : item + 2] or [len(self.rows)]
        return [row for row in self.rows[self._first_rows[item] : end] if isinstance(row, TextRow)]

    def item_text(self, item: int) -> str:
        """Returns the text of the item's rows, joined with the spaces between them."""
        text = self._texts[item]
        if text is None:
            text = ""
            for row in self._item_rows(item):
                text = text.ljust(row.text_offset) + row.settled + row.unsettled
            self._texts[item] = text
        return text
