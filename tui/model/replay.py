"""Replays a finished run: its clock, its speed, and the reports up to the current position.

Plain Python; the caller passes in the time. A `Replay` implements only `SupervisorStatus`.
"""

from collections.abc import Callable, Mapping
from math import inf

from tui.model.desk_state import DeskState
from tui.model.replay_position import ReplayPosition
from tui.model.totals import start_immediately
from workers.jobs.events import Retrying
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.node_status import NodeStatus
from workers.runs.index import garbage_collection_paused
from workers.runs.job_timeline import BEFORE_START_S
from workers.runs.saved_records import IndexJob
from workers.runs.summaries import summarised_state
from workers.runs.timeline import RunTimeline
from workers.scheduling.spending import NOTHING_SPENT

SPEEDS = (1, 4, 16)

FIRST_ROWS, NEXT_ROWS = 500, 4000
"""How many rows of jobs that have ended are made before the first screen, and in each tick after
it: all those of a run of 20,000 jobs would take a second."""

TIME_TOLERANCE_S = 1e-6
"""Times that differ by less count as equal; rounding causes such differences."""


class Replay:
    """A replay of one run. It starts at the end, which shows the run's result. ``first_rows``: how
    many rows the first `update_state` makes; the others follow with the next ones."""

    # The supervisor's status; traces do not record holds, changed limits or server restarts.
    holding = False
    held_by_refusal = False
    next_start_at: float | None = None
    server_restarts = 0
    spending = NOTHING_SPENT
    is_idle = True  # quitting ends no session

    def __init__(self, timeline: RunTimeline, *, first_rows: int = FIRST_ROWS) -> None:
        self.timeline = timeline
        self._first_rows = first_rows
        self.duration_s = timeline.duration_s
        self.max_sessions = timeline.index.saved.limits.sessions or max(timeline.peak_sessions, 1)
        """The user's limit on concurrent sessions; without one, the most that ran at once."""
        self.queue: list[JobId] = []
        """Waiting jobs in the order in which they start; jobs that never started come last."""
        self.position_s = timeline.duration_s
        """The current position, in seconds since the run started."""
        self.playing = False
        self.speed = SPEEDS[0]
        self._shown_until_s = BEFORE_START_S
        """The position up to which reports were applied to the state."""
        self._later_rows: list[IndexJob] = []
        """Jobs that have ended and have no row yet, in reverse."""
        self._last_tick_s = 0.0

    def toggle_playing(self, now: float) -> None:
        """Plays or pauses; at the end, plays from the start."""
        self._advance(now)
        self.playing = not self.playing
        if self.playing and self.position_s >= self.duration_s:
            self.position_s = 0.0

    def change_speed(self, steps: int) -> None:
        """Switches to a faster (1) or slower (-1) speed."""
        index = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[min(max(index, 0), len(SPEEDS) - 1)]

    def seek(self, position_s: float) -> None:
        """Moves to a position, clamped to the run's start and end."""
        self.position_s = min(max(position_s, 0.0), self.duration_s)

    @property
    def replay_bar(self) -> ReplayPosition:
        """Returns the values that the replay bar shows."""
        position_s, timeline = self.position_s, self.timeline
        time_of_day, incidents = timeline.wall_time(position_s), timeline.incidents
        return ReplayPosition(
            position_s, self.duration_s, self.playing, self.speed, time_of_day, incidents
        )

    def attempt_time_s(self, job: JobId, attempt: int) -> float:
        """The time on an attempt's clock, in seconds; negative before the attempt starts."""
        start_s = self.timeline.attempt_starts.get((job, attempt), inf)
        return self.position_s - start_s + TIME_TOLERANCE_S

    def update_state(self, state: DeskState, now: float) -> None:
        """Applies reports up to the current position; after a jump back, reapplies all of them."""
        self._advance(now)
        if self.position_s == self._shown_until_s:
            self._add_later_rows(state, NEXT_ROWS)
            state.tick(self.position_s)
            return
        self._add_later_rows(state, len(self._later_rows))
        if self.position_s < self._shown_until_s:
            state.reset()
            self._shown_until_s = BEFORE_START_S
        finished = self.timeline.finished_between(self._shown_until_s, self.position_s)
        if state.job_states:
            state.replace(map(summarised_state, finished.values()))
        else:
            self._add_rows(state, finished)
        for at, report in self.timeline.reports_between(
            self._shown_until_s, self.position_s, without=finished
        ):
            if isinstance(report.event, Retrying):
                state.tick(at)  # the countdown to the next attempt begins here
            state.apply(report)
        state.tick(self.position_s)
        self._shown_until_s = self.position_s
        starts = self.timeline.starts_after(self.position_s)

        def start_s(job: JobId) -> float:
            return min(starts.get(session_job, inf) for session_job in state.session_jobs(job))

        self.queue = sorted(state.table.waiting_jobs, key=start_s)
        state.update_forecast(self.queue, self.next_start_at, self.max_sessions, held=self.holding)

    def _add_rows(self, state: DeskState, finished: Mapping[JobId, IndexJob]) -> None:
        """Adds a row for each job, but keeps most of those that have ``finished`` for later. The
        halves of a pair have one row."""
        jobs = self.timeline.index.jobs
        is_later = {
            job.id for job in jobs[self._first_rows :] if job.id in finished and job.half is None
        }
        with garbage_collection_paused():
            state.restore(
                summarised_state(job)
                if job.id in finished
                else JobState.of(job.id, job.source, job.half)
                for job in jobs
                if job.id not in is_later
            )
        self._later_rows = [job for job in reversed(jobs) if job.id in is_later]

    def _add_later_rows(self, state: DeskState, count: int) -> None:
        """Adds the rows of so many jobs that were kept for later."""
        if self._later_rows:
            first = max(0, len(self._later_rows) - count)
            added, self._later_rows = self._later_rows[first:], self._later_rows[:first]
            with garbage_collection_paused():
                state.restore(map(summarised_state, reversed(added)))

    def nodes(self) -> list[NodeStatus]:
        """Returns none: only a run that is going on has nodes."""
        return []

    def _advance(self, now: float) -> None:
        passed, self._last_tick_s = now - self._last_tick_s, now
        if self.playing:
            self.seek(self.position_s + passed * self.speed)
            self.playing = self.position_s < self.duration_s

    def start_simulator(self) -> Callable[[float], float]:
        """Returns a simulator that ignores the start rate, because traces do not record it."""
        return start_immediately
