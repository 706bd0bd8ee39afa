"""A job as one row of the session table."""

from dataclasses import dataclass
from functools import lru_cache

from tui.model import metrics
from tui.model.desk_state import DeskState
from tui.model.queue_forecast import Outlook
from tui.render import gauges, latest_words
from tui.render.columns import GAP as GAP_CELLS
from tui.render.columns import Columns
from tui.text import formats
from tui.text.width import clean, fit_middle
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory, Status

GAP = " " * GAP_CELLS

STATUS_ROLES = {
    Status.QUEUED: Role.WAITING,
    Status.RETRYING: Role.LATE,
    Status.CONNECTING: Role.LIVE,
    Status.STREAMING: Role.LIVE,
    Status.FINISHING: Role.LIVE,
    Status.DONE: Role.GOOD,
    Status.CANCELLED: Role.MUTED,
    Status.INTERRUPTED: Role.MUTED,
    Status.FAILED: Role.BAD,
}


@dataclass(frozen=True, slots=True)
class Stance:
    """What the desk, not the engine, knows of a row."""

    current: bool = False
    marked: bool = False
    stopping: bool = False
    """The user asked it to end, and it has not ended yet."""
    wait: int = 0
    """Whole seconds until a further attempt may start; 0 when it only waits for a place."""
    outlook: Outlook | None = None
    """Where in the queue it stands."""


def stance(state: DeskState, job: JobId) -> Stance:
    """How a job stands now."""
    return Stance(
        current=job == state.current,
        marked=job in state.marked,
        stopping=state.stopping(job),
        wait=state.wait(job),
        outlook=state.outlook(job),
    )


def name(history: JobHistory) -> str:
    """The recording's name, safe to draw."""
    return _called(history.file)


@lru_cache(maxsize=4096)  # a row is drawn again and again, its name never changes
def _called(file: str) -> str:
    return clean(metrics.name_of(file))


def state_word(history: JobHistory, stance: Stance) -> str:
    """One word, at most `columns.STATE` cells."""
    return "stopping" if stance.stopping else history.status.value


def row(history: JobHistory, columns: Columns, stance: Stance, symbols: Symbols) -> Line:
    """The whole row, in pieces."""
    role = STATUS_ROLES[history.status]
    sign = symbols.stopping if stance.stopping else symbols.status[history.status]
    line: Line = [
        (symbols.cursor if stance.current else " ", Role.KEY),
        (symbols.marked if stance.marked else " ", Role.ALARM),
        (sign + " ", role),
    ]
    if columns.state:
        line.append((f"{state_word(history, stance):<{columns.state}}{GAP}", role))
    quiet = history.status in (Status.DONE, Status.CANCELLED, Status.INTERRUPTED)
    called = fit_middle(name(history), columns.name, symbols.cut)
    line.append((called + GAP, Role.MUTED if quiet else Role.TEXT))
    line += _progress(history, columns, symbols)
    if columns.level:
        line.append(_level(history, columns.level, symbols))
    if columns.lag:
        line += _lag(history, columns, symbols)
    if columns.tries:
        line.append(_tries(history, columns.tries))
    numbered = not columns.tries
    line += latest_words.words(
        history, columns.words, stance.wait, symbols, stance.outlook, numbered=numbered
    )
    return line


def _progress(history: JobHistory, columns: Columns, symbols: Symbols) -> Line:
    share, left = metrics.share(history), metrics.left(history)
    line: Line = []
    if columns.bar and (_not_begun(history) or share is None):
        line.append((" " * columns.bar + GAP, Role.FAINT))
    elif columns.bar:
        filled, track = gauges.bar(share or 0.0, columns.bar, symbols)
        role = Role.FAINT if history.status is Status.DONE else STATUS_ROLES[history.status]
        line += [(filled, role), (track + GAP, Role.FAINT)]
    if columns.percent:
        text = "" if share is None else f"{metrics.percent(history)}%"
        line.append((f"{text:>{columns.percent}}{GAP}", Role.MUTED))
    if columns.left:
        text = "" if left is None else formats.clock(left)
        role = Role.TEXT if history.status.live else Role.MUTED
        line.append((f"{text:>{columns.left}}{GAP}", role))
    if columns.clock:
        line.append((f"{progress_clock(history):>{columns.clock}}{GAP}", Role.MUTED))
    return line


def progress_clock(history: JobHistory) -> str:
    """``sent/total`` while there is a difference, else the recording's length."""
    if not history.total_seconds:
        return ""
    total = formats.clock(history.total_seconds)
    if history.status is Status.DONE or _not_begun(history):
        return total
    return f"{formats.clock(metrics.reached(history))}/{total}"


def _not_begun(history: JobHistory) -> bool:
    return history.status is Status.QUEUED and not metrics.reached(history)


def _level(history: JobHistory, cells: int, symbols: Symbols) -> tuple[str, Role]:
    """Of what is being sent now."""
    levels = history.levels_db if history.status is Status.STREAMING else ()
    silent = max(levels, default=gauges.SILENCE_DB) <= gauges.SILENCE_DB
    return gauges.level_meter(levels, symbols, cells) + GAP, Role.FAINT if silent else Role.LIVE


def _tries(history: JobHistory, cells: int) -> tuple[str, Role]:
    """How many attempts there were; one is usual and is not told."""
    several = history.attempt > 1
    return f"{history.attempt if several else '':>{cells}}{GAP}", Role.LATE


def _lag(history: JobHistory, columns: Columns, symbols: Symbols) -> Line:
    """Live: the latest chunk. Over: the p99 of the certificate, and said to be that."""
    slipped = (f"{symbols.slip if history.slips else ' '}{GAP}", Role.LATE)
    certificate = history.ended.certificate if history.ended else None
    if certificate is not None:
        line: Line = [(f"{'p99':<{columns.gauge}}{GAP}", Role.FAINT)] if columns.gauge else []
        p99 = certificate.lag_ms.p99
        on_time = gauges.punctuality(p99) is gauges.Punctuality.ON_TIME
        number = gauges.lag_number(p99, symbols)
        return [*line, *((text, Role.MUTED if on_time else role) for text, role in number), slipped]
    if history.lag is None or history.status.over:
        blank = (columns.gauge + len(GAP) if columns.gauge else 0) + columns.lag - 1
        return [(" " * blank, Role.FAINT), slipped]
    line = []
    if columns.gauge:
        line += [*gauges.lag_gauge(history.lag.now, symbols, columns.gauge), (GAP, Role.FAINT)]
    return [*line, *gauges.lag_number(history.lag.now, symbols), slipped]
