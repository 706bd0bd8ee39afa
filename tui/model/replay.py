"""Replays a finished run: its clock, its speed, and the reports up to the current position.

Plain Python; the caller passes the time. A `Replay` is a `SupervisorStatus`: it cannot be steered.
"""

from collections.abc import Callable, Sequence
from math import inf

from tui.model.desk_state import DeskState
from tui.model.replay_position import ReplayPosition
from tui.model.totals import start_immediately
from workers.jobs.events import Retrying
from workers.jobs.job import JobId
from workers.runs.job_timeline import BEFORE_START_S
from workers.runs.timeline import RunTimeline

SPEEDS = (1, 4, 16)

TIME_TOLERANCE_S = 1e-6
"""Two times that differ by less are the same, but for rounding."""


class Replay:
    """Starts at the end of the run, which is its result."""

    def __init__(self, timeline: RunTimeline) -> None:
        self.timeline = timeline
        self.position_s = timeline.duration_s
        """Seconds on the run's clock."""
        self.playing = False
        self.speed = SPEEDS[0]
        """As a multiple of the original speed."""
        self._shown_until_s = BEFORE_START_S
        """Position up to which the state has the reports."""
        self._last_tick_s = 0.0
        """The caller's time at the last tick."""
        self.queue: Sequence[JobId] = []
        """Waiting jobs in the order of their starts; jobs that never started come last."""

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return self.timeline.duration_s

    # --- what the user does

    def toggle_playing(self, now: float) -> None:
        """Plays or pauses; at the end, plays from the start."""
        self._advance(now)
        self.playing = not self.playing
        if self.playing and self.position_s >= self.duration_s:
            self.position_s = 0.0

    def change_speed(self, steps: int) -> None:
        """Goes to a faster (1) or slower (-1) speed."""
        step = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[min(max(step, 0), len(SPEEDS) - 1)]

    def seek_by(self, offset_s: float) -> None:
        """Goes forward, or back if negative."""
        self.seek(self.position_s + offset_s)

    def seek(self, position_s: float) -> None:
        """Goes to a position, clamped to the run."""
        self.position_s = min(max(position_s, 0.0), self.duration_s)

    # --- what is seen

    @property
    def replay_bar(self) -> ReplayPosition:
        """What the replay bar shows."""
        wall = self.timeline.wall_time(self.position_s)
        incidents = self.timeline.incidents
        return ReplayPosition(
            self.position_s, self.duration_s, self.playing, self.speed, wall, incidents
        )

    def attempt_time_s(self, job: JobId, attempt: int) -> float:
        """Seconds since an attempt started, on its own clock; below 0 if it has not started."""
        return (
            self.position_s
            - self.timeline.attempt_starts.get((job, attempt), inf)
            + TIME_TOLERANCE_S
        )

    def update_state(self, state: DeskState, now: float) -> None:
        """Applies the reports up to the current position; after a jump back, from the start."""
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
                state.tick(at)  # the countdown to the next attempt begins here
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

    # --- the supervisor's status, as far as it is known

    @property
    def holding(self) -> bool:
        """Never: the run is over."""
        return False

    @property
    def max_sessions(self) -> int:
        """The user's limit; without one, the peak of live sessions."""
        return self.timeline.index.limits.sessions or max(self.timeline.peak_sessions, 1)

    @property
    def next_start_at(self) -> float | None:
        """Traces do not tell."""
        return None

    def start_simulator(self) -> Callable[[float], float]:
        """Not known: each job starts as soon as a slot is free."""
        return start_immediately

    @property
    def server_restarts(self) -> int:
        """Traces do not tell."""
        return 0

    @property
    def is_idle(self) -> bool:
        """Always: quitting ends no session."""
        return True
