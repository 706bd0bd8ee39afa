"""Which sessions the wall shows, and on which tile each: plain Python, told the time.

The state's current job is the tile with the cursor. A session keeps its tile for as long as it is
among the chosen ones, and new ones are chosen calmly.
"""

import math
from collections.abc import Mapping

from tui.model.desk_state import DeskState
from tui.model.wall_ranking import DULLNESS, Choosing
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory

CALM = 3.0
"""Seconds between two looks at which sessions are the most interesting."""


class Wall:
    """Tiles in a grid, on as many pages as it takes."""

    def __init__(self, state: DeskState) -> None:
        self.choosing = Choosing.NEWEST
        self.pinned = False
        """No others are chosen until it is not."""
        self.tiles: list[JobId] = []
        """Of the page in view, row by row."""
        self.page = 0
        self.shape = (1, 1)
        """Columns and rows of tiles."""
        self._state = state
        self._ranked: list[JobId] = []
        self._marked: frozenset[JobId] = frozenset()
        self._rows = 0
        self._now = 0.0
        self._due = 0.0

    # --- what is so

    @property
    def count(self) -> int:
        """How many sessions there are on all pages."""
        if self.pinned:
            return len(self._ranked)
        if self.choosing is Choosing.MARKED:
            return len(self._marked.intersection(self._state.order))
        return len(self._state.order)

    @property
    def places(self) -> int:
        """How many of them one page has room for."""
        return self.shape[0] * self.shape[1]

    @property
    def pages(self) -> int:
        """At least one."""
        return max(math.ceil(len(self._ranked) / self.places), 1)

    # --- what happens

    def open(self, now: float) -> None:
        """Somebody is about to look. Marks that were not there the last time decide at what."""
        marked = self._marks()
        if marked and marked != self._marked:
            self.choosing, self.pinned = Choosing.MARKED, False
        elif not marked and self.choosing is Choosing.MARKED:
            self.choosing, self.pinned = Choosing.NEWEST, False
        self._due, self._marked = now, marked
        if not self.pinned:
            self._forget()

    def tick(self, now: float) -> None:
        """Chooses when it is time, and at once when rows came or went."""
        self._now = now
        came_or_went = len(self._state.order) != self._rows
        if now >= self._due or came_or_went or self._state.current not in self.tiles:
            self._choose()

    def fit(self, columns: int, rows: int) -> None:
        """So many tiles there are from now on."""
        if (columns, rows) != self.shape:
            self.shape = columns, rows
            self._hang()

    # --- what the user does

    def choose_next(self) -> None:
        """The next way of choosing."""
        ways = [each for each in Choosing if each is not Choosing.MARKED or self._marks()]
        at = ways.index(self.choosing) if self.choosing in ways else -1
        self.choosing, self.pinned = ways[(at + 1) % len(ways)], False
        self._marked = self._marks()
        self._forget()
        self._choose()

    def pin(self) -> None:
        """These sessions and no others; or no longer."""
        self.pinned = not self.pinned
        self._choose()

    def step(self, columns: int, rows: int) -> None:
        """Moves the cursor, and stops at the edges."""
        if self._state.current not in self.tiles:
            return
        across, down = self.shape
        row, column = divmod(self.tiles.index(self._state.current), across)
        column = min(max(column + columns, 0), across - 1)
        row = min(max(row + rows, 0), down - 1)
        if (place := row * across + column) < len(self.tiles):
            self._visit(self.tiles[place])

    def turn(self, pages: int) -> None:
        """Turns pages; the cursor keeps its place."""
        if not self.tiles:
            return
        current = self._state.current
        place = self.tiles.index(current) if current in self.tiles else 0
        self.page = min(max(self.page + pages, 0), self.pages - 1)
        self.tiles = self._on_page()
        self._visit(self.tiles[min(place, len(self.tiles) - 1)])

    def edge(self, direction: int) -> None:
        """To the very first tile, or the very last."""
        if self._ranked:
            self._visit(self._ranked[0 if direction < 0 else -1])
            self._hang()

    def mark(self) -> None:
        """Marks the cursor's tile, or takes its mark away, and goes on to the next."""
        current = self._state.current
        if current not in self.tiles:
            return
        self._state.mark()
        place = self.tiles.index(current) + 1
        self._visit(self.tiles[min(place, len(self.tiles) - 1)])

    def _visit(self, job: JobId) -> None:
        """To a tile, unless the filter has just hidden its session: to go there would end it."""
        if self._state.row_of(job) is None:
            self._choose()
        else:
            self._state.select(job)

    # --- choosing

    def _marks(self) -> frozenset[JobId]:
        """Of rows that are shown."""
        return frozenset(self._state.marked.intersection(self._state.order))

    def _forget(self) -> None:
        """The next choice is as if nothing had been shown before."""
        self._ranked, self.tiles, self.page = [], [], 0

    def _choose(self) -> None:
        self._due, self._rows = self._now + CALM, len(self._state.order)
        jobs = self._candidates()
        current, before = self._state.current, self._ranked
        ranked = self._pinned(jobs) if self.pinned else self._by_interest(jobs)
        if current in jobs and current in ranked and not self.pinned:
            # Others come and go; the tile that somebody looks at stays, or comes into sight.
            at = ranked.index(current)
            place = before.index(current) if current in before else min(at, self.places - 1)
            ranked.insert(place, ranked.pop(at))
        self._ranked = ranked
        self._hang()

    def _candidates(self) -> Mapping[JobId, JobHistory]:
        """What may be shown, in the table's order."""
        state, only = self._state, self._marked
        if self.choosing is not Choosing.MARKED:
            return {job: state.histories[job] for job in state.order}
        return {job: state.histories[job] for job in state.order if job in only}

    def _pinned(self, jobs: Mapping[JobId, JobHistory]) -> list[JobId]:
        return [job for job in self._ranked if job in jobs]

    def _by_interest(self, jobs: Mapping[JobId, JobHistory]) -> list[JobId]:
        """Those that were before others stay so until the others are clearly of more interest."""
        if self.choosing is Choosing.TABLE:
            return list(jobs)
        kept = {job: None for job in self._ranked if job in jobs}
        ranked = [*kept, *(job for job in jobs if job not in kept)]
        dullness = DULLNESS[self.choosing]
        ranked.sort(key=lambda job: dullness(jobs[job]))
        return ranked

    def _hang(self) -> None:
        """Gives every session of the page a tile, those that have one theirs."""
        current, row_of = self._state.current, self._state.row_of
        self._ranked = [job for job in self._ranked if row_of(job) is not None]  # some just went
        if current in self._ranked:
            self.page = self._ranked.index(current) // self.places
        self.page = min(self.page, self.pages - 1)
        page = self._on_page()
        new = [job for job in page if job not in self.tiles]
        kept = [job if job in page else None for job in self.tiles[: self.places]]
        if len(page) == sum(job is not None for job in kept) + len(new):
            filled = [new.pop(0) if job is None and new else job for job in kept]
            self.tiles = [job for job in filled if job is not None] + new
        else:
            self.tiles = page  # there are fewer tiles now
        if self.tiles and current not in self.tiles:
            self._state.select(self.tiles[0])

    def _on_page(self) -> list[JobId]:
        return self._ranked[self.page * self.places : (self.page + 1) * self.places]
