"""What a run came to, in lines for the normal screen, and its exit code."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import IntEnum
from pathlib import Path

from tui.model import metrics
from tui.text.formats import format_duration
from tui.text.width import clean
from workers.jobs.events import Outcome
from workers.jobs.job_state import JobState, JobStatus
from workers.pacing.certificate import Certificate

MIN_GROUPED_FAILURES = 4
"""From so many on, jobs that failed for the same reason are told of together."""

MAX_NAMED_FAILURES = 3
"""So many of them by name; `MIN_GROUPED_FAILURES` is more."""

_OUTCOME_WORDS = ("done", "failed", "interrupted", "cancelled", "not begun")


class ExitCode(IntEnum):
    """The program's exit codes."""

    DONE = 0
    FATAL = 1
    USAGE = 2
    SOME_FAILED = 3
    NOT_AUTHORISED = 4
    INTERRUPTED = 130


def exit_code(job_states: Sequence[JobState], *, interrupted: bool, saved: bool = True) -> ExitCode:
    """What the program tells its caller; ``saved``: the run's index is on disk."""
    outcomes = {job_state.ended.outcome for job_state in job_states if job_state.ended}
    if Outcome.UNAUTHORISED in outcomes:
        return ExitCode.NOT_AUTHORISED
    if interrupted:
        return ExitCode.INTERRUPTED
    as_wanted = (JobStatus.DONE, JobStatus.CANCELLED)  # the user cancelled, and not the whole of it
    well = saved and all(h.status in as_wanted for h in job_states)
    return ExitCode.DONE if well else ExitCode.SOME_FAILED


def run_summary_lines(
    job_states: Sequence[JobState], folder: Path, *, saved: bool = True
) -> list[str]:
    """A few lines: how many ended how, why any failed, where everything is."""
    if not job_states:
        return ["Nothing was streamed."]
    counts = Counter(_outcome_word(job_state) for job_state in job_states)
    told = [f"{counts[word]} {word}" for word in _OUTCOME_WORDS if counts[word]]
    seconds = sum(history.sent_seconds for history in job_states)
    open_ = sum(history.open_seconds for history in job_states)
    sockets = f", sockets open {format_duration(open_)}" if open_ else ""
    lines = [f"{', '.join(told)} · {format_duration(seconds)} of audio{sockets}"]
    lines += failure_lines(
        [history for history in job_states if history.status is JobStatus.FAILED]
    )
    if not saved:
        lines.append(clean(f"{folder} cannot be written: is the disk full, or the folder gone?"))
    lines.append(clean(f"Transcripts and traces: {folder}"))
    if not all(history.is_settled for history in job_states):
        lines.append(clean(f"Go on with the rest: paceline resume {shell_quoted(folder)}"))
    lines.append(clean(f"Export them: paceline export {shell_quoted(folder)} --to txt,srt"))
    return lines


def failure_lines(failed: Iterable[JobState]) -> list[str]:
    """Why jobs failed: a line for each, or for all of those that failed for the same reason."""
    alike: dict[str, list[JobState]] = {}
    for job_state in failed:
        alike.setdefault(_failure_reason(job_state), []).append(job_state)
    lines = []
    for why, job_states in alike.items():
        if len(job_states) < MIN_GROUPED_FAILURES:
            lines += [f"  {failure_line(history)}" for history in job_states]
            continue
        named = ", ".join(
            metrics.recording_name(history) for history in job_states[:MAX_NAMED_FAILURES]
        )
        lines.append(clean(f"  {len(job_states)} recordings: {why}"))
        lines.append(clean(f"    {named} and {len(job_states) - MAX_NAMED_FAILURES} more"))
    return lines


def _failure_reason(job_state: JobState) -> str:
    ended = job_state.ended
    return f"{ended.reason}. {ended.hint}".rstrip() if ended else "it did not end"


def _outcome_word(job_state: JobState) -> str:
    if job_state.ended is None:
        return "not begun"
    if job_state.ended.outcome is Outcome.INTERRUPTED:
        return "interrupted"
    return job_state.status.value


def failure_line(job_state: JobState) -> str:
    """A failed job in one line: which, why, and what to do."""
    attempts = f" ({job_state.attempt} attempts)" if job_state.attempt > 1 else ""
    return clean(f"{job_state.file}: {_failure_reason(job_state)}{attempts}")


def pacing_text(certificate: Certificate | None) -> str:
    """A certificate in a few words."""
    if certificate is None:
        return "nothing was sent"
    lag = certificate.lag_ms
    slips = f", {certificate.slips} slips" if certificate.slips else ""
    return f"pacing {certificate.verdict.value}: lag p50 {lag.p50:.1f} p99 {lag.p99:.1f} ms{slips}"


def shell_quoted(path: Path) -> str:
    """A path as a shell reads it."""
    import shlex

    return shlex.quote(str(path))
