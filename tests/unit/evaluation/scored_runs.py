"""Writes runs with known delays, for tests of scores."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.support.report_builders import began, certificate, connecting
from workers.audio.recording import Recording
from workers.jobs.events import (
    ChunksSent,
    Ended,
    Event,
    MessageSent,
    Outcome,
    Progressed,
    TraceEvent,
    TurnReceived,
)
from workers.jobs.job import StreamSettings
from workers.jobs.resume_point import ResumePoint
from workers.pacing.certificate import LagSummary, Verdict
from workers.protocol.messages import Turn, Word
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

BEGAN_S = 0.5
"""When the schedule of each attempt starts, on the attempt's clock."""

STARTED = "2026-11-20T12:00:00+00:00"

CHUNK_S, LAG_S = 0.1, 0.002
"""Each chunk has 100 ms and leaves 2 ms late."""


def turn(t: float, order: int, text: str, ends_s: Sequence[float] = (), *, final: bool = False):
    """A message about a turn at ``t``; its words end at ``ends_s``, or 0.3 s apart."""
    texts = text.split()
    ends = ends_s or [0.3 * (index + 1) for index in range(len(texts))]
    words = tuple(
        Word(word, round(1000 * (end - 0.2)), round(1000 * end), 0.9, final)
        for word, end in zip(texts, ends, strict=False)
    )
    return t, TurnReceived(Turn(order, final, text, words=words))


def sent(t: float, kind: str) -> tuple[float, TraceEvent]:
    """A control message that was sent at ``t``."""
    return t, MessageSent({"type": kind})


def write_job(
    folder: Path,
    events: Sequence[tuple[float, TraceEvent]],
    *,
    job: int = 1,
    attempt: int = 1,
    file: str = "talk.wav",
    seconds: float = 4.0,
    resume_point: ResumePoint | None = None,
    outcome: Outcome = Outcome.DONE,
    verdict: Verdict = Verdict.HELD,
    size: int = 1,
    speed: float = 1.0,
) -> None:
    """Writes the trace of an attempt that streamed ``seconds`` of audio from its resume point."""
    start = resume_point or ResumePoint()
    head = TraceHead(
        wall=STARTED,
        job=job,
        attempt=attempt,
        file=file,
        recording=Recording(file, seconds, 16_000, 1, round(seconds * 16_000), "WAV PCM_16", size),
        settings=StreamSettings(speed=speed),
        seam=start,
    )
    chunks = round((seconds - start.at_ms / 1000) / CHUNK_S)
    end_s = BEGAN_S + seconds - start.at_ms / 1000
    progress = Progressed(seconds, seconds, LagSummary(2, 2, 2, 2))
    told: list[tuple[float, TraceEvent]] = [
        (0.1, connecting(start.at_ms, start.turn)),
        (BEGAN_S, began()),
        *events,
        (end_s - 0.05, ChunksSent(0, (round(LAG_S * 1e6),) * chunks)),
        (end_s - 0.05, progress),
    ]
    last = max(t for t, _ in told) + 0.5
    ended: Event = Ended(
        outcome, "done", "", None, seconds, seconds, certificate(p99=2.0, verdict=verdict)
    )
    path = folder / f"{job:04}-talk.{attempt}.trace.jsonl"
    with TraceWriter(path, head) as writer:
        for t, event in [*sorted(told, key=lambda entry: entry[0]), (last, ended)]:
            writer.write(t, event)


def write_index(
    folder: Path, files: Sequence[Path | str], metadata: Sequence[dict[str, str]] = ()
) -> Path:
    """Writes the index of a run of these recordings."""
    jobs = []
    for number, file in enumerate(files, start=1):
        columns = metadata[number - 1] if metadata else {}
        source = {"file": str(file), "metadata": list(map(list, columns.items()))}
        jobs.append({"id": number, "file": str(file), "path": str(file), "source": source})
    folder.mkdir(exist_ok=True)
    started = "2026-11-20T12:00:00+00:00"
    index = {
        "format": 1,
        "started": started,
        "settings": {"chunk_ms": 100, "release": "start"},
        "jobs": jobs,
    }
    (folder / "run.json").write_text(json.dumps(index))
    return folder
