"""Which columns the session table has room for, and how wide each is."""

from dataclasses import dataclass
from itertools import product

from tui.lines.gauges import GAUGE, LAG

STATE = 10
"""Cells of the longest state word, ``connecting``."""

MARKS = 4
"""Cursor, mark, the state's sign and a space."""

PERCENT = 4
SHORT_CLOCK = len("12:34/56:78")
LONG_CLOCK = len("1:02:33/3:00:00")

GAP = 2
"""Cells between two columns."""

LAG_SIGNS = LAG + 1
"""The lag, its sign, and the sign of a slip."""

LEAST_WORDS = 16
LEAST_NAME = 14
MOST_NAME = 40


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells; 0 means that a column gave way. Numbers are never cut, only left out."""

    name: int
    words: int
    state: int = 0
    bar: int = 0
    clock: int = 0
    percent: int = 0
    gauge: int = 0
    lag: int = LAG_SIGNS


def columns(width: int, *, hours: bool, longest_name: int) -> Columns:
    """The richest set that still leaves room for words; ``hours``: some recording has hours."""
    clock = LONG_CLOCK if hours else SHORT_CLOCK
    wish = min(MOST_NAME, max(LEAST_NAME, width // 5))
    name = max(len("FILE"), min(wish, longest_name))
    for state, (bar, gauge, time) in product(
        (STATE, 0),
        ((20, GAUGE, clock), (12, GAUGE, clock), (0, GAUGE, clock), (0, 0, clock), (0, 0, 0)),
    ):
        percent = 0 if time else PERCENT
        taken = (state, name, bar, time, percent, gauge, LAG_SIGNS)
        words = width - MARKS - sum(size + GAP for size in taken if size)
        least = 40 if bar == 20 else 26 if bar or gauge else LEAST_WORDS
        if words >= least:
            return Columns(name, words, state, bar, time, percent, gauge)
    words = max(0, width - MARKS - name - LAG_SIGNS - PERCENT - 3 * GAP)
    return Columns(name, words, percent=PERCENT)
