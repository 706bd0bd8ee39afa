"""The top of the desk: what this is, where it streams to, and how it stands."""

import math
from dataclasses import dataclass

from tui.lines import gauges
from tui.lines.cells import clean, fit, width
from tui.palette import Line, Role
from tui.symbols import Symbols
from workers.history import Status

BRAND = " Paceline"

LEAST_WHERE = 20
"""Cells of the target that nothing else may take: it is what costs money."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The totals at one moment."""

    queued: int
    """Those that wait for a further attempt too."""
    live: int
    done: int
    failed: int
    cancelled: int
    places: int
    """How many sessions may run at once; 0 while that is not known."""
    worst_lag_ms: float | None
    """Of the chunks sent last, over all sessions that are streaming; None when none is."""
    held: bool
    next_start_in: float | None
    """Seconds until a queued job may start; None when there is none, or no place for it."""


def one_line(where: str, standing: Standing, cells: int, symbols: Symbols) -> Line:
    """Everything on one line; words give way to signs, then the product's name and a wait go."""
    words, signs = _words(standing, symbols), _signs(standing, symbols)
    brief = [*signs, *_awaited(standing, short=True)]
    ways = ((BRAND, [*words, *_awaited(standing)]), (BRAND, brief), ("", brief), ("", signs))
    for brand, counts in ways:
        room = cells - _cells(_title("", symbols, brand)) - _cells(counts) - 3
        if room >= min(width(clean(where)), LEAST_WHERE):
            break
    shown = fit(clean(where), min(max(room, 0), width(clean(where))), symbols.cut)
    left = _title(shown, symbols, brand)
    gap = max(1, cells - _cells(left) - _cells(counts) - 1)
    return [*left, (" " * gap, Role.TEXT), *counts]


def two_lines(where: str, standing: Standing, cells: int, symbols: Symbols) -> list[Line]:
    """Where it streams to on a line of its own, and what is awaited at its end."""
    counts = _words(standing, symbols)
    if _cells(counts) > cells - 2:
        counts = _signs(standing, symbols)
    awaited, called = _awaited(standing), clean(where)
    room = cells - _cells(_title("", symbols)) - 1
    if width(called) > room - _cells(awaited):
        awaited = _awaited(standing, short=True)
    shown = fit(called, room - _cells(awaited), symbols.cut)
    return [
        [*_title(shown, symbols), *awaited],
        [(" ", Role.TEXT), *counts],
    ]


def _title(where: str, symbols: Symbols, brand: str = BRAND) -> Line:
    return [
        (brand, Role.BRAND),
        (f" {symbols.to} ", Role.MUTED),
        (where, Role.STRONG),
    ]


def _words(standing: Standing, symbols: Symbols) -> Line:
    line: Line = []
    for count, word, status, role in _counts(standing):
        of = f"/{standing.places}" if status is Status.STREAMING and standing.places else ""
        shown = role if count else Role.FAINT
        line += [
            (f"{symbols.status[status]} ", shown),
            (f"{count}{of}", Role.STRONG if count else Role.FAINT),
            (f" {word}   ", Role.MUTED if count else Role.FAINT),
        ]
    return [*line, *_worst("worst lag ", standing, symbols), *_held(standing, symbols)]


def _signs(standing: Standing, symbols: Symbols) -> Line:
    line: Line = []
    for count, _, status, role in _counts(standing):
        line += [
            (symbols.status[status], role if count else Role.FAINT),
            (f"{count} ", Role.TEXT if count else Role.FAINT),
        ]
    return [*line, *_worst("lag ", standing, symbols), *_held(standing, symbols, "held")]


def _counts(standing: Standing) -> list[tuple[int, str, Status, Role]]:
    counts = [
        (standing.queued, "queued", Status.QUEUED, Role.WAITING),
        (standing.live, "streaming", Status.STREAMING, Role.LIVE),
        (standing.done, "done", Status.DONE, Role.GOOD),
        (standing.failed, "failed", Status.FAILED, Role.BAD),
    ]
    if standing.cancelled:
        counts.append((standing.cancelled, "cancelled", Status.CANCELLED, Role.MUTED))
    return counts


def _worst(label: str, standing: Standing, symbols: Symbols) -> Line:
    if standing.worst_lag_ms is None:
        return [(label + symbols.none, Role.FAINT)]
    level = gauges.punctuality(standing.worst_lag_ms)
    sign = gauges.sign(level, symbols).strip()
    return [
        (label, Role.MUTED),
        (f"{gauges.ms(standing.worst_lag_ms)} ms{sign}", gauges.ROLES[level]),
    ]


def _awaited(standing: Standing, *, short: bool = False) -> Line:
    """When the next session may start, if there is room for it but it is not yet time."""
    if standing.held or not standing.queued:
        return []
    if not standing.places:
        return [("  starting up", Role.MUTED)]
    seconds = math.ceil(standing.next_start_in or 0.0)
    if seconds <= 1:
        return []
    return [("  next " if short else "  next start in ", Role.MUTED), (f"{seconds} s", Role.LATE)]


def _held(standing: Standing, symbols: Symbols, words: str = "starts held") -> Line:
    return [(f"  {symbols.held} {words}", Role.ALARM)] if standing.held else []


def _cells(line: Line) -> int:
    return sum(width(text) for text, _ in line)
