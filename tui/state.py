"""What the desk knows: histories by job, their order, the selection, the marks, and what changed.

Plain Python, fed by reports and told the time. It knows no widget and no clock; only one thread
may call.
"""

import bisect
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from workers.events import Report
from workers.history import JobHistory, Status
from workers.jobs import JobId
from workers.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be drawn again."""

    jobs: frozenset[JobId] = frozenset()
    order: bool = False
    """Rows came, so every row may stand elsewhere."""


class DeskState:
    """The desk's memory."""

    def __init__(self) -> None:
        self.histories: dict[JobId, JobHistory] = {}
        self.order: list[JobId] = []
        self.current: JobId | None = None
        self.marked: set[JobId] = set()
        self.counts: Counter[Status] = Counter()
        self.longest_seconds = 0.0
        self._now = 0.0
        self._due: dict[JobId, float] = {}
        """When a further attempt may start at the earliest, of jobs that await one."""
        self._live: set[JobId] = set()
        self._stopping: set[JobId] = set()
        self._dirty: set[JobId] = set()
        self._order_changed = False

    # --- facts come in

    def tick(self, now: float) -> None:
        """The time, on a monotonic clock. Rows that count down change with every second."""
        for job, due in self._due.items():
            if _seconds(due - now) != _seconds(due - self._now):
                self._dirty.add(job)
        self._now = now

    def apply(self, report: Report) -> None:
        """Takes one report in."""
        history = self.histories.get(report.job) or self._new(report.job, report.file)
        before = history.status
        history.apply(report)
        self._moved(history, before)
        if history.retrying is None:
            self._due.pop(report.job, None)
        elif history.retrying is report.event:
            self._due[report.job] = self._now + history.retrying.in_seconds
        self.longest_seconds = max(self.longest_seconds, history.total_seconds)
        self._dirty.add(report.job)

    def remember(self, histories: Iterable[JobHistory]) -> None:
        """Takes over what became of jobs before the desk was opened."""
        for history in histories:
            self.histories[history.job] = history
            bisect.insort(self.order, history.job)
            self.counts[history.status] += 1
            self.longest_seconds = max(self.longest_seconds, history.total_seconds)
            if self.current is None or not history.finished:
                self.current = min(self.current or history.job, history.job)
        self._order_changed = True

    def expect(self, jobs: Iterable[JobId], files: Iterable[str]) -> None:
        """Shows jobs that were added before anything was reported of them."""
        for job, file in zip(jobs, files, strict=True):
            if job not in self.histories:
                self._new(job, file)

    def asked_to_stop(self, job: JobId) -> None:
        """The user cancelled a live job; it says so until it has ended."""
        self._stopping.add(job)
        self._dirty.add(job)

    def _new(self, job: JobId, file: str) -> JobHistory:
        history = self.histories[job] = JobHistory(job, file)
        bisect.insort(self.order, job)  # reports may overtake each other; ids count in queue order
        self.counts[history.status] += 1
        self._order_changed = True
        self._dirty.add(job)
        if self.current is None:
            self.current = job
        return history

    def _moved(self, history: JobHistory, before: Status) -> None:
        if history.status is before:
            return
        self.counts[before] -= 1
        self.counts[history.status] += 1
        if history.status.live:
            self._live.add(history.job)
        else:
            self._live.discard(history.job)
            self._stopping.discard(history.job)

    # --- what is so

    def take_dirty(self) -> Changes:
        """What changed since the last call."""
        changes = Changes(frozenset(self._dirty), self._order_changed)
        self._dirty = set()
        self._order_changed = False
        return changes

    @property
    def selected(self) -> JobHistory | None:
        """The history of the current row."""
        return None if self.current is None else self.histories[self.current]

    @property
    def row(self) -> int:
        """Where the current job stands; 0 when there is none."""
        return 0 if self.current is None else self.row_of(self.current)

    def row_of(self, job: JobId) -> int:
        """Where a job stands in the table."""
        return bisect.bisect_left(self.order, job)

    @property
    def live(self) -> list[JobHistory]:
        """Jobs that a process is at work on, in the table's order."""
        return [self.histories[job] for job in sorted(self._live)]

    @property
    def worst_lag_ms(self) -> float | None:
        """Of the chunks sent last, over all streaming sessions; None when there is none."""
        streaming = (self.histories[job] for job in self._live)
        return max(
            (each.lag.now for each in streaming if each.lag and each.status is Status.STREAMING),
            default=None,
        )

    def stopping(self, job: JobId) -> bool:
        """The user asked it to end, and it has not ended yet."""
        return job in self._stopping

    def wait(self, job: JobId) -> int:
        """Whole seconds until a further attempt may start; 0 when it only waits for a place."""
        return _seconds(self._due[job] - self._now) if job in self._due else 0

    def targets(self) -> list[JobId]:
        """What a verb acts on: the marked rows, else the current one."""
        if self.marked:
            return sorted(self.marked)
        return [] if self.current is None else [self.current]

    def snapshot(self, job: JobId) -> JobHistory:
        """A copy that another thread may read while reports go on coming in."""
        history = self.histories[job]
        return replace(
            history,
            warnings=list(history.warnings),
            earlier=list(history.earlier),
            transcript=Transcript(history.transcript.turns, history.transcript.seams),
        )

    # --- what the user does

    def move(self, rows: int) -> None:
        """Moves the selection, and stops at the ends."""
        if self.order:
            self.select(self.order[min(max(self.row + rows, 0), len(self.order) - 1)])

    def select(self, job: JobId) -> None:
        """Makes a row the current one."""
        if self.current is not None:
            self._dirty.add(self.current)
        self.current = job
        self._dirty.add(job)

    def mark(self) -> None:
        """Marks the current row, or takes its mark away, and goes on to the next."""
        if self.current is None:
            return
        self.marked ^= {self.current}
        self._dirty.add(self.current)
        self.move(1)

    def unmark_all(self) -> bool:
        """Takes every mark away; False when there was none."""
        there_were = bool(self.marked)
        self._dirty |= self.marked
        self.marked = set()
        return there_were


def _seconds(left: float) -> int:
    return max(math.ceil(left), 0)
