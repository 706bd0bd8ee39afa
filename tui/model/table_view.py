"""The table as the user arranged it: visible rows, their order, the current row, and marks.

The state of each job is in `desk_state`.
"""

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.model.column_spec import ColumnSpec, Sorting, SortValue
from tui.model.row_filter import Filter
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState

if TYPE_CHECKING:  # loaded with the first score
    from workers.evaluation.desk_figures import JobFigures

MIN_REORDER_INTERVAL_S = 1.0
"""Live values reorder the rows at most once in this many seconds."""

MAX_REORDERED_ROWS_PER_S = 5000
"""With more rows than this they do so less often: 20,000 rows take some 50 ms."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What must be redrawn."""

    jobs: frozenset[JobId] = frozenset()
    order_changed: bool = False
    """Rows were added, removed or moved, so every row must be redrawn."""
    reported: frozenset[JobId] = frozenset()
    """Those of the jobs that only reports of their sessions have changed."""
    ticked: bool = False
    """Whether there was a tick since the last changes, rather than only a key."""


class TableView:
    """Rows, selection and marks of the table.

    ``job_states`` and ``last_heard_seq`` are owned and changed by `DeskState`;
    ``last_heard_seq`` has the sequence number of each job's last turn update.
    """

    def __init__(
        self,
        job_states: Mapping[JobId, JobState],
        last_heard_seq: Mapping[JobId, int],
        half_states: Mapping[JobId, JobState] | None = None,
        figures: "Mapping[JobId, JobFigures] | None" = None,
    ) -> None:
        """``half_states``: the halves of pairs, which `DeskState` owns too. ``figures``: the scores
        of jobs."""
        self._figures = {} if figures is None else figures
        self._job_states = job_states
        self._half_states = {} if half_states is None else half_states
        self._last_heard_seq = last_heard_seq
        self.visible: list[JobId] = []
        """The visible rows, from the top. An unfolded pair is followed by its two halves."""
        self.unfolded: set[JobId] = set()
        """The pairs whose halves have rows of their own."""
        self.sorting = Sorting()
        self.filter = Filter()
        self.frozen = False
        """Whether rows stay in place when values change."""
        self.newcomer_count = 0
        """Jobs added while frozen, which have no row yet."""
        self.current: JobId | None = None
        """The current job, always a visible row; None if no row is visible."""
        self.marked: set[JobId] = set()
        """Visible marked jobs."""
        self.is_reading = False
        """Whether only the current job is shown, so that live values must not replace it."""
        self.changed_jobs: set[JobId] = set()
        """Jobs whose rows must be redrawn; `take_changes` empties it."""
        self.reported_jobs: set[JobId] = set()
        """Jobs that reports have changed; `take_changes` empties it too."""
        self._all_marks: set[JobId] = set()
        """All marked jobs, including hidden ones."""
        self._last_selected: JobId | None = None
        """The job that the user selected last. While it is hidden, another one is current."""
        self._all_jobs: list[JobId] = []
        """Every job, in queue order."""
        self._ranks: dict[JobId, int] = {}
        """Position of each job in the queue; a job that was never moved has its id as position."""
        self._row_by_job: dict[JobId, int] | None = {}
        """The row of each visible job; None from a change of `visible` until the next lookup."""
        self._order_changed = False
        self._stale = False
        """Whether a job changed since the rows were last ordered."""
        self._now = 0.0
        self._ticked = False
        self._reordered_at = -math.inf

    # --- adding and removing rows

    def tick(self, now: float) -> None:
        """Sets the current time, in seconds on any monotonic clock."""
        self._now, self._ticked = now, True

    def add(self, job: JobId) -> None:
        """Adds a row for a new job, now or in the next `take_changes`."""
        self.changed_jobs.add(job)
        self._insert(self._all_jobs, job)
        if self.frozen:
            self.newcomer_count += 1
        elif self._is_queue_order():
            self._insert(self.visible, job)
            self._row_by_job, self._order_changed = None, True
            self.current = job if self.current is None else self.current

    def remove(self, jobs: Iterable[JobId]) -> None:
        """Removes rows; keeps their queue positions and marks for `put_back`."""
        removed = frozenset(jobs)
        self._all_jobs = [job for job in self._all_jobs if job not in removed]
        self._set_visible([job for job in self.visible_jobs if job not in removed])

    def put_back(self, jobs: Iterable[JobId]) -> None:
        """Restores removed rows at their former places, with their marks."""
        for job in jobs:
            bisect.insort(self._all_jobs, job, key=self._queue_rank)
        self._reorder()
        self._restore_selection()

    def reset(self) -> None:
        """Resets after a replay replaced all job states; keeps rows, marks and selection."""
        self.changed_jobs.update(self._job_states)
        self._reordered_at = -math.inf

    def take_changes(self) -> Changes:
        """Reorders the rows if due; returns what changed since the last call."""
        self._stale |= bool(self.changed_jobs or self.reported_jobs)
        free = not (self._is_queue_order() or self.frozen or self.is_reading)
        interval_s = max(MIN_REORDER_INTERVAL_S, len(self._all_jobs) / MAX_REORDERED_ROWS_PER_S)
        if free and self._stale and self._now - self._reordered_at >= interval_s:
            self._reorder()
        reported = frozenset(self.reported_jobs - self.changed_jobs)
        changed = reported | self.changed_jobs
        changes = Changes(changed, self._order_changed, reported, self._ticked)
        self.changed_jobs, self.reported_jobs = set(), set()
        self._order_changed = self._ticked = False
        return changes

    # --- queries

    @property
    def current_row(self) -> int:
        """The row of the current job; 0 if there is none."""
        return 0 if self.current is None else self._rows()[self.current]

    def row_of(self, job: JobId) -> int | None:
        """The row of a job; None if it is hidden."""
        return self._rows().get(job)

    def _rows(self) -> Mapping[JobId, int]:
        if self._row_by_job is None:
            self._row_by_job = {job: row for row, job in enumerate(self.visible)}
        return self._row_by_job

    @property
    def waiting_jobs(self) -> list[JobId]:
        """Jobs that wait to start, in queue order."""
        return [job for job in self._all_jobs if self._job_states[job].status.is_waiting]

    @property
    def visible_jobs(self) -> list[JobId]:
        """The jobs and pairs of the visible rows, without rows of halves."""
        if not self.unfolded:
            return self.visible
        return [job for job in self.visible if job not in self._half_states]

    def job_of(self, row: JobId) -> JobId:
        """The job of a row; for half of a pair, the pair."""
        state = self._half_states.get(row)
        return row if state is None or state.half is None else state.half.pair_id

    @property
    def current_job(self) -> JobId | None:
        """The job of the current row; for half of a pair, the pair."""
        return None if self.current is None else self.job_of(self.current)

    @property
    def current_job_state(self) -> JobState | None:
        """The job state of the current row, which may be half of a pair."""
        if self.current is None:
            return None
        return self._half_states.get(self.current) or self._job_states[self.current]

    def targets(self) -> list[JobId]:
        """The jobs that a verb acts on: the marked rows, otherwise the current one. A verb acts on
        both halves of a pair."""
        if self.marked:
            return [job for job in self.visible if job in self.marked]
        return [] if self.current_job is None else [self.current_job]

    def toggle_fold(self, pairs: Iterable[JobId]) -> None:
        """Unfolds pairs to rows of their halves; if all are unfolded, folds them."""
        chosen = set(pairs)
        unfold = bool(chosen - self.unfolded)
        if not unfold and self.current is not None:
            self.current = self.job_of(self.current)
        jobs = self.visible_jobs
        self.unfolded = self.unfolded | chosen if unfold else self.unfolded - chosen
        self.changed_jobs |= chosen
        self._set_visible(jobs)

    # --- selecting and marking rows

    def move(self, rows: int) -> None:
        """Moves the selection by ``rows``; it stops at the first and last row."""
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
        if self.current_job is not None:
            self._toggle_marks({self.current_job})
            self.move(1)

    def toggle_all_marks(self) -> None:
        """Marks every visible row; if all are marked, unmarks them."""
        rows = set(self.visible_jobs)
        self._toggle_marks(rows - self.marked or rows)

    def invert_marks(self) -> None:
        """Marks the visible rows that were not marked, and unmarks the others."""
        self._toggle_marks(set(self.visible_jobs))

    def unmark_all(self) -> bool:
        """Unmarks all visible rows; False if none was marked."""
        had_marks = bool(self.marked)
        self._toggle_marks(self.marked)
        return had_marks

    def _toggle_marks(self, jobs: set[JobId]) -> None:
        self.changed_jobs |= jobs
        self._all_marks = self._all_marks ^ jobs
        self.marked = self.marked ^ jobs

    # --- sorting and filtering

    def sort_by(self, column: ColumnSpec, *, reverse: bool | None = None) -> None:
        """Sorts the rows; repeating the current column reverses the direction.

        ``reverse``: whether to reverse the column's initial direction; None: as described above.
        """
        if reverse is not None:
            descending = column.descending ^ reverse
        elif column is self.sorting.column:
            descending = not self.sorting.descending
        else:
            descending = column.descending
        self.sorting = Sorting(column, descending)
        self._reorder()

    def filter_by(self, filter: Filter) -> None:
        """Shows only the rows that match; an empty filter shows all."""
        if self._last_selected not in self._job_states:  # none yet, or it was removed
            self._last_selected = self.current
        self.filter = filter
        self._reorder()
        self._restore_selection()

    def set_frozen(self, on: bool) -> None:
        """Freezes or releases the rows; while they are frozen, only the user moves them."""
        self.frozen, self._order_changed = on, True
        if not on:
            self._reorder()

    def move_in_queue(self, jobs: Iterable[JobId], by: int) -> list[JobId]:
        """Moves jobs up (-1) or down (+1) in the queue; adjacent jobs stay together.

        Returns all waiting jobs in their new order.
        """
        moved, direction = set(jobs), 1 if by < 0 else -1
        order = self.waiting_jobs[::direction]
        for row in range(1, len(order)):
            if order[row] in moved and order[row - 1] not in moved:
                order[row - 1], order[row] = order[row], order[row - 1]
        order = order[::direction]
        self.reorder_queue(order)
        return order

    def reorder_queue(self, order: Sequence[JobId]) -> None:
        """Puts waiting jobs into this order, using the positions that they have now.

        Jobs that are not in ``order`` keep their positions.
        """
        waiting = frozenset(self.waiting_jobs)
        moved = [*dict.fromkeys(job for job in order if job in waiting)]
        self._ranks |= dict(zip(moved, sorted(map(self._queue_rank, moved)), strict=True))
        self._all_jobs.sort(key=self._queue_rank)
        self._reorder()

    def _insert(self, jobs: list[JobId], job: JobId) -> None:
        """Inserts a job into a list in queue order; most are added at the end."""
        if not jobs or self._queue_rank(jobs[-1]) < self._queue_rank(job):
            jobs.append(job)
        else:
            bisect.insort(jobs, job, key=self._queue_rank)

    def _is_queue_order(self) -> bool:
        """Whether rows are neither sorted nor filtered, so that values do not move them."""
        return self.sorting == Sorting() and not self.filter

    def _queue_rank(self, job: JobId) -> int:
        job = self.job_of(job)  # the halves of a pair stay below it
        return self._ranks.get(job, job)

    def _reorder(self) -> None:
        """Filters and sorts by the current values. Jobs without a value come last."""
        self._reordered_at, self._stale, self.newcomer_count = self._now, False, 0
        states, column, descending = self._job_states, self.sorting.column, self.sorting.descending
        matches, figures = self.filter.matches, self._figures
        order = [job for job in self._all_jobs if matches(states[job], figures.get(job))]
        if column.is_queue_order:
            order = order[::-1] if descending else order
        else:
            values: dict[JobId, SortValue] = {
                job: column.value(states[job], self._last_heard_seq.get(job), figures.get(job))
                for job in order
            }
            valued = [job for job in order if values[job] is not None]
            valued.sort(key=values.__getitem__, reverse=descending)  # type: ignore[arg-type]  # of one type, and none None
            if column.finished_last:
                valued.sort(key=lambda job: states[job].status.is_finished)
            order = valued + [job for job in order if values[job] is None]
        if order != self.visible_jobs:
            self._set_visible(order)

    def _set_visible(self, order: list[JobId]) -> None:
        """Replaces the rows; keeps the current job, or selects the job now in its row."""
        row = self.current_row
        self.visible = [row for job in order for row in (job, *self._half_rows(job))]
        self._row_by_job, self._order_changed = None, True
        rows, visible = self._rows(), self.visible
        self.marked = {job for job in self._all_marks if job in rows}
        if self.current not in rows:
            self.current = visible[min(row, len(visible) - 1)] if visible else None

    def _half_rows(self, job: JobId) -> Iterable[JobId]:
        if job not in self.unfolded or not isinstance(pair := self._job_states[job], PairState):
            return ()
        return (half.job for half in pair.halves)

    def _restore_selection(self) -> None:
        """Selects the row that the user selected last, if it is visible again."""
        if self._last_selected is not None and self.row_of(self._last_selected) is not None:
            self.current = self._last_selected
        self._order_changed = True
