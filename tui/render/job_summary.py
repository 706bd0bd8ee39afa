"""A summary of one job, drawn above its transcript."""

from tui.model import metrics
from tui.model.column_spec import RowContext
from tui.render import gauges, latest_words
from tui.render.job_labels import (
    STATUS_ROLES,
    format_progress_time,
    recording_name,
    status_sign,
    status_word,
)
from tui.render.sentences import indented_sentence
from tui.text import formats
from tui.text.formats import format_count, format_khz
from tui.text.width import cell_width, clean, fit, line_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import Attempt, JobState, JobStatus
from workers.pacing.certificate import Certificate, Verdict

MAX_SENTENCE_ROWS = 3
"""Rows that one sentence may take."""

MAX_LISTED_ATTEMPTS = 2
"""Earlier attempts that have a line of their own."""

VERDICT_LABELS = {
    Verdict.HELD: ("pacing held", Role.SUCCESS),
    Verdict.LATE: ("chunks left late: do not trust latencies", Role.WARNING),
    Verdict.SLIPPED: ("the schedule slipped", Role.ERROR),
}


def title_line(
    job_state: JobState, context: RowContext, cells: int, symbols: Symbols
) -> StyledLine:
    """The recording's name in a rule, with the state at its end."""
    clock = format_progress_time(job_state)
    words = [status_word(job_state, context), *([clock] if clock else [])]
    if job_state.attempt > 1:
        words.append(f"attempt {job_state.attempt}")
    sign = status_sign(job_state, context, symbols)
    state = f" {sign} " + f" {symbols.separator} ".join(words) + " "
    room = cells - cell_width(state) - 5
    name = recording_name(job_state)
    name = name if cell_width(name) <= room else fit(name, max(room, 1), symbols.ellipsis)
    rule = symbols.rule * max(1, cells - cell_width(name) - cell_width(state) - 4)
    return [
        (symbols.rule + " ", Role.FAINT),
        (name, Role.STRONG),
        (f" {rule}", Role.FAINT),
        (state, STATUS_ROLES[job_state.status]),
        (symbols.rule, Role.FAINT),
    ]


def job_summary_lines(
    job_state: JobState, context: RowContext, cells: int, symbols: Symbols, *, brief: bool = False
) -> list[StyledLine]:
    """Title, file, timing, earlier attempts, and what went wrong or what the job waits for.

    ``brief``: without the file and without a line for each attempt.
    """
    lines = [title_line(job_state, context, cells, symbols)]
    if not brief and (parts := _file_parts(job_state, symbols)):
        lines.append(join_parts(parts, cells, symbols))
    if timing := _timing_parts(job_state, symbols):
        lines.append(join_parts(timing, cells, symbols))
    if not brief:
        lines += [_attempt_line(each, cells, symbols) for each in _earlier_attempts(job_state)]
    if over := _attempts_total(job_state):
        lines.append(join_parts(over, cells, symbols))
    return lines + _problem_lines(job_state, context, cells, symbols)


def _file_parts(job_state: JobState, symbols: Symbols) -> list[StyledLine]:
    if not job_state.rate:
        return []
    channels = formats.format_channels(job_state.channels)
    parts: list[StyledLine] = [
        [(clean(job_state.format), Role.MUTED)],
        [(f"{format_khz(job_state.rate)} {channels}", Role.MUTED)],
        [(formats.format_duration(job_state.total_seconds), Role.MUTED)],
    ]
    if began := job_state.began:
        parts += [
            [
                ("sent as ", Role.FAINT),
                (f"{format_khz(began.sample_rate)} mono", Role.MUTED),
            ],
            [(clean(began.model), Role.MUTED)],
            [("session ", Role.FAINT), (clean(began.session_id), Role.MUTED)],
        ]
    return parts


def _timing_parts(job_state: JobState, symbols: Symbols) -> list[StyledLine]:
    if job_state.ended is not None and job_state.ended.certificate is not None:
        return _certificate_parts(job_state.ended.certificate, job_state, symbols)
    if job_state.lag is None:
        return []
    lag = job_state.lag
    level = metrics.punctuality(lag.now)
    now: StyledLine = [
        ("lag ", Role.FAINT),
        (f"{gauges.format_lag_ms(lag.now)} ms", gauges.PUNCTUALITY_ROLES[level]),
        (f" {gauges.punctuality_sign(level, symbols)}".rstrip() + " now", Role.FAINT),
    ]
    ranks = (("p50", lag.p50), ("p99", lag.p99), ("max", lag.max))
    return [
        now,
        *(_lag_figure(word, value) for word, value in ranks),
        *_problem_counts(job_state, symbols),
    ]


def _certificate_parts(
    certificate: Certificate, job_state: JobState, symbols: Symbols
) -> list[StyledLine]:
    lag = certificate.lag_ms
    words, role = VERDICT_LABELS[certificate.verdict]
    ranks = (("p50", lag.p50), ("p99", lag.p99), ("p99.9", lag.p99_9), ("max", lag.max))
    figures = [_lag_figure(word, value) for word, value in ranks]
    figures[0] = [("lag ", Role.FAINT), *figures[0]]
    drift: list[StyledLine] = []
    if certificate.drift_ms is not None:
        drift = [[("drift ", Role.FAINT), (f"{certificate.drift_ms:+.2f} ms", Role.TEXT)]]
    return [[(words, role)], *figures, *drift, *_problem_counts(job_state, symbols)]


def _lag_figure(word: str, value: float) -> StyledLine:
    return [(f"{word} ", Role.FAINT), (gauges.format_lag_ms(value), Role.TEXT)]


def _problem_counts(job_state: JobState, symbols: Symbols) -> list[StyledLine]:
    lines: list[StyledLine] = []
    if job_state.slips:
        lines.append([(f"{symbols.slip} {format_count(job_state.slips, 'slip')}", Role.WARNING)])
    if count := len(job_state.warnings):
        lines.append([(f"{symbols.warning} {format_count(count, 'warning')}", Role.WARNING)])
    return lines


def _earlier_attempts(job_state: JobState) -> list[Attempt]:
    """The latest attempts before this one; one that has just failed is described below."""
    before = (
        job_state.earlier_attempts[:-1]
        if job_state.status is JobStatus.RETRYING
        else job_state.earlier_attempts
    )
    return before[-MAX_LISTED_ATTEMPTS:]


def _attempt_line(attempt: Attempt, cells: int, symbols: Symbols) -> StyledLine:
    ended, dot = attempt.ended, symbols.separator
    start = formats.format_duration(attempt.started_from.at_ms / 1000)
    label = f"  attempt {attempt.number} from {start}"
    label += f" {dot} open {formats.format_duration(ended.open_seconds)} {dot} "
    whole = fit(label + latest_words.short_reason(ended.reason), cells, symbols.ellipsis)
    return [(whole[: len(label)], Role.FAINT), (whole[len(label) :], Role.MUTED)]


def _attempts_total(job_state: JobState) -> list[StyledLine]:
    """The number of finished attempts and their open time, if there were several."""
    over = len(job_state.earlier_attempts) + (job_state.ended is not None)
    if over < 2:
        return []
    return [
        [(f"{over} attempts", Role.MUTED), ("" if job_state.ended else " so far", Role.FAINT)],
        [
            ("sockets open ", Role.FAINT),
            (formats.format_duration(job_state.open_seconds), Role.MUTED),
        ],
    ]


def join_parts(parts: list[StyledLine], cells: int, symbols: Symbols) -> StyledLine:
    """Joins the first parts that fit; the others are left out."""
    between = f" {symbols.separator} "
    line: StyledLine = [("  ", Role.FAINT)]
    taken = 2
    for index, part in enumerate(parts):
        size = line_width(part) + (cell_width(between) if index else 0)
        if taken + size > cells:
            break
        line += [(between, Role.FAINT), *part] if index else part
        taken += size
    return line


def _problem_lines(
    job_state: JobState, context: RowContext, cells: int, symbols: Symbols
) -> list[StyledLine]:
    sign, role = symbols.status[job_state.status], STATUS_ROLES[job_state.status]
    sentences = [(sign, latest_words.wait_reason(job_state, context), role)]
    ended = job_state.ended
    if ended is not None and ended.reason and job_state.status.is_finished:
        if role is Role.ERROR or ended.hint:
            sentences.append((sign, clean(ended.reason), role))
        sentences.append((symbols.hint, clean(ended.hint), Role.TEXT))
    if job_state.warnings:
        sentences.append((symbols.warning, clean(job_state.warnings[-1]), Role.WARNING))
    lines: list[StyledLine] = []
    for sign, text, role in sentences:
        lines += indented_sentence(sign, text, role, cells, MAX_SENTENCE_ROWS) if text else []
    return lines
