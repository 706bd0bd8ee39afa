"""The line above the rows: the columns' names, by which they are sorted, and how the rows stand."""

from collections.abc import Sequence

from tui.model.row_order import Column, Sorting
from tui.render.columns import GAP, MARKS, Columns, Heading
from tui.text.width import clean, fit, width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols


def head(
    columns: Columns, symbols: Symbols, sorting: Sorting | None = None, note: str = ""
) -> Line:
    """Each name above its column; ``note`` at the end, if need be in place of the last name."""
    texts = []
    sign = arrow(sorting, symbols) if sorting else ""
    for heading in columns.headings:
        sorted_by = sorting is not None and heading.column is sorting.column
        texts.append(_named(heading, sign if sorted_by else ""))
        sign = "" if sorted_by else sign
    last = fit(texts.pop(), columns.words, symbols.cut)
    turned = sorting == Sorting(descending=True)  # the queue's order has no column of its own
    marks = f"{sign if turned else '':>{MARKS - 1}} "
    line: Line = [(marks + "".join(texts), Role.HEADING)]
    room = columns.words - width(note)
    if not note:
        return [*line, (last, Role.HEADING)]
    if room < len(last.rstrip()) + GAP:
        return [*line, (fit(note, columns.words, symbols.cut), Role.ALARM)]
    return [*line, (last[:room], Role.HEADING), (note, Role.ALARM)]


def arrow(sorting: Sorting, symbols: Symbols) -> str:
    """Which end is first."""
    return symbols.descending if sorting.descending else symbols.ascending


def _named(heading: Heading, sign: str) -> str:
    if heading.column is Column.WORDS:
        return heading.name + sign
    name = heading.name
    if sign:  # the space between a name and its unit is all the room there is
        name = name.replace(" ", sign) if " " in name else name + sign
    cells = heading.cells - heading.signs
    named = f"{name:>{cells}}" if heading.right else f"{name:<{cells}}"
    return named + " " * (heading.signs + GAP)


def column_at(x: int, columns: Columns) -> Column:
    """Whose name stands there; what is before the first one stands for the queue's order."""
    column, end = Column.QUEUE, MARKS
    for heading in columns.headings:
        if x < end:
            break
        column = heading.column
        end += heading.cells + GAP
    return column


def standing(
    sorting: Sorting,
    columns: Columns,
    symbols: Symbols,
    *,
    marked: int = 0,
    frozen: bool = False,
    newcomers: int = 0,
) -> str:
    """What is not so by itself: marks, rows that stand still, an order that no name tells."""
    parts = []
    if marked:
        parts.append(f"{marked} marked")
    if frozen:
        waiting = f", {newcomers} new" if newcomers else ""
        parts.append(f"{symbols.held} frozen{waiting}")
    seen = [heading.column for heading in columns.headings]
    if sorting.column not in (Column.QUEUE, *seen):
        parts.append(f"by {sorting.column.value} {arrow(sorting, symbols)}")
    return f" {symbols.dot} ".join(parts)


def found(shown: int, of: int, doubts: Sequence[str], cells: int, symbols: Symbols) -> Line:
    """What came of the filter, and what of it was not understood."""
    count = f"{shown} of {of}"
    room = cells - width(count) - GAP
    line: Line = [(count, Role.STRONG)]
    if doubts and room > 0:
        told = fit(clean("; ".join(doubts)), room, symbols.cut)
        line.append((f"{' ' * GAP}{told}", Role.LATE))
    return line


def nobody(back: str) -> Line:
    """In place of rows when the filter hides all of them; ``back``: the key that takes it away."""
    return [
        (f"{' ' * MARKS}No session is like that. ", Role.MUTED),
        (back, Role.KEY),
        (" shows all.", Role.MUTED),
    ]
