"""The line with the names of a job's tabs."""

from collections.abc import Iterator

from tui.keys.key_table import Scope
from tui.model.tabs import Tab
from tui.text.width import cell_width, fit, line_width
from tui.theme.roles import Look, Role, StyledLine


def tab_line(current: Tab, notice: str, cells: int, look: Look) -> StyledLine:
    """The current tab is in brackets; ``notice`` is right-aligned if there is room."""
    line: StyledLine = []
    for tab, key in _tab_keys(look):
        on = tab is current
        open_, close = "[]" if on else "  "
        line += [
            (open_, Role.KEY),
            (f"{key} ", Role.KEY if on else Role.FAINT),
            (tab.value, Role.STRONG if on else Role.MUTED),
            (close, Role.KEY),
        ]
    room = cells - line_width(line) - 1
    if notice and room > 3:
        text = fit(notice, min(cell_width(notice), room), look.symbols.ellipsis)
        line.append((" " * (room - cell_width(text)) + text, Role.WARNING))
    return line


def tab_at(cell: int, look: Look) -> Tab | None:
    """The tab whose name is at a cell."""
    end = 0
    for tab, key in _tab_keys(look):
        start, end = end, end + cell_width(key) + len(tab.value) + 3
        if start <= cell < end:
            return tab
    return None


def _tab_keys(look: Look) -> Iterator[tuple[Tab, str]]:
    """Each tab and its key."""
    for tab in Tab:
        yield tab, look.key_hint(Scope.VIEW, f"tab('{tab.value}')")
