"""Which sessions are worth a look: of how little interest each is, coarsely, so that tiles stay."""

import math
from collections.abc import Callable, Mapping
from enum import Enum

from workers.jobs.job_state import JobState, JobStatus
from workers.pacing.certificate import LAG_TOLERANCE_MS

MAX_TALKING_SILENCE_S, MAX_PAUSE_SILENCE_S = 4.0, 12.0
"""Seconds of audio behind the last word, up to which somebody talks, or pauses."""


class WallRanking(Enum):
    """Whose words the wall shows first; the value says it."""

    MARKED = "the marked ones"
    NEWEST_WORDS = "newest words"
    LARGEST_LAG = "largest lag"
    FAILED_FIRST = "failed first"
    TABLE_ORDER = "as the table has them"


def silence_s(job_state: JobState) -> float | None:
    """Seconds of audio that were sent behind the last word; None when no word tells its time."""
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
    """Below the tolerance all are equal, above it a lag of twice as much counts more."""
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
