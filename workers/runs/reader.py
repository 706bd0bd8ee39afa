"""Reads a run back: ``run.json`` and traces, folded into the `JobState` that the desk shows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from workers.jobs.events import JobReport, Retrying
from workers.jobs.job import JobId, Limits, StreamSettings
from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState, combine_pairs
from workers.protocol.endpoint import Endpoint
from workers.runs.index import Extent, RunIndex, garbage_collection_paused, read_index
from workers.runs.job_timeline import BEFORE_START_S, JobTimeline, time_attempts
from workers.runs.saved_records import IndexJob
from workers.runs.summaries import is_summarised, summarised_state
from workers.sources.shard import Shard
from workers.traces.files import trace_files, trace_files_by_job
from workers.traces.index import TraceIndex
from workers.traces.pair_skew import read_pair_skew

_RETRY_NOT_STARTED = "a retry was requested, but the program ended before it began"


@dataclass(frozen=True, slots=True)
class SavedRun:
    """The data needed to resume a run."""

    endpoint: Endpoint | None  # None: the embedded engine, before any session started
    settings: StreamSettings
    limits: Limits
    jobs: list[JobState]
    shard: Shard | None = None
    """The part of the recordings that the run streams; None: all of them."""
    warnings: tuple[str, ...] = ()
    """What was left out of the index because it is damaged; each a sentence."""


def read_run(path: Path, index: RunIndex | None = None) -> SavedRun:
    """Reads a run that no program is working on, so a session without an end was killed. The turns
    of jobs that have ended stay on the disk, as if they were evicted. ``index``: that of the run,
    if it was read with summaries. Raises `RunFolderProblem` or `Malformed`."""
    index = index or read_index(path, Extent.SUMMARIES)
    with garbage_collection_paused():
        traces = trace_files_by_job(path)
        jobs = []
        for job in index.jobs:
            job_traces = traces.get(job.id, ())
            if is_summarised(job, job_traces, is_complete=index.is_complete):
                jobs.append(summarised_state(job))
            else:
                jobs.append(_read_job(job, job_traces, running=False))
    saved = index.saved
    return SavedRun(saved.endpoint, saved.settings, saved.limits, jobs, saved.shard, index.warnings)


class JobStates:
    """The jobs of a run, which may be in progress, each read from its traces when an iteration
    reaches it: a run may have more than fits into memory. The halves of a pair are one job.

    A damaged trace is used up to the damage, which becomes a warning. Raises `RunFolderProblem` if
    there is no run in folder ``path``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.index, self._traces = read_index(path), trace_files_by_job(path)

    @property
    def files(self) -> dict[JobId, str]:
        """The recording of each job, as the user named it."""
        return {
            JobId(job.half.pair) if job.half is not None else job.id: job.file
            for job in self.index.jobs
        }

    def __iter__(self) -> Iterator[JobState]:
        halves: list[JobState] = []
        for job in self.index.jobs:
            state = _read_job(job, self._traces.get(job.id, ()), running=True)
            if job.half is not None and not halves:  # the other one is next
                halves.append(state)
                continue
            yield from combine_pairs_of_run(self._path, [*halves, state])
            halves.clear()


def read_job_states(path: Path) -> list[JobState]:
    """All `JobStates` of a run at once."""
    return list(JobStates(path))


def combine_pairs_of_run(path: Path, job_states: Iterable[JobState]) -> list[JobState]:
    """Like `combine_pairs`, and reads the skew of each pair from its traces."""
    combined = combine_pairs(job_states)
    for state in combined:
        if isinstance(state, PairState):
            measure_skew(path, state)
    return combined


def measure_skew(path: Path, pair: PairState) -> None:
    """Sets the skew of a pair from the traces of its halves."""
    left, right = pair.halves
    pair.skew = read_pair_skew(path, left.job, right.job)


def read_job_state(path: Path, job: IndexJob) -> JobState:
    """Reads one job of a run in folder ``path``, as `read_job_states` does."""
    return _read_job(job, trace_files(path, job.id), running=True)


def _read_job(job: IndexJob, files: Sequence[tuple[int, Path]], *, running: bool) -> JobState:
    """``files``: the job's attempts and their traces."""
    traces = [(attempt, TraceIndex(trace)) for attempt, trace in files]
    for _, trace_index in traces:
        trace_index.drop_after_damage()
    attempts = time_attempts(traces, lambda _: 0.0)
    state = JobState.of(job.id, job.source, job.half)
    timeline = JobTimeline(job, attempts, running=running)
    for _, report in timeline.reports_between(BEFORE_START_S, inf):
        state.apply(report)
    if state.is_settled and job.attempt > state.attempt and job.ended is None:
        retrying = Retrying(_RETRY_NOT_STARTED, 0.0, state.resume_point.at_ms / 1000)
        state.apply(JobReport(job.id, job.attempt, job.file, 0.0, retrying, job.half))
    return state
