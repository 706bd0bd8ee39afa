"""What a column of the session table is: its names, values, sorting, filter and cells.

The columns themselves stand in `tui.render.columns`, since they draw; callers pass them in.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import TypeAlias

from tui.model.queue_forecast import StartForecast
from tui.theme.roles import StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobState

SortValue: TypeAlias = float | str | None


@dataclass(frozen=True, slots=True)
class RowContext:
    """What the desk, not the engine, knows of a job; see `DeskState.row_context`."""

    current: bool = False
    marked: bool = False
    stopping: bool = False
    """The user cancelled the job, and it has not ended yet."""
    retry_wait_s: int = 0
    """Whole seconds until the next attempt may start; 0 when it only waits for a free slot."""
    forecast: StartForecast | None = None
    """Its position in the queue."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a column draws from."""

    job_state: JobState
    context: RowContext
    symbols: Symbols
    has_attempts_column: bool = False
    """Without one, the number of a further attempt stands before the latest words."""


class Detail(IntEnum):
    """How much of a row fits. Each level adds the cells that it is named after."""

    NAME = auto()
    LAG = auto()
    TIME_LEFT = auto()
    PERCENT = auto()
    LAG_GAUGE = auto()
    LEVEL = auto()
    BAR = auto()
    """In place of the percentage."""
    PROGRESS_TIME = auto()
    LONG_BAR = auto()


@dataclass(frozen=True, slots=True)
class TableRoom:
    """What decides the widths of cells."""

    detail: Detail
    state_words: bool
    """There is room for the state as a word after its sign."""
    attempts: bool
    """Some job had several attempts, and there is room for a column for them."""
    has_hours: bool
    """Some recording lasts an hour or longer."""
    name_cells: int


@dataclass(frozen=True, slots=True)
class ColumnCell:
    """One part of a column, with its own heading."""

    heading: str
    draw: Callable[[Row, int], StyledLine]
    """Draws the part in exactly so many cells, as one or more pieces."""
    width: Callable[[TableRoom], int] | None
    """In cells, 0 to leave the part out; None for the last part, which takes the rest."""
    right_aligned: bool = False
    sign_cells: int = 0
    """Cells at the right end that the heading leaves free."""
    heading_beside: str = ""
    """Replaces ``heading`` where an earlier part of the column is visible too."""
    after: str = ""
    """The column to whose right it stands; empty: with the other parts of its own column."""


class FilterKind(Enum):
    """How a filter term compares."""

    NUMBER = "number"
    """``lag>20``"""
    TEXT = "text"
    """``name:x``: contains the text; words without a name search all columns of this kind."""
    STATE = "state"
    """``state:x``: the state begins with it."""


@dataclass(frozen=True, slots=True)
class ColumnFilter:
    """A name of the filter language."""

    name: str
    kind: FilterKind
    value: Callable[[JobState], float | str | None]
    example: str
    """A term as the user types it, such as ``lag>20``."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnSpec:
    """One column, for the table, the settings, the sort dialog, the filter, help and reference."""

    name: str
    """In the settings, and in capitals in the action ``choose('LAG')``."""
    label: str
    """In the sort dialog and in sentences."""
    help: str
    sort_value: Callable[[JobState, int | None], SortValue] | None
    """Gets the job and the number of its newest words, which rises with time. Jobs for which it
    returns None come last in both directions. Without a function: the order of the queue."""
    direction_labels: tuple[str, str]
    """What is first when ascending, and when descending."""
    cells: tuple[ColumnCell, ...] = ()
    filter: ColumnFilter | None = None
    descending: bool = False
    """The initial direction: the user looks for large values."""
    finished_last: bool = False
    """Sorted by it, finished jobs come after the others."""
    is_optional: bool = True
    """The settings can hide it."""


QUEUE_ORDER = ColumnSpec(
    name="queue",
    label="queue order",
    help="the order in which jobs start",
    sort_value=None,
    direction_labels=("the first to start first", "the last to start first"),
)
"""An order without a column."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """The column that rows are sorted by, and the direction."""

    column: ColumnSpec = QUEUE_ORDER
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ColumnReference:
    """A column in words, for help and documentation."""

    name: str
    help: str
    sort: str
    """What comes first in the initial direction."""
    filter: str
    """An example of a filter term, or empty."""


def columns_reference(columns: Iterable[ColumnSpec]) -> list[ColumnReference]:
    """What the user can do with each column."""
    return [
        ColumnReference(
            name=column.name,
            help=column.help,
            sort=column.direction_labels[column.descending],
            filter=column.filter.example if column.filter else "",
        )
        for column in columns
    ]
