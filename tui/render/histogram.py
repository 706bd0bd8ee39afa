"""Draws a small histogram as one row of blocks."""

import math
from collections.abc import Sequence

from tui.theme.symbols import Symbols


def blocks(bins: Sequence[int], cells: int, symbols: Symbols) -> str:
    """A block for each of ``cells`` parts of the range; its height is the share of the fullest
    part. A part with anything in it is never empty."""
    if not bins or cells < 1:
        return ""
    sums = [0] * min(cells, len(bins))
    for place, count in enumerate(bins):
        sums[place * len(sums) // len(bins)] += count
    top, steps = max(sums) or 1, len(symbols.bar_heights) - 1
    return "".join(symbols.bar_heights[math.ceil(count / top * steps)] for count in sums)
