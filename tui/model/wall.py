"""Decides which sessions the wall shows, and on which tiles. The caller passes in the time.

The tile with the cursor is the current row of the table. A session keeps its tile while it is on
the page. Ranks are coarse and change at most every `MIN_RERANK_INTERVAL_S`, so tiles rarely move.
"""

import math
from collections.abc import Callable, Mapping
from enum import Enum

from tui.model.desk_state import DeskState
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.pacing.certificate import LAG_TOLERANCE_MS

MIN_RERANK_INTERVAL_S = 3.0
"""Minimum seconds between two rankings of the sessions."""

MAX_TALKING_SILENCE_S, MAX_PAUSE_SILENCE_S = 4.0, 12.0
"""A speaker counts as talking, or as pausing, up to this many seconds of audio after a word."""


class WallRanking(Enum):
    """Which sessions the wall shows first; the value is its label."""

    MARKED = "the marked ones"
    NEWEST_WORDS = "newest words"
    LARGEST_LAG = "largest lag"
    FAILED_FIRST = "failed first"
    TABLE_ORDER = "in table order"


class Wall:
    """A grid of tiles, on one or more pages."""

    def __init__(self, state: DeskState) -> None:
        self.ranking = WallRanking.NEWEST_WORDS
        self.pinned = False
        """Whether the displayed sessions stay the same."""
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
            return len(self._shown_marks.intersection(self._table.visible_jobs))
        return len(self._table.visible_jobs)

    @property
    def tiles_per_page(self) -> int:
        """Number of tiles on one page."""
        return self.grid_size[0] * self.grid_size[1]

    @property
    def page_count(self) -> int:
        """Number of pages, at least one."""
        return max(math.ceil(len(self._ranked_jobs) / self.tiles_per_page), 1)

    def open(self, now: float) -> None:
        """Prepares the wall for display; shows the marked sessions if the marks changed."""
        marked = self._visible_marks()
        if marked and marked != self._shown_marks:
            self.ranking, self.pinned = WallRanking.MARKED, False
        elif not marked and self.ranking is WallRanking.MARKED:
            self.ranking, self.pinned = WallRanking.NEWEST_WORDS, False
        self._next_rank_at, self._shown_marks = now, marked
        if not self.pinned:
            self._reset()

    def tick(self, now: float) -> None:
        """Ranks the sessions if due, and at once if rows were added or removed."""
        self._now = now
        rows_changed = len(self._table.visible_jobs) != self._row_count
        if now >= self._next_rank_at or rows_changed or self._table.current_job not in self.tiles:
            self._rerank()

    def resize(self, columns: int, rows: int) -> None:
        """Sets the size of the grid."""
        if (columns, rows) != self.grid_size:
            self.grid_size = columns, rows
            self._assign_tiles()

    # --- user actions

    def cycle_ranking(self) -> None:
        """Selects the next ranking, and unpins."""
        self._shown_marks = self._visible_marks()
        rankings = list(WallRanking)
        if not self._shown_marks:
            rankings.remove(WallRanking.MARKED)
        index = rankings.index(self.ranking) if self.ranking in rankings else -1
        self.ranking, self.pinned = rankings[(index + 1) % len(rankings)], False
        self._reset()
        self._rerank()

    def toggle_pin(self) -> None:
        """Pins the displayed sessions, or releases them."""
        self.pinned = not self.pinned
        self._rerank()

    def step(self, columns: int, rows: int) -> None:
        """Moves the cursor; it stops at the edges."""
        if self._table.current_job not in self.tiles:
            return
        across, down = self.grid_size
        row, column = divmod(self.tiles.index(self._table.current_job), across)
        column = min(max(column + columns, 0), across - 1)
        row = min(max(row + rows, 0), down - 1)
        if (tile := row * across + column) < len(self.tiles):
            self._select_tile(tile)

    def turn_page(self, pages: int) -> None:
        """Moves by ``pages`` pages; the cursor stays at its position on the page."""
        if not self.tiles:
            return
        current = self._table.current_job
        tile = self.tiles.index(current) if current in self.tiles else 0
        self.page = min(max(self.page + pages, 0), self.page_count - 1)
        self.tiles = self._page_jobs()
        self._select_tile(tile)

    def go_to_edge(self, direction: int) -> None:
        """Moves to the first (-1) or last (1) tile on any page."""
        if self._ranked_jobs:
            self._select_job(self._ranked_jobs[0 if direction < 0 else -1])
            self._assign_tiles()

    def toggle_mark(self) -> None:
        """Marks or unmarks the tile with the cursor and moves to the next one."""
        current = self._table.current_job
        if current in self.tiles:
            self._table.toggle_mark()
            self._select_tile(self.tiles.index(current) + 1)

    def _select_tile(self, tile: int) -> None:
        self._select_job(self.tiles[min(tile, len(self.tiles) - 1)])

    def _select_job(self, job: JobId) -> None:
        if self._table.row_of(job) is None:  # selecting a hidden job would clear the filter
            self._rerank()
        else:
            self._table.select(job)

    # --- ranking

    def _visible_marks(self) -> frozenset[JobId]:
        return frozenset(self._table.marked.intersection(self._table.visible_jobs))

    def _reset(self) -> None:
        """Clears the ranking and the tiles; the next ranking starts from scratch."""
        self._ranked_jobs, self.tiles, self.page = [], [], 0

    def _rerank(self) -> None:
        """Ranks the sessions; those of equal rank keep their order."""
        current, visible, before = (
            self._table.current_job,
            self._table.visible_jobs,
            self._ranked_jobs,
        )
        self._next_rank_at, self._row_count = self._now + MIN_RERANK_INTERVAL_S, len(visible)
        if self.ranking is WallRanking.MARKED:
            visible = [job for job in visible if job in self._shown_marks]
        candidates = dict.fromkeys(visible)
        ranked = [job for job in before if job in candidates]
        if not self.pinned:
            kept = () if self.ranking is WallRanking.TABLE_ORDER else ranked
            rank, states = RANK_FUNCTIONS[self.ranking], self._state.job_states
            ranked = sorted(dict.fromkeys([*kept, *visible]), key=lambda job: rank(states[job]))
            if current in candidates:
                # The current job keeps its position, or is moved onto the first page.
                index, last = ranked.index(current), self.tiles_per_page - 1
                tile = before.index(current) if current in before else min(index, last)
                ranked.insert(tile, ranked.pop(index))
        self._ranked_jobs = ranked
        self._assign_tiles()

    def _assign_tiles(self) -> None:
        """Assigns the jobs of the page to tiles; a job that already has a tile keeps it."""
        current, row_of = self._table.current_job, self._table.row_of
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
            self.tiles = page  # there are fewer tiles than before
        if self.tiles and current not in self.tiles:
            self._table.select(self.tiles[0])

    def _page_jobs(self) -> list[JobId]:
        first = self.page * self.tiles_per_page
        return self._ranked_jobs[first : first + self.tiles_per_page]


# --- ranks: the lowest is shown first


def _words_rank(job_state: JobState) -> int:
    if job_state.status is JobStatus.RETRYING:
        return 4
    if not job_state.status.is_live:
        return 6 if job_state.status is JobStatus.QUEUED else 5
    latest = job_state.transcript.latest_line
    if latest is None:
        return 3
    if latest.end_ms is None:
        return 2
    silence_s = job_state.sent_seconds - latest.end_ms / 1000
    return 0 if silence_s < MAX_TALKING_SILENCE_S else 1 if silence_s < MAX_PAUSE_SILENCE_S else 2


def _lag_rank(job_state: JobState) -> int:
    """Larger lags rank first, in steps of doublings; all lags within the tolerance rank equally."""
    if job_state.lag is None or not job_state.status.is_live:
        return 2 if job_state.status is JobStatus.QUEUED else 1
    ratio = job_state.lag.now / LAG_TOLERANCE_MS
    return -math.ceil(math.log2(ratio)) if ratio > 1 else 0


def _trouble_rank(job_state: JobState) -> int:
    if job_state.status is JobStatus.FAILED:
        return 0
    if job_state.status is JobStatus.RETRYING:
        return 1
    if job_state.status.is_live:
        return 2 if job_state.attempt > 1 or job_state.slips or job_state.warnings else 3
    return 4 if job_state.status is JobStatus.QUEUED else 5


RANK_FUNCTIONS: Mapping[WallRanking, Callable[[JobState], int]] = {
    WallRanking.MARKED: lambda _: 0,
    WallRanking.NEWEST_WORDS: _words_rank,
    WallRanking.LARGEST_LAG: _lag_rank,
    WallRanking.FAILED_FIRST: _trouble_rank,
    WallRanking.TABLE_ORDER: lambda _: 0,
}
