"""Measures how far apart the two sessions of a pair sent their chunks, from their traces.

Both are due on the beats of one clock, so two chunks with the same beat are due at the same time,
and the difference of their lags is the time between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workers.errors import Malformed
from workers.jobs.job import JobId
from workers.pacing.certificate import Skew
from workers.traces.chunk_times import ChunkTimes
from workers.traces.files import trace_files
from workers.traces.reader import CHUNK_MARKERS, TraceReader

if TYPE_CHECKING:  # slow to load, and needed only when a skew is computed
    import numpy as np

    FloatArray = np.ndarray[tuple[int], np.dtype[np.float64]]
    IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]


def pair_skew(left: Iterable[ChunkTimes], right: Iterable[ChunkTimes]) -> Skew | None:
    """The skew of two jobs, given the chunks of each of their attempts; None if no two chunks were
    due at the same time."""
    import numpy as np

    from workers.pacing.lags import percentiles

    _, skews_us = beat_skews(left, right)
    if not len(skews_us):
        return None
    p50, p99, most = percentiles(skews_us.astype(np.uint32), (50, 99, 100))
    return Skew(p50, p99, most, len(skews_us))


def beat_skews(
    left: Iterable[ChunkTimes], right: Iterable[ChunkTimes]
) -> tuple[FloatArray, IntArray]:
    """Each beat on which both sent a chunk: when it was, in seconds on the machine's monotonic
    clock, and how far apart the chunks were sent, in µs."""
    import numpy as np

    left = list(left)
    times_s: list[FloatArray] = [np.empty(0)]
    skews_us: list[IntArray] = [np.empty(0, np.int64)]
    for other in right:
        for one in left:
            if one.began is None or other.began is None or one.began.clock_s is None:
                continue
            if one.began.clock_s != other.began.clock_s:
                continue
            beats, at_one, at_other = np.intersect1d(
                _beats(one), _beats(other), return_indices=True
            )
            lags_one, lags_other = (np.array(each.lags_us, np.int64) for each in (one, other))
            times_s.append(np.asarray(one.began.clock_s + beats * one.chunk_interval_s))
            skews_us.append(np.abs(lags_one[at_one] - lags_other[at_other]))
    return np.concatenate(times_s), np.concatenate(skews_us)


def read_pair_skew(folder: Path, left: JobId, right: JobId) -> Skew | None:
    """The skew of two jobs of a run, as far as their traces are undamaged."""
    return pair_skew(read_chunks(folder, left), read_chunks(folder, right))


def pair_delay_s(left: Sequence[ChunkTimes], right: Sequence[ChunkTimes]) -> float | None:
    """By how much the right half is behind the left one in the recording, in seconds, in their
    latest attempts; negative if it is ahead. None if one of them has sent nothing."""
    starts_s = []
    for attempts in (left, right):
        begun = [chunks for chunks in attempts if len(chunks)]
        last = begun[-1] if begun else None
        if last is None or last.began is None or last.began.clock_s is None:
            return None
        starts_s.append(last.first_due_s)
    return starts_s[1] - starts_s[0]


def read_chunks(folder: Path, job: JobId) -> Iterator[ChunkTimes]:
    """The chunks of each attempt of a job, as far as its traces are undamaged."""
    for _, path in trace_files(folder, job):
        try:
            reader = TraceReader(path, CHUNK_MARKERS)
            for _ in reader:
                pass
        except (Malformed, OSError):  # the chunks before the damage are used
            continue
        yield reader.chunk_times


def _beats(chunks: ChunkTimes) -> IntArray:
    """The beat of the pair's clock on which each chunk was due."""
    import numpy as np

    first = chunks.began.clock_chunk if chunks.began else None
    numbers = range(len(chunks))
    shifted = [chunks.shifted_chunks(number) for number in numbers] if chunks.has_shifts else 0
    return np.asarray(numbers, np.int64) + np.asarray(shifted, np.int64) + (first or 0)
