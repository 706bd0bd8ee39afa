"""Numbers and small bars for progress, level and lag."""

import math
from collections.abc import Sequence
from functools import lru_cache

from tui.model.metrics import Punctuality, punctuality
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols

LAG_GAUGE_WIDTH = 9  # four cells below the tolerance, one for its mark, four above
LAG_NUMBER_WIDTH = 7  # cells of a lag in ms and its sign
LEVEL_METER_WIDTH = 8  # cells of a level meter; each shows one chunk
SILENCE_DBFS = -60  # at this level and below, a meter shows only its floor
PUNCTUALITY_ROLES = {
    Punctuality.ON_TIME: Role.SUCCESS,
    Punctuality.LATE: Role.WARNING,
    Punctuality.VERY_LATE: Role.ERROR,
}


def punctuality_sign(punctuality: Punctuality, symbols: Symbols) -> str:
    """The sign beside a lag, which marks late chunks without relying on colour."""
    signs = {Punctuality.LATE: symbols.late, Punctuality.VERY_LATE: symbols.very_late}
    return signs.get(punctuality, " ")


def format_lag_ms(lag_ms: float) -> str:
    """Formats a lag in at most six cells, with tenths of a millisecond below one second."""
    if lag_ms < 1000:
        return f"{lag_ms:.1f}"
    return f"{lag_ms:.0f}" if lag_ms < 999_999.5 else ">999 s"


def bar(share: float, cells: int, symbols: Symbols) -> tuple[str, str]:
    """Draws the filled part and the rest of a bar, in half cells; only 1 fills it completely."""
    halves = math.floor(min(max(share, 0.0), 1.0) * cells * 2)
    filled = symbols.filled * (halves // 2) + (symbols.half_filled if halves % 2 else "")
    return filled, symbols.track * (cells - len(filled))


def level_meter(levels_db: Sequence[int], symbols: Symbols, cells: int = LEVEL_METER_WIDTH) -> str:
    """Draws a bar for the level of each recent chunk, right-aligned and padded with spaces."""
    bars = _bars_by_level(symbols.bar_heights)
    loudest = len(bars) - 1
    shown = [bars[min(max(db - SILENCE_DBFS, 0), loudest)] for db in levels_db[-cells:]]
    return "".join(shown).rjust(cells)


@lru_cache(maxsize=4)
def _bars_by_level(bars: tuple[str, ...]) -> str:
    """The bar of each level in dBFS, from silence on. ``bars``: from the lowest to the highest."""
    most = len(bars) - 1
    heights = (math.ceil(above / -SILENCE_DBFS * most) for above in range(1 - SILENCE_DBFS))
    return "".join(bars[max(height, 1)] for height in heights)


def lag_fraction(lag_ms: float) -> float:
    """Maps a lag to a logarithmic scale from 0 (0.1 ms) to 1 (1 s), for gauges and plots."""
    return (math.log10(max(lag_ms, 0.1)) + 1) / 4


def lag_gauge(lag_ms: float, symbols: Symbols, cells: int = LAG_GAUGE_WIDTH) -> StyledLine:
    """Draws a lag on a logarithmic scale with the tolerance in the middle."""
    filled, track = bar(lag_fraction(lag_ms), cells, symbols)
    middle = cells // 2
    if len(filled) <= middle:
        before = middle - len(filled)
        track = track[:before] + symbols.tolerance_mark + track[before + 1 :]
    return [(filled, PUNCTUALITY_ROLES[punctuality(lag_ms)]), (track, Role.FAINT)]


def lag_number(lag_ms: float, symbols: Symbols) -> StyledLine:
    """Draws a lag as a right-aligned number with its sign."""
    level = punctuality(lag_ms)
    role = Role.TEXT if level is Punctuality.ON_TIME else PUNCTUALITY_ROLES[level]
    number = f"{format_lag_ms(lag_ms):>{LAG_NUMBER_WIDTH - 1}}"
    return [(number, role), (punctuality_sign(level, symbols), role)]
