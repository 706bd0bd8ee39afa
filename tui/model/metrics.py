"""What can be told of a job in one value: what rows show, sorting compares and the filter asks.

Plain functions of a history; None where there is no such value.
"""

from functools import lru_cache
from pathlib import PurePath

from workers.jobs.job_state import JobHistory, Status


def name(history: JobHistory) -> str:
    """The recording's name, as the file system has it: not to be drawn as it is."""
    return name_of(history.file)


@lru_cache(maxsize=4096)
def name_of(file: str) -> str:
    """The same of a path."""
    return PurePath(file).name or file


def latest_words(history: JobHistory) -> str:
    """What was heard last, as it came: not to be drawn as it is."""
    latest = history.transcript.latest
    return latest.text if latest else ""


def reached(history: JobHistory) -> float:
    """Seconds of the recording that need not be sent any more."""
    return history.retrying.from_seconds if history.retrying else history.sent_seconds


def share(history: JobHistory) -> float | None:
    """How much of the recording that is, from 0 to 1; None while its length is not known."""
    if history.status is Status.DONE:
        return 1.0
    total = history.total_seconds
    return min(reached(history) / total, 1.0) if total else None


def percent(history: JobHistory) -> int | None:
    """The same as rows show it: 100 only when all of it is done."""
    part = share(history)
    return None if part is None else int(part * 100)


def left(history: JobHistory) -> float | None:
    """Seconds of speech that are still to be sent; None when nothing more will be."""
    if history.status.over or not history.total_seconds:
        return None
    return max(history.total_seconds - reached(history), 0.0)


def lag_ms(history: JobHistory) -> float | None:
    """Of the chunk sent last; of a session that is over, the 99th percentile."""
    if history.ended and history.ended.certificate:
        return history.ended.certificate.lag_ms.p99
    return None if history.lag is None or history.status.over else history.lag.now


def level_db(history: JobHistory) -> int | None:
    """The loudest chunk of the last few, in dBFS; None when nothing is being sent."""
    if history.status is not Status.STREAMING:
        return None
    return max(history.levels_db, default=None)
