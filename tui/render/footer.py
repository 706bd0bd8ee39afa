"""Draws the last line of the screen: the most useful keys, or a message."""

from collections.abc import Sequence
from typing import NamedTuple

from tui.keys.key_table import KeyBinding
from tui.text.width import cell_width, clean, fit
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols

PINNED_HINT_COUNT = 2  # the last two hints (help and quit) are always shown


class KeyHint(NamedTuple):
    """A key in the footer."""

    key: KeyBinding
    display: str
    label: str
    marked: str
    """On how many marked rows it acts, as words; empty if it does not act on marked rows."""

    @property
    def cells(self) -> int:
        return cell_width(self.display + self.label + self.marked) + 3


def fitting_hints(
    bindings: Sequence[KeyBinding], cells: int, symbols: Symbols, marked_count: int = 0
) -> list[KeyHint]:
    """The keys with a label that fit, of which the last ones stay. ``marked_count``: how many rows
    are marked."""
    hints = [
        KeyHint(
            key,
            key.key_display.translate(symbols.arrow_key_names),
            key.footer_label,
            f" {marked_count} marked" if marked_count and key.needs.acts_on_marks else "",
        )
        for key in bindings
        if key.footer_label
    ]
    kept, last = hints[:-PINNED_HINT_COUNT], hints[-PINNED_HINT_COUNT:]
    while kept and sum(hint.cells for hint in (*kept, *last)) > cells:
        kept.pop()
    return [*kept, *last]


def key_hints_line(hints: Sequence[KeyHint]) -> StyledLine:
    """Draws the keys."""
    line: StyledLine = []
    for hint in hints:
        line += [(f" {hint.display}", Role.KEY), (f" {hint.label}", Role.MUTED)]
        line += [(hint.marked, Role.ALARM)] if hint.marked else []
        line.append((" ", Role.MUTED))
    return line


def hint_at(hints: Sequence[KeyHint], cell: int) -> KeyHint | None:
    """The key that is drawn at a cell of the line; None if there is none."""
    for hint in hints:
        if cell < hint.cells:
            return hint
        cell -= hint.cells
    return None


def message_line(text: str, role: Role, cells: int, symbols: Symbols) -> StyledLine:
    """Draws a message instead of the keys."""
    return [(" " + fit(clean(text), max(cells - 1, 0), symbols.ellipsis), role)]
