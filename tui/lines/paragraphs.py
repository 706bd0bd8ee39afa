"""Sentences and transcripts wrapped into rows; what has settled is not wrapped again."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.lines.cells import chopped, clean, width
from tui.lines.gauges import clock
from tui.palette import Line, Role
from workers.speech.messages import Turn
from workers.transcript import line


@dataclass(frozen=True, slots=True)
class TextRow:
    """One row of one turn."""

    stamp: str
    """When the turn began, on its first row; else empty."""
    settled: str
    unsettled: str
    final: bool


def wrapped(turn: Turn, cells: int) -> list[TextRow]:
    """A turn in rows of at most so many cells."""
    read = line(turn)
    stamp = "" if read.start_ms is None else clock(read.start_ms / 1000)
    rows: list[TextRow] = []
    for settled, unsettled in _rows(clean(read.settled), clean(read.unsettled), cells):
        rows.append(TextRow("" if rows else stamp, settled, unsettled, read.final))
    return rows


def _rows(settled: str, unsettled: str, cells: int) -> list[tuple[str, str]]:
    """Greedy wrapping; the settled words of a row come before its unsettled ones."""
    rows: list[tuple[str, str]] = []
    taken = 0
    for open_, text in ((False, settled), (True, unsettled)):
        for word in text.split():
            for piece in chopped(word, cells):
                size = width(piece)
                if rows and taken + 1 + size <= cells:
                    rows[-1] = _joined(rows[-1], piece, open_)
                    taken += 1 + size
                else:
                    rows.append(("", piece) if open_ else (piece, ""))
                    taken = size
    return rows


def _joined(row: tuple[str, str], piece: str, open_: bool) -> tuple[str, str]:
    settled, unsettled = row
    if not open_:
        return f"{settled} {piece}", unsettled
    return settled, f"{unsettled} {piece}"  # the space between the two parts belongs to this one


def said(sign: str, text: str, role: Role, cells: int) -> list[Line]:
    """A cleaned sentence behind its sign, its further rows indented."""
    indent = width(sign) + 1
    rows = [row for row, _ in _rows(text, "", max(cells - indent, 1))]
    margins = [f"{sign} ", *[" " * indent] * len(rows)]
    return [[(margin + row, role)] for margin, row in zip(margins, rows, strict=False)]


class Paragraphs:
    """The rows of one transcript at one width.

    A turn is wrapped again only when its reading was replaced, so a look at three hours of finals
    costs a comparison a turn.
    """

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.rows: list[TextRow] = []
        self._turns: list[Turn] = []
        self._starts: list[int] = []

    def update(self, turns: Sequence[Turn]) -> int:
        """Takes the turns as they are now; the first row that may differ from before."""
        same = 0
        for known, turn in zip(self._turns, turns, strict=False):
            if known is not turn:
                break
            same += 1
        if same == len(turns) == len(self._turns):
            return len(self.rows)
        first = self._starts[same] if same < len(self._starts) else len(self.rows)
        del self._turns[same:], self._starts[same:], self.rows[first:]
        for turn in turns[same:]:
            self._turns.append(turn)
            self._starts.append(len(self.rows))
            self.rows += wrapped(turn, self.cells)
        return first
