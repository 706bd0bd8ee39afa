"""The table as the user arranged it: which rows are visible and where, the current row, marks.

What is known of each job is in `desk_state`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tui.model.column_spec import ColumnSpec
from tui.model.row_filter import Filter
from tui.model.row_order import RowOrder, Sorting
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState

MIN_REORDER_INTERVAL_S = 1.0
"""Live values move rows at most once in so many seconds."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What must be redrawn."""

    jobs: frozenset[JobId] = frozenset()
    order_changed: bool = False
    """Rows were added, removed or moved, so any row may be at another place."""


class TableView:
    """Rows, selection and marks over the desk's job states.

    ``job_states`` and ``last_heard_seq`` belong to the desk's state, which changes them;
    ``last_heard_seq`` numbers the jobs by their newest words, in rising order.
    """

    def __init__(
        self, job_states: Mapping[JobId, JobState], last_heard_seq: Mapping[JobId, int]
    ) -> None:
        self._job_states = job_states
        self._last_heard_seq = last_heard_seq
        self.current: JobId | None = None
        """Always a visible row; None when there is none."""
        self.marked: set[JobId] = set()
        """Marked rows that are visible."""
        self._all_marks: set[JobId] = set()
        """Marked rows, hidden ones included."""
        self._last_selected: JobId | None = None
        """The row that the user selected last. While it is hidden, another row is current."""
        self.is_reading = False
        """Only the current job is on the screen, so live values must not replace it."""
        self.changed_jobs: set[JobId] = set()
        """Jobs whose rows must be redrawn; `take_changes` empties it."""
        self._row_order = RowOrder()
        self._order_changed = False
        self._stale = False
        """Some job changed since the rows were last ordered."""
        self._now = 0.0
        self._reordered_at = -math.inf

    # --- rows come and go

    def tick(self, now: float) -> None:
        """Sets the time, in seconds on any monotonic clock."""
        self._now = now

    def add(self, job: JobId) -> None:
        """Gives a new job its row, unless it has to wait for the next `take_changes`."""
        self.changed_jobs.add(job)
        if self._row_order.add(job):
            self._order_changed = True
            self.current = job if self.current is None else self.current

    def remove(self, jobs: Iterable[JobId]) -> None:
        """Removes rows; their places in the queue and their marks are kept for `put_back`."""
        row = self.current_row
        self._row_order.remove(jobs)
        self._repair_selection(row)

    def put_back(self, jobs: Iterable[JobId]) -> None:
        """Returns removed rows to where they were, with their marks."""
        for job in jobs:
            self._row_order.add(job)
        self._reorder()
        self._repair_selection(0)
        self._restore_selection()

    def reset(self) -> None:
        """Every job starts again, and the time may go back; rows, marks and selection stay."""
        self.changed_jobs.update(self._job_states)
        self._reordered_at = -math.inf

    def take_changes(self) -> Changes:
        """Reorders the rows if it is time; returns what changed since the last call."""
        self._stale |= bool(self.changed_jobs)
        free = not (self._row_order.is_queue_order or self._row_order.frozen or self.is_reading)
        if free and self._stale and self._now - self._reordered_at >= MIN_REORDER_INTERVAL_S:
            self._reorder()
        changes = Changes(frozenset(self.changed_jobs), self._order_changed)
        self.changed_jobs, self._order_changed = set(), False
        return changes

    # --- what it shows

    @property
    def visible(self) -> Sequence[JobId]:
        """The visible rows, from the top."""
        return self._row_order.visible

    @property
    def current_row(self) -> int:
        """The row of the current job; 0 when there is none."""
        return 0 if self.current is None else self._row_order.row_by_job[self.current]

    def row_of(self, job: JobId) -> int | None:
        """The row of a job; None when it is hidden."""
        return self._row_order.row_by_job.get(job)

    @property
    def waiting_jobs(self) -> list[JobId]:
        """Jobs that wait for their start, in queue order."""
        return [job for job in self._row_order.all_jobs if _is_waiting(self._job_states[job])]

    @property
    def current_job_state(self) -> JobState | None:
        """The job state of the current row."""
        return None if self.current is None else self._job_states[self.current]

    def targets(self) -> list[JobId]:
        """The jobs that a verb acts on: the marked rows, otherwise the current one."""
        if self.marked:
            return [job for job in self.visible if job in self.marked]
        return [] if self.current is None else [self.current]

    # --- what the user does to rows

    def move(self, rows: int) -> None:
        """Moves the selection by so many rows; it stops at the ends."""
        if self.visible:
            self.select(self.visible[min(max(self.current_row + rows, 0), len(self.visible) - 1)])

    def select(self, job: JobId) -> None:
        """Makes a row the current one; for a hidden job this clears the filter."""
        if self.row_of(job) is None:
            self.filter_by(Filter())
        if self.current is not None:
            self.changed_jobs.add(self.current)
        self.current = self._last_selected = job
        self.changed_jobs.add(job)

    def toggle_mark(self) -> None:
        """Marks or unmarks the current row and moves to the next one."""
        if self.current is not None:
            self._toggle_marks({self.current})
            self.move(1)

    def toggle_all_marks(self) -> None:
        """Marks every visible row; if all are marked, unmarks them."""
        rows = set(self.visible)
        self._toggle_marks(rows - self.marked or rows)

    def invert_marks(self) -> None:
        """Marks the visible rows that were not marked, and unmarks the others."""
        self._toggle_marks(set(self.visible))

    def unmark_all(self) -> bool:
        """Unmarks all visible rows; False if none was marked."""
        had_marks = bool(self.marked)
        self._toggle_marks(self.marked)
        return had_marks

    def _toggle_marks(self, jobs: set[JobId]) -> None:
        self.changed_jobs |= jobs
        self._all_marks = self._all_marks ^ jobs
        self.marked = self.marked ^ jobs

    # --- which rows are visible, in which order

    @property
    def sorting(self) -> Sorting:
        """The column that rows are sorted by, and the direction."""
        return self._row_order.sorting

    @property
    def filter_text(self) -> str:
        """The filter as typed; empty when there is none."""
        return self._row_order.filter.text

    @property
    def filter_problems(self) -> Sequence[str]:
        """A sentence for each term of the filter that was not understood."""
        return self._row_order.filter.problems

    @property
    def frozen(self) -> bool:
        """Rows keep their place although values change."""
        return self._row_order.frozen

    @property
    def newcomer_count(self) -> int:
        """Jobs added while frozen, which have no row yet."""
        return self._row_order.newcomer_count

    def sort_by(self, column: ColumnSpec, *, reverse: bool | None = None) -> None:
        """Sorts the rows; sorting by the same column again reverses the direction.

        ``reverse``: whether to sort against the column's own direction, whatever it was before.
        """
        if reverse is not None:
            descending = column.descending ^ reverse
        elif column is self.sorting.column:
            descending = not self.sorting.descending
        else:
            descending = column.descending
        self._row_order.sorting = Sorting(column, descending)
        self._reorder()

    def filter_by(self, filter: Filter) -> None:
        """Shows only the rows that match; an empty filter shows all."""
        if self._last_selected not in self._job_states:  # nothing selected yet, or removed
            self._last_selected = self.current
        self._row_order.filter = filter
        self._reorder()
        self._restore_selection()

    def set_frozen(self, on: bool) -> None:
        """Freezes the rows: only the user moves them, until this is called with False."""
        self._row_order.frozen = on
        self._order_changed = True
        if not on:
            self._reorder()

    def move_in_queue(self, jobs: Iterable[JobId], by: int) -> list[JobId]:
        """Moves jobs up (-1) or down (+1) among the waiting ones; neighbours stay together.

        Returns all waiting jobs in their new order.
        """
        moved, order = set(jobs), self.waiting_jobs
        if by < 0:
            _move_up(order, moved)
        elif by > 0:
            order.reverse()
            _move_up(order, moved)
            order.reverse()
        self.reorder_queue(order)
        return order

    def reorder_queue(self, order: Sequence[JobId]) -> None:
        """Puts waiting jobs into this order; jobs that are not named keep their rows."""
        waiting = frozenset(self.waiting_jobs)
        self._row_order.reorder_queue([*dict.fromkeys(job for job in order if job in waiting)])
        self._reorder()

    def _reorder(self) -> None:
        row = self.current_row
        self._reordered_at, self._stale = self._now, False
        if self._row_order.refresh(self._job_states, self._last_heard_seq):
            self._repair_selection(row)

    def _restore_selection(self) -> None:
        """Selects the row that the user selected last, if it is visible again."""
        if self._last_selected is not None and self.row_of(self._last_selected) is not None:
            self.current = self._last_selected
        self._order_changed = True

    def _repair_selection(self, row: int) -> None:
        """After rows moved: keeps the current job, or if it is hidden, the job in its row."""
        self._order_changed = True
        rows, order = self._row_order.row_by_job, self.visible
        self.marked = {job for job in self._all_marks if job in rows}
        if self.current not in rows:
            self.current = order[min(row, len(order) - 1)] if order else None


def _is_waiting(job_state: JobState) -> bool:
    return not job_state.status.is_live and not job_state.status.is_finished


def _move_up(order: list[JobId], jobs: set[JobId]) -> None:
    """Swaps each of the jobs with the one above it, unless that one moves too."""
    for row in range(1, len(order)):
        if order[row] in jobs and order[row - 1] not in jobs:
            order[row - 1], order[row] = order[row], order[row - 1]
