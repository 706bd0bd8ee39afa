"""How late the chunks of an attempt left: figures, a plot over time, and a histogram."""

import math
from collections.abc import Iterator, Sequence
from itertools import count

from tui.model import metrics
from tui.render import gauges
from tui.render.job_summary import VERDICT_LABELS, join_parts
from tui.text import formats
from tui.text.width import cell_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.pacing.certificate import LAG_TOLERANCE_MS
from workers.traces.chunk_times import BIN_EDGES_MS, Timing

PLOT_ROWS = 8
"""Rows of the plot. Its scale is that of the gauges: 0.1 ms at the bottom, 1 s at the top, the
tolerance in the middle; so a row is half a decade."""

AXIS_WIDTH = 7
"""Cells before the plot."""

AXIS_LABELS_MS = {6: "100", 4: "10", 2: "1", 0: "0.1"}
"""Labels of rows by their lower edge."""

MAX_LISTED_SLIPS = 20
"""Slips that have a line of their own."""


BIN_TEXT_WIDTH = 34
"""Cells of a histogram's line beside its bar."""

MIN_BIN_WIDTH, MAX_BIN_WIDTH = 4, 60


def timing_lines(timings: Sequence[Timing], cells: int, symbols: Symbols) -> list[StyledLine]:
    """The latest attempt in full, and a line for each earlier one."""
    if not timings:
        return [[("  No chunk has left yet.", Role.FAINT)]]
    *before, latest = timings
    lines = _figure_lines(latest, cells, symbols)
    lines += [[], *plot(latest, cells, symbols)]
    lines += [[], *histogram(latest, cells, symbols)]
    if latest.slips:
        lines += [[], *_slip_lines(latest, symbols)]
    if before:
        lines += [[], [("  earlier attempts", Role.HEADING)]]
        lines += [_attempt_summary(each, cells, symbols) for each in before]
    return lines


def _figure_lines(timing: Timing, cells: int, symbols: Symbols) -> list[StyledLine]:
    certificate, settings = timing.certificate, timing.settings
    lag, (words, role) = certificate.lag_ms, VERDICT_LABELS[certificate.verdict]
    ranks = (
        ("p50", lag.p50),
        ("p90", lag.p90),
        ("p99", lag.p99),
        ("p99.9", lag.p99_9),
        ("max", lag.max),
    )
    first = [
        [(words if timing.is_over else f"so far: {words}", role)],
        _labelled_value("chunks", f"{certificate.chunks} of {settings.chunk_ms} ms"),
        _labelled_value("release", settings.release.value),
    ]
    if timing.damaged_lines:
        first.append(
            [(f"{symbols.warning} {timing.damaged_lines} lines are damaged", Role.WARNING)]
        )
    second = [
        [("lag ", Role.FAINT), *_percentile_value(*ranks[0])],
        *(_percentile_value(*each) for each in ranks[1:]),
    ]
    second[-1] = [*second[-1], (" ms", Role.FAINT)]
    third = [_labelled_value("attempt", str(timing.attempt))]
    if began := timing.began:
        third += [
            _labelled_value("connect", f"{began.connect_ms:.1f} ms"),
            _labelled_value("Begin", f"{began.begin_ms:.1f} ms"),
        ]
    if certificate.drift_ms is not None:
        third.append(_labelled_value("drift", f"{certificate.drift_ms:+.2f} ms"))
    if certificate.slips:
        slipped = f"{certificate.slips}, {certificate.slipped_ms / 1000:.1f} s in all"
        third.append(_labelled_value(f"{symbols.slip} slips", slipped))
    return [join_parts(each, cells, symbols) for each in (first, second, third)]


def _labelled_value(word: str, value: str) -> StyledLine:
    return [(f"{word} ", Role.FAINT), (value, Role.TEXT)]


def _percentile_value(word: str, value: float) -> StyledLine:
    role = (
        gauges.PUNCTUALITY_ROLES[metrics.punctuality(value)]
        if value > LAG_TOLERANCE_MS
        else Role.TEXT
    )
    return [(f"{word} ", Role.FAINT), (gauges.format_lag_ms(value), role)]


def _attempt_summary(timing: Timing, cells: int, symbols: Symbols) -> StyledLine:
    lag, (words, role) = timing.certificate.lag_ms, VERDICT_LABELS[timing.certificate.verdict]
    chunks = f"{timing.certificate.chunks} chunks"
    ranks = [
        _percentile_value("p50", lag.p50),
        _percentile_value("p99", lag.p99),
        _percentile_value("max", lag.max),
    ]
    parts: list[StyledLine] = [[(f"{timing.attempt}", Role.STRONG)], [(words, role)], *ranks]
    return join_parts([*parts, [(chunks, Role.MUTED)]], cells, symbols)


# --- over time


def plot(timing: Timing, cells: int, symbols: Symbols) -> list[StyledLine]:
    """The worst lag of each column on a logarithmic scale, with the tolerance and the slips."""
    lags, room = timing.lags_us, max(cells - AXIS_WIDTH - 2, 1)
    step = next(step for step in _chunks_per_column() if len(lags) <= step * room)
    heights = [
        _height_eighths(max(lags[start : start + step]) / 1000)
        for start in range(0, len(lags), step)
    ]
    seconds = step * timing.settings.chunk_ms / 1000
    column = f"the worst of {seconds:g} s" if step > 1 else "a chunk"
    lines: list[StyledLine] = [
        [("  lag in ms over time", Role.HEADING), (f"   a column is {column}", Role.FAINT)]
    ]
    for row in reversed(range(PLOT_ROWS)):
        lines.append(_plot_row(row, heights, room, symbols))
    return lines + _axis_lines(timing, len(heights), step, symbols)


def _chunks_per_column() -> Iterator[int]:
    """Chunks in a column: 1, 2, 5, 10 …, so that a growing plot changes its scale rarely."""
    for decade in count():
        yield from (10**decade, 2 * 10**decade, 5 * 10**decade)


def _height_eighths(lag_ms: float) -> int:
    return max(min(math.ceil(gauges.lag_fraction(lag_ms) * PLOT_ROWS * 8), PLOT_ROWS * 8), 1)


def _plot_row(row: int, heights: Sequence[int], room: int, symbols: Symbols) -> StyledLine:
    level = (PLOT_ROWS // 2, PLOT_ROWS * 3 // 4)
    role = Role.SUCCESS if row < level[0] else Role.WARNING if row < level[1] else Role.ERROR
    drawn = "".join(symbols.bar_heights[min(max(height - 8 * row, 0), 8)] for height in heights)
    label = (f"{AXIS_LABELS_MS.get(row, ''):>{AXIS_WIDTH - 2}}  ", Role.FAINT)
    if row != level[0]:
        return [label, (drawn, role)]
    line: StyledLine = [label]
    for cell in drawn.ljust(room):  # the tolerance is at the lower edge of this row
        line.append((symbols.tolerance_line, Role.FAINT) if cell == " " else (cell, role))
    return line


def _axis_lines(
    timing: Timing, columns: int, chunks_per_column: int, symbols: Symbols
) -> list[StyledLine]:
    start, end = (
        formats.format_duration(timing.chunk_start_s(chunk)) for chunk in (0, len(timing.lags_us))
    )
    gap = max(columns - cell_width(start) - cell_width(end), 1)
    lines: list[StyledLine] = []
    if timing.slips:
        marks = [" "] * columns
        for slip in timing.slips:
            chunk = (slip.at_seconds * 1000 - timing.resume_point.at_ms) / timing.settings.chunk_ms
            marks[min(max(int(chunk / chunks_per_column), 0), columns - 1)] = symbols.slip
        lines.append([(" " * AXIS_WIDTH + "".join(marks), Role.WARNING)])
    return [*lines, [(" " * AXIS_WIDTH + start + " " * gap + end, Role.FAINT)]]


# --- how often which lag


def histogram(timing: Timing, cells: int, symbols: Symbols) -> list[StyledLine]:
    """A bar for each bin, from the first to the last one with chunks."""
    bins, count = timing.bin_counts, len(timing.lags_us)
    filled = [index for index, chunks in enumerate(bins) if chunks]
    room = max(min(cells - BIN_TEXT_WIDTH, MAX_BIN_WIDTH), MIN_BIN_WIDTH)
    lines: list[StyledLine] = [[("  how many chunks were how late", Role.HEADING)]]
    for index in range(filled[0], filled[-1] + 1):
        beyond = index == len(BIN_EDGES_MS)
        edge = BIN_EDGES_MS[-1] if beyond else BIN_EDGES_MS[index]
        level = metrics.punctuality(2 * edge if beyond else edge)
        bar, _ = gauges.bar(bins[index] / max(bins), room, symbols)
        bar = bar or (symbols.half_filled if bins[index] else "")
        label = f"{'over' if beyond else 'to'} {edge:g} ms"
        share = f"  {formats.format_percent(bins[index] / count)}" if bins[index] else ""
        lines.append(
            [
                (f"{label:>14} ", Role.MUTED),
                (f"{gauges.punctuality_sign(level, symbols)} ", gauges.PUNCTUALITY_ROLES[level]),
                (bar, gauges.PUNCTUALITY_ROLES[level]),
                (f" {bins[index]}", Role.TEXT),
                (share, Role.FAINT),
            ]
        )
    return lines


def _slip_lines(timing: Timing, symbols: Symbols) -> list[StyledLine]:
    lines: list[StyledLine] = [[("  slips, each a stall that moved the schedule", Role.HEADING)]]
    for slip in timing.slips[-MAX_LISTED_SLIPS:]:
        at = formats.format_duration(slip.at_seconds)
        lines.append(
            [
                (f"  {symbols.slip} ", Role.WARNING),
                (f"at {at} of the recording, by {slip.stalled_ms / 1000:.2f} s", Role.TEXT),
            ]
        )
    if (more := len(timing.slips) - MAX_LISTED_SLIPS) > 0:
        lines.append([(f"    and {more} before", Role.FAINT)])
    return lines
