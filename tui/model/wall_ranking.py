"""Ranks sessions for the wall by how interesting they are, coarsely, so that tiles stay."""

import math
from collections.abc import Callable, Mapping
from enum import Enum

from workers.jobs.job_state import JobState, JobStatus
from workers.pacing.certificate import LAG_TOLERANCE_MS

MAX_TALKING_SILENCE_S, MAX_PAUSE_SILENCE_S = 4.0, 12.0
"""Seconds of audio since the last word, up to which a speaker counts as talking or pausing."""


class WallRanking(Enum):
    """Which sessions the wall shows first; the value is its label."""

    MARKED = "the marked ones"
    NEWEST_WORDS = "newest words"
    LARGEST_LAG = "largest lag"
    FAILED_FIRST = "failed first"
    TABLE_ORDER = "as the table has them"


def silence_s(job_state: JobState) -> float | None:
    """Seconds of audio sent since the last word; None if no word has a time."""
    latest = job_state.transcript.latest_line
    if latest is None or latest.end_ms is None:
        return None
    return max(job_state.sent_seconds - latest.end_ms / 1000, 0.0)


def _words_rank(job_state: JobState) -> int:
    if job_state.status is JobStatus.RETRYING:
        return 4
    if not job_state.status.is_live:
        return 6 if job_state.status is JobStatus.QUEUED else 5
    quiet = silence_s(job_state)
    if quiet is None:
        return 3 if job_state.transcript.latest_line is None else 2
    return 0 if quiet < MAX_TALKING_SILENCE_S else 1 if quiet < MAX_PAUSE_SILENCE_S else 2


def _lag_rank(job_state: JobState) -> int:
    """Equal up to the tolerance; above it, each doubling of the lag ranks higher."""
    if job_state.lag is None or not job_state.status.is_live:
        return 2 if job_state.status is JobStatus.QUEUED else 1
    over = job_state.lag.now / LAG_TOLERANCE_MS
    return -math.ceil(math.log2(over)) if over > 1 else 0


def _trouble_rank(job_state: JobState) -> int:
    if job_state.status is JobStatus.FAILED:
        return 0
    if job_state.status is JobStatus.RETRYING:
        return 1
    if job_state.status.is_live:
        return 2 if job_state.attempt > 1 or job_state.slips or job_state.warnings else 3
    return 4 if job_state.status is JobStatus.QUEUED else 5


RANK_FUNCTIONS: Mapping[WallRanking, Callable[[JobState], int]] = {
    WallRanking.MARKED: lambda _: 0,
    WallRanking.NEWEST_WORDS: _words_rank,
    WallRanking.LARGEST_LAG: _lag_rank,
    WallRanking.FAILED_FIRST: _trouble_rank,
}
