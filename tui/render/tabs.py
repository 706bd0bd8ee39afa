"""The line that says which tabs there are of a job, and which one is shown."""

from collections.abc import Iterator

from tui.keys.key_table import Scope
from tui.model.tabs import Tab
from tui.text.width import fit, width
from tui.theme.roles import Line, Look, Role


def tab_line(shown: Tab, news: str, cells: int, look: Look) -> Line:
    """The shown one between brackets; at the right what came in below, where there is room."""
    line: Line = []
    for tab, key in _keys(look):
        on = tab is shown
        open_, close = "[]" if on else "  "
        line += [
            (open_, Role.KEY),
            (f"{key} ", Role.KEY if on else Role.FAINT),
            (tab.value, Role.STRONG if on else Role.MUTED),
            (close, Role.KEY),
        ]
    room = cells - sum(width(text) for text, _ in line) - 1
    if news and room > 3:
        told = fit(news, min(width(news), room), look.symbols.cut)
        line.append((" " * (room - width(told)) + told, Role.LATE))
    return line


def tab_at(cell: int, look: Look) -> Tab | None:
    """Whose name stands there."""
    end = 0
    for tab, key in _keys(look):
        start, end = end, end + width(key) + len(tab.value) + 3
        if start <= cell < end:
            return tab
    return None


def _keys(look: Look) -> Iterator[tuple[Tab, str]]:
    """Each tab, and what is pressed for it."""
    for tab in Tab:
        yield tab, look.key(Scope.VIEW, f"tab('{tab.value}')")
