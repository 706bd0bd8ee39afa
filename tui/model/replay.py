"""Playing a run again: where its clock stands, how fast it goes, and what the desk is told by then.

Plain Python, told the time. To the desk it is a supervisor under which nothing can be steered.
"""

import queue
from collections.abc import Callable, Iterable, Sequence
from math import inf

from tui.model.desk_state import DeskState
from tui.model.totals import at_once
from tui.render.replay_bar import Scrub
from workers.jobs.events import Report, Retrying
from workers.jobs.job import JobId
from workers.protocol.messages import UpdateConfiguration
from workers.runs.timeline import Chronicle

SPEEDS = (1, 4, 16)

HAIR = 1e-6
"""Seconds by which sums of moments may differ that are the same."""

BEFORE = -1.0
"""A moment at which nothing has happened yet."""


class Playback:
    """At first it stands at the end: the run as it came out."""

    def __init__(self, chronicle: Chronicle) -> None:
        self.chronicle = chronicle
        self.at = chronicle.length
        """Seconds on the run's clock."""
        self.playing = False
        self.speed = SPEEDS[0]
        """So many times as fast as it was."""
        self._told = BEFORE
        """Up to where the desk has been told."""
        self._looked = 0.0
        """The time, when it was told last."""
        self.reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        """Nothing comes in here: `show` tells it all."""
        self.queue: Sequence[JobId] = []
        """In the order in which they did start; behind them those that never did."""

    @property
    def length(self) -> float:
        """Seconds from the beginning to the end."""
        return self.chronicle.length

    # --- what the user does

    def play(self, now: float) -> None:
        """Plays on, or stops; at the end, from the beginning."""
        self._go_on(now)
        self.playing = not self.playing
        if self.playing and self.at >= self.length:
            self.at = 0.0

    def faster(self, steps: int) -> None:
        """To the speed so many steps further up, or down."""
        step = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[min(max(step, 0), len(SPEEDS) - 1)]

    def skip(self, seconds: float) -> None:
        """On or back."""
        self.go_to(self.at + seconds)

    def go_to(self, at: float) -> None:
        """To a moment, as far as there is one."""
        self.at = min(max(at, 0.0), self.length)

    # --- what is seen

    @property
    def scrub(self) -> Scrub:
        """Where it stands."""
        wall = self.chronicle.wall(self.at)
        troubles = self.chronicle.troubles
        return Scrub(self.at, self.length, self.playing, self.speed, wall, troubles)

    def into(self, job: JobId, attempt: int) -> float:
        """How far an attempt was by then, in seconds on its own clock; below 0: not begun."""
        return self.at - self.chronicle.begun.get((job, attempt), inf) + HAIR

    def show(self, state: DeskState, now: float) -> None:
        """Tells the desk all that had happened by now; if that is less than it knows, anew."""
        self._go_on(now)
        if self._told == BEFORE:
            jobs, files = (
                zip(*self.chronicle.files, strict=True) if self.chronicle.files else ((), ())
            )
            state.expect(jobs, files)
        if self.at < self._told:
            state.forget()
            self._told = BEFORE
        for at, report in self.chronicle.between(self._told, self.at):
            if isinstance(report.event, Retrying):
                state.tick(at)  # from then on it counts down
            state.apply(report)
        state.tick(self.at)
        self._told = self.at
        starts = self.chronicle.starts_after(self.at)
        self.queue = sorted(state.queued_order, key=lambda job: starts.get(job, inf))
        state.foresee(self.queue, self.next_start, self.sessions, held=self.holding)

    def _go_on(self, now: float) -> None:
        passed, self._looked = now - self._looked, now
        if self.playing:
            self.skip(passed * self.speed)
            self.playing = self.at < self.length

    # --- as a supervisor

    @property
    def holding(self) -> bool:
        """Never: it is over."""
        return False

    @property
    def sessions(self) -> int:
        """As many as the user had wanted; else as were live together at most."""
        limits = self.chronicle.index.head.get("limits")
        wanted = limits.get("sessions") if isinstance(limits, dict) else None
        return wanted if isinstance(wanted, int) else max(self.chronicle.most_at_once, 1)

    @property
    def next_start(self) -> float | None:
        """Not known."""
        return None

    def foreseen_starts(self) -> Callable[[float], float]:
        """Not known: each as soon as there is a place."""
        return at_once

    @property
    def revivals(self) -> int:
        """In no trace."""
        return 0

    @property
    def idle(self) -> bool:
        """Always: leaving ends nothing."""
        return True

    def add(self, files: Iterable[str]) -> list[JobId]:
        """Nothing; nor do the other verbs."""
        return []

    def cancel(self, job: JobId) -> None: ...

    def retry(self, job: JobId) -> bool:
        return False

    def hold(self, on: bool) -> None: ...

    def arrange(self, order: Sequence[JobId]) -> None: ...

    def allow(self, sessions: int) -> None: ...

    def end_turn(self, job: JobId) -> bool:
        return False

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        return False

    def stop(self) -> None: ...
