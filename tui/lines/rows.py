"""A job as one row of the session table."""

from dataclasses import dataclass
from pathlib import PurePath

from tui.lines import gauges, ticker
from tui.lines.cells import clean, fit, fit_middle
from tui.lines.columns import GAP as GAP_CELLS
from tui.lines.columns import MARKS, Columns
from tui.palette import Line, Role
from tui.symbols import Symbols
from workers.history import JobHistory, Status

GAP = " " * GAP_CELLS

STATUS_ROLES = {
    Status.QUEUED: Role.WAITING,
    Status.RETRYING: Role.LATE,
    Status.CONNECTING: Role.LIVE,
    Status.STREAMING: Role.LIVE,
    Status.FINISHING: Role.LIVE,
    Status.DONE: Role.GOOD,
    Status.CANCELLED: Role.MUTED,
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


def name(history: JobHistory) -> str:
    """The recording's name, safe to draw."""
    return clean(PurePath(history.file).name or history.file)


def state_word(history: JobHistory, stance: Stance) -> str:
    """One word, at most `columns.STATE` cells."""
    return "stopping" if stance.stopping else history.status.value


def head(columns: Columns, symbols: Symbols) -> Line:
    """The columns' names, above their columns."""
    lag = f"{'LAG':<{columns.gauge}}{GAP}" if columns.gauge else ""
    unit = "ms" if columns.gauge else "LAG ms"
    cells = [
        f"{'STATE':<{columns.state}}{GAP}" if columns.state else "",
        f"{'FILE':<{columns.name}}{GAP}",
        f"{'PROGRESS':<{columns.bar}}{GAP}" if columns.bar else "",
        f"{'TIME':>{columns.clock}}{GAP}" if columns.clock else "",
        f"{'SENT':>{columns.percent}}{GAP}" if columns.percent else "",
        f"{lag}{unit:>{columns.lag - 2}}  {GAP}",
        fit("LATEST WORDS", columns.words, symbols.cut),
    ]
    return [(" " * MARKS + "".join(cells), Role.HEADING)]


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
    quiet = history.status in (Status.DONE, Status.CANCELLED)
    called = fit_middle(name(history), columns.name, symbols.cut)
    line.append((called + GAP, Role.MUTED if quiet else Role.TEXT))
    line += _progress(history, columns, symbols)
    line += _lag(history, columns, symbols)
    line += ticker.words(history, columns.words, stance.wait, symbols)
    return line


def _progress(history: JobHistory, columns: Columns, symbols: Symbols) -> Line:
    total, reached = history.total_seconds, _reached(history)
    share = 1.0 if history.status is Status.DONE else reached / total if total else 0.0
    line: Line = []
    if columns.bar and (_not_begun(history) or not total):
        line.append((" " * columns.bar + GAP, Role.FAINT))
    elif columns.bar:
        filled, track = gauges.bar(share, columns.bar, symbols)
        role = Role.FAINT if history.status is Status.DONE else STATUS_ROLES[history.status]
        line += [(filled, role), (track + GAP, Role.FAINT)]
    if columns.clock:
        line.append((f"{progress_clock(history):>{columns.clock}}{GAP}", Role.MUTED))
    if columns.percent:
        text = f"{int(share * 100)}%" if total else ""
        line.append((f"{text:>{columns.percent}}{GAP}", Role.MUTED))
    return line


def progress_clock(history: JobHistory) -> str:
    """``sent/total`` while there is a difference, else the recording's length."""
    if not history.total_seconds:
        return ""
    total, reached = gauges.clock(history.total_seconds), _reached(history)
    if history.status is Status.DONE or _not_begun(history):
        return total
    return f"{gauges.clock(reached)}/{total}"


def _reached(history: JobHistory) -> float:
    """Seconds of the recording that need not be sent any more."""
    return history.retrying.from_seconds if history.retrying else history.sent_seconds


def _not_begun(history: JobHistory) -> bool:
    return history.status is Status.QUEUED and not _reached(history)


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
