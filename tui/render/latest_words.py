"""The last column of a row: the latest words, or why there are none."""

import re

from tui.model import metrics
from tui.model.column_spec import RowContext
from tui.model.queue_forecast import StartForecast, StartObstacle
from tui.text import formats
from tui.text.width import cell_width, clean, clean_tail, fit, tail
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.events import Outcome, Retrying
from workers.jobs.job_state import JobState, JobStatus

SILENCE_NOTICE_AFTER_S = 15.0
"""Seconds of audio without any word after which the row says so; level and lag look fine then."""

MIN_WIDTH_FOR_SIGN = 8
"""In fewer cells, no sign is drawn before the words."""

_ORDINAL_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}

_SERVER_REASON = re.compile(r"the server ended the session(?: \((\d+)\))?: (.+)", re.DOTALL)


def words_column(
    job_state: JobState,
    cells: int,
    retry_wait_s: int,
    symbols: Symbols,
    forecast: StartForecast | None = None,
    *,
    show_attempt: bool = True,
) -> StyledLine:
    """At most so many cells; ``retry_wait_s``: whole seconds until the next attempt may start.

    ``show_attempt``: draws the number of a further attempt before the words.
    """
    if job_state.status is JobStatus.RETRYING and job_state.retrying is not None:
        return _retry_line(job_state.retrying, cells, retry_wait_s, symbols)
    number = attempt_prefix(job_state, symbols) if show_attempt else ""
    room = cells - cell_width(number)
    sign = f"{symbols.warning} " if _shows_warning(job_state) and room >= MIN_WIDTH_FOR_SIGN else ""
    text = _words_or_reason(job_state, room - cell_width(sign), retry_wait_s, symbols, forecast)
    return [(number, Role.MUTED), (sign, Role.WARNING), *text]


def _shows_warning(job_state: JobState) -> bool:
    """The reason of a failure is more important than a warning."""
    return bool(job_state.warnings) and job_state.status is not JobStatus.FAILED


def attempt_prefix(job_state: JobState, symbols: Symbols) -> str:
    """The number of a further attempt and a space; empty for the first attempt."""
    return (
        f"{symbols.status[JobStatus.RETRYING]}{job_state.attempt} " if job_state.attempt > 1 else ""
    )


def short_reason(reason: str) -> str:
    """A reason with its distinctive part first."""
    if (found := _SERVER_REASON.fullmatch(reason)) is None:
        return clean(reason)
    code, text = found.groups()
    return clean(f"{text} ({code})" if code else text)


def retry_text(retrying: Retrying, retry_wait_s: int) -> str:
    """When the next attempt starts, and where in the recording."""
    place = (
        f", from {formats.format_duration(retrying.from_seconds)}" if retrying.from_seconds else ""
    )
    return f"{_retry_countdown(retry_wait_s)}{place}"


def _retry_countdown(retry_wait_s: int) -> str:
    return f"again in {retry_wait_s} s" if retry_wait_s else "goes on soon"


def _retry_line(retrying: Retrying, cells: int, retry_wait_s: int, symbols: Symbols) -> StyledLine:
    countdown = _retry_countdown(retry_wait_s)
    whole = fit(f"{countdown}: {short_reason(retrying.reason)}", cells, symbols.ellipsis)
    return [(whole[: len(countdown)], Role.WARNING), (whole[len(countdown) :], Role.MUTED)]


def _words_or_reason(
    job_state: JobState,
    cells: int,
    retry_wait_s: int,
    symbols: Symbols,
    forecast: StartForecast | None,
) -> StyledLine:
    if job_state.status is JobStatus.FAILED and job_state.ended is not None:
        return [(fit(short_reason(job_state.ended.reason), cells, symbols.ellipsis), Role.ERROR)]
    latest = job_state.transcript.latest_line
    if latest is None or job_state.status is JobStatus.QUEUED:
        role = Role.MUTED if forecast and forecast.position == 1 else Role.FAINT
        return [
            (fit(_silence_reason(job_state, retry_wait_s, forecast), cells, symbols.ellipsis), role)
        ]
    settled, unsettled = (
        clean_tail(latest.stable_text, cells),
        clean_tail(latest.unstable_text, cells),
    )
    if settled and unsettled:
        settled += " "
    role = (
        Role.MUTED
        if job_state.status.is_finished
        else Role.FINAL
        if latest.is_final
        else Role.SETTLED
    )
    return _words_tail(settled, unsettled, role, cells, symbols)


def _words_tail(
    settled: str, unsettled: str, role: Role, cells: int, symbols: Symbols
) -> StyledLine:
    """The end of both parts together, because the newest words matter most."""
    if cell_width(settled) + cell_width(unsettled) <= cells:
        return [(settled, role), (unsettled, Role.PARTIAL)]
    room = cells - cell_width(symbols.ellipsis) - cell_width(unsettled)
    if room <= 0:
        return [
            (symbols.ellipsis, Role.FAINT),
            (tail(unsettled, cells - cell_width(symbols.ellipsis)), Role.PARTIAL),
        ]
    return [(symbols.ellipsis, Role.FAINT), (tail(settled, room), role), (unsettled, Role.PARTIAL)]


def _silence_reason(job_state: JobState, retry_wait_s: int, forecast: StartForecast | None) -> str:
    match job_state.status:
        case JobStatus.QUEUED if job_state.attempt == 0:
            return "being read"
        case JobStatus.QUEUED:
            return queue_reason(job_state, retry_wait_s, forecast)
        case JobStatus.CONNECTING:
            return "calling the server"
        case JobStatus.STREAMING if (
            silent := metrics.reached_s(job_state)
        ) >= SILENCE_NOTICE_AFTER_S:
            return f"no words in {formats.format_duration(silent)}"
        case JobStatus.DONE:
            return "nothing was heard"
        case JobStatus.CANCELLED | JobStatus.INTERRUPTED if job_state.ended is not None:
            return clean(job_state.ended.reason)
        case _:
            return ""


def wait_reason(job_state: JobState, context: RowContext) -> str:
    """Why a queued or broken job does not run yet; empty if it only waits its turn."""
    match job_state.status, job_state.retrying:
        case JobStatus.RETRYING, Retrying() as retrying:
            return f"{retry_text(retrying, context.retry_wait_s)}: {clean(retrying.reason)}"
        case JobStatus.QUEUED, _:
            return queue_reason(job_state, context.retry_wait_s, context.forecast)
    return ""


def queue_reason(
    job_state: JobState, retry_wait_s: int, forecast: StartForecast | None = None
) -> str:
    """Why a queued job does not run yet; empty if it just waits."""
    retrying = job_state.retrying
    if retrying is None:
        return queue_position(forecast) if forecast else ""
    if job_state.refusal:
        full = job_state.refusal.outcome is Outcome.BUSY
        why = "the server is full" if full else short_reason(retrying.reason)
        return f"again in {retry_wait_s} s: {why}" if retry_wait_s else f"waits: {why}"
    seconds = retrying.from_seconds
    turn = queue_position(forecast) if forecast else "waits for its turn"
    return (
        f"{turn}, {f'from {formats.format_duration(seconds)}' if seconds else 'from the beginning'}"
    )


def queue_position(forecast: StartForecast) -> str:
    """The position in the queue: ``next, in 42 s``, ``3rd in the queue``."""
    if forecast.position == 1:
        obstacle = forecast.obstacle
        detail = "" if obstacle is StartObstacle.NONE else f", {obstacle.value}"
        return "next" + detail.format(seconds=forecast.start_in_s)
    return f"{_ordinal(forecast.position)} in the queue"


def _ordinal(number: int) -> str:
    if number // 10 % 10 == 1:
        return f"{number}th"
    return f"{number}{_ORDINAL_SUFFIXES.get(number % 10, 'th')}"
