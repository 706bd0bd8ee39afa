"""Runs that were: their index and their traces, read back into the fold that the screen reads."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workers.errors import Malformed, RunFolderProblem
from workers.jobs import events
from workers.jobs.events import Ended, JobReport, Outcome, Queued, Retrying
from workers.jobs.job import JobId, Limits, StreamSettings
from workers.jobs.job_state import JobState
from workers.jobs.outcomes import RESUME_HINT
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.protocol.endpoint import Endpoint
from workers.traces import trace_file

INDEX_VERSION = 1
INDEX_NAME = "run.json"

_ATTEMPT_SUFFIX = re.compile(rf"\.(\d+){re.escape(trace_file.TRACE_SUFFIX)}$")

UNRECORDED_ENDING = Ended(
    Outcome.CRASHED,
    "its end was not recorded: its process was killed",
    RESUME_HINT,
)
"""Of a session of a run that is not at work, if nothing else is known of how it ended."""

_RETRY_NOT_STARTED = "it was asked for again, and the program ended before it began"


@dataclass(frozen=True, slots=True)
class RunIndex:
    """What ``run.json`` says."""

    header: JsonObject
    """What all jobs have in common."""
    jobs: list[JsonObject]
    """Each with ``id`` and ``file``."""


@dataclass(frozen=True, slots=True)
class SavedRun:
    """What is needed to go on with a run."""

    endpoint: Endpoint | None
    """None: the embedded engine, if no session was ever about to start there."""
    settings: StreamSettings
    limits: Limits
    jobs: list[JobState]


def read_run(path: Path) -> SavedRun:
    """A run that is not at work; raises `RunFolderProblem` or `Malformed`."""
    head = read_index(path).header
    settings, limits, endpoint = (head.get(key) for key in ("settings", "limits", "endpoint"))
    return SavedRun(
        codec.load(Endpoint, endpoint, "endpoint") if isinstance(endpoint, dict) else None,
        codec.load(StreamSettings, settings, "settings")
        if isinstance(settings, dict)
        else StreamSettings(),
        codec.load(Limits, limits, "limits") if isinstance(limits, dict) else Limits(),
        [_end_if_live(job_state) for job_state in read_job_states(path)],
    )


def read_job_states(path: Path) -> list[JobState]:
    """Every job of a run, replayed from its traces, as far as they go.

    A damaged trace counts up to its damage, of which the history warns. Raises `RunFolderProblem`
    when it is no run folder.
    """
    return [_replay_job(path, job) for job in read_index(path).jobs]


def read_index(path: Path) -> RunIndex:
    """The index of a run; raises `RunFolderProblem`."""
    try:
        head = json.loads((path / INDEX_NAME).read_bytes())
        jobs = [
            job
            for job in head.pop("jobs")
            if type(job["id"]) is int and isinstance(job["file"], str)
        ]
    except FileNotFoundError as error:
        raise RunFolderProblem(
            f"{path} is not a run folder", f"It holds no {INDEX_NAME}."
        ) from error
    except OSError as error:
        raise RunFolderProblem(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunFolderProblem(f"{path / INDEX_NAME} is damaged ({error!r})") from error
    if head.get("format", INDEX_VERSION) != INDEX_VERSION:
        raise RunFolderProblem(
            f"{path / INDEX_NAME} has format version {head['format']}",
            f"This program reads version {INDEX_VERSION}.",
        )
    return RunIndex(head, jobs)


def _replay_job(path: Path, record: Mapping[str, Json]) -> JobState:
    job, file = record["id"], record["file"]
    assert isinstance(job, int)
    assert isinstance(file, str)
    job_state = JobState(JobId(job), file)
    if "seconds" in record:
        queued = codec.load(Queued, record, f"job {job}")
        job_state.apply(JobReport(JobId(job), 1, file, 0.0, queued))
    for number, file_of_attempt in trace_files(path, job):
        if job_state.status.is_live:
            job_state = _end_if_live(job_state)  # its process was killed, and another has gone on
        try:
            for traced in trace_file.read_trace(file_of_attempt):
                if not isinstance(traced.event, events.TRACE_ONLY):
                    job_state.apply(JobReport(JobId(job), number, file, traced.t, traced.event))
        except (Malformed, OSError) as damage:  # what stands before it counts, and other jobs do
            job_state.warnings.append(f"the trace is damaged: {damage}")
        _apply_recorded_ending(job_state, record, number)
    attempt = record.get("attempt")
    if isinstance(attempt, int):
        _apply_recorded_ending(job_state, record, attempt)
        if job_state.is_settled and attempt > job_state.attempt and "ended" not in record:
            again = Retrying(_RETRY_NOT_STARTED, 0.0, job_state.resume_point.at_ms / 1000)
            job_state.apply(JobReport(JobId(job), attempt, file, 0.0, again))
    return job_state


def trace_files(path: Path, job: int) -> Iterator[tuple[int, Path]]:
    """The traces of a job by the numbers of their attempts; refusals are none."""
    numbered = []
    for file in path.glob(f"{job:04d}-*{trace_file.TRACE_SUFFIX}"):
        if match := _ATTEMPT_SUFFIX.search(file.name):
            numbered.append((int(match[1]), file))
    yield from sorted(numbered)


def recorded_ending(record: Mapping[str, Json], attempt: int) -> Ended | None:
    """What the supervisor knew of an attempt whose process died before it could say it."""
    ends = record.get("attempts")
    ended = ends.get(str(attempt)) if isinstance(ends, dict) else None
    return codec.load(Ended, ended, f"job {record['id']}") if isinstance(ended, dict) else None


def _apply_recorded_ending(state: JobState, record: Mapping[str, Json], attempt: int) -> None:
    unknown = state.ended is None or state.attempt < attempt
    if unknown and (said := recorded_ending(record, attempt)) is not None:
        state.apply(JobReport(state.job, attempt, state.file, 0.0, said))


def _end_if_live(state: JobState) -> JobState:
    """A session of a run that is not at work is over, whatever its trace says."""
    if state.status.is_live:
        state.apply(JobReport(state.job, state.attempt, state.file, 0.0, UNRECORDED_ENDING))
    return state
