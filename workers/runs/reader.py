"""Runs that were: their index and their traces, read back into the fold that the screen reads."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.errors import Malformed, RunFolderProblem
from workers.jobs import events
from workers.jobs.events import Ended, Outcome, Queued, Report, Retrying
from workers.jobs.job import JobId, Limits, Settings
from workers.jobs.job_state import JobHistory
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.protocol.endpoint import Endpoint
from workers.traces import trace_file

VERSION = 1
INDEX = "run.json"

_ATTEMPT = re.compile(rf"\.(\d+){re.escape(trace_file.SUFFIX)}$")

UNRECORDED = Ended(
    Outcome.CRASHED,
    "its end was not recorded: its process was killed",
    "What was heard is kept; paceline resume goes on from there.",
)
"""Of a session of a run that is not at work, if nothing else is known of how it ended."""

_WANTED = "it was asked for again, and the program ended before it began"


@dataclass(frozen=True, slots=True)
class Index:
    """What ``run.json`` says."""

    head: JsonObject
    """What all jobs have in common."""
    jobs: list[JsonObject]
    """Each with ``id`` and ``file``."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is needed to go on with a run."""

    endpoint: Endpoint | None
    """None: the embedded engine, if no session was ever about to start there."""
    settings: Settings
    limits: Limits
    histories: list[JobHistory]


def past(path: Path) -> Past:
    """A run that is not at work; raises `RunFolderProblem` or `Malformed`."""
    head = index(path).head
    settings, limits, endpoint = (head.get(key) for key in ("settings", "limits", "endpoint"))
    return Past(
        codec.read(Endpoint, endpoint, "endpoint") if isinstance(endpoint, dict) else None,
        codec.read(Settings, settings, "settings") if isinstance(settings, dict) else Settings(),
        codec.read(Limits, limits, "limits") if isinstance(limits, dict) else Limits(),
        [_ended(history) for history in histories(path)],
    )


def histories(path: Path) -> list[JobHistory]:
    """Every job of a run, replayed from its traces, as far as they go.

    A damaged trace counts up to its damage, of which the history warns. Raises `RunFolderProblem`
    when it is no run folder.
    """
    return [_replayed(path, job) for job in index(path).jobs]


def index(path: Path) -> Index:
    """The index of a run; raises `RunFolderProblem`."""
    try:
        head = json.loads((path / INDEX).read_bytes())
        jobs = [
            job
            for job in head.pop("jobs")
            if type(job["id"]) is int and isinstance(job["file"], str)
        ]
    except FileNotFoundError as error:
        raise RunFolderProblem(f"{path} is not a run folder", f"It holds no {INDEX}.") from error
    except OSError as error:
        raise RunFolderProblem(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunFolderProblem(f"{path / INDEX} is damaged ({error!r})") from error
    if head.get("format", VERSION) != VERSION:
        raise RunFolderProblem(
            f"{path / INDEX} has format version {head['format']}",
            f"This program reads version {VERSION}.",
        )
    return Index(head, jobs)


def _replayed(path: Path, record: Mapping[str, Json]) -> JobHistory:
    job, file = record["id"], record["file"]
    assert isinstance(job, int)
    assert isinstance(file, str)
    history = JobHistory(JobId(job), file)
    if "seconds" in record:
        queued = codec.read(Queued, record, f"job {job}")
        history.apply(Report(JobId(job), 1, file, 0.0, queued))
    for number, file_of_attempt in traces(path, job):
        if history.status.live:
            history = _ended(history)  # its process was killed, and another has gone on
        try:
            for traced in trace_file.read(file_of_attempt):
                if not isinstance(traced.event, events.TRACE_ONLY):
                    history.apply(Report(JobId(job), number, file, traced.t, traced.event))
        except (Malformed, OSError) as damage:  # what stands before it counts, and other jobs do
            history.warnings.append(f"the trace is damaged: {damage}")
        _tell_end(history, record, number)
    attempt = record.get("attempt")
    if isinstance(attempt, int):
        _tell_end(history, record, attempt)
        if history.finished and attempt > history.attempt and "ended" not in record:
            again = Retrying(_WANTED, 0.0, history.seam.at_ms / 1000)
            history.apply(Report(JobId(job), attempt, file, 0.0, again))
    return history


def traces(path: Path, job: int) -> Iterator[tuple[int, Path]]:
    """The traces of a job by the numbers of their attempts; refusals are none."""
    numbered = []
    for file in path.glob(f"{job:04d}-*{trace_file.SUFFIX}"):
        if match := _ATTEMPT.search(file.name):
            numbered.append((int(match[1]), file))
    yield from sorted(numbered)


def told_end(record: Mapping[str, Json], number: int) -> Ended | None:
    """What the supervisor knew of an attempt whose process died before it could say it."""
    ends = record.get("attempts")
    ended = ends.get(str(number)) if isinstance(ends, dict) else None
    return codec.read(Ended, ended, f"job {record['id']}") if isinstance(ended, dict) else None


def _tell_end(history: JobHistory, record: Mapping[str, Json], number: int) -> None:
    unknown = history.ended is None or history.attempt < number
    if unknown and (said := told_end(record, number)) is not None:
        history.apply(Report(history.job, number, history.file, 0.0, said))


def _ended(history: JobHistory) -> JobHistory:
    """A session of a run that is not at work is over, whatever its trace says."""
    if history.status.live:
        history.apply(Report(history.job, history.attempt, history.file, 0.0, UNRECORDED))
    return history
