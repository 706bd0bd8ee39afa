"""Which columns the session table has room for, and how wide each is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from tui.model.row_order import Column
from tui.render.gauges import GAUGE, LAG, METER

STATE = 11
"""Cells of the longest state word, ``interrupted``."""

MARKS = 4
"""Cursor, mark, the state's sign and a space."""

PERCENT = len("SENT") + 1
"""Each heading has room for the sign of the sorting behind it."""

SHORT_LEFT = len("12:34")
LONG_LEFT = len("1:02:33")
SHORT_CLOCK = len("12:34/56:78")
LONG_CLOCK = len("1:02:33/3:00:00")
TRIES = len("TRY") + 1

GAP = 2
"""Cells between two columns."""

LAG_SIGNS = LAG + 1
"""The lag, its sign, and the sign of a slip."""

LEAST_WORDS = 8
LEAST_NAME = 14
MOST_NAME = 40

ALL = frozenset(Column)


@dataclass(frozen=True, slots=True)
class Heading:
    """A column as it stands in the table."""

    column: Column
    name: str
    cells: int
    right: bool = False
    """Aligned there."""
    signs: int = 0
    """Cells at its end that the name does not stand above."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells; 0 means that a column gave way. Numbers are never cut, only left out."""

    name: int
    words: int
    state: int = 0
    bar: int = 0
    percent: int = 0
    left: int = 0
    clock: int = 0
    """How far it is, and of how much."""
    level: int = 0
    gauge: int = 0
    lag: int = 0
    tries: int = 0

    @property
    def headings(self) -> Iterator[Heading]:
        """What stands from left to right behind the marks; the words take the rest."""
        lag = "ms" if self.gauge else "LAG ms"
        every = (
            Heading(Column.STATE, "STATE", self.state),
            Heading(Column.FILE, "FILE", self.name),
            Heading(Column.PROGRESS, "PROGRESS", self.bar),
            Heading(Column.PROGRESS, "SENT", self.percent, right=True),
            Heading(Column.LEFT, "LEFT", self.left, right=True),
            Heading(Column.PROGRESS, "TIME", self.clock, right=True),
            Heading(Column.LEVEL, "LEVEL", self.level),
            Heading(Column.LAG, "LAG", self.gauge),
            Heading(Column.LAG, lag, self.lag, right=True, signs=2),
            Heading(Column.ATTEMPTS, "TRY", self.tries, right=True),
        )
        yield from (each for each in every if each.cells)
        yield Heading(Column.WORDS, "LATEST WORDS", self.words)

    @property
    def taken(self) -> int:
        """Cells between the marks and the words."""
        return sum(each.cells + GAP for each in self.headings if each.column is not Column.WORDS)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is shown beside name and words, if so many cells are left for the words."""

    words: int
    bar: int = 0
    percent: bool = False
    left: bool = False
    clock: bool = False
    level: bool = False
    gauge: bool = False
    lag: bool = True
    tries: int = 0
    """The same where attempts have a column, which they need not have; 0: they have none."""


_CHOICES = (
    _Choice(40, bar=20, left=True, clock=True, level=True, gauge=True, tries=40),
    _Choice(32, bar=12, left=True, clock=True, level=True, gauge=True, tries=32),
    _Choice(24, bar=12, left=True, level=True, gauge=True, tries=36),
    _Choice(20, percent=True, left=True, level=True, gauge=True),
    _Choice(20, percent=True, left=True, gauge=True),
    _Choice(16, percent=True, left=True),
    _Choice(16, left=True),
)
"""The richest first; those without the state's word follow."""

_LAST = (_Choice(LEAST_WORDS), _Choice(LEAST_WORDS, lag=False), _Choice(0, lag=False))


@lru_cache(maxsize=8)
def columns(
    width: int,
    *,
    hours: bool,
    longest_name: int,
    tries: bool = False,
    shown: frozenset[Column] = ALL,
) -> Columns:
    """The richest set that still leaves room for words.

    ``hours``: some recording has hours; ``tries``: some job had more than one attempt; ``shown``:
    what the user wants to see at all.
    """
    wish = min(MOST_NAME, max(LEAST_NAME, width // 5))
    name = max(len("FILE"), min(wish, longest_name, max(width - MARKS - GAP, 1)))
    for state, choice, tried in _ways(tries):
        left, clock = (LONG_LEFT, LONG_CLOCK) if hours else (SHORT_LEFT, SHORT_CLOCK)
        progress, lag = Column.PROGRESS in shown, Column.LAG in shown
        found = Columns(
            name=name,
            words=0,
            state=STATE * (state and Column.STATE in shown),
            bar=choice.bar * progress,
            percent=PERCENT * (choice.percent and progress),
            left=left * (choice.left and Column.LEFT in shown),
            clock=clock * (choice.clock and progress),
            level=METER * (choice.level and Column.LEVEL in shown),
            gauge=GAUGE * (choice.gauge and lag),
            lag=LAG_SIGNS * (choice.lag and lag),
            tries=TRIES * (tried and Column.ATTEMPTS in shown),
        )
        room = width - MARKS - found.taken
        if room >= (choice.tries if tried else choice.words):
            break
    return replace(found, words=max(room, 0) * (Column.WORDS in shown))


def _ways(tries: bool) -> Iterator[tuple[bool, _Choice, bool]]:
    """With the state's word or not, what else, with the attempts or not."""
    for state, choice in product((True, False), _CHOICES):
        if tries and choice.tries:
            yield state, choice, True
        yield state, choice, False
    yield from ((False, choice, False) for choice in _LAST)
