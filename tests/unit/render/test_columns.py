"""Every column is one entry, from which table, sorting, filter, settings, help and docs follow."""

import math
from array import array
from dataclasses import replace

import pytest

from tests.support.report_builders import (
    broken_attempt,
    ended_done,
    ended_failed,
    job_reports,
    job_state_of,
    queued,
    streaming,
    turn_heard,
)
from tui.cli.settings_toml import settings_lines
from tui.config.settings import DeskSettings
from tui.keys.key_table import Scope, bindings_in
from tui.keys.keymap import Keymap
from tui.model.column_spec import (
    QUEUE_ORDER,
    ColumnCell,
    ColumnFilter,
    ColumnSpec,
    Detail,
    FilterKind,
    Row,
    RowContext,
    Sorting,
    columns_reference,
)
from tui.model.desk_state import DeskState
from tui.model.row_filter import parse_filter
from tui.render.columns import COLUMNS, column_named
from tui.render.help import help_lines
from tui.render.table import (
    column_at,
    fit_columns,
    heading_line,
    session_row,
    sort_action,
    sort_choice_lines,
)
from tui.text.width import cell_width
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import ASCII, UNICODE, Symbols
from workers.evaluation.desk_figures import JobFigures
from workers.jobs.events import Event
from workers.jobs.job import JobId

MADE_UP = ColumnSpec(
    name="chars",
    label="length of name",
    help="how many characters the path has",
    sort_value=lambda job_state, _: len(job_state.file),
    direction_labels=("the shortest first", "the longest first"),
    filter=ColumnFilter(
        "chars", FilterKind.NUMBER, lambda job_state: len(job_state.file), "chars>20"
    ),
    cells=(
        ColumnCell(
            "CHARS",
            lambda row, cells: [(f"{len(row.job_state.file):>{cells}}", Role.TEXT)],
            width=lambda room: 6 * (room.detail >= Detail.TIME_LEFT),
            right_aligned=True,
        ),
    ),
)

WITH_MADE_UP = (*COLUMNS[:-1], MADE_UP, COLUMNS[-1])

SCORED = JobFigures(
    JobId(1),
    rates={"wer": 1.5},
    delays={
        "ttft": array("f", [1234.0, *[math.nan] * 4, 1234.0]),
        "eot": array("f", [98765.0, *[math.nan] * 4, 98765.0]),
    },
    invalid=("attempt 1: it was late",),
)

LIVES: list[list[Event]] = [
    [],
    [queued(30)],
    [*streaming(3723, 10800, 1234.5), turn_heard(0, "word " * 50)],
    [*streaming(60, 60), turn_heard(0, "The end", final=True), ended_done()],
    [*streaming(), ended_failed("it broke")],
    [*streaming(20, 60), *broken_attempt(at=20)],
]


def text(*lines: StyledLine) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)


@pytest.mark.parametrize("column", WITH_MADE_UP, ids=lambda column: column.name)
@pytest.mark.parametrize("symbols", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_cell_is_as_wide_as_its_column(column: ColumnSpec, symbols: Symbols) -> None:
    """Alone and among all others, at any width, for any job; ASCII stays ASCII."""
    for cells in range(20, 240, 7):
        for columns in ((column,), WITH_MADE_UP):
            layout = fit_columns(
                cells,
                has_hours=True,
                longest_name=30,
                show_attempts=True,
                has_scores=True,
                columns=columns,
            )
            for events in LIVES:
                job_state = job_state_of(*events)
                row = Row(job_state, RowContext(current=True, figures=SCORED), symbols)
                for placed in layout.fixed:
                    drawn = text(placed.cell.draw(row, placed.cells))
                    assert placed.cells == cell_width(drawn), placed.heading
                line = text(session_row(job_state, layout, row.context, symbols))
                assert cell_width(line) <= max(cells, 4)
                assert symbols is UNICODE or line.isascii()


@pytest.mark.parametrize("column", WITH_MADE_UP, ids=lambda column: column.name)
def test_rows_are_sorted_by_every_column(column: ColumnSpec) -> None:
    """First in its own direction, then reversed; its heading has the arrow, if it is visible."""
    state = DeskState()
    for number, events in enumerate(LIVES[1:], 1):
        for each in job_reports(number, *events):
            state.apply(each)
    state.table.sort_by(column)
    assert Sorting(column, column.descending) == state.table.sorting
    assert len(LIVES) - 1 == len(state.table.visible)
    state.table.sort_by(column)
    assert Sorting(column, not column.descending) == state.table.sorting
    layout = fit_columns(
        240,
        has_hours=False,
        longest_name=20,
        show_attempts=True,
        has_scores=True,
        node_cells=8,
        columns=WITH_MADE_UP,
    )
    heading = text(heading_line(layout, UNICODE, Sorting(column)))
    assert column is column_at(heading.index(UNICODE.ascending), layout)


@pytest.mark.parametrize("column", WITH_MADE_UP, ids=lambda column: column.name)
def test_every_filter_example_is_understood(column: ColumnSpec) -> None:
    """Its own example has no problem, and the list of names in an error has it."""
    assert column.filter is not None
    found = parse_filter(column.filter.example, WITH_MADE_UP)
    assert (1, ()) == (len(found.predicates), found.problems)
    for events in LIVES:
        found.matches(job_state_of(*events))
    assert column.filter.name in parse_filter("nonsense:x", WITH_MADE_UP).problems[0]


def test_every_column_is_in_dialog_help_settings_and_reference() -> None:
    """One that was just added too; it has no key of its own yet, and is chosen with the arrows."""
    look = Look(UNICODE, Keymap())
    choices = (QUEUE_ORDER, *WITH_MADE_UP)
    dialog = sort_choice_lines(choices, MADE_UP, Sorting(MADE_UP), look)
    assert [column.label in text(line) for column, line in zip(choices, dialog, strict=True)]
    assert f"{UNICODE.ascending} the shortest first" in text(dialog[choices.index(MADE_UP)])

    told = text(*help_lines([], 60, Keymap(), UNICODE, WITH_MADE_UP))
    for column in columns_reference(WITH_MADE_UP):
        assert column.name in told
        assert column.help.split()[0] in told
        assert column.filter
        assert column.sort

    (listed,) = [
        line
        for line in settings_lines(DeskSettings(), WITH_MADE_UP)
        if line.startswith("columns = ")
    ]
    assert [column.name for column in WITH_MADE_UP if f'"{column.name}"' in listed] == [
        column.name for column in WITH_MADE_UP if column.is_optional
    ]


def test_a_new_column_filters_and_sorts() -> None:
    """A new column needs only its entry."""
    state = DeskState()
    state.add_jobs([JobId(1), JobId(2)], ["/recordings/long.wav", "/a.wav"])
    state.table.sort_by(MADE_UP)
    assert [2, 1] == state.table.visible
    state.table.filter_by(parse_filter("chars>10", WITH_MADE_UP))
    assert [1] == state.table.visible


def test_the_keys_of_the_sort_dialog_belong_to_columns() -> None:
    """Each key chooses a column that there is, under the same name; today every column has one."""
    keys = {
        key.action: key.description
        for key in bindings_in(Scope.SORTING)
        if key.action.startswith("choose(")
    }

    assert {sort_action(column): column.label for column in (QUEUE_ORDER, *COLUMNS)} == keys


def test_names_of_columns_and_filters_are_unique() -> None:
    """A copy with another name is another column."""
    names = [column.name for column in (QUEUE_ORDER, *COLUMNS)]
    filters = [column.filter.name for column in COLUMNS if column.filter]

    assert len(names) == len(set(names))
    assert len(filters) == len(set(filters))
    assert column_named("lag") != replace(column_named("lag"), name="delay")
