"""Writes traces of one job for tests of what reads traces."""

from collections.abc import Sequence
from pathlib import Path

from workers.audio.recording import Recording
from workers.jobs.events import ChunksSent, TraceEvent
from workers.jobs.job import StreamSettings
from workers.jobs.resume_point import ResumePoint
from workers.traces.format import TraceHead
from workers.traces.tail import TraceTail
from workers.traces.writer import TraceWriter

TRACE_SETTINGS = StreamSettings(params=(("mode", "fast"),))


def trace_path(folder: Path, attempt: int = 1, job: int = 1) -> Path:
    return folder / f"{job:04}-talk.{attempt}.trace.jsonl"


def write_trace(
    folder: Path,
    *events: TraceEvent,
    attempt: int = 1,
    job: int = 1,
    from_ms: int = 0,
    settings: StreamSettings = TRACE_SETTINGS,
) -> Path:
    """Writes a trace of these events, a second apart."""
    path = trace_path(folder, attempt, job)
    path.parent.mkdir(exist_ok=True)
    head = TraceHead(
        job=job,
        attempt=attempt,
        file="/rec/talk.wav",
        recording=Recording("/rec/talk.wav", 38.6, 16_000, 1, 617_264, "WAV PCM_16", 1_234_567),
        settings=settings,
        seam=ResumePoint(from_ms),
        endpoint="wss://example/v3/ws",
    )
    with TraceWriter(path, head) as writer:
        for second, event in enumerate(events, start=1):
            writer.write(float(second), event)
    return path


def chunks_sent(lags_ms: Sequence[float], first: int = 0) -> ChunksSent:
    return ChunksSent(first, tuple(round(1000 * lag) for lag in lags_ms))


def read_all(tail: TraceTail) -> TraceTail:
    """A tail that has read everything there is."""
    while tail.read():
        pass
    return tail
