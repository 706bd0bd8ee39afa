"""Files streamed the way a user's are, and everything that was heard of them."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

from tests.benchmarks.latency import Reading
from tui.cli.run_options import Options
from tui.cli.run_setup import supervised
from workers.jobs.events import Began, Ended, Outcome, Report, TurnHeard
from workers.jobs.job import Settings
from workers.jobs.job_state import JobHistory


class Listener:
    """Folds the reports of one job."""

    def __init__(self, report: Report) -> None:
        self.history = JobHistory(report.job, report.file)
        self.readings: list[Reading] = []
        self.began_at: float | None = None
        """When its first chunk was due, on this process's monotonic clock, to a few ms."""
        self._start = 0.0

    def hear(self, report: Report) -> None:
        """Takes one report in."""
        self.history.apply(report)
        match report.event:
            case Began():
                self._start = report.t
                self.began_at = time.monotonic()
            case TurnHeard(turn):
                self.readings.append(Reading(report.t - self._start, turn))

    @property
    def ended(self) -> Ended | None:
        """How it ended; None before."""
        return self.history.ended


class Audience:
    """Hears every job of a supervisor."""

    def __init__(self, reports: "SimpleQueue[Report]") -> None:
        self.listeners: dict[str, Listener] = {}
        """By file."""
        self._reports = reports

    def listen(self, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
        """Takes reports in for so long, or until it is ``enough``."""
        until = time.monotonic() + seconds
        while not enough() and (left := until - time.monotonic()) > 0:
            try:
                report = self._reports.get(timeout=min(left, 0.1))
            except Empty:
                continue
            self.listeners.setdefault(report.file, Listener(report)).hear(report)

    def answered(self, jobs: int) -> bool:
        """Whether so many jobs have begun, or ended without."""
        heard = self.listeners.values()
        return sum(each.began_at is not None or each.ended is not None for each in heard) == jobs

    def over(self, jobs: int) -> bool:
        """Whether so many jobs have ended."""
        return sum(listener.ended is not None for listener in self.listeners.values()) == jobs


def streamed(files: Sequence[Path], sessions: int, settings: Settings) -> dict[str, Listener]:
    """Streams files to the embedded engine, so many at once; raises if one is not done."""
    with tempfile.TemporaryDirectory() as scratch:
        options = Options(
            settings=settings,
            target=None,
            key=None,
            sessions=sessions,
            start_rate=None,
            attempts=1,
            dead_after=20.0,
            out=Path(scratch) / "run",
        )
        with supervised(options) as supervisor:
            audience = Audience(supervisor.reports)
            supervisor.add(map(str, files))
            while not audience.over(len(files)):
                audience.listen(1.0, lambda: audience.over(len(files)))
    for file, listener in audience.listeners.items():
        if listener.ended is not None and listener.ended.outcome is not Outcome.DONE:
            raise RuntimeError(f"{file}: {listener.ended.reason}")
    return audience.listeners
