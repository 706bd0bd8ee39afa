"""Numbers and small bars: progress, loudness, and how late the chunks leave."""

import math
from collections.abc import Sequence

from tui.model.metrics import Punctuality, punctuality
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols

LAG_GAUGE_WIDTH = 9
"""Cells of a lag gauge: four up to the tolerance, the tolerance, four beyond it."""

LAG_NUMBER_WIDTH = 7
"""Cells of a lag in ms and of the sign beside it."""

LEVEL_METER_WIDTH = 8
"""Cells of a level meter, a chunk each."""

SILENCE_DBFS = -60
"""In dBFS: from here down a level meter shows nothing but its floor."""


PUNCTUALITY_ROLES = {
    Punctuality.ON_TIME: Role.SUCCESS,
    Punctuality.LATE: Role.WARNING,
    Punctuality.VERY_LATE: Role.ERROR,
}


def punctuality_sign(punctuality: Punctuality, symbols: Symbols) -> str:
    """Beside the number, for those who do not see the colour."""
    return {Punctuality.LATE: symbols.late, Punctuality.VERY_LATE: symbols.very_late}.get(
        punctuality, " "
    )


def format_lag_ms(lag_ms: float) -> str:
    """A lag with a tenth of a millisecond while that means something; never over six cells."""
    if lag_ms < 1000:
        return f"{lag_ms:.1f}"
    return f"{lag_ms:.0f}" if lag_ms < 999_999.5 else ">999 s"


def bar(share: float, cells: int, symbols: Symbols) -> tuple[str, str]:
    """The filled part and the rest of a bar; half cells count, and only all is all."""
    halves = math.floor(min(max(share, 0.0), 1.0) * cells * 2)
    filled = symbols.filled * (halves // 2) + (symbols.half_filled if halves % 2 else "")
    return filled, symbols.track * (cells - len(filled))


def level_meter(levels_db: Sequence[int], symbols: Symbols, cells: int = LEVEL_METER_WIDTH) -> str:
    """How loud the latest chunks were, the last at the right; none where none was sent."""
    most = len(symbols.bar_heights) - 1
    heights = (math.ceil((db / -SILENCE_DBFS + 1) * most) for db in levels_db[-cells:])
    return "".join(symbols.bar_heights[min(max(height, 1), most)] for height in heights).rjust(
        cells
    )


def lag_fraction(lag_ms: float) -> float:
    """A lag on the logarithmic scale of gauges and plots: 0 is 0.1 ms, 1 is 1 s."""
    return (math.log10(max(lag_ms, 0.1)) + 1) / 4


def lag_gauge(lag_ms: float, symbols: Symbols, cells: int = LAG_GAUGE_WIDTH) -> StyledLine:
    """A lag on a logarithmic scale: 0.1 ms at the left, 1 s at the end, the tolerance between."""
    filled, track = bar(lag_fraction(lag_ms), cells, symbols)
    middle = cells // 2
    if len(filled) <= middle:
        before = middle - len(filled)
        track = track[:before] + symbols.tolerance_mark + track[before + 1 :]
    return [(filled, PUNCTUALITY_ROLES[punctuality(lag_ms)]), (track, Role.FAINT)]


def lag_number(lag_ms: float, symbols: Symbols) -> StyledLine:
    """The number, aligned at the right, and its sign."""
    level = punctuality(lag_ms)
    role = Role.TEXT if level is Punctuality.ON_TIME else PUNCTUALITY_ROLES[level]
    return [
        (f"{format_lag_ms(lag_ms):>{LAG_NUMBER_WIDTH - 1}}", role),
        (punctuality_sign(level, symbols), role),
    ]
