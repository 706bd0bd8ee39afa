"""How late the chunks of an attempt left: a plot over time, a histogram, and figures."""

import math
from collections.abc import Iterator, Sequence
from itertools import count

from tui.model.attempt_timing import EDGES_MS, Timing
from tui.render import gauges
from tui.render.job_summary import VERDICTS, joined
from tui.text import formats
from tui.text.width import width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.pacing.certificate import TOLERANCE_MS

HEIGHT = 8
"""Rows of the plot. Its scale is that of the gauges: 0.1 ms at the bottom, 1 s at the top, the
tolerance in the middle; so a row is half a decade."""

AXIS = 7
"""Cells before the plot."""

LABELS = {6: "100", 4: "10", 2: "1", 0: "0.1"}
"""What the lower edges of rows mean, in ms."""

MOST_SLIPS = 20
"""So many are told one by one."""


def timing_lines(timings: Sequence[Timing], cells: int, symbols: Symbols) -> list[Line]:
    """The latest attempt in full, those before it in a line each."""
    if not timings:
        return [[("  No chunk has left yet.", Role.FAINT)]]
    *before, latest = timings
    lines = _figures(latest, cells, symbols)
    lines += [[], *plot(latest, cells, symbols)]
    lines += [[], *histogram(latest, cells, symbols)]
    if latest.slips:
        lines += [[], *_slips(latest, symbols)]
    if before:
        lines += [[], [("  attempts before", Role.HEADING)]]
        lines += [_brief(each, cells, symbols) for each in before]
    return lines


def _figures(timing: Timing, cells: int, symbols: Symbols) -> list[Line]:
    certificate, settings = timing.certificate, timing.settings
    lag, (words, role) = certificate.lag_ms, VERDICTS[certificate.verdict]
    ranks = (
        ("p50", lag.p50),
        ("p90", lag.p90),
        ("p99", lag.p99),
        ("p99.9", lag.p99_9),
        ("max", lag.max),
    )
    first = [
        [(words if timing.over else f"so far: {words}", role)],
        _fact("chunks", f"{certificate.chunks} of {settings.chunk_ms} ms"),
        _fact("release", settings.release.value),
    ]
    if timing.damaged:
        first.append([(f"{symbols.warning} {timing.damaged} lines are damaged", Role.LATE)])
    second = [[("lag ", Role.FAINT), *_rank(*ranks[0])], *(_rank(*each) for each in ranks[1:])]
    second[-1] = [*second[-1], (" ms", Role.FAINT)]
    third = [_fact("attempt", str(timing.attempt))]
    if began := timing.began:
        third += [
            _fact("connect", f"{began.connect_ms:.1f} ms"),
            _fact("Begin", f"{began.begin_ms:.1f} ms"),
        ]
    if certificate.drift_ms is not None:
        third.append(_fact("drift", f"{certificate.drift_ms:+.2f} ms"))
    if certificate.slips:
        slipped = f"{certificate.slips}, {certificate.slipped_ms / 1000:.1f} s in all"
        third.append(_fact(f"{symbols.slip} slips", slipped))
    return [joined(each, cells, symbols) for each in (first, second, third)]


def _fact(word: str, value: str) -> Line:
    return [(f"{word} ", Role.FAINT), (value, Role.TEXT)]


def _rank(word: str, value: float) -> Line:
    role = gauges.ROLES[gauges.punctuality(value)] if value > TOLERANCE_MS else Role.TEXT
    return [(f"{word} ", Role.FAINT), (gauges.ms(value), role)]


def _brief(timing: Timing, cells: int, symbols: Symbols) -> Line:
    lag, (words, role) = timing.certificate.lag_ms, VERDICTS[timing.certificate.verdict]
    chunks = f"{timing.certificate.chunks} chunks"
    ranks = [_rank("p50", lag.p50), _rank("p99", lag.p99), _rank("max", lag.max)]
    told: list[Line] = [[(f"{timing.attempt}", Role.STRONG)], [(words, role)], *ranks]
    return joined([*told, [(chunks, Role.MUTED)]], cells, symbols)


# --- over time


def plot(timing: Timing, cells: int, symbols: Symbols) -> list[Line]:
    """The worst lag in each column, logarithmic; the tolerance across it, slips beneath it."""
    lags, room = timing.lags_us, max(cells - AXIS - 2, 1)
    each = next(step for step in _steps() if len(lags) <= step * room)
    heights = [
        _eighths(max(lags[start : start + each]) / 1000) for start in range(0, len(lags), each)
    ]
    seconds = each * timing.settings.chunk_ms / 1000
    of = f"the worst of {seconds:g} s" if each > 1 else "a chunk"
    lines: list[Line] = [
        [("  lag in ms over time", Role.HEADING), (f"   a column is {of}", Role.FAINT)]
    ]
    for row in reversed(range(HEIGHT)):
        lines.append(_plot_row(row, heights, room, symbols))
    return lines + _axis(timing, len(heights), each, symbols)


def _steps() -> Iterator[int]:
    """Chunks in a column. A plot that grows is calm: it is drawn anew only at a further step."""
    for decade in count():
        yield from (10**decade, 2 * 10**decade, 5 * 10**decade)


def _eighths(lag_ms: float) -> int:
    share = (math.log10(max(lag_ms, 0.1)) + 1) / 4
    return max(min(math.ceil(share * HEIGHT * 8), HEIGHT * 8), 1)


def _plot_row(row: int, heights: Sequence[int], room: int, symbols: Symbols) -> Line:
    level = (HEIGHT // 2, HEIGHT * 3 // 4)
    role = Role.GOOD if row < level[0] else Role.LATE if row < level[1] else Role.BAD
    drawn = "".join(symbols.heights[min(max(height - 8 * row, 0), 8)] for height in heights)
    label = (f"{LABELS.get(row, ''):>{AXIS - 2}}  ", Role.FAINT)
    if row != level[0]:
        return [label, (drawn, role)]
    line: Line = [label]
    for cell in drawn.ljust(room):  # the tolerance is this row's lower edge
        line.append((symbols.bound, Role.FAINT) if cell == " " else (cell, role))
    return line


def _axis(timing: Timing, columns: int, each: int, symbols: Symbols) -> list[Line]:
    start, end = (formats.clock(timing.at_seconds(chunk)) for chunk in (0, len(timing.lags_us)))
    gap = max(columns - width(start) - width(end), 1)
    lines: list[Line] = []
    if timing.slips:
        marks = [" "] * columns
        for slip in timing.slips:
            chunk = (slip.at_seconds * 1000 - timing.seam.at_ms) / timing.settings.chunk_ms
            marks[min(max(int(chunk / each), 0), columns - 1)] = symbols.slip
        lines.append([(" " * AXIS + "".join(marks), Role.LATE)])
    return [*lines, [(" " * AXIS + start + " " * gap + end, Role.FAINT)]]


# --- how often which lag


def histogram(timing: Timing, cells: int, symbols: Symbols) -> list[Line]:
    """A bar a bin, from the first to the last in which a chunk lies."""
    bins, count = timing.bins, len(timing.lags_us)
    filled = [index for index, chunks in enumerate(bins) if chunks]
    room = max(min(cells - 34, 60), 4)
    lines: list[Line] = [[("  how many chunks were how late", Role.HEADING)]]
    for index in range(filled[0], filled[-1] + 1):
        beyond = index == len(EDGES_MS)
        edge = EDGES_MS[-1] if beyond else EDGES_MS[index]
        level = gauges.punctuality(2 * edge if beyond else edge)
        bar, _ = gauges.bar(bins[index] / max(bins), room, symbols)
        bar = bar or (symbols.half if bins[index] else "")
        label = f"{'over' if beyond else 'to'} {edge:g} ms"
        lines.append(
            [
                (f"{label:>14} ", Role.MUTED),
                (f"{gauges.sign(level, symbols)} ", gauges.ROLES[level]),
                (bar, gauges.ROLES[level]),
                (f" {bins[index]}", Role.TEXT),
                (f"  {_percent(bins[index] / count)}" if bins[index] else "", Role.FAINT),
            ]
        )
    return lines


def _percent(share: float) -> str:
    """Only all is 100, and something is never nothing."""
    percent = min(max(100 * share, 0.01), 100 if share == 1 else 99.99)
    return f"{percent:.0f} %" if 1 <= percent < 99 or share == 1 else f"{percent:.2f} %"


def _slips(timing: Timing, symbols: Symbols) -> list[Line]:
    lines: list[Line] = [[("  slips, each a stall that moved the schedule", Role.HEADING)]]
    for slip in timing.slips[-MOST_SLIPS:]:
        at = formats.clock(slip.at_seconds)
        lines.append(
            [
                (f"  {symbols.slip} ", Role.LATE),
                (f"at {at} of the recording, by {slip.stalled_ms / 1000:.2f} s", Role.TEXT),
            ]
        )
    if (more := len(timing.slips) - MOST_SLIPS) > 0:
        lines.append([(f"    and {more} before", Role.FAINT)])
    return lines
