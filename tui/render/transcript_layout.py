"""Sentences and transcripts wrapped into rows; what has settled is not wrapped again."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tui.text.formats import clock
from tui.text.width import chopped, clean, even, fit, width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.jobs.attempt_spans import Takeover
from workers.jobs.transcript import Line as Heard
from workers.jobs.transcript import line
from workers.protocol.messages import Turn

LONGEST = 100_000
"""Characters of a turn that are shown: there is no such turn, but a server may send one, and again
and again."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """One row of one turn."""

    stamp: str
    """When the turn began, on its first row; else empty."""
    settled: str
    unsettled: str
    final: bool
    at: int = 0
    """Which character of the turn's text is its first."""
    end: str = ""
    """When it ended, and how sure the server was of its words; like ``stamp``."""


Row: TypeAlias = TextRow | Takeover
"""A takeover stands between two turns, in a row of its own."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters of one row."""

    row: int
    start: int
    end: int


Place: TypeAlias = tuple[Piece, ...]
"""Where some words stand; in more than one row, if a row ends among them."""


def wrapped(turn: Turn, cells: int) -> list[TextRow]:
    """A turn in rows of at most so many cells."""
    read = line(turn)
    stamp = "" if read.start_ms is None else _stamp(read.start_ms)
    rows: list[TextRow] = []
    texts = clean(read.settled, LONGEST), clean(read.unsettled, LONGEST)
    for at, settled, unsettled in _rows(*texts, cells):
        if rows:
            rows.append(TextRow("", settled, unsettled, read.final, at))
        else:
            rows.append(TextRow(stamp, settled, unsettled, read.final, at, _end(read)))
    return rows


def _end(read: Heard) -> str:
    """In at most fourteen cells."""
    end = "" if read.end_ms is None else f"-{_stamp(read.end_ms)}"
    sure = [word.confidence for word in read.words if word.confidence is not None]
    percent = min(max(100 * sum(sure) / len(sure), 0), 100) if sure else None
    return end.ljust(9) + ("" if percent is None else f"{percent:3.0f} %")


def _stamp(start_ms: int) -> str:
    """A time in at most seven cells; empty for one that cannot be."""
    minutes = start_ms // 60_000
    if minutes < 600:
        return clock(start_ms / 1000) if start_ms >= 0 else ""
    return f"{minutes // 60}h{minutes % 60:02}" if minutes < 600_000 else ""


def _rows(settled: str, unsettled: str, cells: int) -> list[tuple[int, str, str]]:
    """Greedy wrapping; the settled words of a row come before its unsettled ones.

    Each with the place of its first character.
    """
    settled = " ".join(settled.split())
    text = " ".join(part for part in (settled, *unsettled.split()) if part)
    border = len(settled)  # the space between the two parts belongs to the second
    return [
        (start, text[start : min(end, border)], text[max(start, border) : end])
        for start, end in _spans(text, cells)
    ]


def _spans(text: str, cells: int) -> Iterator[tuple[int, int]]:
    """Where the rows of a text begin and end."""
    if cells < 2 or not even(text):
        return _measured_spans(text, cells)
    row = rf"\S(?:.{{0,{cells - 2}}}\S)?(?= |$)|\S{{{cells}}}"  # else of a word that is too long
    return (found.span() for found in re.finditer(row, text))


def _measured_spans(text: str, cells: int) -> Iterator[tuple[int, int]]:
    start = end = taken = at = 0
    for word in text.split(" "):
        for piece in chopped(word, cells):
            size = width(piece)
            if end and taken + 1 + size > cells:
                yield start, end
                end = 0
            start, taken = (start, taken + 1 + size) if end else (at, size)
            at += len(piece)
            end = at
        at += 1
    if end:
        yield start, end


def said(sign: str, text: str, role: Role, cells: int) -> list[Line]:
    """A cleaned sentence behind its sign, its further rows indented."""
    indent = width(sign) + 1
    rows = [row for _, row, _ in _rows(text, "", max(cells - indent, 1))]
    margins = [f"{sign} ", *[" " * indent] * len(rows)]
    return [[(margin + row, role)] for margin, row in zip(margins, rows, strict=False)]


def seam(takeover: Takeover, cells: int, symbols: Symbols) -> str:
    """The rule between two attempts; what there is no room for goes, the number at last."""
    at, rule = takeover.seam.at_ms, symbols.rule * 2
    number = f"attempt {takeover.attempt}"
    told = f"{number} from {clock(at / 1000)}.{at // 100 % 10}"
    for shown in (f"{rule} {told} {rule}", f"{rule} {number} {rule}", number):
        if width(shown) <= cells:
            return shown
    return fit(number, cells, symbols.cut)


class Paragraphs:
    """The rows of one transcript at one width.

    A turn is wrapped again only when its reading was replaced, so a look at three hours of finals
    costs a comparison a turn.
    """

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.rows: list[Row] = []
        self._items: list[Turn | Takeover] = []
        self._starts: list[int] = []
        self._texts: list[str | None] = []
        """Of each item, once somebody has looked for something in it."""

    def update(self, turns: Sequence[Turn], takeovers: Sequence[Takeover] = ()) -> int:
        """Takes the turns as they are now, and where attempts took over behind the first one.

        Gives the first row that may differ from before.
        """
        items = _in_order(turns, takeovers)
        same = 0
        for known, item in zip(self._items, items, strict=False):
            if known is not item and not (isinstance(item, Takeover) and known == item):
                break
            same += 1
        if same == len(items) == len(self._items):
            return len(self.rows)
        first = self._starts[same] if same < len(self._starts) else len(self.rows)
        del self._items[same:], self._starts[same:], self._texts[same:], self.rows[first:]
        for item in items[same:]:
            self._items.append(item)
            self._starts.append(len(self.rows))
            self._texts.append(None)
            self.rows += [item] if isinstance(item, Takeover) else wrapped(item, self.cells)
        return first

    def found(self, words: str, first: int = 0) -> list[Place]:
        """Where some words stand, in any case of letters, over the ends of rows too.

        ``first``: the row where the first turn begins that is looked through.
        """
        words = " ".join(words.split())
        if not words:
            return []
        pattern = re.compile(re.escape(words), re.IGNORECASE)
        places: list[Place] = []
        for item in range(bisect_left(self._starts, first), len(self._starts)):
            if matches := list(pattern.finditer(self._text(item))):
                start, rows = self._starts[item], self._rows_of(item)
                places += (tuple(_pieces(start, rows, *match.span())) for match in matches)
        return places

    def _rows_of(self, item: int) -> list[TextRow]:
        (end,) = self._starts[item + 1 : item + 2] or [len(self.rows)]
        return [row for row in self.rows[self._starts[item] : end] if isinstance(row, TextRow)]

    def _text(self, item: int) -> str:
        """As it stands in its rows, with the spaces that the ends of rows have swallowed."""
        text = self._texts[item]
        if text is None:
            text = ""
            for row in self._rows_of(item):
                text = text.ljust(row.at) + row.settled + row.unsettled
            self._texts[item] = text
        return text


def _pieces(first: int, rows: Sequence[TextRow], start: int, end: int) -> Iterator[Piece]:
    for number, row in enumerate(rows, first):
        inside = max(start, row.at), min(end, row.at + len(row.settled) + len(row.unsettled))
        if inside[0] < inside[1]:
            yield Piece(number, inside[0] - row.at, inside[1] - row.at)


def _in_order(turns: Sequence[Turn], takeovers: Sequence[Takeover]) -> list[Turn | Takeover]:
    """Each takeover before the first turn of its attempt, or where that will stand."""
    items: list[Turn | Takeover] = list(turns)
    for each in reversed(takeovers):
        items.insert(bisect_left(turns, each.seam.turn, key=lambda turn: turn.turn_order), each)
    return items
