"""The foot of the screen: the most useful keys, or what there is to say."""

from collections.abc import Sequence

from tui.keys.key_table import Key
from tui.text.width import clean, fit, width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols

LAST = 2
"""So many keys at the end of the list stay whatever gives way: help and quit."""


def hints(keys: Sequence[Key], cells: int, symbols: Symbols, note: str = "") -> Line:
    """As many keys as there is room for; ``note`` stands at the right if there is room for it."""
    labelled = [(key.shown.translate(symbols.arrows), key.label) for key in keys if key.label]
    kept, last = labelled[:-LAST], labelled[-LAST:]
    while kept and _cells([*kept, *last]) > cells:
        kept.pop()
    line: Line = []
    for shown, label in [*kept, *last]:
        line += [(f" {shown}", Role.KEY), (f" {label} ", Role.MUTED)]
    gap = cells - _cells([*kept, *last]) - width(note) - 1
    return [*line, (" " * gap + note, Role.ALARM)] if note and gap > 0 else line


def _cells(hints: Sequence[tuple[str, str]]) -> int:
    return sum(width(shown) + width(label) + 3 for shown, label in hints)


def said(text: str, role: Role, cells: int, symbols: Symbols) -> Line:
    """A sentence in place of the keys."""
    return [(" " + fit(clean(text), max(cells - 1, 0), symbols.cut), role)]
