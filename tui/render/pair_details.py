"""Draws the job and timing tabs of a pair: what both halves share, then each by itself."""

from collections.abc import Sequence
from itertools import zip_longest

from tui.render.job_details import (
    attempt_lines,
    detail_section,
    file_fields,
    parameter_fields,
    session_fields,
    trace_lines,
    warning_lines,
)
from tui.render.timing import timing_lines
from tui.text.formats import format_count, format_duration
from tui.text.width import clean
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.pair import PairState, speaker_of
from workers.traces.pair_skew import pair_delay_s, pair_skew
from workers.traces.tail import TraceTail

MIN_SHOWN_DELAY_S = 0.05  # seconds that one half must be behind the other to be mentioned


def pair_details_lines(
    pair: PairState, tails: Sequence[TraceTail], cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Draws the job tab of a pair; omits values that are not known yet."""
    head = tails[0].head if tails else None
    lines = detail_section("file", file_fields(pair, head), cells)
    lines += detail_section("call", _call_fields(pair, tails), cells)
    for half, tail in zip_longest(pair.halves, tails):
        speaker = clean(speaker_of(half))
        half_head = tail.head if tail else None
        lines += detail_section(f"session of {speaker}", session_fields(half, half_head), cells)
        if attempts := attempt_lines(half, cells, symbols):
            lines += [[(f" attempts of {speaker}", Role.HEADING)], *attempts, []]
    lines += detail_section("parameters", parameter_fields(pair, head), cells)
    lines += warning_lines(pair, cells, symbols)
    return lines + trace_lines(tails, cells)


def pair_timing_lines(
    pair: PairState, tails: Sequence[TraceTail], cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Draws the timing tab of a pair: how far apart the halves were, then each by itself."""
    lines = detail_section("call", _call_fields(pair, tails), cells)
    for half, tail in zip_longest(pair.halves, tails):
        lines.append([(f" {clean(speaker_of(half))}", Role.HEADING)])
        lines += [*timing_lines(tail.timings if tail else (), cells, symbols), []]
    return lines


def _call_fields(pair: PairState, tails: Sequence[TraceTail]) -> list[tuple[str, str]]:
    left, right = (speaker_of(half) for half in pair.halves)
    fields = [("speakers", f"{left} on the left channel, {right} on the right")]
    open_s = format_duration(pair.open_seconds)
    fields.append(("sockets", f"{open_s} in both sessions together" if pair.open_seconds else ""))
    if len(tails) != 2:
        return fields
    one, other = (tail.chunk_times for tail in tails)
    if (skew := pair_skew(one, other)) is not None:
        figures = f"p50 {skew.p50:.2f} · p99 {skew.p99:.2f} · max {skew.max:.2f} ms"
        chunks = format_count(skew.chunks, "chunk")
        fields.append(("skew", f"{figures} between {chunks} of each that were due together"))
    delay_s = pair_delay_s(one, other) or 0.0
    if abs(delay_s) >= MIN_SHOWN_DELAY_S:
        late, ahead = (right, left) if delay_s > 0 else (left, right)
        fields.append(("delay", f"{late} is {abs(delay_s):.1f} s behind {ahead} in the recording"))
    return fields
