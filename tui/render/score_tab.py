"""Draws the score tab: rates, delays, a strip of delays over the recording, and the errors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tui.render.histogram import blocks
from tui.render.job_summary import join_parts
from tui.render.sentences import indented_sentence
from tui.text.formats import format_duration
from tui.text.width import cell_width, clean, split_word, wrap_rows
from tui.theme.roles import Role, StyledLine, StyledText
from tui.theme.symbols import Symbols

if TYPE_CHECKING:  # loaded with the first score
    from workers.evaluation.desk_figures import DelayFigures, JobDetail, Strip

DELAY_NAMES = {
    "ttft": "first partial",
    "onset": "speech to first partial",
    "first_word": "speech to first word",
    "emission": "word shown",
    "stable": "word settled",
    "final": "word final",
    "eot": "end of turn",
    "ttfs": "end of audio to final",
    "forced": "forced end of turn",
    "interval": "between partials",
    "pacing": "our own lag",
}
"""What each delay is, in a few words; the documentation has the definitions."""

MAIN_DELAYS = ("ttft", "emission", "eot", "ttfs", "forced")
"""The delays above the errors; the others are below them."""

NAME_WIDTH = 24
NUMBER_WIDTH = 9
MIN_WIDTH_WITH_METRICS = 86
"""Cells from which on each delay is also shown with the name of its metric."""

MIN_STRIP_WIDTH = 16
_MARGIN = "  "


def score_tab_lines(detail: JobDetail, cells: int, symbols: Symbols) -> list[StyledLine]:
    """The lines of the tab."""
    main = [delays for delays in detail.delays if delays.metric in MAIN_DELAYS]
    others = [delays for delays in detail.delays if delays.metric not in MAIN_DELAYS]
    return [
        *_accuracy_lines(detail, cells, symbols),
        *_validity_lines(detail, cells, symbols),
        [],
        *delay_table(main, cells, symbols),
        *_strip_lines(detail, cells, symbols),
        *_error_lines(detail, cells, symbols),
        [],
        *delay_table(others, cells, symbols),
    ]


def message_lines(sentence: str, cells: int, role: Role = Role.FAINT) -> list[StyledLine]:
    """A sentence instead of scores."""
    rows = wrap_rows(clean(sentence), max(cells - 2 * len(_MARGIN), 8))
    return [[(_MARGIN + row, role)] for row in rows]


def _accuracy_lines(detail: JobDetail, cells: int, symbols: Symbols) -> list[StyledLine]:
    errors = detail.errors
    if errors is None:
        return message_lines("No reference: only delays are measured.", cells, Role.MUTED)
    parts: list[StyledLine] = [
        [("WER ", Role.FAINT), (f"{100 * errors.rate:.1f} %", Role.STRONG)],
        [(f"{errors.substitutions} S", Role.WARNING)],
        [(f"{errors.deletions} D", Role.ERROR)],
        [(f"{errors.insertions} I", Role.ERROR)],
        [(f"of {errors.words:,} words", Role.MUTED)],
        *(
            [(f"{name} ", Role.FAINT), (f"{100 * detail.rates[rate]:.1f} %", Role.TEXT)]
            for name, rate in (("CER", "cer"), ("as written", "fwer"))
            if rate in detail.rates
        ),
    ]
    origin = f"reference: {detail.reference}; normaliser: {detail.normaliser}"
    return [
        join_parts(parts, cells, symbols),
        *message_lines(origin, cells, Role.MUTED),
    ]


def _validity_lines(detail: JobDetail, cells: int, symbols: Symbols) -> list[StyledLine]:
    if detail.invalid:
        reasons = clean("; ".join(detail.invalid))
        text = f"invalid for latency: {reasons}. Delays of such attempts are left out."
        return indented_sentence(symbols.warning, text, Role.WARNING, cells)
    lag = "" if detail.lag_p99_ms is None else f", p99 lag {detail.lag_p99_ms:.1f} ms"
    times = "the reference" if detail.has_reference_times else "the server"
    text = f"valid for latency: pacing held{lag}; ends of words are from {times}"
    return message_lines(text, cells, Role.SUCCESS)


def delay_table(
    delays: Iterable[DelayFigures], cells: int, symbols: Symbols, *, with_shape: bool = False
) -> list[StyledLine]:
    """A row for each delay, in ms by the clock “due”; no lines without delays. ``with_shape``: also
    a small histogram."""
    rows = list(delays)
    if not rows:
        return []
    with_metrics = cells >= MIN_WIDTH_WITH_METRICS + 24 * with_shape
    head = f"{_MARGIN}{'delay in ms, by due':<{NAME_WIDTH}}"
    head += f"{'metric':<12}" if with_metrics else ""
    head += "".join(f"{name:>{NUMBER_WIDTH - 2}}" for name in ("n", "< 0"))
    head += "".join(f"{name:>{NUMBER_WIDTH - 1}}" for name in ("p50", "p95", "p99"))
    head += f"{'max':>{NUMBER_WIDTH - 1}}" if with_metrics or not with_shape else ""
    if with_shape and cells - len(head) >= 12:
        head += f"{_MARGIN}0 to p99"
    lines: list[StyledLine] = [[(head, Role.HEADING)]]
    for row in rows:
        name = DELAY_NAMES.get(row.metric, row.metric)
        figures = "".join(
            f"{_ms(value, symbols):>{NUMBER_WIDTH - 1}}" for value in (row.p50, row.p95, row.p99)
        )
        line: StyledLine = [
            (f"{_MARGIN}{name:<{NAME_WIDTH}}", Role.TEXT),
            (f"{row.metric:<12}" if with_metrics else "", Role.MUTED),
            (f"{row.n:>{NUMBER_WIDTH - 2}}{row.negative:>{NUMBER_WIDTH - 2}}", Role.MUTED),
            (figures, Role.STRONG),
        ]
        if with_metrics or not with_shape:
            line.append((f"{_ms(row.max, symbols):>{NUMBER_WIDTH - 1}}", Role.MUTED))
        taken = sum(cell_width(text) for text, _ in line)
        if with_shape and (room := cells - taken - len(_MARGIN)) >= 8:
            line.append((f"{_MARGIN}{blocks(row.bins, min(room, 24), symbols)}", Role.LIVE))
        lines.append(line)
    return lines


def _ms(value: float | None, symbols: Symbols) -> str:
    if value is None:
        return symbols.no_value
    return f"{value:.1f}" if abs(value) < 10 else f"{value:.0f}"


def _strip_lines(detail: JobDetail, cells: int, symbols: Symbols) -> list[StyledLine]:
    """Two strips over the length of the recording: the longest delay in each part."""
    width = min(cells - len(_MARGIN) - 16, 120)
    if width < MIN_STRIP_WIDTH or not detail.strips:
        return []
    lines: list[StyledLine] = [
        [],
        [(f"{_MARGIN}longest delay along the recording, in ms by due", Role.HEADING)],
    ]
    for strip in detail.strips:
        heights = _strip_parts(strip, width)
        known = [ms for ms in heights if not math.isnan(ms)]
        top = max(max(known), 1.0)
        steps = len(symbols.bar_heights) - 1
        drawn = "".join(
            " "
            if math.isnan(ms)
            else symbols.bar_heights[min(max(math.ceil(ms / top * steps), 1), steps)]
            for ms in heights
        )
        lines.append(
            [
                (f"{_MARGIN}{strip.metric:<9}", Role.MUTED),
                (drawn, Role.LIVE),
                (f" {top:.0f}", Role.MUTED),
            ]
        )
    end = format_duration(detail.seconds)
    axis = f"{_MARGIN}{'':<9}0:00{end:>{max(width - 4, len(end))}}"
    return [*lines, [(axis, Role.FAINT)]]


def _strip_parts(strip: Strip, width: int) -> list[float]:
    """The strip in so many parts, each with the longest delay; NaN where there is none."""
    parts, heights = strip.parts, []
    for cell in range(width):
        start = cell * len(parts) // width
        end = max((cell + 1) * len(parts) // width, start + 1)
        known = [ms for ms in parts[start:end] if not math.isnan(ms)]
        heights.append(max(known) if known else math.nan)
    return heights


def _error_lines(detail: JobDetail, cells: int, symbols: Symbols) -> list[StyledLine]:
    if detail.errors is None:
        return []
    arrow = symbols.target_arrow
    legend: StyledLine = [
        (f"{_MARGIN}errors: ", Role.HEADING),
        (f"[said{arrow}heard]", Role.WARNING),
        (" ", Role.TEXT),
        ("[-missing]", Role.ERROR),
        (" ", Role.TEXT),
        ("[+added]", Role.ERROR),
    ]
    lines = [[], legend, *_wrap_words(_marked_words(detail.steps, arrow), cells)]
    if detail.hidden_steps:
        more = f"{detail.hidden_steps:,} more words are not shown; “paceline report” has them."
        lines += message_lines(more, cells)
    return lines


def _marked_words(steps: Iterable[tuple[str, str, str]], arrow: str) -> Iterable[StyledText]:
    for edit, said, heard in steps:
        said, heard = clean(said), clean(heard)
        match edit:
            case "S":
                yield f"[{said}{arrow}{heard}]", Role.WARNING
            case "D":
                yield f"[-{said}]", Role.ERROR
            case "I":
                yield f"[+{heard}]", Role.ERROR
            case _:
                yield said, Role.TEXT


def _wrap_words(words: Iterable[StyledText], cells: int) -> list[StyledLine]:
    room = max(cells - 2 * len(_MARGIN), 8)
    lines: list[StyledLine] = []
    line: StyledLine = []
    taken = 0
    for word, role in words:
        for piece in split_word(word, room) if len(word) > room // 2 else [word]:
            width = cell_width(piece)
            if line and taken + 1 + width > room:
                lines.append([(_MARGIN, Role.TEXT), *line])
                line, taken = [], 0
            if line:
                line.append((" ", Role.TEXT))
            line.append((piece, role))
            taken += width + (taken > 0)
    return [*lines, [(_MARGIN, Role.TEXT), *line]] if line else lines
