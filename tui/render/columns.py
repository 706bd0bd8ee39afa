"""Which columns the session table has room for, and how wide each is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from tui.model.row_order import Column
from tui.render.gauges import LAG_GAUGE_WIDTH, LAG_NUMBER_WIDTH, LEVEL_METER_WIDTH

STATE_WIDTH = 11
"""Cells of the longest state word, ``interrupted``."""

MARKERS_WIDTH = 4
"""Cursor, mark, the state's sign and a space."""

PERCENT_WIDTH = len("SENT") + 1
"""Each heading has room for the sign of the sorting behind it."""

SHORT_TIME_LEFT_WIDTH = len("12:34")
LONG_TIME_LEFT_WIDTH = len("1:02:33")
SHORT_PROGRESS_TIME_WIDTH = len("12:34/56:78")
LONG_PROGRESS_TIME_WIDTH = len("1:02:33/3:00:00")
ATTEMPTS_WIDTH = len("TRY") + 1

COLUMN_GAP = 2
"""Cells between two columns."""

LAG_COLUMN_WIDTH = LAG_NUMBER_WIDTH + 1
"""The lag, its sign, and the sign of a slip."""

MIN_WORDS_WIDTH = 8
MIN_NAME_WIDTH = 14
MAX_NAME_WIDTH = 40

ALL_COLUMNS = frozenset(Column)


@dataclass(frozen=True, slots=True)
class Heading:
    """A column as it stands in the table."""

    column: Column
    name: str
    cells: int
    right_aligned: bool = False
    """Aligned there."""
    sign_cells: int = 0
    """Cells at its end that the name does not stand above."""


@dataclass(frozen=True, slots=True)
class ColumnWidths:
    """Widths in cells; 0 means that a column gave way. Numbers are never cut, only left out."""

    name: int
    words: int
    state: int = 0
    bar: int = 0
    percent: int = 0
    time_left: int = 0
    progress_time: int = 0
    """How far it is, and of how much."""
    level: int = 0
    gauge: int = 0
    lag: int = 0
    attempts: int = 0

    @property
    def headings(self) -> Iterator[Heading]:
        """What stands from left to right behind the marks; the words take the rest."""
        lag = "ms" if self.gauge else "LAG ms"
        every = (
            Heading(Column.STATE, "STATE", self.state),
            Heading(Column.FILE, "FILE", self.name),
            Heading(Column.PROGRESS, "PROGRESS", self.bar),
            Heading(Column.PROGRESS, "SENT", self.percent, right_aligned=True),
            Heading(Column.LEFT, "LEFT", self.time_left, right_aligned=True),
            Heading(Column.PROGRESS, "TIME", self.progress_time, right_aligned=True),
            Heading(Column.LEVEL, "LEVEL", self.level),
            Heading(Column.LAG, "LAG", self.gauge),
            Heading(Column.LAG, lag, self.lag, right_aligned=True, sign_cells=2),
            Heading(Column.ATTEMPTS, "TRY", self.attempts, right_aligned=True),
        )
        yield from (each for each in every if each.cells)
        yield Heading(Column.WORDS, "LATEST WORDS", self.words)

    @property
    def fixed_cells(self) -> int:
        """Cells between the marks and the words."""
        return sum(
            each.cells + COLUMN_GAP for each in self.headings if each.column is not Column.WORDS
        )


@dataclass(frozen=True, slots=True)
class _ColumnSet:
    """What is shown beside name and words, if so many cells are left for the words."""

    min_words: int
    bar: int = 0
    percent: bool = False
    time_left: bool = False
    progress_time: bool = False
    level: bool = False
    gauge: bool = False
    lag: bool = True
    min_words_with_attempts: int = 0
    """The same where attempts have a column, which they need not have; 0: they have none."""


_COLUMN_SETS = (
    _ColumnSet(
        40,
        bar=20,
        time_left=True,
        progress_time=True,
        level=True,
        gauge=True,
        min_words_with_attempts=40,
    ),
    _ColumnSet(
        32,
        bar=12,
        time_left=True,
        progress_time=True,
        level=True,
        gauge=True,
        min_words_with_attempts=32,
    ),
    _ColumnSet(24, bar=12, time_left=True, level=True, gauge=True, min_words_with_attempts=36),
    _ColumnSet(20, percent=True, time_left=True, level=True, gauge=True),
    _ColumnSet(20, percent=True, time_left=True, gauge=True),
    _ColumnSet(16, percent=True, time_left=True),
    _ColumnSet(16, time_left=True),
)
"""The richest first; those without the state's word follow."""

_MINIMAL_COLUMN_SETS = (
    _ColumnSet(MIN_WORDS_WIDTH),
    _ColumnSet(MIN_WORDS_WIDTH, lag=False),
    _ColumnSet(0, lag=False),
)


@lru_cache(maxsize=8)
def fit_columns(
    cells: int,
    *,
    has_hours: bool,
    longest_name: int,
    show_attempts: bool = False,
    visible: frozenset[Column] = ALL_COLUMNS,
) -> ColumnWidths:
    """The richest set that still leaves room for words.

    ``has_hours``: some recording has hours; ``show_attempts``: some job had more than one attempt;
    ``visible``: what the user wants to see at all.
    """
    wish = min(MAX_NAME_WIDTH, max(MIN_NAME_WIDTH, cells // 5))
    name = max(len("FILE"), min(wish, longest_name, max(cells - MARKERS_WIDTH - COLUMN_GAP, 1)))
    for state, choice, tried in _candidate_sets(show_attempts):
        left, clock = (
            (LONG_TIME_LEFT_WIDTH, LONG_PROGRESS_TIME_WIDTH)
            if has_hours
            else (SHORT_TIME_LEFT_WIDTH, SHORT_PROGRESS_TIME_WIDTH)
        )
        progress, lag = Column.PROGRESS in visible, Column.LAG in visible
        found = ColumnWidths(
            name=name,
            words=0,
            state=STATE_WIDTH * (state and Column.STATE in visible),
            bar=choice.bar * progress,
            percent=PERCENT_WIDTH * (choice.percent and progress),
            time_left=left * (choice.time_left and Column.LEFT in visible),
            progress_time=clock * (choice.progress_time and progress),
            level=LEVEL_METER_WIDTH * (choice.level and Column.LEVEL in visible),
            gauge=LAG_GAUGE_WIDTH * (choice.gauge and lag),
            lag=LAG_COLUMN_WIDTH * (choice.lag and lag),
            attempts=ATTEMPTS_WIDTH * (tried and Column.ATTEMPTS in visible),
        )
        room = cells - MARKERS_WIDTH - found.fixed_cells
        if room >= (choice.min_words_with_attempts if tried else choice.min_words):
            break
    return replace(found, words=max(room, 0) * (Column.WORDS in visible))


def _candidate_sets(show_attempts: bool) -> Iterator[tuple[bool, _ColumnSet, bool]]:
    """With the state's word or not, what else, with the attempts or not."""
    for state, choice in product((True, False), _COLUMN_SETS):
        if show_attempts and choice.min_words_with_attempts:
            yield state, choice, True
        yield state, choice, False
    yield from ((False, choice, False) for choice in _MINIMAL_COLUMN_SETS)
