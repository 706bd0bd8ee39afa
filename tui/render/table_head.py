"""The line above the rows: the columns' names, by which they are sorted, and how the rows stand."""

from collections.abc import Sequence

from tui.model.row_order import Column, Sorting
from tui.render.columns import COLUMN_GAP, MARKERS_WIDTH, ColumnWidths, Heading
from tui.text.width import cell_width, clean, fit
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols


def heading_line(
    columns: ColumnWidths, symbols: Symbols, sorting: Sorting | None = None, note: str = ""
) -> StyledLine:
    """Each name above its column; ``note`` at the end, if need be in place of the last name."""
    texts = []
    sign = sort_arrow(sorting, symbols) if sorting else ""
    for heading in columns.headings:
        sorted_by = sorting is not None and heading.column is sorting.column
        texts.append(_heading_text(heading, sign if sorted_by else ""))
        sign = "" if sorted_by else sign
    last = fit(texts.pop(), columns.words, symbols.ellipsis)
    turned = sorting == Sorting(descending=True)  # the queue's order has no column of its own
    marks = f"{sign if turned else '':>{MARKERS_WIDTH - 1}} "
    line: StyledLine = [(marks + "".join(texts), Role.HEADING)]
    room = columns.words - cell_width(note)
    if not note:
        return [*line, (last, Role.HEADING)]
    if room < len(last.rstrip()) + COLUMN_GAP:
        return [*line, (fit(note, columns.words, symbols.ellipsis), Role.ALARM)]
    return [*line, (last[:room], Role.HEADING), (note, Role.ALARM)]


def sort_arrow(sorting: Sorting, symbols: Symbols) -> str:
    """Which end is first."""
    return symbols.descending if sorting.descending else symbols.ascending


def _heading_text(heading: Heading, sign: str) -> str:
    if heading.column is Column.WORDS:
        return heading.name + sign
    name = heading.name
    if sign:  # the space between a name and its unit is all the room there is
        name = name.replace(" ", sign) if " " in name else name + sign
    cells = heading.cells - heading.sign_cells
    named = f"{name:>{cells}}" if heading.right_aligned else f"{name:<{cells}}"
    return named + " " * (heading.sign_cells + COLUMN_GAP)


def column_at(x: int, columns: ColumnWidths) -> Column:
    """Whose name stands there; what is before the first one stands for the queue's order."""
    column, end = Column.QUEUE, MARKERS_WIDTH
    for heading in columns.headings:
        if x < end:
            break
        column = heading.column
        end += heading.cells + COLUMN_GAP
    return column


def table_status(
    sorting: Sorting,
    columns: ColumnWidths,
    symbols: Symbols,
    *,
    marked_count: int = 0,
    frozen: bool = False,
    new_count: int = 0,
) -> str:
    """What is not so by itself: marks, rows that stand still, an order that no name tells."""
    parts = []
    if marked_count:
        parts.append(f"{marked_count} marked")
    if frozen:
        waiting = f", {new_count} new" if new_count else ""
        parts.append(f"{symbols.held} frozen{waiting}")
    seen = [heading.column for heading in columns.headings]
    if sorting.column not in (Column.QUEUE, *seen):
        parts.append(f"by {sorting.column.value} {sort_arrow(sorting, symbols)}")
    return f" {symbols.separator} ".join(parts)


def filter_result_line(
    shown: int, total: int, filter_errors: Sequence[str], cells: int, symbols: Symbols
) -> StyledLine:
    """What came of the filter, and what of it was not understood."""
    count = f"{shown} of {total}"
    room = cells - cell_width(count) - COLUMN_GAP
    line: StyledLine = [(count, Role.STRONG)]
    if filter_errors and room > 0:
        told = fit(clean("; ".join(filter_errors)), room, symbols.ellipsis)
        line.append((f"{' ' * COLUMN_GAP}{told}", Role.WARNING))
    return line


def no_match_line(clear_key: str) -> StyledLine:
    """In place of rows when the filter hides all of them; ``clear_key``: the key that takes it
    away."""
    return [
        (f"{' ' * MARKERS_WIDTH}No session is like that. ", Role.MUTED),
        (clear_key, Role.KEY),
        (" shows all.", Role.MUTED),
    ]
