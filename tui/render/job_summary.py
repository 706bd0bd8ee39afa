"""What is known of one job, above its transcript."""

from tui.render import gauges, latest_words
from tui.render.table_row import STATUS_ROLES, Stance, name, progress_clock, state_word
from tui.render.transcript_layout import said
from tui.text import formats
from tui.text.formats import counted
from tui.text.width import clean, fit, width
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.jobs.events import Retrying
from workers.jobs.job_state import Attempt, JobHistory, Status
from workers.pacing.certificate import Certificate, Verdict

MOST = 3
"""Rows that one sentence may take from the transcript."""

LATEST_ATTEMPTS = 2
"""So many of those before are told one by one."""

VERDICTS = {
    Verdict.HELD: ("pacing held", Role.GOOD),
    Verdict.LATE: ("chunks left late: do not trust latencies", Role.LATE),
    Verdict.SLIPPED: ("the schedule slipped", Role.BAD),
}


def title(history: JobHistory, stance: Stance, cells: int, symbols: Symbols) -> Line:
    """The recording's name in a rule, its state at the end."""
    clock = progress_clock(history)
    told = [state_word(history, stance), *([clock] if clock else [])]
    if history.attempt > 1:
        told.append(f"attempt {history.attempt}")
    sign = symbols.stopping if stance.stopping else symbols.status[history.status]
    state = f" {sign} " + f" {symbols.dot} ".join(told) + " "
    room = cells - width(state) - 5
    called = name(history)
    called = called if width(called) <= room else fit(called, max(room, 1), symbols.cut)
    rule = symbols.rule * max(1, cells - width(called) - width(state) - 4)
    return [
        (symbols.rule + " ", Role.FAINT),
        (called, Role.STRONG),
        (f" {rule}", Role.FAINT),
        (state, STATUS_ROLES[history.status]),
        (symbols.rule, Role.FAINT),
    ]


def facts(
    history: JobHistory, stance: Stance, cells: int, symbols: Symbols, *, brief: bool = False
) -> list[Line]:
    """Title, file, timing, the attempts before, and what went wrong or is awaited.

    ``brief`` leaves out the file's facts, and the attempts one by one.
    """
    lines = [title(history, stance, cells, symbols)]
    if not brief and (about := _file(history, symbols)):
        lines.append(joined(about, cells, symbols))
    if timing := _timing(history, symbols):
        lines.append(joined(timing, cells, symbols))
    if not brief:
        lines += [_attempt(each, cells, symbols) for each in _before(history)]
    if over := _altogether(history):
        lines.append(joined(over, cells, symbols))
    return lines + _troubles(history, stance, cells, symbols)


def _file(history: JobHistory, symbols: Symbols) -> list[Line]:
    if not history.rate:
        return []
    channels = {1: "mono", 2: "stereo"}.get(history.channels, f"{history.channels} channels")
    parts: list[Line] = [
        [(clean(history.format), Role.MUTED)],
        [(f"{_khz(history.rate)} {channels}", Role.MUTED)],
        [(formats.clock(history.total_seconds), Role.MUTED)],
    ]
    if began := history.began:
        parts += [
            [("sent as ", Role.FAINT), (f"{_khz(began.sample_rate)} mono", Role.MUTED)],
            [(clean(began.model), Role.MUTED)],
            [("session ", Role.FAINT), (clean(began.session_id), Role.MUTED)],
        ]
    return parts


def _khz(rate: int) -> str:
    return f"{rate / 1000:g} kHz"


def _timing(history: JobHistory, symbols: Symbols) -> list[Line]:
    if history.ended is not None and history.ended.certificate is not None:
        return _certificate(history.ended.certificate, history, symbols)
    if history.lag is None:
        return []
    lag = history.lag
    level = gauges.punctuality(lag.now)
    now: Line = [
        ("lag ", Role.FAINT),
        (f"{gauges.ms(lag.now)} ms", gauges.ROLES[level]),
        (f" {gauges.sign(level, symbols)}".rstrip() + " now", Role.FAINT),
    ]
    ranks = (("p50", lag.p50), ("p99", lag.p99), ("max", lag.max))
    return [now, *(_figure(word, value) for word, value in ranks), *_counted(history, symbols)]


def _certificate(certificate: Certificate, history: JobHistory, symbols: Symbols) -> list[Line]:
    lag = certificate.lag_ms
    words, role = VERDICTS[certificate.verdict]
    ranks = (("p50", lag.p50), ("p99", lag.p99), ("p99.9", lag.p99_9), ("max", lag.max))
    figures = [_figure(word, value) for word, value in ranks]
    figures[0] = [("lag ", Role.FAINT), *figures[0]]
    drift: list[Line] = []
    if certificate.drift_ms is not None:
        drift = [[("drift ", Role.FAINT), (f"{certificate.drift_ms:+.2f} ms", Role.TEXT)]]
    return [[(words, role)], *figures, *drift, *_counted(history, symbols)]


def _figure(word: str, value: float) -> Line:
    return [(f"{word} ", Role.FAINT), (gauges.ms(value), Role.TEXT)]


def _counted(history: JobHistory, symbols: Symbols) -> list[Line]:
    lines: list[Line] = []
    if history.slips:
        lines.append([(f"{symbols.slip} {counted(history.slips, 'slip')}", Role.LATE)])
    if count := len(history.warnings):
        lines.append([(f"{symbols.warning} {counted(count, 'warning')}", Role.LATE)])
    return lines


def _before(history: JobHistory) -> list[Attempt]:
    """The latest attempts that others followed; one that has just broken is told of below."""
    before = history.earlier[:-1] if history.status is Status.RETRYING else history.earlier
    return before[-LATEST_ATTEMPTS:]


def _attempt(attempt: Attempt, cells: int, symbols: Symbols) -> Line:
    ended, dot = attempt.ended, symbols.dot
    told = f"  attempt {attempt.number} from {formats.clock(attempt.seam.at_ms / 1000)}"
    told += f" {dot} open {formats.clock(ended.open_seconds)} {dot} "
    whole = fit(told + latest_words.cause(ended.reason), cells, symbols.cut)
    return [(whole[: len(told)], Role.FAINT), (whole[len(told) :], Role.MUTED)]


def _altogether(history: JobHistory) -> list[Line]:
    """How many attempts are over, and how long a service bills for, where that is a sum."""
    over = len(history.earlier) + (history.ended is not None)
    if over < 2:
        return []
    return [
        [(f"{over} attempts", Role.MUTED), ("" if history.ended else " so far", Role.FAINT)],
        [("sockets open ", Role.FAINT), (formats.clock(history.open_seconds), Role.MUTED)],
    ]


def joined(parts: list[Line], cells: int, symbols: Symbols) -> Line:
    """The parts that fit, whole; the rest is left out."""
    between = f" {symbols.dot} "
    line: Line = [("  ", Role.FAINT)]
    taken = 2
    for index, part in enumerate(parts):
        size = sum(width(text) for text, _ in part) + (width(between) if index else 0)
        if taken + size > cells:
            break
        line += [(between, Role.FAINT), *part] if index else part
        taken += size
    return line


def _troubles(history: JobHistory, stance: Stance, cells: int, symbols: Symbols) -> list[Line]:
    lines: list[Line] = []
    sign, role = symbols.status[history.status], STATUS_ROLES[history.status]
    if awaited := _awaited(history, stance):
        lines += _said(sign, awaited, role, cells)
    ended = history.ended
    if ended is not None and ended.reason and history.status.over:
        if role is Role.BAD or ended.hint:
            lines += _said(sign, clean(ended.reason), role, cells)
        if ended.hint:
            lines += _said(symbols.hint, clean(ended.hint), Role.TEXT, cells)
    if history.warnings:
        lines += _said(symbols.warning, clean(history.warnings[-1]), Role.LATE, cells)
    return lines


def _awaited(history: JobHistory, stance: Stance) -> str:
    """What comes of a job that is to go on."""
    match history.status, history.retrying:
        case Status.RETRYING, Retrying() as retrying:
            return f"{latest_words.again(retrying, stance.wait)}: {clean(retrying.reason)}"
        case Status.QUEUED, _:
            return latest_words.waiting(history, stance.wait, stance.outlook)
    return ""


def _said(sign: str, text: str, role: Role, cells: int) -> list[Line]:
    """A sentence behind its sign, indented, in at most three rows."""
    rows = said(sign, text, role, cells - 2)[:MOST]
    return [[("  ", role), *row] for row in rows]
