"""What happened in a run, on one clock, from its index and its traces.

Each trace anchors its own clock to the wall clock; the run's clock starts with its first session.
Connections that the server had no place for are no attempts and are not shown.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from workers.jobs.job import JobId
from workers.runs.index import read_index
from workers.runs.job_timeline import JobTimeline, TimedAttempt, TimedReport, time_attempts
from workers.runs.run_clock import RunClock
from workers.traces.files import trace_files
from workers.traces.index import TraceIndex


class RunTimeline:
    """Every job of a run, at any moment of it.

    ``running``: a program works on the run, so a session without an end is live. Raises
    `RunFolderProblem` if it is no run folder, `Malformed` if its index is damaged.
    """

    def __init__(self, path: Path, *, running: bool = False) -> None:
        self.index = read_index(path)
        traces = [
            [(number, TraceIndex(file)) for number, file in trace_files(path, job.id)]
            for job in self.index.jobs
        ]
        self._clock = RunClock(
            (trace_index.started_at.timestamp(), trace_index.end_s)
            for _, trace_index in chain(*traces)
            if trace_index.end_s
        )
        attempts = [time_attempts(of_job, self._start_s) for of_job in traces]
        self.duration_s = max((attempt.end_s for attempt in chain(*attempts)), default=0.0)
        """Seconds from the start to the last known event."""
        self.peak_sessions = _peak_sessions(list(chain(*attempts)))
        """The largest number of sessions that were live at once."""
        self._job_timelines = [
            JobTimeline(job, of_job, running=running, run_duration_s=self.duration_s)
            for job, of_job in zip(self.index.jobs, attempts, strict=True)
        ]
        self.attempt_starts = {
            (job.id, attempt.number): attempt.start_s
            for job, of_job in zip(self.index.jobs, attempts, strict=True)
            for attempt in of_job
        }
        """When each attempt of a job began."""
        self._session_starts = sorted(
            (start_s, job) for (job, _), start_s in self.attempt_starts.items()
        )
        self.incidents = sorted(
            chain(*(timeline.incidents for timeline in self._job_timelines)),
            key=lambda incident: incident[0],
        )
        """Everything that went wrong and when, in order."""

    @property
    def job_files(self) -> list[tuple[JobId, str]]:
        """Every job and its recording, in the order of the queue."""
        return [(job.id, job.file) for job in self.index.jobs]

    def reports_between(self, after_s: float, until_s: float) -> list[TimedReport]:
        """The reports after ``after_s`` and up to ``until_s``; `BEFORE_START_S` includes the first.

        Readings of a turn that a later one replaces by then are left out, so a long way costs
        little.
        """
        reports = chain(*(each.reports_between(after_s, until_s) for each in self._job_timelines))
        return sorted(reports, key=lambda timed: timed[0])

    def starts_after(self, at_s: float) -> dict[JobId, float]:
        """When each job that began a session after ``at_s`` began the next one."""
        later = bisect_right(self._session_starts, at_s, key=lambda start: start[0])
        return {job: start_s for start_s, job in reversed(self._session_starts[later:])}

    def wall_time(self, at_s: float) -> datetime:
        """The local time of day at a moment of the run."""
        return datetime.fromtimestamp(self._clock.to_wall_time(at_s), UTC).astimezone()

    def _start_s(self, trace_index: TraceIndex) -> float:
        return self._clock.from_wall_time(trace_index.started_at.timestamp())


def _peak_sessions(attempts: Sequence[TimedAttempt]) -> int:
    starts = [(attempt.start_s, 1) for attempt in attempts]
    steps = sorted([*starts, *((attempt.end_s, -1) for attempt in attempts)])
    live = peak = 0
    for _, step in steps:
        live += step
        peak = max(peak, live)
    return peak
