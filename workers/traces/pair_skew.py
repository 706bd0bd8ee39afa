"""Measures how far apart the two sessions of a pair sent their chunks, from their traces.

Both are due on the beats of one clock, so two chunks with the same beat are due at the same time,
and the difference of their lags is the time between them.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from workers.errors import Malformed
from workers.jobs.job import JobId
from workers.pacing.certificate import Skew
from workers.traces.chunk_times import ChunkTimes
from workers.traces.files import trace_files
from workers.traces.reader import CHUNK_MARKERS, TraceReader


def pair_skew(left: Iterable[ChunkTimes], right: Iterable[ChunkTimes]) -> Skew | None:
    """The skew of two jobs, given the chunks of each of their attempts; None if no two chunks were
    due at the same time."""
    import numpy as np  # slow to load, and needed only here

    from workers.pacing.lags import percentiles

    lags_us = {beat: lag_us for chunks in left for beat, lag_us in _lags_by_beat(chunks)}
    skews_us = [
        abs(lag_us - lags_us[beat])
        for chunks in right
        for beat, lag_us in _lags_by_beat(chunks)
        if beat in lags_us
    ]
    if not skews_us:
        return None
    p50, p99, most = percentiles(np.array(skews_us, dtype=np.uint32), (50, 99, 100))
    return Skew(p50, p99, most, len(skews_us))


def read_pair_skew(folder: Path, left: JobId, right: JobId) -> Skew | None:
    """The skew of two jobs of a run, as far as their traces are undamaged."""
    return pair_skew(_read_chunks(folder, left), _read_chunks(folder, right))


def _read_chunks(folder: Path, job: JobId) -> Iterator[ChunkTimes]:
    for _, path in trace_files(folder, job):
        try:
            reader = TraceReader(path, CHUNK_MARKERS)
            for _ in reader:
                pass
        except (Malformed, OSError):  # the chunks before the damage are used
            continue
        yield reader.chunk_times


def _lags_by_beat(chunks: ChunkTimes) -> Iterator[tuple[tuple[float, int], int]]:
    """The lag in µs of each chunk, by the clock and the beat on which it was due."""
    began = chunks.began
    if began is None or began.clock_s is None or began.clock_chunk is None:
        return
    for chunk, lag_us in enumerate(chunks.lags_us):
        beat = began.clock_chunk + chunk + chunks.shifted_chunks(chunk)
        yield (began.clock_s, beat), lag_us
