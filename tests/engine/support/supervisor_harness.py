"""A real supervisor for a test: real processes, streaming to an address on loopback."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Empty

from workers.jobs.events import Event, Report
from workers.jobs.job import JobId, Settings
from workers.jobs.job_state import JobHistory
from workers.protocol.endpoint import Secret, custom
from workers.runs import reader, run_folder
from workers.scheduling.retry_policy import Retries
from workers.scheduling.start_rate import Starts
from workers.scheduling.supervisor import Access, Supervisor
from workers.session.assignment import Patience

LONG_ENOUGH = 60.0
"""Seconds after which what should have happened never will. No test waits for it to pass."""

ONCE = Retries(attempts=1)
"""For tests of how a session ends."""

SOON = Retries(first=0.01, most=0.01)
"""For tests of how a job goes on."""


class Hurried(Starts):
    """A bound on starts whose every second, and minute, is over 64 times as soon."""

    def next(self, now: float) -> float:
        return super().next(now * 64) / 64  # a power of two, so that times stay what they were

    def started(self, now: float) -> None:
        super().started(now * 64)

    def accepted(self, started_at: float) -> None:
        super().accepted(started_at * 64)

    def refused(self, started_at: float, now: float) -> None:
        super().refused(started_at * 64, now * 64)

    def unreachable(self, started_at: float, now: float) -> None:
        super().unreachable(started_at * 64, now * 64)

    def ended(self, started_at: float, now: float) -> None:
        super().ended(started_at * 64, now * 64)


class Watched:
    """A supervisor and everything it has reported."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.reports: list[Report] = []
        self.histories: dict[JobId, JobHistory] = {}

    def until(self, there: Callable[[], bool]) -> None:
        """Takes reports in until it is so."""
        deadline = time.monotonic() + LONG_ENOUGH
        while not there():
            assert time.monotonic() < deadline, f"it never came: {self.reports}"
            try:
                report = self.supervisor.reports.get(timeout=0.05)
            except Empty:
                continue
            self.reports.append(report)
            history = JobHistory(report.job, report.file)
            self.histories.setdefault(report.job, history).apply(report)

    def until_idle(self) -> None:
        """Until everything is over and all of it is told."""
        self.until(lambda: self.supervisor.idle and self.supervisor.reports.empty())

    def until_said(self, kind: type[Event], job: int = 1, times: int = 1) -> None:
        """Until a job has reported so many events of a kind."""
        self.until(lambda: len(self.said(kind, job)) >= times)

    def said(self, kind: type[Event], job: int = 1) -> list[Event]:
        """What a job has reported of a kind."""
        return [r.event for r in self.reports if r.job == job and isinstance(r.event, kind)]


@contextmanager
def supervised(
    url: str,
    folder: Path,
    *,
    settings: Settings | None = None,
    sessions: int = 10,
    starts: Starts | None = None,
    retries: Retries = ONCE,
    patience: Patience | None = None,
    key: str | None = None,
    ca: Path | None = None,
) -> Iterator[Watched]:
    """A supervisor at work; leaving ends all its processes."""
    endpoint = replace(custom(url), ca=None if ca is None else str(ca))
    secret = Secret(key) if key else None
    with (
        closing(run_folder.create(folder)) as created,
        Supervisor(
            lambda: Access(endpoint, secret, sessions),
            created,
            settings or Settings(),
            starts=starts,
            retries=retries,
            patience=patience,
        ) as supervisor,
    ):
        yield Watched(supervisor)


@contextmanager
def resumed(
    url: str, folder: Path, *, retries: Retries = SOON, patience: Patience | None = None
) -> Iterator[Watched]:
    """A supervisor that goes on with a run, as soon as nobody else works on it."""
    left = reader.past(folder)
    with (
        closing(run_folder.reopen(folder)) as reopened,
        Supervisor(
            lambda: Access(custom(url), None, 30),
            reopened,
            left.settings,
            starts=Hurried(),
            retries=retries,
            patience=patience,
        ) as supervisor,
    ):
        watched = Watched(supervisor)
        watched.histories = {history.job: history for history in left.histories}
        supervisor.resume(left.histories)
        yield watched
