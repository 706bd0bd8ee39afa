"""The summary that a run prints when it ends, and its exit code."""

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tui.cli.exit_codes import ExitCode, most_severe
from tui.model import metrics
from tui.text.formats import format_duration
from tui.text.width import clean
from workers.jobs.events import Outcome
from workers.jobs.job_state import JobState, JobStatus
from workers.pacing.certificate import Certificate

MIN_GROUPED_FAILURES = 4
"""From this many on, jobs that failed for the same reason share one line."""

MAX_NAMED_FAILURES = 3
"""Jobs that such a line names; fewer than `MIN_GROUPED_FAILURES`."""

_OUTCOME_WORDS = ("done", "failed", "interrupted", "cancelled", "not begun")


def exit_code(
    job_states: Sequence[JobState],
    *,
    interrupted: bool,
    saved: bool = True,
    others: Iterable[ExitCode] = (),
) -> ExitCode:
    """The exit code of a run.

    ``saved``: whether the run's index is on disk; ``others``: codes that apply for other reasons.
    """
    codes = [*others]
    if interrupted:
        codes.append(ExitCode.INTERRUPTED)
    if any(job.ended and job.ended.outcome is Outcome.UNAUTHORISED for job in job_states):
        codes.append(ExitCode.NOT_AUTHORISED)
    settled = (JobStatus.DONE, JobStatus.CANCELLED)  # the user wanted what is cancelled to end
    if not saved or any(job.status not in settled for job in job_states):
        codes.append(ExitCode.SOME_FAILED)
    return most_severe(codes)


def run_summary_lines(
    job_states: Sequence[JobState], folder: Path, *, saved: bool = True
) -> list[str]:
    """How many jobs ended how, why any failed, and where everything is."""
    if not job_states:
        return ["Nothing was streamed."]
    counts = Counter(job.status.value if job.ended else "not begun" for job in job_states)
    outcomes = [f"{counts[word]} {word}" for word in _OUTCOME_WORDS if counts[word]]
    seconds = sum(job_state.sent_seconds for job_state in job_states)
    open_ = sum(job_state.open_seconds for job_state in job_states)
    sockets = f", sockets open {format_duration(open_)}" if open_ else ""
    lines = [f"{', '.join(outcomes)} · {format_duration(seconds)} of audio{sockets}"]
    lines += failure_lines(
        [job_state for job_state in job_states if job_state.status is JobStatus.FAILED]
    )
    if not saved:
        lines.append(clean(f"{folder} cannot be written: is the disk full, or the folder gone?"))
    lines.append(clean(f"Transcripts and traces: {folder}"))
    if not all(job_state.is_settled for job_state in job_states):
        lines.append(clean(f"Go on with the rest: paceline resume {shell_quoted(folder)}"))
    lines.append(clean(f"Export them: paceline export {shell_quoted(folder)} --to txt,srt"))
    return lines


def failure_lines(failed: Iterable[JobState]) -> list[str]:
    """Why jobs failed: one line each, or one for many that failed for the same reason."""
    alike: dict[str, list[JobState]] = {}
    for job_state in failed:
        alike.setdefault(_failure_reason(job_state), []).append(job_state)
    lines = []
    for why, job_states in alike.items():
        if len(job_states) < MIN_GROUPED_FAILURES:
            lines += [f"  {failure_line(job_state)}" for job_state in job_states]
            continue
        named = ", ".join(
            metrics.recording_name(job_state) for job_state in job_states[:MAX_NAMED_FAILURES]
        )
        lines.append(clean(f"  {len(job_states)} recordings: {why}"))
        lines.append(clean(f"    {named} and {len(job_states) - MAX_NAMED_FAILURES} more"))
    return lines


def _failure_reason(job_state: JobState) -> str:
    ended = job_state.ended
    return f"{ended.reason}. {ended.hint}".rstrip() if ended else "it did not end"


def failure_line(job_state: JobState) -> str:
    """One line on a failed job: its file, the reason and what to do."""
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
    return shlex.quote(str(path))
