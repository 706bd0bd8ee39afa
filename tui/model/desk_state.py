"""What the desk knows: histories by job, the rows that are made of them, and what changed.

Plain Python, fed by reports and told the time. It knows no widget and no clock; only one thread
may call.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tui.model.queue_forecast import Outlook, Queue
from tui.model.table_view import Rows
from tui.model.tabs import Viewing
from workers.jobs.events import Report, TurnHeard
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory, Status
from workers.protocol.messages import Turn

KEPT = 60
"""Turns of a job that nobody looks at, the last ones; older ones stay on disk (see `shelf`)."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be drawn again."""

    jobs: frozenset[JobId] = frozenset()
    order: bool = False
    """Rows came, went or moved, so every row may stand elsewhere."""


class DeskState(Rows):
    """The desk's memory."""

    def __init__(self) -> None:
        super().__init__()
        self.viewing = Viewing()
        self.counts: Counter[Status] = Counter()
        self.longest_seconds = 0.0
        self.most_attempts = 0
        self._queue = Queue()
        self._readings = 0
        self._due: dict[JobId, float] = {}
        """When a further attempt may start at the earliest, of jobs that await one."""
        self._live: set[JobId] = set()
        self._stopping: set[JobId] = set()
        self._removed: dict[JobId, JobHistory] = {}
        """Jobs whose rows were taken off the table."""

    # --- facts come in

    def tick(self, now: float) -> None:
        """The time, on a monotonic clock. Rows that count down change with every second."""
        for job, due in self._due.items():
            if _seconds(due - now) != _seconds(due - self._now):
                self._dirty.add(job)
        self._now = now

    def apply(self, report: Report) -> None:
        """Takes one report in."""
        if (history := self._removed.get(report.job)) is not None:
            history.apply(report)
            return
        history = self.histories.get(report.job) or self._new(report.job, report.file)
        before = history.status
        history.apply(report)
        if isinstance(report.event, TurnHeard):
            self._readings += 1
            self.heard[report.job] = self._readings
            if report.job != self.current:
                history.transcript.shed(KEPT)
        if history.status is not before:
            self._moved(history, before)
        if history.retrying is None:
            self._due.pop(report.job, None)
        elif history.retrying is report.event:
            self._due[report.job] = self._now + history.retrying.in_seconds
        self._measure(history)
        self._dirty.add(report.job)

    def remember(self, histories: Iterable[JobHistory]) -> None:
        """Takes over what became of jobs before the desk was opened."""
        for history in histories:
            self.histories[history.job] = history
            self._arrangement.add(history.job)
            self.counts[history.status] += 1
            self._measure(history)
            history.transcript.shed(KEPT)
            if self.current is None or not history.finished:
                self.current = min(self.current or history.job, history.job)
        self._order_changed = True

    def expect(self, jobs: Iterable[JobId], files: Iterable[str]) -> None:
        """Shows jobs that were added before anything was reported of them."""
        for job, file in zip(jobs, files, strict=True):
            if job not in self.histories:
                self._new(job, file)

    def foresee(
        self, queue: Sequence[JobId], next_start: float | None, sessions: int, *, held: bool
    ) -> None:
        """What the supervisor says of those that wait: their order, and when the first may start.

        ``sessions`` at once, 0 while that is not known; ``next_start`` on the monotonic clock.
        """
        room = not sessions or len(self._live) < sessions
        start_in = None if next_start is None else next_start - self._now
        if room and next_start is not None:
            queue = [job for job in queue if not self._stands_aside(job, next_start)]
        self._dirty |= self._queue.tell(queue, held=held, room=room, start_in=start_in)

    def _stands_aside(self, job: JobId, next_start: float) -> bool:
        """It broke, and may not start that soon: those behind it go first, and it says when."""
        due = self._due.get(job, -math.inf)
        return due > max(next_start, self._now) and self.histories[job].status is Status.RETRYING

    def refill(self, job: JobId, turns: Iterable[Turn]) -> None:
        """Puts turns back into a transcript that were shed from it."""
        self.histories[job].transcript.refill(turns)
        self._dirty.add(job)

    def asked_to_stop(self, job: JobId) -> None:
        """The user cancelled a live job; it says so until it has ended."""
        self._stopping.add(job)
        self._dirty.add(job)

    def forget(self) -> None:
        """All that was reported, to be told it anew; rows, marks and selection stay."""
        for job, history in self.histories.items():
            self.histories[job] = JobHistory(job, history.file)
        self.counts = Counter({Status.QUEUED: len(self.histories)})
        self.heard.clear()
        self._due.clear()
        self._live.clear()
        self._dirty.update(self.histories)
        self._arranged_at = -math.inf  # the time may go back too

    def _new(self, job: JobId, file: str) -> JobHistory:
        history = self.histories[job] = JobHistory(job, file)
        self.counts[history.status] += 1
        self._dirty.add(job)
        if self._arrangement.add(job):
            self._order_changed = True
            self.current = job if self.current is None else self.current
        return history

    def _measure(self, history: JobHistory) -> None:
        self.longest_seconds = max(self.longest_seconds, history.total_seconds)
        self.most_attempts = max(self.most_attempts, history.attempt)

    def _moved(self, history: JobHistory, before: Status) -> None:
        self.counts[before] -= 1
        self.counts[history.status] += 1
        if history.status.live:
            self._live.add(history.job)
        else:
            self._live.discard(history.job)
            self._stopping.discard(history.job)

    def remove(self, jobs: Iterable[JobId]) -> None:
        """Takes rows off the table; nobody sees them any more, until they are put back."""
        gone = [job for job in jobs if job in self.histories]
        row = self.row
        for job in gone:
            history = self._removed[job] = self.histories.pop(job)
            self.counts[history.status] -= 1
            self._live.discard(job)
            self._due.pop(job, None)
        self._arrangement.remove(gone)
        self._settle(row)

    def put_back(self, jobs: Iterable[JobId]) -> None:
        """Undoes `remove`: rows come back to where they were, with their marks."""
        for job in jobs:
            if (history := self._removed.pop(job, None)) is not None:
                self.histories[job] = history
                self.counts[history.status] += 1
                if history.status.live:
                    self._live.add(job)
                self._arrangement.add(job)
        self._rearrange()
        self._settle(0)
        self._return()

    # --- what is so

    @property
    def over(self) -> bool:
        """There are jobs, and nothing more will happen to any of them by itself."""
        return bool(self.histories) and all(
            status.over for status, count in self.counts.items() if count
        )

    @property
    def run(self) -> list[JobHistory]:
        """Every job by its number, those too whose rows were taken off the table."""
        known = [*self.histories.values(), *self._removed.values()]
        return sorted(known, key=lambda history: history.job)

    def take_dirty(self) -> Changes:
        """What changed since the last call."""
        self._rearrange_in_time()
        changes = Changes(frozenset(self._dirty), self._order_changed)
        self._dirty = set()
        self._order_changed = False
        return changes

    @property
    def live(self) -> list[JobHistory]:
        """Jobs that a process is at work on, in the table's order."""
        return [self.histories[job] for job in sorted(self._live, key=self._arrangement.rank)]

    def stopping(self, job: JobId) -> bool:
        """The user asked it to end, and it has not ended yet."""
        return job in self._stopping

    def outlook(self, job: JobId) -> Outlook | None:
        """What a job that waits for its start can expect; None when it does not."""
        return self._queue.of(job)

    def wait(self, job: JobId) -> int:
        """Whole seconds until a further attempt may start; 0 when it only waits for a place."""
        return _seconds(self._due[job] - self._now) if job in self._due else 0

    def snapshot(self, job: JobId) -> JobHistory:
        """A copy that another thread may read while reports go on coming in."""
        history = self.histories[job]
        return replace(
            history,
            warnings=list(history.warnings),
            earlier=list(history.earlier),
            transcript=history.transcript.copy(),
        )


def _seconds(left: float) -> int:
    return max(math.ceil(left), 0)
