"""Playing a run again: where its clock stands, how fast it goes, and what the desk is told by then.

Plain Python, told the time. To the desk it is a supervisor under which nothing can be steered.
"""

import queue
from collections.abc import Callable, Iterable, Sequence
from math import inf

from tui.model.desk_state import DeskState
from tui.model.replay_position import ReplayPosition
from tui.model.totals import start_immediately
from workers.jobs.events import JobReport, Retrying
from workers.jobs.job import JobId
from workers.protocol.messages import UpdateConfiguration
from workers.runs.job_timeline import BEFORE_START_S
from workers.runs.timeline import RunTimeline

SPEEDS = (1, 4, 16)

TIME_TOLERANCE_S = 1e-6
"""Seconds by which sums of moments may differ that are the same."""


class Replay:
    """At first it stands at the end: the run as it came out."""

    def __init__(self, timeline: RunTimeline) -> None:
        self.timeline = timeline
        self.position_s = timeline.duration_s
        """Seconds on the run's clock."""
        self.playing = False
        self.speed = SPEEDS[0]
        """So many times as fast as it was."""
        self._shown_until_s = BEFORE_START_S
        """Up to where the desk has been told."""
        self._last_tick_s = 0.0
        """The time, when it was told last."""
        self.reports: queue.SimpleQueue[JobReport] = queue.SimpleQueue()
        """Nothing comes in here: `show` tells it all."""
        self.queue: Sequence[JobId] = []
        """In the order in which they did start; behind them those that never did."""

    @property
    def duration_s(self) -> float:
        """Seconds from the beginning to the end."""
        return self.timeline.duration_s

    # --- what the user does

    def toggle_playing(self, now: float) -> None:
        """Plays on, or stops; at the end, from the beginning."""
        self._advance(now)
        self.playing = not self.playing
        if self.playing and self.position_s >= self.duration_s:
            self.position_s = 0.0

    def change_speed(self, steps: int) -> None:
        """To the speed so many steps further up, or down."""
        step = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[min(max(step, 0), len(SPEEDS) - 1)]

    def seek_by(self, offset_s: float) -> None:
        """On or back."""
        self.seek(self.position_s + offset_s)

    def seek(self, position_s: float) -> None:
        """To a moment, as far as there is one."""
        self.position_s = min(max(position_s, 0.0), self.duration_s)

    # --- what is seen

    @property
    def replay_bar(self) -> ReplayPosition:
        """Where it stands."""
        wall = self.timeline.wall_time(self.position_s)
        incidents = self.timeline.incidents
        return ReplayPosition(
            self.position_s, self.duration_s, self.playing, self.speed, wall, incidents
        )

    def attempt_time_s(self, job: JobId, attempt: int) -> float:
        """How far an attempt was by then, in seconds on its own clock; below 0: not begun."""
        return (
            self.position_s
            - self.timeline.attempt_starts.get((job, attempt), inf)
            + TIME_TOLERANCE_S
        )

    def update_state(self, state: DeskState, now: float) -> None:
        """Tells the desk all that had happened by now; if that is less than it knows, anew."""
        self._advance(now)
        if self._shown_until_s == BEFORE_START_S:
            jobs, files = (
                zip(*self.timeline.job_files, strict=True) if self.timeline.job_files else ((), ())
            )
            state.add_jobs(jobs, files)
        if self.position_s < self._shown_until_s:
            state.reset()
            self._shown_until_s = BEFORE_START_S
        for at, report in self.timeline.reports_between(self._shown_until_s, self.position_s):
            if isinstance(report.event, Retrying):
                state.tick(at)  # from then on it counts down
            state.apply(report)
        state.tick(self.position_s)
        self._shown_until_s = self.position_s
        starts = self.timeline.starts_after(self.position_s)
        self.queue = sorted(state.table.waiting_jobs, key=lambda job: starts.get(job, inf))
        state.update_forecast(self.queue, self.next_start_at, self.max_sessions, held=self.holding)

    def _advance(self, now: float) -> None:
        passed, self._last_tick_s = now - self._last_tick_s, now
        if self.playing:
            self.seek_by(passed * self.speed)
            self.playing = self.position_s < self.duration_s

    # --- as a supervisor

    @property
    def holding(self) -> bool:
        """Never: it is over."""
        return False

    @property
    def max_sessions(self) -> int:
        """As many as the user had wanted; else as were live together at most."""
        return self.timeline.index.limits.sessions or max(self.timeline.peak_sessions, 1)

    @property
    def next_start_at(self) -> float | None:
        """Not known."""
        return None

    def start_simulator(self) -> Callable[[float], float]:
        """Not known: each as soon as there is a place."""
        return start_immediately

    @property
    def server_restarts(self) -> int:
        """In no trace."""
        return 0

    @property
    def is_idle(self) -> bool:
        """Always: leaving ends nothing."""
        return True

    def add(self, files: Iterable[str]) -> list[JobId]:
        """Nothing; nor do the other verbs."""
        return []

    def cancel(self, job: JobId) -> None: ...

    def retry(self, job: JobId) -> bool:
        return False

    def hold(self, on: bool) -> None: ...

    def reorder(self, order: Sequence[JobId]) -> None: ...

    def set_max_sessions(self, max_sessions: int) -> None: ...

    def end_turn(self, job: JobId) -> bool:
        return False

    def configure(self, job: JobId, changes: UpdateConfiguration) -> bool:
        return False

    def stop(self) -> None: ...
