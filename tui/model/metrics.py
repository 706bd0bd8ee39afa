"""Single values of a job, for rows, sorting and the filter. None: the job has no such value."""

import os
from enum import Enum

from workers.jobs.job_state import JobState, JobStatus
from workers.pacing.certificate import LAG_TOLERANCE_MS

VERY_LATE_MS = 10 * LAG_TOLERANCE_MS
"""From this lag on, a chunk counts as failed rather than delayed."""


class Punctuality(Enum):
    """The classification of a lag."""

    ON_TIME = "on time"
    LATE = "late"
    VERY_LATE = "very late"


def punctuality(lag_ms: float) -> Punctuality:
    """Classifies a lag by the tolerance of the pacing certificate."""
    if lag_ms <= LAG_TOLERANCE_MS:
        return Punctuality.ON_TIME
    return Punctuality.LATE if lag_ms <= VERY_LATE_MS else Punctuality.VERY_LATE


def recording_name(job_state: JobState) -> str:
    """The recording's file name, not yet cleaned for drawing."""
    return file_name(job_state.file)


def file_name(file: str) -> str:
    """The file name of a path, not yet cleaned for drawing."""
    if os.altsep:
        return os.path.basename(file) or file
    return file[file.rfind(os.sep) + 1 :] or file  # a filter asks for those of all rows


def latest_words(job_state: JobState) -> str:
    """The text of the latest turn, not yet cleaned for drawing."""
    return job_state.transcript.latest_text


def reached_s(job_state: JobState) -> float:
    """Seconds of the audio to send that were sent or do not need to be sent again."""
    retrying, sent_s = job_state.retrying, job_state.sent_part_seconds
    return max(0.0, retrying.from_seconds - job_state.start_seconds) if retrying else sent_s


def progress_fraction(job_state: JobState) -> float | None:
    """The share of the recording that was sent, 0 to 1; None while the length is unknown."""
    if job_state.status is JobStatus.DONE:
        return 1.0
    total = job_state.part_seconds
    return min(reached_s(job_state) / total, 1.0) if total else None


def progress_percent(job_state: JobState) -> int | None:
    """`progress_fraction` in percent, rounded down: 100 only if everything was sent."""
    fraction = progress_fraction(job_state)
    return None if fraction is None else int(fraction * 100)


def remaining_s(job_state: JobState) -> float | None:
    """Seconds until all audio is sent, if nothing delays it; None if nothing more will be sent."""
    if job_state.status.is_finished or not job_state.total_seconds:
        return None
    return max(job_state.part_seconds - reached_s(job_state), 0.0) / job_state.speed


def lag_ms(job_state: JobState) -> float | None:
    """Lag of the last chunk, in ms; the 99th percentile if the session has finished."""
    if job_state.ended and job_state.ended.certificate:
        return job_state.ended.certificate.lag_ms.p99
    return None if job_state.lag is None or job_state.status.is_finished else job_state.lag.now


def peak_level_db(job_state: JobState) -> int | None:
    """Level of the loudest recent chunk, in dBFS; None if nothing is being sent."""
    if job_state.status is not JobStatus.STREAMING:
        return None
    return max(job_state.levels_db, default=None)
