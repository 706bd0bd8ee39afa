"""Draws the timing tab: lag figures, a plot of lag over time, and a histogram."""

import math
from collections.abc import Sequence
from itertools import count

from tui.model.metrics import punctuality
from tui.render import gauges
from tui.render.gauges import PUNCTUALITY_ROLES
from tui.render.job_summary import VERDICT_LABELS, join_parts
from tui.text.formats import format_count, format_duration, format_percent, format_speed
from tui.text.width import cell_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.pacing.certificate import LAG_TOLERANCE_MS, Certificate
from workers.traces.chunk_times import BIN_EDGES_MS, Timing

PLOT_ROWS = 8
"""Rows of the plot. Its scale is that of the gauges: 0.1 ms at the bottom, 1 s at the top, the
tolerance in the middle. Each row spans half a decade."""

AXIS_WIDTH = 7  # cells before the plot
AXIS_LABELS_MS = {6: "100", 4: "10", 2: "1", 0: "0.1"}
"""Maps rows, counted from the bottom, to labels: the lag at the row's lower edge."""

MAX_LISTED_SLIPS = 20  # maximum slips with a line each
BIN_TEXT_WIDTH = 34  # cells of a histogram line, not counting its bar
MIN_BIN_WIDTH, MAX_BIN_WIDTH = 4, 60


def timing_lines(timings: Sequence[Timing], cells: int, symbols: Symbols) -> list[StyledLine]:
    """Draws the latest attempt in detail, and a line for each earlier attempt."""
    if not timings:
        return [[("  No chunk has been sent yet.", Role.FAINT)]]
    *earlier, latest = timings
    lines = _figure_lines(latest, cells, symbols)
    lines += [[], *plot(latest, cells, symbols)]
    lines += [[], *histogram(latest, cells, symbols)]
    if latest.slips:
        lines += [[], [("  slips, each a stall that moved the schedule", Role.HEADING)]]
        for slip in latest.slips[-MAX_LISTED_SLIPS:]:
            at, stalled_s = format_duration(slip.at_seconds), slip.stalled_ms / 1000
            text = f"at {at} of the recording, by {stalled_s:.2f} s"
            lines.append([(f"  {symbols.slip} ", Role.WARNING), (text, Role.TEXT)])
        if (more := len(latest.slips) - MAX_LISTED_SLIPS) > 0:
            lines.append([(f"    and {more} earlier", Role.FAINT)])
    if earlier:
        lines += [[], [("  earlier attempts", Role.HEADING)]]
    for timing in earlier:
        certificate = timing.certificate
        lag = certificate.lag_ms
        parts: list[StyledLine] = [
            [(f"{timing.attempt}", Role.STRONG)],
            [VERDICT_LABELS[certificate.verdict]],
            *map(_percentile, (("p50", lag.p50), ("p99", lag.p99), ("max", lag.max))),
            [(_chunk_count(certificate), Role.MUTED)],
        ]
        lines.append(join_parts(parts, cells, symbols))
    return lines


def _figure_lines(timing: Timing, cells: int, symbols: Symbols) -> list[StyledLine]:
    certificate, settings = timing.certificate, timing.settings
    lag, (words, role) = certificate.lag_ms, VERDICT_LABELS[certificate.verdict]
    verdict = [
        [(words if timing.is_over else f"so far: {words}", role)],
        [(f"{_chunk_count(certificate)} of {settings.chunk_ms} ms", Role.MUTED)],
        _labelled_value("release", settings.release.value),
    ]
    if certificate.speed != 1:
        verdict.append(_labelled_value("sent at", format_speed(certificate.speed)))
    if timing.damaged_lines:
        are = "is" if timing.damaged_lines == 1 else "are"
        damaged = f"{format_count(timing.damaged_lines, 'line')} {are} damaged"
        verdict.append([(f"{symbols.warning} {damaged}", Role.WARNING)])
    ranks = (("p50", lag.p50), ("p90", lag.p90), ("p99", lag.p99), ("p99.9", lag.p99_9))
    lags = [*map(_percentile, (*ranks, ("max", lag.max)))]
    lags[0] = [("lag ", Role.FAINT), *lags[0]]
    lags[-1] = [*lags[-1], (" ms", Role.FAINT)]
    attempt = [_labelled_value("attempt", str(timing.attempt))]
    if began := timing.began:
        attempt.append(_labelled_value("connect", f"{began.connect_ms:.1f} ms"))
        attempt.append(_labelled_value("Begin", f"{began.begin_ms:.1f} ms"))
    if certificate.drift_ms is not None:
        attempt.append(_labelled_value("drift", f"{certificate.drift_ms:+.2f} ms"))
    if certificate.slips:
        slipped = f"{certificate.slips}, {certificate.slipped_ms / 1000:.1f} s in total"
        attempt.append(_labelled_value(f"{symbols.slip} slips", slipped))
    if certificate.waits and certificate.waited_ms:
        waited = f"{certificate.waited_ms / 1000:.1f} s for the recorder"
        attempt.append(_labelled_value("waited", waited))
    return [join_parts(parts, cells, symbols) for parts in (verdict, lags, attempt)]


def _labelled_value(label: str, value: str) -> StyledLine:
    return [(f"{label} ", Role.FAINT), (value, Role.TEXT)]


def _chunk_count(certificate: Certificate) -> str:
    return format_count(certificate.chunks, "chunk")


def _percentile(rank: tuple[str, float]) -> StyledLine:
    name, lag_ms = rank
    late = lag_ms > LAG_TOLERANCE_MS
    role = PUNCTUALITY_ROLES[punctuality(lag_ms)] if late else Role.TEXT
    return [(f"{name} ", Role.FAINT), (gauges.format_lag_ms(lag_ms), role)]


# --- plot over time


def plot(timing: Timing, cells: int, symbols: Symbols) -> list[StyledLine]:
    """Plots the maximum lag of each column on a logarithmic scale, with tolerance and slips.

    A column is 1, 2, 5, 10 … chunks wide; these steps keep the scale of a growing plot stable.
    """
    lags, room = timing.lags_us, max(cells - AXIS_WIDTH - 2, 1)
    steps = (digit * 10**decade for decade in count() for digit in (1, 2, 5))
    step = next(step for step in steps if len(lags) <= step * room)
    full = PLOT_ROWS * 8
    eighths = []
    for start in range(0, len(lags), step):
        share = gauges.lag_fraction(max(lags[start : start + step]) / 1000)
        eighths.append(max(min(math.ceil(share * full), full), 1))
    seconds = step * timing.settings.chunk_ms / 1000
    column = f"max lag in {seconds:g} s" if step > 1 else "a chunk"
    title = [("  lag in ms over time", Role.HEADING), (f"   a column is {column}", Role.FAINT)]
    rows = [_plot_row(row, eighths, room, symbols) for row in reversed(range(PLOT_ROWS))]
    return [title, *rows, *_axis_lines(timing, len(eighths), step, symbols)]


def _plot_row(row: int, eighths: Sequence[int], room: int, symbols: Symbols) -> StyledLine:
    tolerance, very_late = PLOT_ROWS // 2, PLOT_ROWS * 3 // 4
    role = Role.SUCCESS if row < tolerance else Role.WARNING if row < very_late else Role.ERROR
    bars = "".join(symbols.bar_heights[min(max(height - 8 * row, 0), 8)] for height in eighths)
    label = (f"{AXIS_LABELS_MS.get(row, ''):>{AXIS_WIDTH - 2}}  ", Role.FAINT)
    if row != tolerance:
        return [label, (bars, role)]
    line: StyledLine = [label]
    for cell in bars.ljust(room):  # the tolerance is the lower edge of this row
        line.append((symbols.tolerance_line, Role.FAINT) if cell == " " else (cell, role))
    return line


def _axis_lines(timing: Timing, columns: int, step: int, symbols: Symbols) -> list[StyledLine]:
    """Draws the line of slips, then the first and last position in the recording."""
    margin = " " * AXIS_WIDTH
    start, end = (format_duration(timing.chunk_start_s(at)) for at in (0, len(timing.lags_us)))
    gap = " " * max(columns - cell_width(start) - cell_width(end), 1)
    axis: StyledLine = [(margin + start + gap + end, Role.FAINT)]
    if not timing.slips:
        return [axis]
    marks = [" "] * columns
    for slip in timing.slips:
        chunk = (slip.at_seconds * 1000 - timing.resume_point.at_ms) / timing.settings.chunk_ms
        marks[min(max(int(chunk / step), 0), columns - 1)] = symbols.slip
    return [[(margin + "".join(marks), Role.WARNING)], axis]


# --- histogram of lags


def histogram(timing: Timing, cells: int, symbols: Symbols) -> list[StyledLine]:
    """Draws a bar for each bin, from the first bin with chunks to the last."""
    bins, total = timing.bin_counts, len(timing.lags_us)
    filled = [index for index, chunks in enumerate(bins) if chunks]
    room = max(min(cells - BIN_TEXT_WIDTH, MAX_BIN_WIDTH), MIN_BIN_WIDTH)
    lines: list[StyledLine] = [[("  number of chunks by lag", Role.HEADING)]]
    for index in range(filled[0], filled[-1] + 1):
        chunks, beyond = bins[index], index == len(BIN_EDGES_MS)
        edge_ms = BIN_EDGES_MS[-1] if beyond else BIN_EDGES_MS[index]
        level = punctuality(2 * edge_ms if beyond else edge_ms)
        bar, _ = gauges.bar(chunks / max(bins), room, symbols)
        bar = bar or (symbols.half_filled if chunks else "")
        label = f"{'over' if beyond else 'to'} {edge_ms:g} ms"
        line: StyledLine = [
            (f"{label:>14} ", Role.MUTED),
            (f"{gauges.punctuality_sign(level, symbols)} ", PUNCTUALITY_ROLES[level]),
            (bar, PUNCTUALITY_ROLES[level]),
            (f" {chunks}", Role.TEXT),
            (f"  {format_percent(chunks / total)}" if chunks else "", Role.FAINT),
        ]
        lines.append(line)
    return lines
