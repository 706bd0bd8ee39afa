"""The scrub bar: where a run that is played again stands, how long it is, and where it broke."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tui.text import formats
from tui.text.width import width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.jobs.job_state import Status
from workers.runs.timeline import Trouble

LEAST_BAR = 10
"""Below so many cells the time of day gives way to the bar."""


@dataclass(frozen=True, slots=True)
class Scrub:
    """A moment of a run; times in seconds on its clock."""

    at: float
    length: float
    playing: bool
    speed: int
    wall: datetime
    """The time of day at that moment."""
    troubles: Sequence[tuple[float, Trouble]]


@dataclass(frozen=True, slots=True)
class _Parts:
    before: Line
    bar: int
    """Cells."""
    after: Line


def scrub_line(scrub: Scrub, cells: int, symbols: Symbols) -> Line:
    """Sign, moment, bar with its marks, length, speed, and the time of day if there is room."""
    parts = _parts(scrub, cells, symbols)
    return [*parts.before, *_bar(scrub, parts.bar, symbols), *parts.after]


def moment_at(scrub: Scrub, cell: int, cells: int, symbols: Symbols) -> float | None:
    """The moment that a cell of the line stands for; None beside the bar."""
    parts = _parts(scrub, cells, symbols)
    place = cell - _cells(parts.before)
    if not 0 <= place < parts.bar:
        return None
    return scrub.length * place / max(parts.bar - 1, 1)


def _parts(scrub: Scrub, cells: int, symbols: Symbols) -> _Parts:
    hours = scrub.length >= 3600
    length = formats.clock(scrub.length, hours=hours)
    at = f"{formats.clock(scrub.at, hours=hours):>{len(length)}}"
    sign, role = (symbols.playing, Role.LIVE) if scrub.playing else (symbols.held, Role.MUTED)
    before: Line = [(f" {sign} ", role), (at, Role.STRONG), (" ", Role.TEXT)]
    after: Line = [(f" {length}", Role.MUTED), (f"  {scrub.speed:>2}x ", Role.STRONG)]
    of_day: Line = [(f" {scrub.wall:%H:%M:%S} ", Role.FAINT)]
    bar = cells - _cells(before) - _cells(after) - _cells(of_day)
    if bar >= LEAST_BAR:
        return _Parts(before, bar, [*after, *of_day])
    return _Parts(before, max(bar + _cells(of_day), 0), after)


def _bar(scrub: Scrub, cells: int, symbols: Symbols) -> Line:
    if not cells:
        return []
    here = _place(scrub.at, scrub.length, cells)
    line: Line = [
        (symbols.filled if place < here else symbols.track, _role(place, here))
        for place in range(cells)
    ]
    for at, trouble in sorted(scrub.troubles, key=lambda each: -_MARKS.index(each[1])):
        line[_place(at, scrub.length, cells)] = _mark(trouble, symbols)
    line[here] = (symbols.moment, Role.STRONG)
    return line


_MARKS = (Trouble.FAILED, Trouble.RETRIED, Trouble.SLIPPED)
"""The worst first: of several in one cell it is the one that is seen."""


def _mark(trouble: Trouble, symbols: Symbols) -> tuple[str, Role]:
    match trouble:
        case Trouble.FAILED:
            return symbols.status[Status.FAILED], Role.BAD
        case Trouble.RETRIED:
            return symbols.status[Status.RETRYING], Role.LATE
        case Trouble.SLIPPED:
            return symbols.slip, Role.LATE


def _role(place: int, here: int) -> Role:
    return Role.LIVE if place < here else Role.FAINT


def _place(at: float, length: float, cells: int) -> int:
    return round(min(at / length, 1.0) * (cells - 1)) if length else 0


def _cells(line: Line) -> int:
    return sum(width(text) for text, _ in line)
