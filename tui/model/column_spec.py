"""Describes a column of the session table: its names, values, sorting, filter and cells.

The columns themselves are in `tui.render.columns`, because they draw; callers pass them in.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import TYPE_CHECKING, TypeAlias

from tui.model.queue_forecast import StartForecast
from tui.theme.roles import StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobState

if TYPE_CHECKING:  # loaded with the first score
    from workers.evaluation.desk_figures import JobFigures

SortValue: TypeAlias = float | str | None


@dataclass(frozen=True, slots=True)
class RowContext:
    """What the desk knows about a job besides its `JobState`; see `DeskState.row_context`."""

    current: bool = False
    marked: bool = False
    unfolded: bool = False
    """It is a pair, and its halves have rows of their own."""
    stopping: bool = False
    """The user cancelled the job, but it has not ended yet."""
    retry_wait_s: int = 0
    """Whole seconds until the next attempt may start; 0 if it only waits for a free slot."""
    forecast: StartForecast | None = None
    """The job's position in the queue; None if it is not queued."""
    listening: str = ""
    """What is heard of the job, in a few words; empty if the user does not listen to it."""
    figures: "JobFigures | None" = None
    """The job's scores; None if it was not scored."""


@dataclass(frozen=True, slots=True)
class Row:
    """The values that a column draws."""

    job_state: JobState
    context: RowContext
    symbols: Symbols
    has_attempts_column: bool = False
    """If False, the number of a further attempt is shown before the latest words."""


class Detail(IntEnum):
    """How much detail fits into a row. Each level adds the cells in its name."""

    NAME = auto()
    LAG = auto()
    TIME_LEFT = auto()
    PERCENT = auto()
    LAG_GAUGE = auto()
    LEVEL = auto()
    BAR = auto()
    """Shows the bar instead of the percentage."""
    PROGRESS_TIME = auto()
    LONG_BAR = auto()


@dataclass(frozen=True, slots=True)
class TableRoom:
    """What determines the widths of cells."""

    detail: Detail
    state_words: bool
    """The state is also shown as a word, after its sign."""
    attempts: bool
    """There is a column for attempts, because a job had several and the column fits."""
    has_hours: bool
    """At least one recording lasts an hour or longer."""
    name_cells: int
    has_estimates: bool = False
    """The length of at least one recording is an estimate, shown with a ``~``."""
    node_cells: int = 0
    """The longest name of a node; 0 if all sessions run on this machine."""
    has_scores: bool = False
    """Jobs are scored, and their columns are wanted."""


@dataclass(frozen=True, slots=True)
class ColumnCell:
    """One part of a column, with its own heading."""

    heading: str
    draw: Callable[[Row, int], StyledLine]
    """Draws the part in exactly the given number of cells, as one or more pieces."""
    width: Callable[[TableRoom], int] | None
    """Width in cells, 0 to omit the part; None for the last part, which takes the rest."""
    right_aligned: bool = False
    sign_cells: int = 0
    """Number of cells that the heading leaves free at the right end."""
    heading_beside: str = ""
    """Replaces ``heading`` if an earlier part of the column is visible too."""
    after: str = ""
    """The column after which the part is placed; empty: beside the other parts of its column."""


class FilterKind(Enum):
    """How a filter term compares."""

    NUMBER = "number"
    """A comparison: ``lag>20``."""
    TEXT = "text"
    """Contains the text: ``name:x``; words without a name search all columns of this kind."""
    STATE = "state"
    """The state begins with the text: ``state:x``."""
    WORD = "word"
    """The name alone: jobs whose value is above zero."""


@dataclass(frozen=True, slots=True)
class ColumnFilter:
    """A name of the filter language."""

    name: str
    kind: FilterKind
    value: Callable[[JobState], float | str | None] | None
    """None: it is the column's `ColumnSpec.figure`."""
    example: str
    """A term as the user types it, such as ``lag>20``."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnSpec:
    """One column, for the table, the settings, the sort dialog, the filter, help and reference."""

    name: str
    """The name used in settings; in capitals, the argument of ``choose('LAG')``."""
    label: str
    """The name used in the sort dialog and in sentences."""
    help: str
    sort_value: Callable[[JobState, int | None], SortValue] | None
    """Takes the job and the sequence number of its newest words. If it returns None, the job
    comes last in both directions. Without a function, and without ``figure``, rows are in
    queue order."""
    direction_labels: tuple[str, str]
    """Describes which rows come first when ascending, and when descending."""
    cells: tuple[ColumnCell, ...] = ()
    filter: ColumnFilter | None = None
    descending: bool = False
    """The initial direction: large values come first."""
    finished_last: bool = False
    """Finished jobs come after the others when rows are sorted by this column."""
    is_optional: bool = True
    """Users can hide the column in the settings."""
    figure: "Callable[[JobFigures], float | None] | None" = None
    """For a column of scores: its value for sorting and the filter. ``sort_value`` is then None."""

    @property
    def is_queue_order(self) -> bool:
        return self.sort_value is None and self.figure is None

    def value(
        self, job_state: JobState, last_heard_seq: int | None, figures: "JobFigures | None"
    ) -> SortValue:
        """The value that sorts a job; None if it comes last."""
        if self.figure is not None:
            return None if figures is None else self.figure(figures)
        return None if self.sort_value is None else self.sort_value(job_state, last_heard_seq)


QUEUE_ORDER = ColumnSpec(
    name="queue",
    label="queue order",
    help="the order in which recordings start",
    sort_value=None,
    direction_labels=("next to start first", "last to start first"),
)
"""The queue order, which has no column."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """The column that rows are sorted by, and the direction."""

    column: ColumnSpec = QUEUE_ORDER
    descending: bool = False


@dataclass(frozen=True, slots=True)
class ColumnReference:
    """The description of a column for help and documentation."""

    name: str
    help: str
    sort: str
    """Which rows come first in the initial direction."""
    filter: str
    """An example of a filter term; empty if there is none."""


def columns_reference(columns: Iterable[ColumnSpec]) -> list[ColumnReference]:
    """Describes each column: its help text, sorting and filter."""
    return [
        ColumnReference(
            name=column.name,
            help=column.help,
            sort=column.direction_labels[column.descending],
            filter=column.filter.example if column.filter else "",
        )
        for column in columns
    ]
