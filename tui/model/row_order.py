"""Which jobs the table shows, and where: in the queue's order or sorted, filtered, standing still.

Holds ids only; what it needs to know of the jobs is handed in. Not to be told the time: whoever
owns it says when rows may move.
"""

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from tui.model import metrics
from tui.model.row_filter import Filter
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory, Status

Value: TypeAlias = float | str | None


class Column(Enum):
    """What rows can be sorted by; the value is how it is called."""

    QUEUE = "queue order"
    STATE = "state"
    FILE = "file"
    PROGRESS = "progress"
    LEFT = "time left"
    LAG = "lag"
    LEVEL = "level"
    ATTEMPTS = "attempts"
    WORDS = "newest words"


MOST_FIRST = frozenset({Column.PROGRESS, Column.LAG, Column.LEVEL, Column.ATTEMPTS, Column.WORDS})
"""Columns whose great values one looks for."""

_STATES = {
    status: place
    for place, status in enumerate(
        (
            Status.FAILED,
            Status.RETRYING,
            Status.CONNECTING,
            Status.STREAMING,
            Status.FINISHING,
            Status.QUEUED,
            Status.INTERRUPTED,
            Status.CANCELLED,
            Status.DONE,
        )
    )
}
"""Trouble first, then what is at work, what waits, what is over."""

_VALUES: Mapping[Column, Callable[[JobHistory], Value]] = {
    Column.STATE: lambda history: _STATES[history.status],
    Column.FILE: lambda history: metrics.name(history).casefold(),
    Column.PROGRESS: metrics.share,
    Column.LEFT: metrics.left,
    Column.LAG: metrics.lag_ms,
    Column.LEVEL: metrics.level_db,
    Column.ATTEMPTS: lambda history: history.attempt,
}


@dataclass(frozen=True, slots=True)
class Sorting:
    """By what, and from which end."""

    column: Column = Column.QUEUE
    descending: bool = False


class Arrangement:
    """The rows. What has no value to sort by stands at the end, whichever way it is sorted."""

    def __init__(self) -> None:
        self.order: list[JobId] = []
        self.sorting = Sorting()
        self.filter = Filter()
        self.frozen = False
        self.newcomers = 0
        """Jobs that came while it was, and have no row."""
        self.queue: list[JobId] = []
        """Every job, in queue order."""
        self._ranks: dict[JobId, int] = {}
        """Where in the queue a job belongs; its id, until somebody rearranges."""
        self._rows: dict[JobId, int] = {}
        self._counted = True
        """`_rows` is so."""

    @property
    def plain(self) -> bool:
        """Rows never move by themselves."""
        return self.sorting == Sorting() and not self.filter

    @property
    def rows(self) -> Mapping[JobId, int]:
        """Where each job stands that is shown."""
        if not self._counted:
            self._rows = {job: row for row, job in enumerate(self.order)}
            self._counted = True
        return self._rows

    def rank(self, job: JobId) -> int:
        """For comparing two jobs by their place in the queue."""
        return self._ranks.get(job, job)

    def add(self, job: JobId) -> bool:
        """A job came; True when it has its row already, else the next `renew` finds it."""
        bisect.insort(self.queue, job, key=self.rank)
        self.newcomers += self.frozen
        if self.frozen or not self.plain:
            return False
        bisect.insort(self.order, job, key=self.rank)
        self._counted = False
        return True

    def remove(self, jobs: Iterable[JobId]) -> None:
        """Jobs go, and their rows; their place in the queue is kept for them."""
        gone = frozenset(jobs)
        self.queue = [job for job in self.queue if job not in gone]
        self._show([job for job in self.order if job not in gone])

    def arrange(self, order: Sequence[JobId]) -> None:
        """These jobs exchange their places in the queue, so that they stand in this order."""
        places = sorted(map(self.rank, order))
        self._ranks |= dict(zip(order, places, strict=True))
        self.queue.sort(key=self.rank)

    def renew(self, histories: Mapping[JobId, JobHistory], heard: Mapping[JobId, int]) -> bool:
        """Filters and sorts by the values of now; ``heard``: when, in any rising numbers.

        True when a row moved, came or went.
        """
        jobs, self.newcomers = self.queue, 0
        if self.filter:
            jobs = [job for job in jobs if self.filter.admits(histories[job])]
        return self._show(self._sorted(jobs, histories, heard))

    def _sorted(
        self,
        jobs: Sequence[JobId],
        histories: Mapping[JobId, JobHistory],
        heard: Mapping[JobId, int],
    ) -> list[JobId]:
        column, descending = self.sorting.column, self.sorting.descending
        if column is Column.QUEUE:
            return list(reversed(jobs) if descending else jobs)
        values: dict[JobId, Value]
        if column is Column.WORDS:
            values = {job: heard.get(job) for job in jobs}
        else:
            values = {job: _VALUES[column](histories[job]) for job in jobs}
        valued = [job for job in jobs if values[job] is not None]
        valued.sort(key=values.__getitem__, reverse=descending)  # type: ignore[arg-type]  # of one kind, and none None
        if column is Column.LAG:  # who is late now is looked for; what is over shows its p99
            valued.sort(key=lambda job: histories[job].status.over)
        return valued + [job for job in jobs if values[job] is None]

    def _show(self, order: list[JobId]) -> bool:
        if order == self.order:
            return False
        self.order, self._counted = order, False
        return True
