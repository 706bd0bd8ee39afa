"""A summary of one job, drawn above its transcript."""

from collections.abc import Sequence

from tui.model import metrics
from tui.model.column_spec import RowContext
from tui.render import gauges
from tui.render.job_labels import (
    STATUS_ROLES,
    clean_recording_name,
    format_progress_time,
    status_sign,
    status_word,
)
from tui.render.latest_words import short_reason, wait_reason
from tui.render.sentences import indented_sentence
from tui.text.formats import at_speed, format_channels, format_count, format_duration, format_khz
from tui.text.width import cell_width, clean, fit, line_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import Attempt, JobState, JobStatus
from workers.jobs.pair import PairState, current_skew_ms
from workers.pacing.certificate import Verdict

MAX_SENTENCE_ROWS = 3  # maximum rows for one sentence
MAX_LISTED_ATTEMPTS = 2  # maximum earlier attempts with a line each
VERDICT_LABELS = {
    Verdict.HELD: ("pacing held", Role.SUCCESS),
    Verdict.LATE: ("chunks left late: do not trust latencies", Role.WARNING),
    Verdict.SLIPPED: ("the schedule slipped", Role.ERROR),
}


def title_line(
    job_state: JobState, context: RowContext, cells: int, symbols: Symbols
) -> StyledLine:
    """Draws a rule with the recording's name at its start and the state at its end."""
    clock = format_progress_time(job_state)
    words = [status_word(job_state, context), *([clock] if clock else [])]
    if job_state.attempt > 1:
        words.append(f"attempt {job_state.attempt}")
    if context.listening:
        words.append(f"{symbols.heard} {context.listening}")
    sign = status_sign(job_state, context, symbols)
    state = f" {sign} " + f" {symbols.separator} ".join(words) + " "
    room = cells - cell_width(state) - 5
    name = clean_recording_name(job_state)
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
    """Draws title, file, timing, earlier attempts, and the error or the reason for waiting.

    ``brief``: omit the file and the lines of attempts.
    """
    lines = [title_line(job_state, context, cells, symbols)]
    if not brief and (file := _file_parts(job_state)):
        lines.append(join_parts(file, cells, symbols))
    if timing := _timing_parts(job_state, symbols):
        lines.append(join_parts(timing, cells, symbols))
    earlier, ended = job_state.earlier_attempts, job_state.ended
    if not brief:  # the last failed attempt is described below
        listed = earlier[:-1] if job_state.status is JobStatus.RETRYING else earlier
        for attempt in listed[-MAX_LISTED_ATTEMPTS:]:
            lines.append(_attempt_line(attempt, cells, symbols))
    if (count := len(earlier) + (ended is not None)) > 1:
        open_time = format_duration(job_state.open_seconds)
        total: list[StyledLine] = [
            [(f"{count} attempts", Role.MUTED), ("" if ended else " so far", Role.FAINT)],
            [("sockets open ", Role.FAINT), (open_time, Role.MUTED)],
        ]
        lines.append(join_parts(total, cells, symbols))
    return lines + _problem_lines(job_state, context, cells, symbols)


def _file_parts(job_state: JobState) -> list[StyledLine]:
    if not job_state.rate:
        return []
    file_format = f"{format_khz(job_state.rate)} {format_channels(job_state.channels)}"
    parts: list[StyledLine] = [
        [(clean(job_state.format), Role.MUTED)],
        [(file_format, Role.MUTED)],
        [(format_duration(job_state.part_seconds, is_exact=job_state.is_exact), Role.MUTED)],
    ]
    if began := job_state.began:
        parts += [
            [("sent as ", Role.FAINT), (f"{format_khz(began.sample_rate)} mono", Role.MUTED)],
            [(clean(began.model), Role.MUTED)],
            [("session ", Role.FAINT), (clean(began.session_id), Role.MUTED)],
        ]
    return parts


def _timing_parts(job_state: JobState, symbols: Symbols) -> list[StyledLine]:
    """Describes pacing: the certificate or the current lag, then slips and warnings."""
    certificate = job_state.ended.certificate if job_state.ended else None
    parts: list[StyledLine] = []
    if certificate is not None:
        end = certificate.lag_ms
        ranks = (("p50", end.p50), ("p99", end.p99), ("p99.9", end.p99_9), ("max", end.max))
        words, role = VERDICT_LABELS[certificate.verdict]
        parts = [[(words + at_speed(certificate.speed), role)], *map(_lag_figure, ranks)]
        parts[1] = [("lag ", Role.FAINT), *parts[1]]
        if certificate.drift_ms is not None:
            drift = f"{certificate.drift_ms:+.2f} ms"
            parts.append([("drift ", Role.FAINT), (drift, Role.TEXT)])
    elif job_state.lag is not None:
        lag = job_state.lag
        level = metrics.punctuality(lag.now)
        sign = f" {gauges.punctuality_sign(level, symbols)}".rstrip()
        number = (f"{gauges.format_lag_ms(lag.now)} ms", gauges.PUNCTUALITY_ROLES[level])
        parts = [[("lag ", Role.FAINT), number, (f"{sign} now", Role.FAINT)]]
        recent = (("p50", lag.p50), ("p99", lag.p99), ("max", lag.max))
        parts += map(_lag_figure, recent)
    else:
        return []
    if isinstance(job_state, PairState) and (skew_ms := current_skew_ms(job_state)) is not None:
        parts.append([("skew ", Role.FAINT), (f"{skew_ms:.1f} ms", Role.TEXT)])
    for sign, count, noun in (
        (symbols.slip, job_state.slips, "slip"),
        (symbols.warning, len(job_state.warnings), "warning"),
    ):
        if count:
            parts.append([(f"{sign} {format_count(count, noun)}", Role.WARNING)])
    return parts


def _lag_figure(rank: tuple[str, float]) -> StyledLine:
    name, lag_ms = rank
    return [(f"{name} ", Role.FAINT), (gauges.format_lag_ms(lag_ms), Role.TEXT)]


def _attempt_line(attempt: Attempt, cells: int, symbols: Symbols) -> StyledLine:
    ended, dot = attempt.ended, symbols.separator
    start = format_duration(attempt.started_from.at_ms / 1000)
    label = f"  attempt {attempt.number} from {start}"
    label += f" {dot} open {format_duration(ended.open_seconds)} {dot} "
    whole = fit(label + short_reason(ended.reason), cells, symbols.ellipsis)
    return [(whole[: len(label)], Role.FAINT), (whole[len(label) :], Role.MUTED)]


def join_parts(parts: Sequence[StyledLine], cells: int, symbols: Symbols) -> StyledLine:
    """Joins as many parts as fit, from the first; omits the others."""
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
    sentences = [(sign, wait_reason(job_state, context), role)]
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
