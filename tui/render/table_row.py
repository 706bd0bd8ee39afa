"""A job as one row of the session table."""

from dataclasses import dataclass
from functools import lru_cache

from tui.model import metrics
from tui.model.desk_state import DeskState
from tui.model.queue_forecast import StartForecast
from tui.render import gauges, latest_words
from tui.render.columns import COLUMN_GAP as GAP_CELLS
from tui.render.columns import ColumnWidths
from tui.text import formats
from tui.text.width import clean, fit_middle
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus

GAP_TEXT = " " * GAP_CELLS

STATUS_ROLES = {
    JobStatus.QUEUED: Role.WAITING,
    JobStatus.RETRYING: Role.WARNING,
    JobStatus.CONNECTING: Role.LIVE,
    JobStatus.STREAMING: Role.LIVE,
    JobStatus.FINISHING: Role.LIVE,
    JobStatus.DONE: Role.SUCCESS,
    JobStatus.CANCELLED: Role.MUTED,
    JobStatus.INTERRUPTED: Role.MUTED,
    JobStatus.FAILED: Role.ERROR,
}


@dataclass(frozen=True, slots=True)
class RowContext:
    """What the desk, not the engine, knows of a row."""

    current: bool = False
    marked: bool = False
    stopping: bool = False
    """The user asked it to end, and it has not ended yet."""
    retry_wait_s: int = 0
    """Whole seconds until a further attempt may start; 0 when it only waits for a place."""
    forecast: StartForecast | None = None
    """Where in the queue it stands."""


def row_context(state: DeskState, job: JobId) -> RowContext:
    """How a job stands now."""
    return RowContext(
        current=job == state.table.current,
        marked=job in state.table.marked,
        stopping=state.is_stopping(job),
        retry_wait_s=state.retry_wait_s(job),
        forecast=state.start_forecast(job),
    )


def recording_name(job_state: JobState) -> str:
    """The recording's name, safe to draw."""
    return _clean_name(job_state.file)


@lru_cache(maxsize=4096)  # a row is drawn again and again, its name never changes
def _clean_name(file: str) -> str:
    return clean(metrics.file_name(file))


def state_word(job_state: JobState, context: RowContext) -> str:
    """One word, at most `columns.STATE` cells."""
    return "stopping" if context.stopping else job_state.status.value


def session_row(
    job_state: JobState, columns: ColumnWidths, context: RowContext, symbols: Symbols
) -> StyledLine:
    """The whole row, in pieces."""
    role = STATUS_ROLES[job_state.status]
    sign = symbols.stopping if context.stopping else symbols.status[job_state.status]
    line: StyledLine = [
        (symbols.cursor if context.current else " ", Role.KEY),
        (symbols.marked if context.marked else " ", Role.ALARM),
        (sign + " ", role),
    ]
    if columns.state:
        line.append((f"{state_word(job_state, context):<{columns.state}}{GAP_TEXT}", role))
    quiet = job_state.status in (JobStatus.DONE, JobStatus.CANCELLED, JobStatus.INTERRUPTED)
    called = fit_middle(recording_name(job_state), columns.name, symbols.ellipsis)
    line.append((called + GAP_TEXT, Role.MUTED if quiet else Role.TEXT))
    line += _progress_columns(job_state, columns, symbols)
    if columns.level:
        line.append(_level_column(job_state, columns.level, symbols))
    if columns.lag:
        line += _lag_columns(job_state, columns, symbols)
    if columns.attempts:
        line.append(_attempts_column(job_state, columns.attempts))
    numbered = not columns.attempts
    line += latest_words.words_column(
        job_state,
        columns.words,
        context.retry_wait_s,
        symbols,
        context.forecast,
        show_attempt=numbered,
    )
    return line


def _progress_columns(job_state: JobState, columns: ColumnWidths, symbols: Symbols) -> StyledLine:
    share, left = metrics.progress_fraction(job_state), metrics.remaining_s(job_state)
    line: StyledLine = []
    if columns.bar and (_has_not_begun(job_state) or share is None):
        line.append((" " * columns.bar + GAP_TEXT, Role.FAINT))
    elif columns.bar:
        filled, track = gauges.bar(share or 0.0, columns.bar, symbols)
        role = Role.FAINT if job_state.status is JobStatus.DONE else STATUS_ROLES[job_state.status]
        line += [(filled, role), (track + GAP_TEXT, Role.FAINT)]
    if columns.percent:
        text = "" if share is None else f"{metrics.progress_percent(job_state)}%"
        line.append((f"{text:>{columns.percent}}{GAP_TEXT}", Role.MUTED))
    if columns.time_left:
        text = "" if left is None else formats.format_duration(left)
        role = Role.TEXT if job_state.status.is_live else Role.MUTED
        line.append((f"{text:>{columns.time_left}}{GAP_TEXT}", role))
    if columns.progress_time:
        line.append(
            (f"{format_progress_time(job_state):>{columns.progress_time}}{GAP_TEXT}", Role.MUTED)
        )
    return line


def format_progress_time(job_state: JobState) -> str:
    """``sent/total`` while there is a difference, else the recording's length."""
    if not job_state.total_seconds:
        return ""
    total = formats.format_duration(job_state.total_seconds)
    if job_state.status is JobStatus.DONE or _has_not_begun(job_state):
        return total
    return f"{formats.format_duration(metrics.reached_s(job_state))}/{total}"


def _has_not_begun(job_state: JobState) -> bool:
    return job_state.status is JobStatus.QUEUED and not metrics.reached_s(job_state)


def _level_column(job_state: JobState, cells: int, symbols: Symbols) -> tuple[str, Role]:
    """Of what is being sent now."""
    levels = job_state.levels_db if job_state.status is JobStatus.STREAMING else ()
    silent = max(levels, default=gauges.SILENCE_DBFS) <= gauges.SILENCE_DBFS
    return gauges.level_meter(
        levels, symbols, cells
    ) + GAP_TEXT, Role.FAINT if silent else Role.LIVE


def _attempts_column(job_state: JobState, cells: int) -> tuple[str, Role]:
    """How many attempts there were; one is usual and is not told."""
    several = job_state.attempt > 1
    return f"{job_state.attempt if several else '':>{cells}}{GAP_TEXT}", Role.WARNING


def _lag_columns(job_state: JobState, columns: ColumnWidths, symbols: Symbols) -> StyledLine:
    """Live: the latest chunk. Over: the p99 of the certificate, and said to be that."""
    slipped = (f"{symbols.slip if job_state.slips else ' '}{GAP_TEXT}", Role.WARNING)
    certificate = job_state.ended.certificate if job_state.ended else None
    if certificate is not None:
        line: StyledLine = (
            [(f"{'p99':<{columns.gauge}}{GAP_TEXT}", Role.FAINT)] if columns.gauge else []
        )
        p99 = certificate.lag_ms.p99
        on_time = gauges.punctuality(p99) is gauges.Punctuality.ON_TIME
        number = gauges.lag_number(p99, symbols)
        return [*line, *((text, Role.MUTED if on_time else role) for text, role in number), slipped]
    if job_state.lag is None or job_state.status.is_finished:
        blank = (columns.gauge + len(GAP_TEXT) if columns.gauge else 0) + columns.lag - 1
        return [(" " * blank, Role.FAINT), slipped]
    line = []
    if columns.gauge:
        line += [
            *gauges.lag_gauge(job_state.lag.now, symbols, columns.gauge),
            (GAP_TEXT, Role.FAINT),
        ]
    return [*line, *gauges.lag_number(job_state.lag.now, symbols), slipped]
