"""Draws the replay bar: position, length, and the times at which sessions had problems."""

from tui.model.replay_position import ReplayPosition
from tui.text.formats import format_duration
from tui.text.width import line_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobStatus
from workers.runs.job_timeline import IncidentKind

MIN_REPLAY_BAR_WIDTH = 10  # minimum cells; the time of day is omitted first


def replay_bar(position: ReplayPosition, cells: int, symbols: Symbols) -> StyledLine:
    """Draws sign, position, bar with incidents, length, speed, and the time of day if it fits."""
    before, bar_cells, after = _bar_layout(position, cells, symbols)
    if not bar_cells:
        return [*before, *after]

    def cell_at(time_s: float) -> int:
        share = min(time_s / position.duration_s, 1.0) if position.duration_s else 0.0
        return round(share * (bar_cells - 1))

    playhead = cell_at(position.position_s)
    played, rest = (symbols.filled, Role.LIVE), (symbols.track, Role.FAINT)
    bar = [played if cell < playhead else rest for cell in range(bar_cells)]
    signs = {  # worst last: if several share a cell, it is drawn
        IncidentKind.SLIPPED: (symbols.slip, Role.WARNING),
        IncidentKind.RETRIED: (symbols.status[JobStatus.RETRYING], Role.WARNING),
        IncidentKind.FAILED: (symbols.status[JobStatus.FAILED], Role.ERROR),
    }
    for kind, sign in signs.items():
        for time_s, incident in position.incidents:
            if incident is kind:
                bar[cell_at(time_s)] = sign
    bar[playhead] = (symbols.playhead, Role.STRONG)
    return [*before, *bar, *after]


def position_at(position: ReplayPosition, cell: int, cells: int, symbols: Symbols) -> float | None:
    """Converts a cell of the line to a position in seconds; None outside the bar."""
    before, bar_cells, _ = _bar_layout(position, cells, symbols)
    offset = cell - line_width(before)
    if not 0 <= offset < bar_cells:
        return None
    return position.duration_s * offset / max(bar_cells - 1, 1)


def _bar_layout(
    position: ReplayPosition, cells: int, symbols: Symbols
) -> tuple[StyledLine, int, StyledLine]:
    """The text before the bar, the width of the bar in cells, and the text after it."""
    hours = position.duration_s >= 3600
    length = format_duration(position.duration_s, show_hours=hours)
    at = f"{format_duration(position.position_s, show_hours=hours):>{len(length)}}"
    sign, role = (symbols.playing, Role.LIVE) if position.playing else (symbols.held, Role.MUTED)
    before: StyledLine = [(f" {sign} ", role), (at, Role.STRONG), (" ", Role.TEXT)]
    after: StyledLine = [(f" {length}", Role.MUTED), (f"  {position.speed:>2}x ", Role.STRONG)]
    of_day: StyledLine = [(f" {position.time_of_day:%H:%M:%S} ", Role.FAINT)]
    bar_cells = cells - line_width(before) - line_width(after) - line_width(of_day)
    if bar_cells >= MIN_REPLAY_BAR_WIDTH:
        return before, bar_cells, [*after, *of_day]
    return before, max(bar_cells + line_width(of_day), 0), after
