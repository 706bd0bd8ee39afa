"""Sentences and transcripts wrapped into rows; what has settled is not wrapped again."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tui.model.transcript_search import MatchSpans, RowSpan
from tui.text.formats import format_duration
from tui.text.width import cell_width, clean, fit, is_single_width, split_word
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.attempt_spans import AttemptSpan
from workers.jobs.transcript import TranscriptLine as Heard
from workers.jobs.transcript import transcript_line
from workers.protocol.messages import Turn

MAX_TURN_CHARS = 100_000
"""Characters of a turn that are shown: there is no such turn, but a server may send one, and again
and again."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """One row of one turn."""

    start_label: str
    """When the turn began, on its first row; else empty."""
    settled: str
    unsettled: str
    final: bool
    text_offset: int = 0
    """Which character of the turn's text is its first."""
    end_label: str = ""
    """When it ended, and how sure the server was of its words; like ``stamp``."""


TranscriptRow: TypeAlias = TextRow | AttemptSpan
"""A takeover stands between two turns, in a row of its own."""


def wrap_turn(turn: Turn, cells: int) -> list[TextRow]:
    """A turn in rows of at most so many cells."""
    read = transcript_line(turn)
    stamp = "" if read.start_ms is None else _format_timestamp(read.start_ms)
    rows: list[TextRow] = []
    texts = clean(read.stable_text, MAX_TURN_CHARS), clean(read.unstable_text, MAX_TURN_CHARS)
    for at, settled, unsettled in _wrap(*texts, cells):
        if rows:
            rows.append(TextRow("", settled, unsettled, read.is_final, at))
        else:
            rows.append(TextRow(stamp, settled, unsettled, read.is_final, at, _end_label(read)))
    return rows


def _end_label(reading: Heard) -> str:
    """In at most fourteen cells."""
    end = "" if reading.end_ms is None else f"-{_format_timestamp(reading.end_ms)}"
    sure = [word.confidence for word in reading.words if word.confidence is not None]
    percent = min(max(100 * sum(sure) / len(sure), 0), 100) if sure else None
    return end.ljust(9) + ("" if percent is None else f"{percent:3.0f} %")


def _format_timestamp(time_ms: int) -> str:
    """A time in at most seven cells; empty for one that cannot be."""
    minutes = time_ms // 60_000
    if minutes < 600:
        return format_duration(time_ms / 1000) if time_ms >= 0 else ""
    return f"{minutes // 60}h{minutes % 60:02}" if minutes < 600_000 else ""


def _wrap(settled: str, unsettled: str, cells: int) -> list[tuple[int, str, str]]:
    """Greedy wrapping; the settled words of a row come before its unsettled ones.

    Each with the place of its first character.
    """
    settled = " ".join(settled.split())
    text = " ".join(part for part in (settled, *unsettled.split()) if part)
    border = len(settled)  # the space between the two parts belongs to the second
    return [
        (start, text[start : min(end, border)], text[max(start, border) : end])
        for start, end in _row_spans(text, cells)
    ]


def _row_spans(text: str, cells: int) -> Iterator[tuple[int, int]]:
    """Where the rows of a text begin and end."""
    if cells < 2 or not is_single_width(text):
        return _measured_row_spans(text, cells)
    row = rf"\S(?:.{{0,{cells - 2}}}\S)?(?= |$)|\S{{{cells}}}"  # else of a word that is too long
    return (found.span() for found in re.finditer(row, text))


def _measured_row_spans(text: str, cells: int) -> Iterator[tuple[int, int]]:
    start = end = taken = at = 0
    for word in text.split(" "):
        for piece in split_word(word, cells):
            size = cell_width(piece)
            if end and taken + 1 + size > cells:
                yield start, end
                end = 0
            start, taken = (start, taken + 1 + size) if end else (at, size)
            at += len(piece)
            end = at
        at += 1
    if end:
        yield start, end


def wrap_sentence(sign: str, text: str, role: Role, cells: int) -> list[StyledLine]:
    """A cleaned sentence behind its sign, its further rows indented."""
    indent = cell_width(sign) + 1
    rows = [row for _, row, _ in _wrap(text, "", max(cells - indent, 1))]
    margins = [f"{sign} ", *[" " * indent] * len(rows)]
    return [[(margin + row, role)] for margin, row in zip(margins, rows, strict=False)]


def attempt_divider(attempt_span: AttemptSpan, cells: int, symbols: Symbols) -> str:
    """The rule between two attempts; what there is no room for goes, the number at last."""
    at, rule = attempt_span.start.at_ms, symbols.rule * 2
    number = f"attempt {attempt_span.attempt}"
    told = f"{number} from {format_duration(at / 1000)}.{at // 100 % 10}"
    for shown in (f"{rule} {told} {rule}", f"{rule} {number} {rule}", number):
        if cell_width(shown) <= cells:
            return shown
    return fit(number, cells, symbols.ellipsis)


class TranscriptLayout:
    """The rows of one transcript at one width.

    A turn is wrapped again only when its reading was replaced, so a look at three hours of finals
    costs a comparison a turn.
    """

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.rows: list[TranscriptRow] = []
        self._items: list[Turn | AttemptSpan] = []
        self._first_rows: list[int] = []
        self._texts: list[str | None] = []
        """Of each item, once somebody has looked for something in it."""

    def update(self, turns: Sequence[Turn], attempt_spans: Sequence[AttemptSpan] = ()) -> int:
        """Takes the turns as they are now, and where attempts took over behind the first one.

        Gives the first row that may differ from before.
        """
        items = _interleave(turns, attempt_spans)
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
            self.rows += [item] if isinstance(item, AttemptSpan) else wrap_turn(item, self.cells)
        return first

    def find(self, text: str, first_row: int = 0) -> list[MatchSpans]:
        """Where some words stand, in any case of letters, over the ends of rows too.

        ``first_row``: the row where the first turn begins that is looked through.
        """
        text = " ".join(text.split())
        if not text:
            return []
        pattern = re.compile(re.escape(text), re.IGNORECASE)
        places: list[MatchSpans] = []
        for item in range(bisect_left(self._first_rows, first_row), len(self._first_rows)):
            if matches := list(pattern.finditer(self._item_text(item))):
                start, rows = self._first_rows[item], self._item_rows(item)
                places += (tuple(_match_spans(start, rows, *match.span())) for match in matches)
        return places

    def _item_rows(self, item: int) -> list[TextRow]:
        (end,) = self._first_rows[item + 1 : item + 2] or [len(self.rows)]
        return [row for row in self.rows[self._first_rows[item] : end] if isinstance(row, TextRow)]

    def _item_text(self, item: int) -> str:
        """As it stands in its rows, with the spaces that the ends of rows have swallowed."""
        text = self._texts[item]
        if text is None:
            text = ""
            for row in self._item_rows(item):
                text = text.ljust(row.text_offset) + row.settled + row.unsettled
            self._texts[item] = text
        return text


def _match_spans(
    first_row: int, rows: Sequence[TextRow], start: int, end: int
) -> Iterator[RowSpan]:
    for number, row in enumerate(rows, first_row):
        inside = (
            max(start, row.text_offset),
            min(end, row.text_offset + len(row.settled) + len(row.unsettled)),
        )
        if inside[0] < inside[1]:
            yield RowSpan(number, inside[0] - row.text_offset, inside[1] - row.text_offset)


def _interleave(
    turns: Sequence[Turn], attempt_spans: Sequence[AttemptSpan]
) -> list[Turn | AttemptSpan]:
    """Each takeover before the first turn of its attempt, or where that will stand."""
    items: list[Turn | AttemptSpan] = list(turns)
    for each in reversed(attempt_spans):
        items.insert(bisect_left(turns, each.start.turn, key=lambda turn: turn.turn_order), each)
    return items
