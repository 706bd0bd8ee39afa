"""Traces of one job as sessions write them; the tests of what looks at traces are written so."""

from collections.abc import Sequence
from pathlib import Path

from workers.jobs.events import ChunksSent, TraceEvent
from workers.protocol.codec import Json
from workers.traces.trace_file import TraceWriter

TRACE_SETTINGS: dict[str, Json] = {
    "chunk_ms": 100,
    "release": "start",
    "params": [["mode", "fast"]],
}


def trace_path(folder: Path, attempt: int = 1, job: int = 1) -> Path:
    return folder / f"{job:04}-talk.{attempt}.trace.jsonl"


def write_trace(
    folder: Path, *events: TraceEvent, attempt: int = 1, job: int = 1, from_ms: int = 0
) -> Path:
    """A trace of these events, a second apart."""
    path = trace_path(folder, attempt, job)
    path.parent.mkdir(exist_ok=True)
    facts: dict[str, Json] = {
        "job": job,
        "attempt": attempt,
        "file": "/rec/talk.wav",
        "recording": {"size": 1_234_567},
        "settings": TRACE_SETTINGS,
        "seam": {"at_ms": from_ms, "turn": 0},
        "endpoint": "wss://example/v3/ws",
    }
    with TraceWriter(path, facts) as writer:
        for second, event in enumerate(events, start=1):
            writer.write(float(second), event)
    return path


def chunks_sent(lags_ms: Sequence[float], first: int = 0) -> ChunksSent:
    return ChunksSent(first, tuple(round(1000 * lag) for lag in lags_ms))
