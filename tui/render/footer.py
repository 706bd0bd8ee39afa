"""Draws the last line of the screen: the most useful keys, or a message."""

from collections.abc import Sequence

from tui.keys.key_table import KeyBinding
from tui.text.width import cell_width, clean, fit
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols

PINNED_HINT_COUNT = 2  # the last two hints (help and quit) are always shown


def key_hints(
    bindings: Sequence[KeyBinding], cells: int, symbols: Symbols, note: str = ""
) -> StyledLine:
    """Draws the keys that fit; ``note`` is right-aligned if there is room."""
    labelled = [
        (key.key_display.translate(symbols.arrow_key_names), key.footer_label)
        for key in bindings
        if key.footer_label
    ]
    kept, last = labelled[:-PINNED_HINT_COUNT], labelled[-PINNED_HINT_COUNT:]
    while kept and _hints_width([*kept, *last]) > cells:
        kept.pop()
    line: StyledLine = []
    for shown, label in [*kept, *last]:
        line += [(f" {shown}", Role.KEY), (f" {label} ", Role.MUTED)]
    gap = cells - _hints_width([*kept, *last]) - cell_width(note) - 1
    return [*line, (" " * gap + note, Role.ALARM)] if note and gap > 0 else line


def _hints_width(hints: Sequence[tuple[str, str]]) -> int:
    return sum(cell_width(shown) + cell_width(label) + 3 for shown, label in hints)


def message_line(text: str, role: Role, cells: int, symbols: Symbols) -> StyledLine:
    """Draws a message instead of the keys."""
    return [(" " + fit(clean(text), max(cells - 1, 0), symbols.ellipsis), role)]
