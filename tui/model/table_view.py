"""The rows of the table: which are shown and where, the current one, the marks.

What the desk knows of each job is in `state`; here is what the user makes of it.
"""

import math
from collections.abc import Iterable, Sequence

from tui.model import row_filter
from tui.model.row_order import MOST_FIRST, Arrangement, Column, Sorting
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory

CALM = 1.0
"""Seconds for which rows stand still at least before live values move them again."""


class Rows:
    """What the user sees of the histories, and what stands ready for the verbs."""

    def __init__(self) -> None:
        self.histories: dict[JobId, JobHistory] = {}
        self.heard: dict[JobId, int] = {}
        """Numbers that rise with each reading of a turn: whose words are newer."""
        self.current: JobId | None = None
        """Always a row that is shown; None when none is."""
        self.marked: set[JobId] = set()
        """Those that are shown."""
        self._marks: set[JobId] = set()
        """Those of rows that are hidden too."""
        self._wanted: JobId | None = None
        """The row that the user went to last; while it is hidden another is the current one."""
        self.reading = False
        """The current job is all that is looked at, so live values must not exchange it."""
        self._arrangement = Arrangement()
        self._arranged_at = -math.inf
        self._stale = False
        """Something changed since the rows were arranged."""
        self._now = 0.0
        self._dirty: set[JobId] = set()
        self._order_changed = False

    # --- what is so

    @property
    def order(self) -> Sequence[JobId]:
        """The rows that are shown."""
        return self._arrangement.order

    @property
    def row(self) -> int:
        """Where the current job stands; 0 when there is none."""
        return 0 if self.current is None else self._arrangement.rows[self.current]

    def row_of(self, job: JobId) -> int | None:
        """Where a job stands in the table; None when it is not shown."""
        return self._arrangement.rows.get(job)

    @property
    def queued_order(self) -> list[JobId]:
        """Jobs that wait for their start, in the table's queue order."""
        return [job for job in self._arrangement.queue if _waits(self.histories[job])]

    @property
    def selected(self) -> JobHistory | None:
        """The history of the current row."""
        return None if self.current is None else self.histories[self.current]

    def targets(self) -> list[JobId]:
        """What a verb acts on: the marked rows, else the current one."""
        if self.marked:
            return [job for job in self.order if job in self.marked]
        return [] if self.current is None else [self.current]

    # --- what the user does to rows

    def move(self, rows: int) -> None:
        """Moves the selection, and stops at the ends."""
        if self.order:
            self.select(self.order[min(max(self.row + rows, 0), len(self.order) - 1)])

    def select(self, job: JobId) -> None:
        """Makes a row the current one; for a job that is hidden the filter is taken away."""
        if self.row_of(job) is None:
            self.filter_by("")
        if self.current is not None:
            self._dirty.add(self.current)
        self.current = self._wanted = job
        self._dirty.add(job)

    def mark(self) -> None:
        """Marks the current row, or takes its mark away, and goes on to the next."""
        if self.current is not None:
            self._exchange_marks({self.current})
            self.move(1)

    def mark_all(self) -> None:
        """Marks every row that is shown; when all are, takes their marks away."""
        shown = set(self.order)
        self._exchange_marks(shown - self.marked or shown)

    def invert_marks(self) -> None:
        """Marks what is shown and was not marked, and nothing else of it."""
        self._exchange_marks(set(self.order))

    def unmark_all(self) -> bool:
        """Takes the marks of all rows that are shown away; False when there was none."""
        there_were = bool(self.marked)
        self._exchange_marks(self.marked)
        return there_were

    def _exchange_marks(self, jobs: set[JobId]) -> None:
        self._dirty |= jobs
        self._marks = self._marks ^ jobs
        self.marked = self.marked ^ jobs

    # --- which rows are shown, and where

    @property
    def sorting(self) -> Sorting:
        """By which column, and from which end."""
        return self._arrangement.sorting

    @property
    def filter_text(self) -> str:
        """The filter as it was typed; empty when there is none."""
        return self._arrangement.filter.text

    @property
    def doubts(self) -> Sequence[str]:
        """What of the filter was not understood, in words."""
        return self._arrangement.filter.doubts

    @property
    def frozen(self) -> bool:
        """Rows stand still, whatever their values do."""
        return self._arrangement.frozen

    @property
    def newcomers(self) -> int:
        """Jobs that came while rows stood still, and have none."""
        return self._arrangement.newcomers

    def sort_by(self, column: Column, *, reverse: bool | None = None) -> None:
        """Sorts the rows; ``reverse``: against the column's own direction.

        Without it, the column that they are sorted by already is turned round.
        """
        usual = column in MOST_FIRST
        if reverse is not None:
            descending = usual ^ reverse
        elif column is self.sorting.column:
            descending = not self.sorting.descending
        else:
            descending = usual
        self._arrangement.sorting = Sorting(column, descending)
        self._rearrange()

    def filter_by(self, text: str) -> None:
        """Shows the rows that `filtering.parsed` admits; empty shows all."""
        if self._wanted not in self.histories:  # nobody was anywhere, or its row was taken off
            self._wanted = self.current
        self._arrangement.filter = row_filter.parsed(text)
        self._rearrange()
        self._return()

    def freeze(self, on: bool) -> None:
        """Rows stand still until they are let go, except for what the user does to them."""
        self._arrangement.frozen = on
        self._order_changed = True
        if not on:
            self._rearrange()

    def shift(self, jobs: Iterable[JobId], by: int) -> list[JobId]:
        """Moves waiting jobs up (-1) or down (+1) among those that wait.

        Gives all that wait, in their new order. Jobs that stand together stay together.
        """
        moved, order = set(jobs), self.queued_order
        if by < 0:
            _lifted(order, moved)
        elif by > 0:
            order.reverse()
            _lifted(order, moved)
            order.reverse()
        self.arrange(order)
        return order

    def arrange(self, order: Sequence[JobId]) -> None:
        """Puts waiting jobs into this order; those that are not named keep their rows."""
        waiting = frozenset(self.queued_order)
        self._arrangement.arrange([*dict.fromkeys(job for job in order if job in waiting)])
        self._rearrange()

    def _rearrange_in_time(self) -> None:
        """Lets live values move rows, but calmly."""
        self._stale |= bool(self._dirty)
        free = not (self._arrangement.plain or self._arrangement.frozen or self.reading)
        if free and self._stale and self._now - self._arranged_at >= CALM:
            self._rearrange()

    def _rearrange(self) -> None:
        row = self.row
        self._arranged_at, self._stale = self._now, False
        if self._arrangement.renew(self.histories, self.heard):
            self._settle(row)

    def _return(self) -> None:
        """The user let rows come back; the one that he had left is the current one again."""
        if self._wanted is not None and self.row_of(self._wanted) is not None:
            self.current = self._wanted
        self._order_changed = True

    def _settle(self, row: int) -> None:
        """Rows moved. The current job stays the current one; if it went, its row does."""
        self._order_changed = True
        rows, order = self._arrangement.rows, self.order
        self.marked = {job for job in self._marks if job in rows}
        if self.current not in rows:
            self.current = order[min(row, len(order) - 1)] if order else None


def _waits(history: JobHistory) -> bool:
    return not history.status.live and not history.status.over


def _lifted(order: list[JobId], jobs: set[JobId]) -> None:
    """Each of the jobs changes places with the one above it, unless that is one of them too."""
    for row in range(1, len(order)):
        if order[row] in jobs and order[row - 1] not in jobs:
            order[row - 1], order[row] = order[row], order[row - 1]
