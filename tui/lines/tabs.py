"""The line that says which tabs there are of a job, and which one is shown."""

from tui.lines.cells import fit, width
from tui.palette import Line, Role
from tui.symbols import Symbols
from tui.viewing import Tab


def tab_line(shown: Tab, news: str, cells: int, symbols: Symbols) -> Line:
    """The shown one between brackets; at the right what came in below, where there is room."""
    line: Line = []
    for number, tab in enumerate(Tab, 1):
        on = tab is shown
        open_, close = "[]" if on else "  "
        line += [
            (open_, Role.KEY),
            (f"{number} ", Role.KEY if on else Role.FAINT),
            (tab.value, Role.STRONG if on else Role.MUTED),
            (close, Role.KEY),
        ]
    room = cells - sum(width(text) for text, _ in line) - 1
    if news and room > 3:
        told = fit(news, min(width(news), room), symbols.cut)
        line.append((" " * (room - width(told)) + told, Role.LATE))
    return line


def tab_at(cell: int) -> Tab | None:
    """Whose name stands there."""
    end = 0
    for tab in Tab:
        start, end = end, end + len(tab.value) + 4
        if start <= cell < end:
            return tab
    return None
