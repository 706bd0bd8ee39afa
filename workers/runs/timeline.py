"""Places everything that happened in a run on one clock, from its index and its traces.

The head of a trace contains the wall time; the run's clock starts with its first session. Refused
connections do not count as attempts and are not shown.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate, chain
from pathlib import Path

from workers.jobs.job import JobId
from workers.runs.index import Extent, garbage_collection_paused, read_index
from workers.runs.job_timeline import (
    BEFORE_START_S,
    AttemptEvents,
    JobTimeline,
    TimedReport,
    time_attempts,
)
from workers.runs.saved_records import IndexJob
from workers.runs.summaries import SummarisedAttempt, is_summarised
from workers.traces.files import trace_files_by_job
from workers.traces.index import TraceIndex

MAX_IDLE_GAP_S = 10.0
"""Longer gaps without live sessions are cut to this, such as a night before a run is resumed."""

MAX_READ_BYTES = 32_000_000
"""Smaller traces are read before the first screen, in a second, so that all turns are there."""
MAX_OPEN_TRACES = 64
"""How many of the other traces stay located, each with 25 bytes for a line and its final turns."""


class RunTimeline:
    """Every job of a run, at any moment of the run.

    ``running``: a program is working on the run, so a session without an end is live.
    ``max_read_bytes``: larger traces are only read when they are played. Raises
    `RunFolderProblem` if ``path`` is not a run folder, `Malformed` if its index is damaged.
    """

    def __init__(
        self, path: Path, *, running: bool = False, max_read_bytes: int = MAX_READ_BYTES
    ) -> None:
        self._max_read_bytes = max_read_bytes
        self.index = read_index(path, Extent.SUMMARIES)
        with garbage_collection_paused():
            self._place_jobs(path, running)

    def _place_jobs(self, path: Path, running: bool) -> None:
        traces = self._locate_traces(path)
        self._clock = RunClock(
            (trace_index.started_s, trace_index.end_s)
            for _, trace_index in chain(*traces)
            if trace_index.end_s
        )

        def start_s(trace: AttemptEvents) -> float:
            return self._clock.from_wall_time(trace.started_s)

        attempts = [time_attempts(job_traces, start_s) for job_traces in traces]
        starts = [(attempt.start_s, 1) for attempt in chain(*attempts)]
        ends = [(attempt.end_s, -1) for attempt in chain(*attempts)]
        self.duration_s = max((end_s for end_s, _ in ends), default=0.0)
        """Seconds from the start to the last known event."""
        live_sessions = accumulate(step for _, step in sorted([*starts, *ends]))
        self.peak_sessions = max(live_sessions, default=0)
        """The largest number of sessions that were live at once."""
        self._job_timelines = [
            JobTimeline(job, job_attempts, running=running, run_duration_s=self.duration_s)
            for job, job_attempts in zip(self.index.jobs, attempts, strict=True)
        ]
        self._spans = [
            (start, end, timeline)
            for timeline in self._job_timelines
            for start, end in timeline.spans
        ]
        self.attempt_starts = {
            (job.id, attempt.number): attempt.start_s
            for job, job_attempts in zip(self.index.jobs, attempts, strict=True)
            for attempt in job_attempts
        }
        """The times at which the attempts of each job start."""
        self._session_starts = sorted(
            (start, job) for (job, _), start in self.attempt_starts.items()
        )
        incidents = chain(*(timeline.incidents for timeline in self._job_timelines))
        self.incidents = sorted(incidents, key=lambda incident: incident[0])
        """The time and kind of everything that went wrong, in order."""

    def _locate_traces(self, path: Path) -> list[list[tuple[int, AttemptEvents]]]:
        """The attempts of each job. Traces are read now, unless they are large and the index has a
        summary of the job: then they are read when they are played."""
        files, jobs = trace_files_by_job(path), self.index.jobs
        bytes_of_job = [sum(one.bytes or 0 for one in job.traces.traced.values()) for job in jobs]
        is_large, is_complete = sum(bytes_of_job) > self._max_read_bytes, self.index.is_complete
        read = lru_cache(MAX_OPEN_TRACES)(TraceIndex)
        self._summarised: set[JobId] = set()
        located: list[list[tuple[int, AttemptEvents]]] = []
        for job in jobs:
            found = files.get(job.id, [])
            if is_large and is_summarised(job, found, is_complete=is_complete):
                self._summarised.add(job.id)
                located.append([(n, SummarisedAttempt(job, n, file, read)) for n, file in found])
            else:
                located.append([(n, TraceIndex(file)) for n, file in found])
        return located

    def preload(self) -> None:
        """Reads what the last moment of the run needs. Final turns stay in memory."""
        self.reports_between(BEFORE_START_S, self.duration_s, without=self._summarised)

    def finished_between(self, after_s: float, until_s: float) -> dict[JobId, IndexJob]:
        """The jobs that start after ``after_s`` and have ended at ``until_s``, in a run with large
        traces. `summarised_state` says how they are then, and `reports_between` need not read what
        happened to them."""
        return {
            timeline.job.id: timeline.job
            for timeline in self._job_timelines
            if timeline.job.id in self._summarised and timeline.lasts_between(after_s, until_s)
        }

    def reports_between(
        self, after_s: float, until_s: float, without: Collection[JobId] = ()
    ) -> list[TimedReport]:
        """The reports after ``after_s`` and up to ``until_s``; `BEFORE_START_S` includes the first.
        Leaves out versions of a turn that a later one replaces, so that long steps are fast, and
        the jobs ``without``."""
        if after_s >= until_s:  # paused
            return []
        spans = self._spans  # a run of many thousands of jobs has few at any moment
        timelines = dict.fromkeys(
            timeline
            for start, end, timeline in spans
            if start <= until_s and end > after_s and timeline.job.id not in without
        )
        reports = chain(*(timeline.reports_between(after_s, until_s) for timeline in timelines))
        return sorted(reports, key=lambda timed: timed[0])

    def starts_after(self, at_s: float) -> dict[JobId, float]:
        """The time of the next start of a session after ``at_s``, for each job that has one."""
        later = bisect_right(self._session_starts, at_s, key=lambda start: start[0])
        return {job: start_s for start_s, job in reversed(self._session_starts[later:])}

    def wall_time(self, at_s: float) -> datetime:
        """The local time of day at a moment of the run."""
        return datetime.fromtimestamp(self._clock.to_wall_time(at_s), UTC).astimezone()


class RunClock:
    """Converts between the wall clock and the run's clock, which stands still in long pauses.

    ``spans`` are the times in which sessions were live: start in seconds since the epoch, duration.
    """

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        self._started_at = reached = 0.0
        self._skipped_gaps: list[tuple[float, float]] = []
        """The end of each pause on the run's clock, and the total seconds cut by then."""
        cut = 0.0
        for start, seconds in sorted(spans):
            if not reached:
                self._started_at = reached = start
            if start - reached > MAX_IDLE_GAP_S:
                cut += start - reached - MAX_IDLE_GAP_S
                self._skipped_gaps.append((start - self._started_at - cut, cut))
            reached = max(reached, start + seconds)

    def from_wall_time(self, wall_s: float) -> float:
        """Converts seconds since the epoch to seconds of the run."""
        whole = max(wall_s - self._started_at, 0.0)
        cut = max((cut for at, cut in self._skipped_gaps if at + cut <= whole), default=0.0)
        return whole - cut

    def to_wall_time(self, at_s: float) -> float:
        """Converts seconds of the run to seconds since the epoch."""
        skipped = bisect_right(self._skipped_gaps, at_s, key=lambda skip: skip[0])
        return self._started_at + at_s + (self._skipped_gaps[skipped - 1][1] if skipped else 0.0)
