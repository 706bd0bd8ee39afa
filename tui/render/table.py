"""Draws the session table: chooses the cells that fit, then draws headings and rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tui.keys.key_table import Scope
from tui.model.column_spec import (
    QUEUE_ORDER,
    ColumnCell,
    ColumnSpec,
    Detail,
    Row,
    RowContext,
    Sorting,
    TableRoom,
)
from tui.render.columns import COLUMNS
from tui.render.job_labels import STATUS_ROLES, status_sign
from tui.text.width import cell_width, clean, fit
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobState, JobStatus

MARKERS_WIDTH = 4  # cells before the first column: cursor, mark, the state's sign and a space
COLUMN_GAP = 2
MIN_NAME_WIDTH, MAX_NAME_WIDTH = 14, 40
MIN_WORDS_WIDTH = 8

_GAP = " " * COLUMN_GAP

_STOPPED = frozenset({JobStatus.CANCELLED, JobStatus.INTERRUPTED})
"""States in which the last column says why only if there are no words."""

_STATUSES_WITH_REASON = frozenset(JobStatus) - {
    JobStatus.CONNECTING,
    JobStatus.STREAMING,
    JobStatus.FINISHING,
    JobStatus.DONE,
}
"""States in which the last column usually says why there are no words. If it needs more room, it
takes the columns to its left that are empty."""

_MIN_WORDS = {
    Detail.LONG_BAR: (40, 40),
    Detail.PROGRESS_TIME: (32, 32),
    Detail.BAR: (24, 36),
    Detail.LEVEL: (20, None),
    Detail.LAG_GAUGE: (20, None),
    Detail.PERCENT: (16, None),
    Detail.TIME_LEFT: (16, None),
}
"""Minimum width of the words at each level of detail, without and with a column for attempts;
None: the level has no such column."""


@dataclass(frozen=True, slots=True)
class PlacedCell:
    """A part of a column, and the width at which it is drawn."""

    column: ColumnSpec
    cell: ColumnCell
    heading: str
    cells: int


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The visible cells from left to right. A number that does not fit is omitted, not cut."""

    fixed: tuple[PlacedCell, ...]
    rest: PlacedCell | None  # the last cell takes the rest of the line
    has_attempts_column: bool = False

    @property
    def placed(self) -> tuple[PlacedCell, ...]:
        return self.fixed if self.rest is None else (*self.fixed, self.rest)


@lru_cache(maxsize=8)
def fit_columns(
    cells: int,
    *,
    has_hours: bool,
    longest_name: int,
    has_estimates: bool = False,
    show_attempts: bool = False,
    has_scores: bool = False,
    node_cells: int = 0,
    columns: tuple[ColumnSpec, ...] = COLUMNS,
) -> TableLayout:
    """Chooses the most detailed layout that leaves enough room for the words.

    ``has_hours``: a recording lasts an hour or longer; ``has_estimates``: the length of a recording
    is an estimate; ``node_cells``: the longest name of a node of a fleet; ``show_attempts``: a job
    had more than one attempt; ``has_scores``: jobs are scored; ``columns``: the columns to show.
    """
    wanted = min(MAX_NAME_WIDTH, max(MIN_NAME_WIDTH, cells // 5))
    name = max(len("FILE"), min(wanted, longest_name, max(cells - MARKERS_WIDTH - COLUMN_GAP, 1)))
    for detail, state_words, attempts, min_words in _levels(show_attempts):
        room = TableRoom(
            detail,
            state_words,
            attempts,
            has_hours,
            name,
            has_estimates,
            node_cells,
            has_scores,
        )
        fixed = _place_cells(columns, room)
        words = cells - MARKERS_WIDTH - sum(placed.cells + COLUMN_GAP for placed in fixed)
        if words >= min_words:
            break
    rest = [(column, cell) for column in columns for cell in column.cells if cell.width is None]
    return TableLayout(
        fixed,
        PlacedCell(*rest[0], rest[0][1].heading, max(words, 0)) if rest else None,
        any(placed.column.name == "attempts" for placed in fixed),
    )


def _levels(show_attempts: bool) -> Iterator[tuple[Detail, bool, bool, int]]:
    """Yields (detail, state as a word, attempts, minimum cells for words), most detailed first."""
    for state_words in (True, False):
        for detail, (min_words, min_with_attempts) in _MIN_WORDS.items():
            if show_attempts and min_with_attempts is not None:
                yield detail, state_words, True, min_with_attempts
            yield detail, state_words, False, min_words
    yield Detail.LAG, False, False, MIN_WORDS_WIDTH
    yield Detail.NAME, False, False, 0


def _place_cells(columns: Sequence[ColumnSpec], room: TableRoom) -> tuple[PlacedCell, ...]:
    placed: list[PlacedCell] = []

    def place(column: ColumnSpec, after: str) -> None:
        for cell in column.cells:
            if cell.after == after and cell.width and (width := cell.width(room)):
                beside = cell.heading_beside and any(before.column is column for before in placed)
                heading = cell.heading_beside if beside else cell.heading
                placed.append(PlacedCell(column, cell, heading, width))

    for column in columns:
        place(column, "")
        for other in columns:
            place(other, column.name)
    return tuple(placed)


# --- rows


def session_row(
    job_state: JobState, layout: TableLayout, context: RowContext, symbols: Symbols
) -> StyledLine:
    """The row of a job."""
    line: StyledLine = [
        (symbols.cursor if context.current else " ", Role.KEY),
        (symbols.marked if context.marked else " ", Role.ALARM),
        (status_sign(job_state, context, symbols) + " ", STATUS_ROLES[job_state.status]),
    ]
    if context.listening:
        line[-1:] = [(line[-1][0][:-1], line[-1][1]), (symbols.heard, Role.KEY)]
    row = Row(job_state, context, symbols, layout.has_attempts_column)
    for placed in layout.fixed:
        line += placed.cell.draw(row, placed.cells)
        text, role = line[-1]
        line[-1] = (text + _GAP, role)  # saves drawing a piece
    if layout.rest is not None:
        words = layout.rest.cell.draw(row, layout.rest.cells)
        if _gives_reason(job_state) and _is_cut(words, symbols):
            room = layout.rest.cells + _take_blank_cells(line)
            words = layout.rest.cell.draw(row, room)
        line += words
    return line


def _gives_reason(job_state: JobState) -> bool:
    """Whether the last column says why there are no words."""
    if job_state.status in _STOPPED:
        return job_state.transcript.latest_line is None
    return job_state.status in _STATUSES_WITH_REASON


def _is_cut(words: StyledLine, symbols: Symbols) -> bool:
    return any(symbols.ellipsis in text for text, _ in words)


def _take_blank_cells(line: StyledLine) -> int:
    """Removes the blank pieces at the end of a line but for a gap, and returns how many cells they
    took."""
    taken = 0
    while line[-1][0].isspace():
        taken += cell_width(line.pop()[0])
    text, role = line[-1]
    gap = COLUMN_GAP - min(COLUMN_GAP, len(text) - len(text.rstrip()), taken)
    line[-1] = (text + " " * gap, role)
    return taken - gap


def no_match_line(clear_key: str) -> StyledLine:
    """Draws the line for a filter that hides all rows; ``clear_key`` clears the filter."""
    return [
        (f"{' ' * MARKERS_WIDTH}No session matches. ", Role.MUTED),
        (clear_key, Role.KEY),
        (" shows all.", Role.MUTED),
    ]


# --- headings and notes


def heading_line(
    layout: TableLayout, symbols: Symbols, sorting: Sorting | None = None, note: str = ""
) -> StyledLine:
    """Draws the headings, then ``note``, which replaces the last heading if necessary."""
    arrow = sort_arrow(sorting, symbols) if sorting else ""
    reversed_queue = sorting == Sorting(descending=True)  # the queue order has no column
    line = f"{arrow if reversed_queue else '':>{MARKERS_WIDTH - 1}} "
    for placed in layout.fixed:
        name, cell = placed.heading, placed.cell
        if arrow and sorting and placed.column is sorting.column:
            # The arrow may replace only the space before the unit.
            name = name.replace(" ", arrow) if " " in name else name + arrow
            arrow = ""  # only the first heading of a column has the arrow
        cells = placed.cells - cell.sign_cells
        text = f"{name:>{cells}}" if cell.right_aligned else f"{name:<{cells}}"
        line += text + " " * (cell.sign_cells + COLUMN_GAP)
    words, last = (layout.rest.cells, layout.rest.heading) if layout.rest else (0, "")
    if layout.rest and sorting and layout.rest.column is sorting.column:
        last += arrow
    heading: StyledLine = [(line, Role.HEADING)]
    if not note:
        return [*heading, (fit(last, words, symbols.ellipsis), Role.HEADING)]
    room = words - cell_width(note)
    if room < len(last) + COLUMN_GAP:
        return [*heading, (fit(note, words, symbols.ellipsis), Role.ALARM)]
    return [*heading, (f"{last:<{room}}", Role.HEADING), (note, Role.ALARM)]


def sort_arrow(sorting: Sorting, symbols: Symbols) -> str:
    """The arrow for the direction of sorting."""
    return symbols.descending if sorting.descending else symbols.ascending


def column_at(x: int, layout: TableLayout) -> ColumnSpec:
    """The column whose heading is at cell ``x``; the queue order left of all headings."""
    column, end = QUEUE_ORDER, MARKERS_WIDTH
    for placed in layout.placed:
        if x < end:
            break
        column = placed.column
        end += placed.cells + COLUMN_GAP
    return column


def table_status(
    sorting: Sorting,
    layout: TableLayout,
    symbols: Symbols,
    *,
    marked_count: int = 0,
    frozen: bool = False,
    new_count: int = 0,
) -> str:
    """Reports marked rows, frozen rows, and sorting by a hidden column; empty if none applies."""
    parts = []
    if marked_count:
        parts.append(f"{marked_count} marked")
    if frozen:
        parts.append(f"{symbols.held} frozen" + (f", {new_count} new" if new_count else ""))
    if sorting.column not in (QUEUE_ORDER, *(placed.column for placed in layout.placed)):
        parts.append(f"by {sorting.column.label} {sort_arrow(sorting, symbols)}")
    return f" {symbols.separator} ".join(parts)


def filter_result_line(
    matched: int, total: int, problems: Sequence[str], cells: int, symbols: Symbols
) -> StyledLine:
    """Shows how many sessions match, and which terms could not be parsed."""
    count = f"{matched} of {total}"
    room = cells - cell_width(count) - COLUMN_GAP
    line: StyledLine = [(count, Role.STRONG)]
    if problems and room > 0:
        line.append((_GAP + fit(clean("; ".join(problems)), room, symbols.ellipsis), Role.WARNING))
    return line


# --- the sort dialog


def sort_choice_lines(
    columns: Sequence[ColumnSpec], at_cursor: ColumnSpec, sorting: Sorting, look: Look
) -> list[StyledLine]:
    """Draws a line for each column: its key, its name, and the direction if it sorts the rows."""
    keys = {key.action: key.key_display for key in look.keymap.bindings_in(Scope.SORTING)}
    lines: list[StyledLine] = []
    for column in columns:
        chosen = column is sorting.column
        line: StyledLine = [
            (look.symbols.cursor if column is at_cursor else " ", Role.KEY),
            (f" {keys.get(sort_action(column), ' ')}  ", Role.KEY),
            (f"{column.label:<14}", Role.STRONG if chosen else Role.TEXT),
        ]
        if chosen:
            first = column.direction_labels[sorting.descending]
            line.append((f"{sort_arrow(sorting, look.symbols)} {first}", Role.MUTED))
        lines.append(line)
    return lines


def sort_action(column: ColumnSpec) -> str:
    """The sort dialog's action for a column; users can assign a key to it in the settings."""
    return f"choose('{column.name.upper()}')"
