"""Which jobs the table shows and in which order: queue order or sorted, filtered, or frozen.

It holds ids only and knows no time: the caller hands in job states and says when rows may move.
"""

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tui.model.column_spec import QUEUE_ORDER, ColumnSpec, SortValue
from tui.model.row_filter import Filter
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState


@dataclass(frozen=True, slots=True)
class Sorting:
    """The column that rows are sorted by, and the direction."""

    column: ColumnSpec = QUEUE_ORDER
    descending: bool = False


class RowOrder:
    """The jobs with a row, in order. Jobs without a value to sort by always come last."""

    def __init__(self) -> None:
        self.visible: list[JobId] = []
        self.sorting = Sorting()
        self.filter = Filter()
        self.frozen = False
        self.newcomer_count = 0
        """Jobs added while frozen, which have no row yet."""
        self.all_jobs: list[JobId] = []
        """Every job, in queue order."""
        self._ranks: dict[JobId, int] = {}
        """Position of each job in the queue; jobs that never moved have their id."""
        self._row_by_job: dict[JobId, int] = {}
        self._rows_valid = True
        """`_row_by_job` matches `visible`."""

    @property
    def is_queue_order(self) -> bool:
        """Rows never move by themselves: neither sorted nor filtered."""
        return self.sorting == Sorting() and not self.filter

    @property
    def row_by_job(self) -> Mapping[JobId, int]:
        """The row of each visible job."""
        if not self._rows_valid:
            self._row_by_job = {job: row for row, job in enumerate(self.visible)}
            self._rows_valid = True
        return self._row_by_job

    def queue_rank(self, job: JobId) -> int:
        """A number to compare two jobs by their position in the queue."""
        return self._ranks.get(job, job)

    def add(self, job: JobId) -> bool:
        """Adds a job; True if it has its row now, otherwise the next `refresh` gives it one."""
        bisect.insort(self.all_jobs, job, key=self.queue_rank)
        self.newcomer_count += self.frozen
        if self.frozen or not self.is_queue_order:
            return False
        bisect.insort(self.visible, job, key=self.queue_rank)
        self._rows_valid = False
        return True

    def remove(self, jobs: Iterable[JobId]) -> None:
        """Removes jobs and their rows; `add` returns them to their position in the queue."""
        removed = frozenset(jobs)
        self.all_jobs = [job for job in self.all_jobs if job not in removed]
        self._set_visible([job for job in self.visible if job not in removed])

    def reorder_queue(self, order: Sequence[JobId]) -> None:
        """Puts these jobs into this order, on the queue positions that they have together."""
        ranks = sorted(map(self.queue_rank, order))
        self._ranks |= dict(zip(order, ranks, strict=True))
        self.all_jobs.sort(key=self.queue_rank)

    def refresh(
        self, job_states: Mapping[JobId, JobState], last_heard_seq: Mapping[JobId, int]
    ) -> bool:
        """Filters and sorts by the current values; True if a row moved, came or went.

        ``last_heard_seq``: for each job, a number that rises with each of its new words.
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
        if column.sort_value is None:
            return list(reversed(jobs) if descending else jobs)
        values: dict[JobId, SortValue] = {
            job: column.sort_value(job_states[job], last_heard_seq.get(job)) for job in jobs
        }
        valued = [job for job in jobs if values[job] is not None]
        valued.sort(key=values.__getitem__, reverse=descending)  # type: ignore[arg-type]  # of one type, and none None
        if column.finished_last:
            valued.sort(key=lambda job: job_states[job].status.is_finished)
        return valued + [job for job in jobs if values[job] is None]

    def _set_visible(self, order: list[JobId]) -> bool:
        if order == self.visible:
            return False
        self.visible, self._rows_valid = order, False
        return True
