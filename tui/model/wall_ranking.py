"""Which sessions are worth a look: of how little interest each is, coarsely, so that tiles stay."""

import math
from collections.abc import Callable, Mapping
from enum import Enum

from workers.jobs.job_state import JobHistory, Status
from workers.pacing.certificate import TOLERANCE_MS

TALKING, PAUSING = 4.0, 12.0
"""Seconds of audio behind the last word, up to which somebody talks, or pauses."""


class Choosing(Enum):
    """Whose words the wall shows first; the value says it."""

    MARKED = "the marked ones"
    NEWEST = "newest words"
    LATEST = "largest lag"
    FAILED = "failed first"
    TABLE = "as the table has them"


def silence(history: JobHistory) -> float | None:
    """Seconds of audio that were sent behind the last word; None when no word tells its time."""
    latest = history.transcript.latest
    if latest is None or latest.end_ms is None:
        return None
    return max(history.sent_seconds - latest.end_ms / 1000, 0.0)


def _by_words(history: JobHistory) -> int:
    if history.status is Status.RETRYING:
        return 4
    if not history.status.live:
        return 6 if history.status is Status.QUEUED else 5
    quiet = silence(history)
    if quiet is None:
        return 3 if history.transcript.latest is None else 2
    return 0 if quiet < TALKING else 1 if quiet < PAUSING else 2


def _by_lag(history: JobHistory) -> int:
    """Below the tolerance all are equal, above it a lag of twice as much counts more."""
    if history.lag is None or not history.status.live:
        return 2 if history.status is Status.QUEUED else 1
    over = history.lag.now / TOLERANCE_MS
    return -math.ceil(math.log2(over)) if over > 1 else 0


def _by_trouble(history: JobHistory) -> int:
    if history.status is Status.FAILED:
        return 0
    if history.status is Status.RETRYING:
        return 1
    if history.status.live:
        return 2 if history.attempt > 1 or history.slips or history.warnings else 3
    return 4 if history.status is Status.QUEUED else 5


DULLNESS: Mapping[Choosing, Callable[[JobHistory], int]] = {
    Choosing.MARKED: lambda _: 0,
    Choosing.NEWEST: _by_words,
    Choosing.LATEST: _by_lag,
    Choosing.FAILED: _by_trouble,
}
