"""The summary that a run prints when it ends, and its exit code."""

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tui.cli.exit_codes import ExitCode, most_severe
from tui.model.metrics import recording_name
from tui.text.formats import format_duration
from tui.text.width import clean
from workers.jobs.events import Outcome
from workers.jobs.job_state import JobState, JobStatus
from workers.pacing.certificate import Certificate

MIN_GROUPED_FAILURES = 4
"""From this many on, jobs that failed for the same reason share one line."""

MAX_NAMED_FAILURES = 3
"""Jobs that such a line names; fewer than `MIN_GROUPED_FAILURES`."""


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
    settled = (JobStatus.DONE, JobStatus.CANCELLED)  # cancelling is what the user wanted
    if not saved or any(job.status not in settled for job in job_states):
        codes.append(ExitCode.SOME_FAILED)
    return most_severe(codes)


def run_summary_lines(
    job_states: Sequence[JobState], folder: Path, *, saved: bool = True
) -> list[str]:
    """How many jobs ended how, why any failed, and where everything is."""
    if not job_states:
        return ["Nothing was streamed."]
    counts = Counter(job.status.value if job.ended else "not started" for job in job_states)
    order = ("done", "failed", "interrupted", "cancelled", "not started")
    outcomes = ", ".join(f"{counts[word]} {word}" for word in order if counts[word])
    audio = format_duration(sum(job.sent_seconds for job in job_states))
    open_seconds = sum(job.open_seconds for job in job_states)
    sockets = f", sockets open {format_duration(open_seconds)}" if open_seconds else ""
    lines = [f"{outcomes} · {audio} of audio{sockets}"]
    by_reason: dict[str, list[JobState]] = {}
    for job in job_states:
        if job.status is JobStatus.FAILED:
            by_reason.setdefault(_failure_reason(job), []).append(job)
    for reason, jobs in by_reason.items():
        if len(jobs) < MIN_GROUPED_FAILURES:
            lines += [f"  {failure_line(job)}" for job in jobs]
            continue
        names = ", ".join(map(recording_name, jobs[:MAX_NAMED_FAILURES]))
        lines.append(f"  {len(jobs)} recordings: {reason}")
        lines.append(f"    {names} and {len(jobs) - MAX_NAMED_FAILURES} more")
    if not saved:
        lines.append(f"{folder} cannot be written: is the disk full, or the folder gone?")
    lines.append(f"Transcripts and traces: {folder}")
    if not all(job.is_settled for job in job_states):
        lines.append(f"Continue with the rest: paceline resume {shell_quoted(folder)}")
    lines.append(f"Export them: paceline export {shell_quoted(folder)} --to txt,srt")
    return [clean(line) for line in lines]


def _failure_reason(job: JobState) -> str:
    return f"{job.ended.reason}. {job.ended.hint}".rstrip() if job.ended else "it did not end"


def failure_line(job: JobState) -> str:
    """One line on a failed job: its file, the reason and what to do."""
    attempts = f" ({job.attempt} attempts)" if job.attempt > 1 else ""
    return clean(f"{job.file}: {_failure_reason(job)}{attempts}")


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
