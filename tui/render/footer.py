"""Draws the last line of the screen: the most useful keys, or a message."""

from collections.abc import Sequence

from tui.keys.key_table import KeyBinding
from tui.text.width import cell_width, clean, fit
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols

PINNED_HINT_COUNT = 2  # the last two hints (help and quit) are always shown


def key_hints(
    bindings: Sequence[KeyBinding], cells: int, symbols: Symbols, marked_count: int = 0
) -> StyledLine:
    """Draws the keys that fit. ``marked_count``: how many rows are marked; verbs that act on them
    say so."""
    labelled = [
        (
            key.key_display.translate(symbols.arrow_key_names),
            key.footer_label,
            f" {marked_count} marked" if marked_count and key.needs.acts_on_marks else "",
        )
        for key in bindings
        if key.footer_label
    ]
    kept, last = labelled[:-PINNED_HINT_COUNT], labelled[-PINNED_HINT_COUNT:]
    while kept and _hints_width([*kept, *last]) > cells:
        kept.pop()
    line: StyledLine = []
    for shown, label, marked in [*kept, *last]:
        line += [(f" {shown}", Role.KEY), (f" {label}", Role.MUTED)]
        line += [(marked, Role.ALARM)] if marked else []
        line.append((" ", Role.MUTED))
    return line


def _hints_width(hints: Sequence[tuple[str, str, str]]) -> int:
    return sum(cell_width("".join(hint)) + 3 for hint in hints)


def message_line(text: str, role: Role, cells: int, symbols: Symbols) -> StyledLine:
    """Draws a message instead of the keys."""
    return [(" " + fit(clean(text), max(cells - 1, 0), symbols.ellipsis), role)]
