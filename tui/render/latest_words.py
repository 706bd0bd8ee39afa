"""The last column of a row: the latest words, or why there are none."""

import re

from tui.model import metrics
from tui.model.column_spec import RowContext
from tui.model.queue_forecast import StartForecast, StartObstacle
from tui.text.formats import format_bytes, format_duration
from tui.text.width import cell_width, clean, clean_tail, fit, tail
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs import outcomes
from workers.jobs.events import Fetched, Outcome, Retrying
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import PairState

SILENCE_NOTICE_AFTER_S = 15.0
"""After this many seconds of audio without a word, the row says so: level and lag look normal."""

MIN_WIDTH_FOR_SIGN = 8  # narrower columns have no sign before the words
MIN_WIDTH_FOR_NOTES = 30  # narrower columns have the sign of a fault without its reason
MIN_WIDTH_FOR_SPEAKER, MAX_SPEAKER_WIDTH = 24, 12  # narrower columns do not name the speaker
_ORDINAL_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}

_SERVER_REASON = re.compile(r"the server ended the session(?: \((\d+)\))?: (.+)", re.DOTALL)


def words_column(
    job_state: JobState,
    context: RowContext,
    cells: int,
    symbols: Symbols,
    *,
    show_attempt: bool = True,
) -> StyledLine:
    """Draws the column; ``show_attempt``: start with the attempt number if there were several."""
    status, retrying = job_state.status, job_state.retrying
    if status is JobStatus.RETRYING and retrying is not None:
        countdown = _retry_countdown(context)
        whole = fit(f"{countdown}: {short_reason(retrying.reason)}", cells, symbols.ellipsis)
        return [(whole[: len(countdown)], Role.WARNING), (whole[len(countdown) :], Role.MUTED)]
    number = attempt_prefix(job_state, symbols) if show_attempt else ""
    room = cells - cell_width(number)
    # the reason for a failure is more important than a warning
    warned = job_state.warnings and status is not JobStatus.FAILED and room >= MIN_WIDTH_FOR_SIGN
    sign = f"{symbols.warning} " if warned else ""
    room -= cell_width(sign)
    notes: StyledLine = [(number, Role.MUTED), (sign, Role.WARNING)]
    if room >= MIN_WIDTH_FOR_NOTES:
        for text, role in (
            (_fault_note(job_state) if warned else "", Role.WARNING),
            (_same_content_note(job_state), Role.MUTED),
            ("waiting for more" if job_state.is_waiting else "", Role.MUTED),
        ):
            if text:
                # The words of a finished job matter less than what is missing.
                share = room - MIN_WIDTH_FOR_SIGN if status.is_finished else room * 2 // 3
                note = fit(text, min(cell_width(text), share), symbols.ellipsis)
                notes.append((f"{note} {symbols.separator} ", role))
                room -= cell_width(note) + 3
    if room >= MIN_WIDTH_FOR_SPEAKER and (speaker := _speaker_prefix(job_state)):
        notes.append((speaker, Role.MUTED))
        room -= cell_width(speaker)
    return [*notes, *_words_or_reason(job_state, context, room, symbols)]


def _fault_note(job_state: JobState) -> str:
    """The first thing that is wrong with the recording, in short, and how many more there are."""
    faults = job_state.recording_faults
    more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
    return clean(faults[0].rpartition(": ")[2]) + more if faults else ""


def _speaker_prefix(job_state: JobState) -> str:
    """Who said the latest words of a pair; empty for other jobs, and without words."""
    if not isinstance(job_state, PairState) or job_state.status is JobStatus.FAILED:
        return ""
    latest = job_state.transcript.latest_line
    if latest is None or job_state.status is JobStatus.QUEUED:
        return ""
    return f"{clean(latest.speaker, MAX_SPEAKER_WIDTH)}: "


def _same_content_note(job_state: JobState) -> str:
    """Names an earlier recording with the same content; not beside words that still change."""
    if not job_state.same_as or job_state.status.is_live:
        return ""
    return f"same as {clean(metrics.file_name(job_state.same_as))}"


def attempt_prefix(job_state: JobState, symbols: Symbols) -> str:
    """Formats the sign and number of a further attempt; empty for the first attempt."""
    sign, attempt = symbols.status[JobStatus.RETRYING], job_state.attempt
    return f"{sign}{attempt} " if attempt > 1 else ""


def short_reason(reason: str) -> str:
    """Shortens a reason and puts its distinctive part first."""
    if (found := _SERVER_REASON.fullmatch(reason)) is None:
        return clean(reason)
    code, text = found.groups()
    return clean(f"{text} ({code})" if code else text)


def _retry_countdown(context: RowContext) -> str:
    return f"retry in {context.retry_wait_s} s" if context.retry_wait_s else "retry soon"


def _words_or_reason(
    job_state: JobState, context: RowContext, cells: int, symbols: Symbols
) -> StyledLine:
    """Shows the end of the latest words, which matters most, or says why there are no words."""
    status, ellipsis = job_state.status, symbols.ellipsis
    if status is JobStatus.FAILED and job_state.ended is not None:
        return [(fit(short_reason(job_state.ended.reason), cells, ellipsis), Role.ERROR)]
    latest = job_state.transcript.latest_line
    if latest is None or status is JobStatus.QUEUED:
        forecast = context.forecast
        role = Role.MUTED if forecast and forecast.position == 1 else Role.FAINT
        return [(fit(_silence_reason(job_state, context), cells, ellipsis), role)]
    settled = clean_tail(latest.stable_text, cells)
    unsettled = clean_tail(latest.unstable_text, cells)
    if settled and unsettled:
        settled += " "
    role = Role.FINAL if latest.is_final else Role.SETTLED
    role = Role.MUTED if status.is_finished else role
    if cell_width(settled) + cell_width(unsettled) <= cells:
        return [(settled, role), (unsettled, Role.PARTIAL)]
    cells -= cell_width(ellipsis)
    if (room := cells - cell_width(unsettled)) <= 0:
        return [(ellipsis, Role.FAINT), (tail(unsettled, cells), Role.PARTIAL)]
    return [(ellipsis, Role.FAINT), (tail(settled, room), role), (unsettled, Role.PARTIAL)]


def _silence_reason(job_state: JobState, context: RowContext) -> str:
    match job_state.status:
        case JobStatus.QUEUED:
            if job_state.fetched is not None:
                return _arrival(job_state.fetched)
            return _queue_reason(job_state, context) if job_state.attempt else "being read"
        case JobStatus.CONNECTING:
            return "connecting to the server"
        case JobStatus.STREAMING:
            silent_s = metrics.reached_s(job_state)
            notice = f"no words in {format_duration(silent_s)}"
            return notice if silent_s >= SILENCE_NOTICE_AFTER_S else ""
        case JobStatus.DONE:
            return "no words"
        case JobStatus.CANCELLED | JobStatus.INTERRUPTED if job_state.ended is not None:
            return clean(job_state.ended.reason)
        case _:
            return ""


def wait_reason(job_state: JobState, context: RowContext) -> str:
    """Says why a queued or retrying job is not running; empty if it is just queued."""
    match job_state.status, job_state.retrying:
        case JobStatus.RETRYING, Retrying() as retrying:
            start_s = retrying.from_seconds
            start = f", from {format_duration(start_s)}" if start_s else ""
            return f"{_retry_countdown(context)}{start}: {clean(retrying.reason)}"
        case JobStatus.QUEUED, _:
            return _arrival(job_state.fetched) or _queue_reason(job_state, context)
    return ""


def _arrival(fetched: Fetched | None) -> str:
    """How much of a recording has arrived; empty if it does not arrive from elsewhere."""
    if fetched is None:
        return ""
    total = fetched.total_bytes
    of_total = f" of {format_bytes(total)}" if total else ""
    return f"receiving: {format_bytes(fetched.bytes)}{of_total}"


def _queue_reason(job_state: JobState, context: RowContext) -> str:
    retrying, forecast, wait_s = job_state.retrying, context.forecast, context.retry_wait_s
    if retrying is None:
        return queue_position(forecast) if forecast else ""
    if job_state.refusal:
        full = is_server_full(job_state)
        why = "the server is full" if full else short_reason(retrying.reason)
        return f"retry in {wait_s} s: {why}" if wait_s else f"waits: {why}"
    position = queue_position(forecast) if forecast else "waits for its turn"
    start_s = retrying.from_seconds
    return f"{position}, from {format_duration(start_s) if start_s else 'the start'}"


def is_server_full(job_state: JobState) -> bool:
    """Whether the server refused the latest attempt because it serves too many sessions."""
    refusal = job_state.refusal
    if refusal is None:
        return False
    return refusal.outcome is Outcome.BUSY and not outcomes.is_machine_full(refusal)


def queue_position(forecast: StartForecast) -> str:
    """Formats the position in the queue: ``next, in 42 s``, ``3rd in the queue``."""
    number, obstacle = forecast.position, forecast.obstacle
    if number == 1:
        detail = "" if obstacle is StartObstacle.NONE else f", {obstacle.value}"
        return "next" + detail.format(seconds=forecast.start_in_s)
    suffix = "th" if number // 10 % 10 == 1 else _ORDINAL_SUFFIXES.get(number % 10, "th")
    return f"{number}{suffix} in the queue"
