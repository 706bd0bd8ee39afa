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

    IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]


def pair_skew(left: Iterable[ChunkTimes], right: Iterable[ChunkTimes]) -> Skew | None:
    """The skew of two jobs, given the chunks of each of their attempts; None if no two chunks were
    due at the same time."""
    import numpy as np

    from workers.pacing.lags import percentiles

    left = list(left)
    skews_us = [
        skew_us
        for chunks in right
        for others in left
        if (skew_us := _skews_us(others, chunks)) is not None
    ]
    if not skews_us:
        return None
    all_us = np.concatenate(skews_us).astype(np.uint32)
    p50, p99, most = percentiles(all_us, (50, 99, 100))
    return Skew(p50, p99, most, len(all_us))


def read_pair_skew(folder: Path, left: JobId, right: JobId) -> Skew | None:
    """The skew of two jobs of a run, as far as their traces are undamaged."""
    return pair_skew(_read_chunks(folder, left), _read_chunks(folder, right))


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


def _read_chunks(folder: Path, job: JobId) -> Iterator[ChunkTimes]:
    for _, path in trace_files(folder, job):
        try:
            reader = TraceReader(path, CHUNK_MARKERS)
            for _ in reader:
                pass
        except (Malformed, OSError):  # the chunks before the damage are used
            continue
        yield reader.chunk_times


def _skews_us(one: ChunkTimes, other: ChunkTimes) -> IntArray | None:
    """The time in µs between the chunks of two attempts with the same beat; None without any."""
    import numpy as np

    if one.began is None or other.began is None or one.began.clock_s is None:
        return None
    if one.began.clock_s != other.began.clock_s:
        return None
    _, at_one, at_other = np.intersect1d(_beats(one), _beats(other), return_indices=True)
    if not len(at_one):
        return None
    lags_one, lags_other = (np.array(chunks.lags_us, np.int64) for chunks in (one, other))
    skews_us: IntArray = np.abs(lags_one[at_one] - lags_other[at_other])
    return skews_us


def _beats(chunks: ChunkTimes) -> IntArray:
    """The beat of the pair's clock on which each chunk was due."""
    import numpy as np

    first = chunks.began.clock_chunk if chunks.began else None
    numbers = range(len(chunks))
    shifted = [chunks.shifted_chunks(number) for number in numbers] if chunks.has_shifts else 0
    return np.asarray(numbers, np.int64) + np.asarray(shifted, np.int64) + (first or 0)
