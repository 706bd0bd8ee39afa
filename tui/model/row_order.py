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
from workers.jobs.job_state import JobState, JobStatus

SortValue: TypeAlias = float | str | None


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


DESCENDING_COLUMNS = frozenset(
    {Column.PROGRESS, Column.LAG, Column.LEVEL, Column.ATTEMPTS, Column.WORDS}
)
"""Columns whose great values one looks for."""

_STATUS_RANKS = {
    status: place
    for place, status in enumerate(
        (
            JobStatus.FAILED,
            JobStatus.RETRYING,
            JobStatus.CONNECTING,
            JobStatus.STREAMING,
            JobStatus.FINISHING,
            JobStatus.QUEUED,
            JobStatus.INTERRUPTED,
            JobStatus.CANCELLED,
            JobStatus.DONE,
        )
    )
}
"""Trouble first, then what is at work, what waits, what is over."""

_SORT_VALUES: Mapping[Column, Callable[[JobState], SortValue]] = {
    Column.STATE: lambda history: _STATUS_RANKS[history.status],
    Column.FILE: lambda history: metrics.recording_name(history).casefold(),
    Column.PROGRESS: metrics.progress_fraction,
    Column.LEFT: metrics.remaining_s,
    Column.LAG: metrics.lag_ms,
    Column.LEVEL: metrics.peak_level_db,
    Column.ATTEMPTS: lambda history: history.attempt,
}


@dataclass(frozen=True, slots=True)
class Sorting:
    """By what, and from which end."""

    column: Column = Column.QUEUE
    descending: bool = False


class RowOrder:
    """The rows. What has no value to sort by stands at the end, whichever way it is sorted."""

    def __init__(self) -> None:
        self.visible: list[JobId] = []
        self.sorting = Sorting()
        self.filter = Filter()
        self.frozen = False
        self.newcomer_count = 0
        """Jobs that came while it was, and have no row."""
        self.all_jobs: list[JobId] = []
        """Every job, in queue order."""
        self._ranks: dict[JobId, int] = {}
        """Where in the queue a job belongs; its id, until somebody rearranges."""
        self._row_by_job: dict[JobId, int] = {}
        self._rows_valid = True
        """`_rows` is so."""

    @property
    def is_queue_order(self) -> bool:
        """Rows never move by themselves."""
        return self.sorting == Sorting() and not self.filter

    @property
    def row_by_job(self) -> Mapping[JobId, int]:
        """Where each job stands that is shown."""
        if not self._rows_valid:
            self._row_by_job = {job: row for row, job in enumerate(self.visible)}
            self._rows_valid = True
        return self._row_by_job

    def queue_rank(self, job: JobId) -> int:
        """For comparing two jobs by their place in the queue."""
        return self._ranks.get(job, job)

    def add(self, job: JobId) -> bool:
        """A job came; True when it has its row already, else the next `refresh` finds it."""
        bisect.insort(self.all_jobs, job, key=self.queue_rank)
        self.newcomer_count += self.frozen
        if self.frozen or not self.is_queue_order:
            return False
        bisect.insort(self.visible, job, key=self.queue_rank)
        self._rows_valid = False
        return True

    def remove(self, jobs: Iterable[JobId]) -> None:
        """Jobs go, and their rows; their place in the queue is kept for them."""
        gone = frozenset(jobs)
        self.all_jobs = [job for job in self.all_jobs if job not in gone]
        self._set_visible([job for job in self.visible if job not in gone])

    def reorder_queue(self, order: Sequence[JobId]) -> None:
        """These jobs exchange their places in the queue, so that they stand in this order."""
        places = sorted(map(self.queue_rank, order))
        self._ranks |= dict(zip(order, places, strict=True))
        self.all_jobs.sort(key=self.queue_rank)

    def refresh(
        self, job_states: Mapping[JobId, JobState], last_heard_seq: Mapping[JobId, int]
    ) -> bool:
        """Filters and sorts by the values of now; ``last_heard_seq``: when, in any rising numbers.

        True when a row moved, came or went.
        """
        jobs, self.newcomer_count = self.all_jobs, 0
        if self.filter:
            jobs = [job for job in jobs if self.filter.matches(job_states[job])]
        return self._set_visible(self._sorted_jobs(jobs, job_states, last_heard_seq))

    def _sorted_jobs(
        self,
        jobs: Sequence[JobId],
        job_states: Mapping[JobId, JobState],
        last_heard_seq: Mapping[JobId, int],
    ) -> list[JobId]:
        column, descending = self.sorting.column, self.sorting.descending
        if column is Column.QUEUE:
            return list(reversed(jobs) if descending else jobs)
        values: dict[JobId, SortValue]
        if column is Column.WORDS:
            values = {job: last_heard_seq.get(job) for job in jobs}
        else:
            values = {job: _SORT_VALUES[column](job_states[job]) for job in jobs}
        valued = [job for job in jobs if values[job] is not None]
        valued.sort(key=values.__getitem__, reverse=descending)  # type: ignore[arg-type]  # of one kind, and none None
        if column is Column.LAG:  # who is late now is looked for; what is over shows its p99
            valued.sort(key=lambda job: job_states[job].status.is_finished)
        return valued + [job for job in jobs if values[job] is None]

    def _set_visible(self, order: list[JobId]) -> bool:
        if order == self.visible:
            return False
        self.visible, self._rows_valid = order, False
        return True
