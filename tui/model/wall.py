"""Which sessions the wall shows, and on which tiles. Plain Python; the caller passes the time.

The current row of the table is the tile with the cursor. A session keeps its tile as long as it is
on the page, and the choice changes at most every `MIN_RERANK_INTERVAL_S`.
"""

import math
from collections.abc import Mapping

from tui.model.desk_state import DeskState
from tui.model.wall_ranking import RANK_FUNCTIONS, WallRanking
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState

MIN_RERANK_INTERVAL_S = 3.0
"""Seconds between two rankings of the sessions."""


class Wall:
    """A grid of tiles, on one or more pages."""

    def __init__(self, state: DeskState) -> None:
        self.ranking = WallRanking.NEWEST_WORDS
        self.pinned = False
        """Whether the choice of sessions is fixed."""
        self.tiles: list[JobId] = []
        """The jobs of the current page, row by row."""
        self.page = 0
        self.grid_size = (1, 1)
        """Columns and rows of tiles."""
        self._state = state
        self._table = state.table
        self._ranked_jobs: list[JobId] = []
        self._shown_marks: frozenset[JobId] = frozenset()
        self._row_count = 0
        self._now = 0.0
        self._next_rank_at = 0.0

    @property
    def session_count(self) -> int:
        """Number of sessions on all pages."""
        if self.pinned:
            return len(self._ranked_jobs)
        if self.ranking is WallRanking.MARKED:
            return len(self._shown_marks.intersection(self._table.visible))
        return len(self._table.visible)

    @property
    def tiles_per_page(self) -> int:
        """Number of tiles of one page."""
        return self.grid_size[0] * self.grid_size[1]

    @property
    def page_count(self) -> int:
        """At least one."""
        return max(math.ceil(len(self._ranked_jobs) / self.tiles_per_page), 1)

    # --- what happens

    def open(self, now: float) -> None:
        """Prepares the wall for being shown. If the marks changed, it shows the marked sessions."""
        marked = self._visible_marks()
        if marked and marked != self._shown_marks:
            self.ranking, self.pinned = WallRanking.MARKED, False
        elif not marked and self.ranking is WallRanking.MARKED:
            self.ranking, self.pinned = WallRanking.NEWEST_WORDS, False
        self._next_rank_at, self._shown_marks = now, marked
        if not self.pinned:
            self._reset()

    def tick(self, now: float) -> None:
        """Ranks the sessions when due, and at once when rows were added or removed."""
        self._now = now
        rows_changed = len(self._table.visible) != self._row_count
        if now >= self._next_rank_at or rows_changed or self._table.current not in self.tiles:
            self._rerank()

    def resize(self, columns: int, rows: int) -> None:
        """Sets the size of the grid."""
        if (columns, rows) != self.grid_size:
            self.grid_size = columns, rows
            self._assign_tiles()

    # --- what the user does

    def cycle_ranking(self) -> None:
        """Selects the next ranking."""
        marked = self._visible_marks()
        rankings = [way for way in WallRanking if marked or way is not WallRanking.MARKED]
        index = rankings.index(self.ranking) if self.ranking in rankings else -1
        self.ranking, self.pinned = rankings[(index + 1) % len(rankings)], False
        self._shown_marks = self._visible_marks()
        self._reset()
        self._rerank()

    def toggle_pin(self) -> None:
        """Fixes the choice of sessions, or releases it."""
        self.pinned = not self.pinned
        self._rerank()

    def step(self, columns: int, rows: int) -> None:
        """Moves the cursor; it stops at the edges."""
        if self._table.current not in self.tiles:
            return
        across, down = self.grid_size
        row, column = divmod(self.tiles.index(self._table.current), across)
        column = min(max(column + columns, 0), across - 1)
        row = min(max(row + rows, 0), down - 1)
        if (place := row * across + column) < len(self.tiles):
            self._select_tile(self.tiles[place])

    def turn_page(self, pages: int) -> None:
        """Turns pages; the cursor stays at its tile."""
        if not self.tiles:
            return
        current = self._table.current
        place = self.tiles.index(current) if current in self.tiles else 0
        self.page = min(max(self.page + pages, 0), self.page_count - 1)
        self.tiles = self._page_jobs()
        self._select_tile(self.tiles[min(place, len(self.tiles) - 1)])

    def go_to_edge(self, direction: int) -> None:
        """Goes to the first tile of all pages (-1), or the last (1)."""
        if self._ranked_jobs:
            self._select_tile(self._ranked_jobs[0 if direction < 0 else -1])
            self._assign_tiles()

    def toggle_mark(self) -> None:
        """Toggles the mark of the current tile and goes to the next one."""
        current = self._table.current
        if current not in self.tiles:
            return
        self._table.toggle_mark()
        place = self.tiles.index(current) + 1
        self._select_tile(self.tiles[min(place, len(self.tiles) - 1)])

    def _select_tile(self, job: JobId) -> None:
        """Selects a job unless the filter has just hidden it: selecting it would end the filter."""
        if self._table.row_of(job) is None:
            self._rerank()
        else:
            self._table.select(job)

    # --- choosing

    def _visible_marks(self) -> frozenset[JobId]:
        """Marked rows that are visible."""
        return frozenset(self._table.marked.intersection(self._table.visible))

    def _reset(self) -> None:
        """Forgets the ranking, so that the next one starts afresh."""
        self._ranked_jobs, self.tiles, self.page = [], [], 0

    def _rerank(self) -> None:
        self._next_rank_at, self._row_count = (
            self._now + MIN_RERANK_INTERVAL_S,
            len(self._table.visible),
        )
        jobs = self._candidates()
        current, before = self._table.current, self._ranked_jobs
        ranked = self._pinned_order(jobs) if self.pinned else self._interest_order(jobs)
        if current in jobs and current in ranked and not self.pinned:
            # The current tile keeps its position, or comes into view.
            at = ranked.index(current)
            place = before.index(current) if current in before else min(at, self.tiles_per_page - 1)
            ranked.insert(place, ranked.pop(at))
        self._ranked_jobs = ranked
        self._assign_tiles()

    def _candidates(self) -> Mapping[JobId, JobState]:
        """The jobs that may be shown, in the order of the table."""
        state, only = self._state, self._shown_marks
        if self.ranking is not WallRanking.MARKED:
            return {job: state.job_states[job] for job in self._table.visible}
        return {job: state.job_states[job] for job in self._table.visible if job in only}

    def _pinned_order(self, jobs: Mapping[JobId, JobState]) -> list[JobId]:
        return [job for job in self._ranked_jobs if job in jobs]

    def _interest_order(self, jobs: Mapping[JobId, JobState]) -> list[JobId]:
        """Ranks the jobs; the sort is stable, so equal jobs keep their order."""
        if self.ranking is WallRanking.TABLE_ORDER:
            return list(jobs)
        kept = {job: None for job in self._ranked_jobs if job in jobs}
        ranked = [*kept, *(job for job in jobs if job not in kept)]
        dullness = RANK_FUNCTIONS[self.ranking]
        ranked.sort(key=lambda job: dullness(jobs[job]))
        return ranked

    def _assign_tiles(self) -> None:
        """Assigns the jobs of the page to tiles; jobs that have a tile keep it."""
        current, row_of = self._table.current, self._table.row_of
        self._ranked_jobs = [job for job in self._ranked_jobs if row_of(job) is not None]
        if current in self._ranked_jobs:
            self.page = self._ranked_jobs.index(current) // self.tiles_per_page
        self.page = min(self.page, self.page_count - 1)
        page = self._page_jobs()
        new = [job for job in page if job not in self.tiles]
        kept = [job if job in page else None for job in self.tiles[: self.tiles_per_page]]
        if len(page) == sum(job is not None for job in kept) + len(new):
            filled = [new.pop(0) if job is None and new else job for job in kept]
            self.tiles = [job for job in filled if job is not None] + new
        else:
            self.tiles = page  # the grid became smaller
        if self.tiles and current not in self.tiles:
            self._table.select(self.tiles[0])

    def _page_jobs(self) -> list[JobId]:
        return self._ranked_jobs[
            self.page * self.tiles_per_page : (self.page + 1) * self.tiles_per_page
        ]
