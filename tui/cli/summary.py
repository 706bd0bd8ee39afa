"""The summary that a run prints when it ends, and its exit code."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from tui.cli.exit_codes import ExitCode, most_severe
from tui.model.metrics import recording_name
from tui.text.formats import at_speed, format_count, format_duration, shell_path
from tui.text.width import clean
from workers.jobs.events import Ended, Outcome
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.outcomes import JobEnding, can_continue
from workers.jobs.pair import PairState
from workers.pacing.certificate import Certificate, Skew

MAX_NAMED_FAILURES = 3
"""Maximum jobs to list by name for one reason of failure."""

MAX_NAMED_FAULTS = 20
"""Maximum recordings to list by name that were done with warnings."""


def exit_code(job_states: Sequence[JobState], *, interrupted: bool, saved: bool = True) -> ExitCode:
    """The exit code of a run; ``saved``: whether its index is on disk."""
    codes = []
    if interrupted:
        codes.append(ExitCode.INTERRUPTED)
    if any(job.ended and job.ended.outcome is Outcome.UNAUTHORISED for job in job_states):
        codes.append(ExitCode.NOT_AUTHORISED)
    settled = (JobStatus.DONE, JobStatus.CANCELLED)  # cancelling is what the user wanted
    if not saved or any(job.status not in settled for job in job_states):
        codes.append(ExitCode.SOME_FAILED)
    return most_severe(codes)


def failure_text(ended: Ended) -> str:
    """Why a job failed, and what to do."""
    return f"{ended.reason}. {ended.hint}".rstrip()


def run_summary_lines(
    job_states: Sequence[JobState],
    folder: Path,
    *,
    saved: bool = True,
    printed: Container[str] = (),
    exported_to: Path | None = None,
) -> list[str]:
    """The summary: number of jobs by outcome, reasons of failures, and the run folder.

    ``printed``: reasons that were printed in full, and are not repeated. ``exported_to``: the
    folder of the last export; None if nothing was exported.
    """
    if not job_states:
        return ["Nothing was streamed."]
    counts = Counter(job.status.value if job.ended else "not started" for job in job_states)
    order = ("done", "failed", "interrupted", "cancelled", "not started")
    outcomes = ", ".join(f"{counts[word]} {word}" for word in order if counts[word])
    audio = format_duration(sum(job.sent_part_seconds for job in job_states))
    open_seconds = sum(job.open_seconds for job in job_states)
    sockets = f", sockets open {format_duration(open_seconds)}" if open_seconds else ""
    speed = at_speed(max(job.speed for job in job_states))
    pairs = [job for job in job_states if isinstance(job, PairState)]
    open_pairs = sum(pair.open_seconds > 0 for pair in pairs)
    if open_pairs:
        sockets += f" (two for each of {format_count(open_pairs, 'split call')})"
    lines = [f"{outcomes} · {audio} of audio{speed}{sockets}"]
    if skews := [pair.skew for pair in pairs if pair.skew is not None]:
        worst = max(skews, key=lambda skew: skew.p99)
        which = "the worst call" if len(skews) > 1 else "the call"
        lines.append(f"  skew between the two sessions of {which}: {skew_text(worst)}")
    lines += _failure_lines(job_states, printed)
    lines += _fault_lines(job_states)
    lines += _same_content_lines(job_states)
    if not saved and not folder.exists():
        lines.append(f"The run folder {folder} is gone: somebody has deleted or moved it.")
        return [clean(line) for line in lines]
    if not saved:
        lines.append(f"{folder} cannot be written: is the disk full, or the folder gone?")
    lines.append(f"Transcripts and traces: {folder}")
    if _can_continue(job_states):
        lines.append(f"Continue with the rest: paceline resume {shell_path(folder)}")
    if exported_to is not None:
        lines.append(f"Exported to: {exported_to}")
    if any(len(job.transcript) for job in job_states):
        what = "them" if exported_to is None else "all again"
        lines.append(f"Export {what}: paceline export {shell_path(folder)} --to txt,srt")
    return [clean(line) for line in lines]


def _can_continue(job_states: Iterable[JobState]) -> bool:
    """Whether “resume” may help."""
    return can_continue(
        JobEnding(
            job.is_settled,
            job.ended.outcome if job.ended is not None else None,
            was_accepted=job.began is not None,
        )
        for job in job_states
    )


def _failure_lines(job_states: Sequence[JobState], printed: Container[str]) -> list[str]:
    """The jobs that failed, by the reason."""
    by_reason: dict[str, list[JobState]] = {}
    for job in job_states:
        if job.status is JobStatus.FAILED:
            reason = failure_text(job.ended) if job.ended else "unknown reason"
            by_reason.setdefault(reason, []).append(job)
    lines = []
    for reason, jobs in by_reason.items():
        names = ", ".join(map(recording_name, jobs[:MAX_NAMED_FAILURES]))
        if (more := len(jobs) - MAX_NAMED_FAILURES) > 0:
            lines += [f"  {len(jobs)} recordings: {reason}", f"    {names} and {more} more"]
        elif reason in printed:
            lines.append(f"  failed: {names}")
        else:
            for job in jobs:
                attempts = f" ({job.attempt} attempts)" if job.attempt > 1 else ""
                lines.append(f"  {job.file}: {reason}{attempts}")
    return lines


def skew_text(skew: Skew) -> str:
    """The skew of a pair in a few words."""
    return f"p50 {skew.p50:.2f} p99 {skew.p99:.2f} max {skew.max:.2f} ms"


def _same_content_lines(job_states: Sequence[JobState]) -> list[str]:
    """Which recordings have the same content as others."""
    same = [job for job in job_states if job.same_as]
    lines = [
        f"  {job.file}: "
        + ("added before" if job.same_as == job.file else f"the same content as {job.same_as}")
        for job in same[:MAX_NAMED_FAULTS]
    ]
    if (more := len(same) - MAX_NAMED_FAULTS) > 0:
        lines.append(f"  and {more} more")
    heading = f"{format_count(len(same), 'recording')} with the content of another:"
    return [heading, *lines] if same else []


def _fault_lines(job_states: Sequence[JobState]) -> list[str]:
    """What is wrong with recordings that were streamed all the same."""
    faulty = [job for job in job_states if job.status is JobStatus.DONE and job.recording_faults]
    lines = [
        f"  {job.file}: {fault}" for job in faulty[:MAX_NAMED_FAULTS] for fault in _faults_of(job)
    ]
    if (more := len(faulty) - MAX_NAMED_FAULTS) > 0:
        lines.append(f"  and {more} more")
    heading = f"{format_count(len(faulty), 'recording')} done with warnings:"
    return [heading, *lines] if faulty else []


def _faults_of(job: JobState) -> list[str]:
    faults = job.recording_faults
    more = len(faults) - MAX_NAMED_FAILURES
    return [*faults[:MAX_NAMED_FAILURES], *([f"and {more} more"] if more > 0 else [])]


def pacing_text(certificate: Certificate | None) -> str:
    """A certificate in a few words: the pacing, and audio that is missing."""
    if certificate is None:
        return "nothing was sent"
    lag = certificate.lag_ms
    slips = f", {certificate.slips} slips" if certificate.slips else ""
    lags = f"lag p50 {lag.p50:.1f} p99 {lag.p99:.1f} ms{slips}"
    verdict = f"{certificate.verdict.value}{at_speed(certificate.speed)}"
    pacing, read = f"pacing {verdict}: {lags}", certificate.read
    if read is None or not certificate.has_audio_fault:
        return pacing
    in_file = "an unknown length" if read.file_seconds is None else f"{read.file_seconds:.1f} s"
    sent = f"{read.decoded_seconds:.1f} s decoded, {certificate.audio_seconds:.1f} s sent"
    return f"{pacing}; {in_file} in the file, {sent}"
