"""Streams files as the program does and collects all reports."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

from tests.benchmarks.latency import Reading
from tui.cli.run_options import RunOptions
from tui.cli.run_setup import open_supervisor
from workers.jobs.events import Began, Ended, JobReport, Outcome, TurnReceived
from workers.jobs.job import Limits, StreamSettings
from workers.jobs.job_state import JobState


class JobCollector:
    """Folds the reports of one job."""

    def __init__(self, report: JobReport) -> None:
        self.history = JobState(report.job, report.file)
        self.readings: list[Reading] = []
        self.began_at: float | None = None
        """When the first chunk was due on this process's monotonic clock, within a few ms."""
        self._start = 0.0

    def add_report(self, report: JobReport) -> None:
        """Adds one report."""
        self.history.apply(report)
        match report.event:
            case Began():
                self._start = report.t
                self.began_at = time.monotonic()
            case TurnReceived(turn):
                self.readings.append(Reading(report.t - self._start, turn))

    @property
    def ended(self) -> Ended | None:
        """How the job ended; None before that."""
        return self.history.ended


class RunCollector:
    """Collects the reports of all jobs of a supervisor."""

    def __init__(self, reports: "SimpleQueue[JobReport]") -> None:
        self.listeners: dict[str, JobCollector] = {}
        """By file."""
        self._reports = reports

    def collect(self, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
        """Reads reports for so long, or until ``enough`` returns true."""
        until = time.monotonic() + seconds
        while not enough() and (left := until - time.monotonic()) > 0:
            try:
                report = self._reports.get(timeout=min(left, 0.1))
            except Empty:
                continue
            self.listeners.setdefault(report.file, JobCollector(report)).add_report(report)

    def answered(self, jobs: int) -> bool:
        """Whether so many jobs have begun, or ended without."""
        collectors = self.listeners.values()
        return (
            sum(each.began_at is not None or each.ended is not None for each in collectors) == jobs
        )

    def over(self, jobs: int) -> bool:
        """Whether so many jobs have ended."""
        return sum(listener.ended is not None for listener in self.listeners.values()) == jobs


def stream_files(
    files: Sequence[Path], sessions: int, settings: StreamSettings, *, must_be_done: bool = True
) -> dict[str, JobCollector]:
    """Streams files to the embedded engine, so many at once.

    Raises if ``must_be_done`` and one of them is not.
    """
    with tempfile.TemporaryDirectory() as scratch:
        options = RunOptions(
            settings=settings,
            endpoint=None,
            key=None,
            limits=Limits(sessions, attempts=1),
            out=Path(scratch) / "run",
        )
        with open_supervisor(options) as supervisor:
            audience = RunCollector(supervisor.reports)
            supervisor.add(map(str, files))
            while not audience.over(len(files)):
                audience.collect(1.0, lambda: audience.over(len(files)))
    for file, listener in audience.listeners.items():
        is_done = listener.ended is None or listener.ended.outcome is Outcome.DONE
        if must_be_done and not is_done:
            raise RuntimeError(f"{file}: {listener.ended.reason}")
    return audience.listeners
