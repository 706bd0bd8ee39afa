"""The lines of a run's progress: one for each live session, as many as fit, and one for all."""

from collections import Counter
from collections.abc import Iterable

from tui.model.column_spec import RowContext
from tui.model.metrics import reached_s, recording_name
from tui.model.totals import Totals
from tui.render.latest_words import words_column
from tui.text.formats import format_count, format_duration
from tui.text.width import cell_width, clean, fit, fit_middle
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobState, JobStatus

MAX_NAME_CELLS = 28
BAR_CELLS = 20
TIME_CELLS = len("1:02:33/2:00:00")
SHORT_TIME_CELLS = len("12:33/59:00")
_HOUR_S = 3600


def progress_lines(
    job_states: Iterable[JobState],
    totals: Totals,
    cells: int,
    max_sessions: int,
    symbols: Symbols,
    *,
    held: bool = False,
) -> list[StyledLine]:
    """A line of at most ``cells`` cells for each live session, and the one for all jobs last. Of
    more than ``max_sessions`` sessions, the others are counted in a line. No line without jobs."""
    counts: Counter[JobStatus] = Counter()
    live: list[JobState] = []
    for job_state in job_states:
        counts[job_state.status] += 1
        if job_state.status.is_live:
            live.append(job_state)
    shown = live if len(live) <= max_sessions else live[: max(max_sessions - 1, 0)]
    lines = [_session_line(job_state, cells, symbols) for job_state in shown]
    if len(live) > len(shown):
        more = f"{symbols.ellipsis} and {format_count(len(live) - len(shown), 'more session')}"
        lines.append([(fit(more, cells, symbols.ellipsis), Role.MUTED)])
    if not counts:  # the first ones are still being read
        return []
    return [*lines, _total_line(counts, len(live), totals, cells, symbols, held=held)]


def _session_line(job_state: JobState, cells: int, symbols: Symbols) -> StyledLine:
    name_cells = min(MAX_NAME_CELLS, cells // 3)
    name = fit_middle(clean(recording_name(job_state)), name_cells, symbols.ellipsis)
    length = job_state.part_seconds
    total = format_duration(length, is_exact=job_state.is_exact) if length else symbols.no_value
    time = f"{format_duration(reached_s(job_state))}/{total}"
    time = time.rjust(TIME_CELLS if length >= _HOUR_S else SHORT_TIME_CELLS)
    line = [
        (f"{symbols.status[job_state.status]} ", Role.LIVE),
        (f"{name} ", Role.TEXT),
        (f"{time}  ", Role.MUTED),
    ]
    room = cells - sum(cell_width(text) for text, _ in line)
    if room <= 0:
        return [(fit("".join(text for text, _ in line), cells, symbols.ellipsis), Role.TEXT)]
    return [*line, *words_column(job_state, RowContext(), room, symbols)]


def _total_line(
    counts: Counter[JobStatus],
    live: int,
    totals: Totals,
    cells: int,
    symbols: Symbols,
    *,
    held: bool,
) -> StyledLine:
    total = counts.total()
    finished = sum(count for status, count in counts.items() if status.is_finished)
    share = totals.sent_s / totals.audio_s if totals.audio_s else finished / max(total, 1)
    bar_cells = min(BAR_CELLS, cells)
    filled = round(min(share, 1.0) * bar_cells)
    bar = [
        (symbols.filled * filled, Role.SUCCESS),
        (symbols.track * (bar_cells - filled), Role.FAINT),
    ]
    waiting = total - finished - live
    texts = [
        (f"{finished:,} of {format_count(total, 'recording')}", Role.TEXT),
        (_counted(counts[JobStatus.FAILED], "failed"), Role.ERROR),
        (_counted(live, "live"), Role.TEXT),
        (_counted(waiting, "waiting"), Role.TEXT),
        ("new starts held" if held else "", Role.ALARM),
        (_time_left(totals), Role.TEXT),
    ]
    line, room = bar, cells - bar_cells
    for text, role in texts:
        needed = cell_width(text) + 3
        if text and needed <= room:
            separator = "  " if line is bar else f" {symbols.separator} "
            line = [*line, (separator, Role.FAINT), (text, role)]
            room -= needed
    return line


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count else ""


def _time_left(totals: Totals) -> str:
    if totals.remaining_s is None:
        return ""
    least = "at least " if totals.is_lower_bound else ""
    return f"{least}{format_duration(totals.remaining_s)} left"
