"""Runs a real supervisor with real processes against an address on loopback."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Empty

from tui.model.transcript_cache import restore_turns
from workers.jobs.events import Event, JobReport
from workers.jobs.job import StreamSettings
from workers.jobs.job_state import JobState
from workers.protocol.endpoint import custom_endpoint
from workers.runs import reader, run_folder
from workers.scheduling.launcher import SessionLauncher
from workers.scheduling.retry_policy import RetryPolicy
from workers.scheduling.start_rate import StartRateLimiter
from workers.scheduling.supervisor import SessionTarget, Supervisor
from workers.secrecy import Secret
from workers.session.assignment import Timeouts

LONG_ENOUGH = 60.0
"""Seconds after which a test gives up. A test that passes never waits so long."""

NO_RETRIES = RetryPolicy(max_attempts=1)
"""For tests of how one session ends."""

SHORT_SESSIONS = Timeouts(min_life_s=0.0)
"""Lets a server announce sessions of a few seconds, of which a user's clock would be blamed."""

FAST_RETRIES = RetryPolicy(first_delay_s=0.01, max_delay_s=0.01)
"""For tests of retries."""


class AcceleratedStartRate(StartRateLimiter):
    """A start limiter whose clock runs 64 times as fast."""

    def next_start_at(self, now: float, sessions: int = 1) -> float:
        return super().next_start_at(now * 64, sessions) / 64  # a power of two: times stay exact

    def record_start(self, now: float) -> None:
        super().record_start(now * 64)

    def record_accepted(self, started_at: float) -> None:
        super().record_accepted(started_at * 64)

    def record_refused(self, started_at: float, now: float) -> None:
        super().record_refused(started_at * 64, now * 64)

    def record_unreachable(self, started_at: float, now: float) -> bool:
        return super().record_unreachable(started_at * 64, now * 64)

    def record_end(self, started_at: float, now: float) -> None:
        super().record_end(started_at * 64, now * 64)

    def record_retry_after(self, now: float, wait_s: float) -> None:
        super().record_retry_after(now * 64, wait_s)


class ObservedSupervisor:
    """A supervisor and everything it has reported."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.reports: list[JobReport] = []
        self.job_states: dict[int, JobState] = {}

    def wait_until(self, there: Callable[[], bool]) -> None:
        """Reads reports until the condition holds."""
        deadline = time.monotonic() + LONG_ENOUGH
        while not there():
            assert time.monotonic() < deadline, f"still waiting, after {self.reports}"
            try:
                report = self.supervisor.reports.get(timeout=0.05)
            except Empty:
                continue
            self.reports.append(report)
            job_state = JobState(report.job, report.file, report.half)
            self.job_states.setdefault(report.job, job_state).apply(report)

    def wait_until_idle(self) -> None:
        """Waits until all jobs are over and all reports are read."""
        self.wait_until(lambda: self.supervisor.is_idle and self.supervisor.reports.empty())

    def wait_for_event(self, kind: type[Event], job: int = 1, times: int = 1) -> None:
        """Waits until a job has reported ``times`` events of a kind."""
        self.wait_until(lambda: len(self.events_of(kind, job)) >= times)

    def events_of(self, kind: type[Event], job: int = 1) -> list[Event]:
        """The events of a kind that a job has reported."""
        return [r.event for r in self.reports if r.job == job and isinstance(r.event, kind)]


@contextmanager
def run_supervisor(
    url: str,
    folder: Path,
    *,
    settings: StreamSettings | None = None,
    sessions: int = 10,
    starts: StartRateLimiter | None = None,
    retry_policy: RetryPolicy = NO_RETRIES,
    timeouts: Timeouts | None = None,
    key: str | None = None,
    ca: Path | None = None,
    launcher: SessionLauncher | None = None,
) -> Iterator[ObservedSupervisor]:
    """Runs a supervisor; leaving the block ends all its processes."""
    endpoint = replace(custom_endpoint(url), ca=None if ca is None else str(ca))
    secret = Secret(key) if key else None
    with (
        closing(run_folder.create(folder)) as created,
        Supervisor(
            lambda: SessionTarget(endpoint, secret, sessions),
            created,
            settings or StreamSettings(),
            start_limiter=starts,
            retry_policy=retry_policy,
            timeouts=timeouts or SHORT_SESSIONS,
            launcher=launcher,
        ) as supervisor,
    ):
        yield ObservedSupervisor(supervisor)


@contextmanager
def resume_supervisor(
    url: str,
    folder: Path,
    *,
    retry_policy: RetryPolicy = FAST_RETRIES,
    timeouts: Timeouts | None = None,
) -> Iterator[ObservedSupervisor]:
    """Runs a supervisor that resumes a run, as soon as no other program works on it."""
    left = reader.read_run(folder)
    with (
        closing(run_folder.reopen(folder)) as reopened,
        Supervisor(
            lambda: SessionTarget(custom_endpoint(url), None, 30),
            reopened,
            left.settings,
            start_limiter=AcceleratedStartRate(),
            retry_policy=retry_policy,
            timeouts=timeouts or SHORT_SESSIONS,
        ) as supervisor,
    ):
        observed = ObservedSupervisor(supervisor)
        # Whole ones, of our own: the scheduler keeps no final turns in its states, nor are those of
        # jobs that are done read from their traces.
        observed.job_states = {job_state.job: job_state.copy() for job_state in left.jobs}
        for job_state in observed.job_states.values():
            assert restore_turns(folder, job_state)
        supervisor.resume(left.jobs)
        yield observed
