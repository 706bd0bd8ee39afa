"""Writes run folders as the engine does, without running anything."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.report_builders import (
    began,
    connecting,
    ended_done,
    ended_failed,
    progressed,
    queued,
    turn_heard,
)
from workers.audio.source import Source
from workers.jobs.events import Event, JobReport, Outcome, TraceEvent
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.runs import run_folder
from workers.runs.index import INDEX_NAME
from workers.runs.run_folder import RunFolder
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

RUN_STARTED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""When the runs begin."""


def session_events(
    *spoken: str, since: float = 0.0, end: Event | None = None
) -> list[tuple[float, Event]]:
    """The timed events of a session: every two seconds a sentence, as a partial and a final."""
    told: list[tuple[float, Event]] = [(0.1, connecting()), (0.2, began())]
    for order, text in enumerate(spoken):
        at = 2.0 * order
        told += [
            (at + 1.0, progressed(at + 1.0, 2.0 * len(spoken))),
            (at + 1.5, turn_heard(order, text.split()[0], at=round(1000 * at))),
            (at + 2.0, progressed(at + 2.0, 2.0 * len(spoken))),
            (at + 2.1, turn_heard(order, text, final=True, at=round(1000 * at))),
        ]
    last = told[-1][0]
    return [*told, (last + 0.4, end or ended_done(2.0 * len(spoken)))]


def index_entry(number: int, **known: Any) -> dict[str, Any]:
    """A job as the run's index holds it."""
    facts: dict[str, Any] = {"seconds": 60.0, "rate": 16000, "channels": 1, "format": "WAV PCM_16"}
    return {"id": number, "file": f"/rec/{number}.wav", "status": "done", **facts, **known}


def write_run_folder(folder: Path, jobs: Sequence[Mapping[str, Any]], **head: Any) -> Path:
    """Writes a run folder without traces."""
    folder.mkdir()
    endpoint = {"kind": "custom", "url": "ws://127.0.0.1:1/v3/ws", "name": "127.0.0.1:1"}
    index = {
        "format": 1,
        "started": RUN_STARTED.isoformat(),
        "endpoint": endpoint,
        **head,
        "jobs": jobs,
    }
    (folder / INDEX_NAME).write_text(json.dumps(index))
    return folder


def write_trace(
    folder: Path,
    number: int,
    told: Iterable[tuple[float, TraceEvent]],
    *,
    attempt: int = 1,
    at: float = 0.0,
) -> Path:
    """Writes the trace of an attempt that began ``at`` seconds after the run."""
    path = folder / f"{number:04d}-{number}.{attempt}.trace.jsonl"
    wall = (RUN_STARTED + timedelta(seconds=at)).isoformat()
    head = TraceHead(wall=wall, job=number, attempt=attempt, file=f"/rec/{number}.wav")
    with TraceWriter(path, head) as writer:
        for t, event in told:
            writer.write(t, event)
    return path


def write_sample_run(folder: Path) -> Path:
    """Writes a run of three jobs: one done, one that was retried, one cancelled in the queue."""
    out = {"outcome": Outcome.CANCELLED.value, "reason": "taken out of the queue"}
    write_run_folder(
        folder,
        [
            index_entry(1, attempt=1),
            index_entry(2, attempt=2),
            index_entry(3, attempt=1, status="cancelled", attempts={"1": out}),
        ],
    )
    write_trace(folder, 1, session_events("Good morning all.", "This is one."))
    broke = session_events(
        "Now then.", "What was cut.", end=ended_failed("the connection broke", seconds=4.0)
    )
    write_trace(folder, 2, broke, at=1.0)
    again: list[tuple[float, TraceEvent]] = [
        (0.1, connecting(2000, 1)),
        (0.2, began()),
        (1.0, progressed(3.0, 6.0)),
        (2.0, turn_heard(1, "What was whole.", final=True, at=2000)),
        (2.5, ended_done(6.0)),
    ]
    write_trace(folder, 2, again, attempt=2, at=9.0)
    return folder


def write_summarised_run(folder: Path, *, final: bool = True) -> Path:
    """Writes a run of two jobs that are done, with the summaries that the scheduler leaves."""
    with closing(run_folder.create(folder)) as made:
        for job in (JobId(1), JobId(2)):
            file = f"/rec/{job}.wav"
            made.add_job(job, Source(file))
            events = session_events("Good morning all.", "This is one.")
            write_trace(folder, job, events)
            state = JobState(job, file)
            for t, event in [(0.0, queued(4.0)), *events]:
                report = JobReport(job, 1, file, t, event)
                state.apply(report)
                state.transcript.evict(0)
                made.record(state, report)
        made.set_header(None, StreamSettings())
        save(made, final=final)
    return folder


def observable_state(job_state: JobState) -> dict[str, Any]:
    """Every public value of a job state, to compare two of them."""
    apart = ("transcript", "resume_tracker")
    known = {each.name: getattr(job_state, each.name) for each in fields(job_state)}
    return {
        **{n: value for n, value in known.items() if n not in apart and not n.startswith("_")},
        "open": job_state.open_seconds,
        "turns": job_state.transcript.turns,
        "seams": job_state.transcript.resume_points,
        "seam": job_state.resume_point,
        "moved": job_state.resume_tracker.has_advanced,
    }


def save(folder: RunFolder, *, final: bool = False) -> None:
    """Saves what has changed, as the supervisor's thread does."""
    if (unsaved := folder.take_unsaved(whole=final)) is not None:
        folder.save(unsaved, final=final)
