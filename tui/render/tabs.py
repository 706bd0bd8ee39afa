"""Draws the line with the names of a job's tabs."""

from tui.keys.key_table import Scope
from tui.model.tabs import Tab
from tui.text.width import cell_width, fit, line_width
from tui.theme.roles import Look, Role, StyledLine


def tab_line(current: Tab, notice: str, cells: int, look: Look) -> StyledLine:
    """Draws the current tab in brackets; ``notice`` is right-aligned if there is room."""
    line = [piece for tab in Tab for piece in _tab_label(tab, tab is current, look)]
    room = cells - line_width(line) - 1
    if room < -1:  # the keys of the last tabs work all the same
        line = _cut(line, cells)
    if notice and room > 3:
        text = fit(notice, min(cell_width(notice), room), look.symbols.ellipsis)
        line.append((" " * (room - cell_width(text)) + text, Role.WARNING))
    return line


def _cut(line: StyledLine, cells: int) -> StyledLine:
    """The start of a line in which every character takes one cell."""
    cut: StyledLine = []
    for text, role in line:
        cut.append((text[:cells], role))
        cells -= len(cut[-1][0])
    return cut


def tab_at(cell: int, look: Look) -> Tab | None:
    """The tab whose name is at a cell; None if there is none."""
    end = 0
    for tab in Tab:
        start, end = end, end + line_width(_tab_label(tab, False, look))
        if start <= cell < end:
            return tab
    return None


def _tab_label(tab: Tab, on: bool, look: Look) -> StyledLine:
    open_, close = "[]" if on else "  "
    key = look.key_hint(Scope.VIEW, f"tab('{tab.value}')")
    return [
        (open_, Role.KEY),
        (f"{key} ", Role.KEY if on else Role.FAINT),
        (tab.label, Role.STRONG if on else Role.MUTED),
        (close, Role.KEY),
    ]
