"""What can be told of a job in one value: what rows show, sorting compares and the filter asks.

Plain functions of a history; None where there is no such value.
"""

from functools import lru_cache
from pathlib import PurePath

from workers.jobs.job_state import JobState, JobStatus


def recording_name(job_state: JobState) -> str:
    """The recording's name, as the file system has it: not to be drawn as it is."""
    return file_name(job_state.file)


@lru_cache(maxsize=4096)
def file_name(file: str) -> str:
    """The same of a path."""
    return PurePath(file).name or file


def latest_words(job_state: JobState) -> str:
    """What was heard last, as it came: not to be drawn as it is."""
    latest = job_state.transcript.latest_line
    return latest.text if latest else ""


def reached_s(job_state: JobState) -> float:
    """Seconds of the recording that need not be sent any more."""
    return job_state.retrying.from_seconds if job_state.retrying else job_state.sent_seconds


def progress_fraction(job_state: JobState) -> float | None:
    """How much of the recording that is, from 0 to 1; None while its length is not known."""
    if job_state.status is JobStatus.DONE:
        return 1.0
    total = job_state.total_seconds
    return min(reached_s(job_state) / total, 1.0) if total else None


def progress_percent(job_state: JobState) -> int | None:
    """The same as rows show it: 100 only when all of it is done."""
    part = progress_fraction(job_state)
    return None if part is None else int(part * 100)


def remaining_s(job_state: JobState) -> float | None:
    """Seconds of speech that are still to be sent; None when nothing more will be."""
    if job_state.status.is_finished or not job_state.total_seconds:
        return None
    return max(job_state.total_seconds - reached_s(job_state), 0.0)


def lag_ms(job_state: JobState) -> float | None:
    """Of the chunk sent last; of a session that is over, the 99th percentile."""
    if job_state.ended and job_state.ended.certificate:
        return job_state.ended.certificate.lag_ms.p99
    return None if job_state.lag is None or job_state.status.is_finished else job_state.lag.now


def peak_level_db(job_state: JobState) -> int | None:
    """The loudest chunk of the last few, in dBFS; None when nothing is being sent."""
    if job_state.status is not JobStatus.STREAMING:
        return None
    return max(job_state.levels_db, default=None)
