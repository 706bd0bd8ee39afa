"""Names, signs and short texts of a job, shared by table, details and wall."""

from functools import lru_cache

from tui.model import metrics
from tui.model.column_spec import RowContext
from tui.text.formats import format_duration
from tui.text.width import clean
from tui.theme.roles import Role
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobState, JobStatus

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


def clean_recording_name(job_state: JobState) -> str:
    """The recording's name, safe to draw; with the part, if only a part is streamed, with its
    condition in a run with a matrix, and with the speaker, if it is half of a pair."""
    name, part = _clean_name(job_state.file), part_label(job_state)
    name = f"{name} {part}" if part else name
    if job_state.conditions:
        name = " · ".join([name, *(clean(value) for _, value in job_state.conditions)])
    return f"{name} ({clean(job_state.half.speaker)})" if job_state.half else name


def part_label(job_state: JobState) -> str:
    """The part of the recording that is streamed, such as ``1:30–2:00``; empty if it is whole."""
    if not job_state.is_part:
        return ""
    start_s, end_s = job_state.start_seconds, job_state.total_seconds
    end = format_duration(end_s) if end_s else ""
    return f"{format_duration(start_s)}–{end}"


@lru_cache(maxsize=4096)  # cached, because rows are redrawn often and names never change
def _clean_name(file: str) -> str:
    return clean(metrics.file_name(file))


def status_word(job_state: JobState, context: RowContext) -> str:
    """The state in one word of at most `columns.STATE_WIDTH` cells."""
    return "stopping" if context.stopping else job_state.status.value


def status_sign(job_state: JobState, context: RowContext, symbols: Symbols) -> str:
    """The state as a sign of one cell."""
    return symbols.stopping if context.stopping else symbols.status[job_state.status]


def bar_role(job_state: JobState) -> Role:
    """The role of the filled part of a progress bar; finished bars are muted."""
    return Role.FAINT if job_state.status is JobStatus.DONE else STATUS_ROLES[job_state.status]


def has_not_begun(job_state: JobState) -> bool:
    """Whether nothing of the recording was sent, and no session is open to send it."""
    may_have_sent = job_state.is_live or job_state.status is JobStatus.DONE
    return not may_have_sent and not metrics.reached_s(job_state)


def format_progress_time(job_state: JobState) -> str:
    """Formats ``sent/total`` while they differ, otherwise the recording's length."""
    if not job_state.total_seconds:
        return ""
    total = format_duration(job_state.part_seconds, is_exact=job_state.is_exact)
    if job_state.status is JobStatus.DONE or has_not_begun(job_state):
        return total
    return f"{format_duration(metrics.reached_s(job_state))}/{total}"
