"""The bar of a replay: position, length, and where sessions had problems."""

from dataclasses import dataclass

from tui.model.replay_position import ReplayPosition
from tui.text import formats
from tui.text.width import line_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobStatus
from workers.runs.job_timeline import IncidentKind

MIN_REPLAY_BAR_WIDTH = 10
"""If the bar would be shorter, it replaces the time of day."""


@dataclass(frozen=True, slots=True)
class _BarLayout:
    before: StyledLine
    bar_cells: int
    """Cells."""
    after: StyledLine


def replay_bar(position: ReplayPosition, cells: int, symbols: Symbols) -> StyledLine:
    """Sign, position, bar with incidents, length, speed, and the time of day if there is room."""
    parts = _bar_layout(position, cells, symbols)
    return [*parts.before, *_bar(position, parts.bar_cells, symbols), *parts.after]


def position_at(position: ReplayPosition, cell: int, cells: int, symbols: Symbols) -> float | None:
    """The position that a cell of the line means, in seconds; None beside the bar."""
    parts = _bar_layout(position, cells, symbols)
    place = cell - line_width(parts.before)
    if not 0 <= place < parts.bar_cells:
        return None
    return position.duration_s * place / max(parts.bar_cells - 1, 1)


def _bar_layout(position: ReplayPosition, cells: int, symbols: Symbols) -> _BarLayout:
    hours = position.duration_s >= 3600
    length = formats.format_duration(position.duration_s, show_hours=hours)
    at = f"{formats.format_duration(position.position_s, show_hours=hours):>{len(length)}}"
    sign, role = (symbols.playing, Role.LIVE) if position.playing else (symbols.held, Role.MUTED)
    before: StyledLine = [(f" {sign} ", role), (at, Role.STRONG), (" ", Role.TEXT)]
    after: StyledLine = [(f" {length}", Role.MUTED), (f"  {position.speed:>2}x ", Role.STRONG)]
    of_day: StyledLine = [(f" {position.time_of_day:%H:%M:%S} ", Role.FAINT)]
    bar = cells - line_width(before) - line_width(after) - line_width(of_day)
    if bar >= MIN_REPLAY_BAR_WIDTH:
        return _BarLayout(before, bar, [*after, *of_day])
    return _BarLayout(before, max(bar + line_width(of_day), 0), after)


def _bar(position: ReplayPosition, cells: int, symbols: Symbols) -> StyledLine:
    if not cells:
        return []
    here = _cell_at(position.position_s, position.duration_s, cells)
    line: StyledLine = [
        (symbols.filled if place < here else symbols.track, _bar_role(place, here))
        for place in range(cells)
    ]
    for at, incident in sorted(
        position.troubles, key=lambda each: -_TROUBLES_BY_SEVERITY.index(each[1])
    ):
        line[_cell_at(at, position.duration_s, cells)] = _trouble_sign(incident, symbols)
    line[here] = (symbols.playhead, Role.STRONG)
    return line


_TROUBLES_BY_SEVERITY = (IncidentKind.FAILED, IncidentKind.RETRIED, IncidentKind.SLIPPED)
"""The worst incident first; it is drawn if several share a cell."""


def _trouble_sign(incident: IncidentKind, symbols: Symbols) -> tuple[str, Role]:
    match incident:
        case IncidentKind.FAILED:
            return symbols.status[JobStatus.FAILED], Role.ERROR
        case IncidentKind.RETRIED:
            return symbols.status[JobStatus.RETRYING], Role.WARNING
        case IncidentKind.SLIPPED:
            return symbols.slip, Role.WARNING


def _bar_role(cell: int, playhead: int) -> Role:
    return Role.LIVE if cell < playhead else Role.FAINT


def _cell_at(position_s: float, duration_s: float, cells: int) -> int:
    return round(min(position_s / duration_s, 1.0) * (cells - 1)) if duration_s else 0
