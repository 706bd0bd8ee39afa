"""A supervisor without processes."""

import queue
from collections.abc import Callable, Iterable, Sequence

from workers.audio.source import Source
from workers.jobs.events import Ended, Event, JobReport, Outcome, Retrying
from workers.jobs.job import JobId
from workers.jobs.node_status import NodeStatus
from workers.jobs.sent_position import SentPosition
from workers.protocol.messages import UpdateConfiguration
from workers.scheduling.spending import NOTHING_SPENT


class FakeSupervisor:
    """Has the methods of the real supervisor; the test decides what is reported."""

    def __init__(self, sessions: int = 4) -> None:
        self.reports: queue.SimpleQueue[JobReport] = queue.SimpleQueue()
        self.holding = False
        self.held_by_refusal = False
        self.spending = NOTHING_SPENT
        self.max_sessions = sessions
        self.next_start_at: float | None = None
        self.start_after = 0.0
        """Seconds before the next start."""
        self.is_idle = True
        self.server_restarts = 0
        self.added: list[str] = []
        self.cancelled: list[JobId] = []
        self.retried: list[JobId] = []
        self.finished: set[JobId] = set()
        self.stops = 0
        self.fleet: list[NodeStatus] = []
        self.drained: dict[str, bool] = {}
        """Whether a node was last drained, by its name."""
        self.queue: list[JobId] = []
        self.streaming: set[JobId] = set()
        """Jobs that accept control messages."""
        self.sent: dict[JobId, SentPosition] = {}
        """What the sessions of streaming jobs have sent."""
        self.turns_ended: list[JobId] = []
        self.configured: list[tuple[JobId, UpdateConfiguration]] = []
        self._files: dict[JobId, str] = {}
        self._attempts: dict[JobId, int] = {}
        self._refused = False
        """The last job to end was refused as busy, which does not count as an attempt."""

    def start_simulator(self) -> Callable[[float], float]:
        return lambda place_in: max(place_in, self.start_after)

    def add(self, recordings: Iterable[Source | str]) -> list[JobId]:
        """Returns new ids and reports nothing."""
        jobs = []
        for file in (Source.of(recording).file for recording in recordings):
            job = JobId(len(self._files) + 1)
            self._files[job], self._attempts[job] = file, 1
            self.added.append(file)
            jobs.append(job)
        return jobs

    def cancel(self, job: JobId) -> None:
        self.cancelled.append(job)

    def retry(self, job: JobId) -> bool:
        if job not in self.finished:
            return False
        self.retried.append(job)
        self.report(job, Retrying("asked for", 0.0, 0.0))
        return True

    def sent_position(self, job: JobId) -> SentPosition | None:
        return self.sent.get(job)

    def nodes(self) -> list[NodeStatus]:
        return self.fleet

    def drain(self, node: str, on: bool) -> None:
        self.drained[node] = on

    def hold(self, on: bool) -> None:
        self.holding = on

    def stop(self) -> None:
        self.stops += 1

    def reorder(self, order: Sequence[JobId]) -> None:
        named = [job for job in order if job in self.queue]
        self.queue = named + [job for job in self.queue if job not in named]

    def set_max_sessions(self, sessions: int) -> None:
        self.max_sessions = sessions

    def end_turn(self, job: JobId) -> bool:
        if job in self.streaming:
            self.turns_ended.append(job)
        return job in self.streaming

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        if job in self.streaming:
            self.configured.append((job, changes))
        return job in self.streaming

    # --- what a test makes happen

    def job(self, file: str, *events: Event) -> JobId:
        """Adds a job and reports these events."""
        (job,) = self.add([file])
        self.report(job, *events)
        return job

    def report(self, job: JobId, *events: Event) -> None:
        """Reports events of the job's current attempt; `Retrying` begins the next one."""
        for event in events:
            if isinstance(event, Ended):
                self.finished.add(job)
                self._refused = event.outcome is Outcome.BUSY
            if isinstance(event, Retrying):
                self.finished.discard(job)
                self._attempts[job] += not self._refused
            self.reports.put(JobReport(job, self._attempts[job], self._files[job], 0.0, event))
