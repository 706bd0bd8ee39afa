"""What the desk knows: the state of each job, the table over them, and what changed.

No widgets and no access to a clock: the caller passes in reports and the time. Not thread-safe.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tui.model.column_spec import RowContext
from tui.model.queue_forecast import QueueForecast
from tui.model.scores import Scores
from tui.model.table_view import TableView
from tui.model.tabs import TabState
from tui.text.width import cell_width, clean
from workers.audio.source import Source
from workers.jobs.events import Connecting, JobReport, TurnReceived
from workers.jobs.job import Half, JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.node_status import NodeStatus
from workers.jobs.pair import PairState, combine_pairs, pair_state
from workers.jobs.resume_point import ResumePoint
from workers.protocol.messages import Turn

MAX_TURNS = 60
"""The last turns of a job, which stay in memory while it is live, current or on the wall: as many
as a screen may show. `transcript_cache` reloads older turns."""

MAX_FINISHED_TURNS = 2000
"""Turns of all finished jobs that stay in memory, so that the latest ones need no reading."""


class DeskState:
    """Job states, the table over them, and what is derived from reports: counts and forecasts."""

    def __init__(self) -> None:
        self.job_states: dict[JobId, JobState] = {}
        self.last_heard_seq: dict[JobId, int] = {}
        """Sequence number of each job's last turn update; the highest has the newest words."""
        self.half_states: dict[JobId, JobState] = {}
        """The halves of pairs; `job_states` has each pair as one job, which is the user's."""
        self.scores = Scores()
        self.table = TableView(
            self.job_states, self.last_heard_seq, self.half_states, self.scores.figures
        )
        self.tab_state = TabState()
        self.status_counts: Counter[JobStatus] = Counter()
        self.max_duration_s = 0.0
        self.highest_attempt = 0
        self.has_estimates = False
        self.nodes: Sequence[NodeStatus] = ()
        """The nodes of a fleet; empty if all sessions run on this machine."""
        self.longest_node_name = 0
        """Cells of the longest name of a node that a session ran on."""
        self.exported_to: Path | None = None
        """The folder of the last export."""
        self._queue_forecast = QueueForecast()
        self._turns_heard = 0
        self._now = 0.0
        self._retry_due: dict[JobId, float] = {}
        """When the next attempt may start at the earliest, for jobs that wait to retry."""
        self._live_jobs: set[JobId] = set()
        self._stopping_jobs: set[JobId] = set()
        self._removed_jobs: dict[JobId, JobState] = {}
        self._finished_jobs: dict[JobId, int] = {}
        """Finished jobs with turns in memory, the earliest first, and how many each has."""
        self.shown_on_wall: frozenset[JobId] = frozenset()
        """The jobs with a tile, which shows the last turns."""
        self._listened_job: JobId | None = None
        self._listening = ""

    # --- incoming reports

    def tick(self, now: float) -> None:
        """Sets the current monotonic time; marks rows as changed when their countdown changes."""
        for job, due in list(self._retry_due.items()):
            if _whole_seconds(due - now) != _whole_seconds(due - self._now):
                self.table.changed_jobs |= {job, self.table.job_of(job)}
            if due <= now:  # it only waits for a free slot
                del self._retry_due[job]
        self._now = now
        self.table.tick(now)

    def apply(self, report: JobReport) -> None:
        """Applies one report, even if its job was removed from the table."""
        half = report.half
        job = report.job if half is None else half.pair_id
        if (removed := self._removed_jobs.get(job)) is not None:
            self._removed_jobs[job] = self._apply_to(removed, report)
            return
        known = self.job_states.get(job) or self._add_job(job, Source(report.file), half)
        before = known.status
        job_state = self.job_states[job] = self._apply_to(known, report)
        if isinstance(report.event, TurnReceived):
            self._turns_heard += 1
            self.last_heard_seq[job] = self.last_heard_seq[report.job] = self._turns_heard
        self._evict_turns(job_state, report)
        if job_state.status is not before:
            self.status_counts[before] -= 1
            self.status_counts[job_state.status] += 1
            self._note_done(job_state)
        if job_state.is_live:
            self._live_jobs.add(job)
        else:
            self._live_jobs.discard(job)
            self._stopping_jobs.discard(job)
        self._note_retry(self.half_states.get(report.job, job_state), report)
        self._update_maxima(job_state)
        self.table.reported_jobs |= {job, report.job}

    def _evict_turns(self, job_state: JobState, report: JobReport) -> None:
        """Frees the memory of old turns. Those of the current job go to its archive."""
        job, event = job_state.job, report.event
        if (archive := self.tab_state.archive_of(job)) is not None:
            if isinstance(event, Connecting) and report.attempt == job_state.attempt:
                archive.rewind_to(ResumePoint.from_connecting(event))
            archive.add(job_state.transcript.evict(MAX_TURNS))
        elif job != self.table.current_job:
            self.evict_turns(job)

    def evict_turns(self, job: JobId) -> None:
        """Frees the memory of the old turns of a job that is not current. Of those that have
        finished, the earliest ones keep only their last words."""
        job_state, finished = self.job_states[job], self._finished_jobs
        job_state.transcript.evict(MAX_TURNS)
        finished.pop(job, None)
        if not job_state.status.is_finished or job in self.shown_on_wall:
            return
        if turns := job_state.transcript.turns_in_memory:  # those that were read back have none
            finished[job] = turns
        while sum(finished.values()) > MAX_FINISHED_TURNS:
            earliest = next(iter(finished))
            del finished[earliest]
            if earliest in self.job_states and earliest != self.table.current_job:
                self.job_states[earliest].transcript.evict(0)

    def _apply_to(self, job_state: JobState, report: JobReport) -> JobState:
        """Applies a report to a job, or to half of a pair; returns the new state of the pair."""
        if not isinstance(job_state, PairState):
            job_state.apply(report)
            return job_state
        half = self.half_states[report.job]
        half.half = report.half  # a pair may have been added by a report of the other half
        half.apply(report)
        left, right = job_state.halves
        return pair_state(left, right, job_state.transcript)

    def _note_retry(self, job_state: JobState, report: JobReport) -> None:
        """Records when the next attempt may start."""
        if job_state.retrying is None:
            self._retry_due.pop(job_state.job, None)
        elif job_state.retrying is report.event:
            self._retry_due[job_state.job] = self._now + job_state.retrying.in_seconds

    def restore(self, job_states: Iterable[JobState]) -> None:
        """Adds jobs with the state from before the desk opened."""
        for job_state in combine_pairs(job_states):
            if isinstance(job_state, PairState):
                self.half_states |= {half.job: half for half in job_state.halves}
            self.job_states[job_state.job] = job_state
            self.table.add(job_state.job)
            self.status_counts[job_state.status] += 1
            self._note_done(job_state)
            self._update_maxima(job_state)
            if job_state.transcript.turns_in_memory:
                self.evict_turns(job_state.job)

    def replace(self, job_states: Iterable[JobState]) -> None:
        """Replaces the states of jobs, or of halves of pairs, that were restored before."""
        pairs: set[JobId] = set()
        for job_state in job_states:
            if job_state.half is not None:
                self.half_states[job_state.job] = job_state
                pairs.add(job_state.half.pair_id)
            else:
                self._replace_job(job_state)
        for pair in pairs:
            halves = (self.half_states.get(half) for half in Half(pair, 1, "").jobs)
            left, right = (half for half in halves if half is not None)
            self._replace_job(pair_state(left, right))

    def _replace_job(self, job_state: JobState) -> None:
        before = self.job_states[job_state.job]
        self.job_states[job_state.job] = job_state
        self.status_counts[before.status] -= 1
        self.status_counts[job_state.status] += 1
        self._live_jobs.discard(job_state.job)
        self._note_done(job_state)
        self._update_maxima(job_state)
        self.table.changed_jobs |= {job_state.job, *self.session_jobs(job_state.job)}

    def add_jobs(self, jobs: Iterable[JobId], sources: Iterable[Source | str]) -> None:
        """Shows new jobs before their first report."""
        for job, source in zip(jobs, sources, strict=True):
            if job not in self.job_states:
                self._add_job(job, Source.of(source))

    def update_forecast(
        self,
        queue: Sequence[JobId],
        next_start_at: float | None,
        max_sessions: int,
        *,
        held: bool,
        over_budget: bool = False,
    ) -> None:
        """Updates the forecasts of waiting jobs from the supervisor's queue.

        ``next_start_at``: monotonic time when the first job may start. ``max_sessions``: the
        limit on concurrent sessions, 0 while unknown. ``over_budget``: whether the first job does
        not fit into the budget.
        """
        room = not max_sessions or self.live_session_count < max_sessions
        start_in = None if next_start_at is None else next_start_at - self._now
        if room and next_start_at is not None:  # jobs behind a later retry start before it
            soon = max(next_start_at, self._now)
            late = {
                job
                for job in map(self.table.job_of, self._retry_due)
                if self._due_of(job) > soon and self.job_states[job].status is JobStatus.RETRYING
            }
            queue = [job for job in queue if job not in late] if late else queue
        self.table.changed_jobs |= self._queue_forecast.update(
            queue, held=held, has_room=room, start_in_s=start_in, over_budget=over_budget
        )

    def refill(self, job: JobId, turns: Iterable[Turn]) -> None:
        """Restores evicted turns of a transcript; ``job``: a job, or half of a pair."""
        state = self.half_states.get(job) or self.job_states[job]
        state.transcript.restore(turns)
        self.table.changed_jobs |= {job, self.table.job_of(job)}

    def mark_stopping(self, job: JobId) -> None:
        """Marks a live job as cancelled by the user; its row shows this until the job has ended."""
        self._stopping_jobs.add(job)
        self.table.changed_jobs.add(job)

    def mark_listened(self, job: JobId | None, listening: str = "") -> None:
        """Marks the one job that the user listens to. ``listening``: what is heard, for its row."""
        if (job, listening) != (self._listened_job, self._listening):
            known = self.job_states.keys() | self.half_states.keys()
            self.table.changed_jobs |= known & {job, self._listened_job}
            self._listened_job, self._listening = job, listening

    def reset(self) -> None:
        """Resets all jobs before a replay reapplies its reports; keeps rows, marks, selection."""
        self.tab_state.archive = None
        for job, half in self.half_states.items():
            self.half_states[job] = half.restarted()
        for job, job_state in self.job_states.items():
            if isinstance(job_state, PairState):
                left, right = (self.half_states[half.job] for half in job_state.halves)
                self.job_states[job] = pair_state(left, right)
            else:
                self.job_states[job] = job_state.restarted()
        self.status_counts = Counter({JobStatus.QUEUED: len(self.job_states)})
        self.last_heard_seq.clear()
        self._retry_due.clear()
        self._live_jobs.clear()
        self.table.reset()

    def _add_job(self, job: JobId, source: Source, half: Half | None = None) -> JobState:
        """Adds a job, or a pair if the recording is split. ``half``: what a report said of a pair
        whose source is not known."""
        job_state = JobState.of(job, source)
        speakers = source.options.speakers
        if half is not None:
            speakers = tuple(half.speaker if n == half.channel else "" for n in (1, 2))
        if speakers:
            left, right = (
                JobState.of(id, source, Half(job, channel, speaker))
                for id, channel, speaker in zip(
                    Half(job, 1, "").jobs, (1, 2), speakers, strict=True
                )
            )
            self.half_states |= {left.job: left, right.job: right}
            job_state = pair_state(left, right)
        self.job_states[job] = job_state
        self.status_counts[job_state.status] += 1
        self.table.add(job)
        return job_state

    def _note_done(self, job_state: JobState) -> None:
        if job_state.status is JobStatus.DONE:
            self.scores.add_done(job_state.job)

    def update_scores(self, now: float) -> bool:
        """Takes scores that were computed; returns whether a summary or found references changed.
        ``now``: monotonic time in seconds."""
        scores = self.scores
        if self.is_over:
            scores.look_for_references()
        changed = scores.update(now)
        if scores.changed_jobs:
            self.table.changed_jobs |= scores.changed_jobs & self.job_states.keys()
            scores.changed_jobs.clear()
        return changed

    def _update_maxima(self, job_state: JobState) -> None:
        self.max_duration_s = max(self.max_duration_s, job_state.part_seconds)
        self.highest_attempt = max(self.highest_attempt, job_state.attempt)
        self.has_estimates |= not job_state.is_exact
        if job_state.node:
            width = max(cell_width(clean(job_state.node)), len("NODE"))
            self.longest_node_name = max(self.longest_node_name, width)

    def remove(self, jobs: Iterable[JobId]) -> None:
        """Removes jobs from the table, until `undo_remove`."""
        known = [job for job in jobs if job in self.job_states]
        for job in known:
            for session_job in self.session_jobs(job):
                self._retry_due.pop(session_job, None)
            job_state = self._removed_jobs[job] = self.job_states.pop(job)
            self.status_counts[job_state.status] -= 1
            self._live_jobs.discard(job)
        self.table.remove(known)

    def undo_remove(self, jobs: Iterable[JobId]) -> None:
        """Undoes `remove`: restores the rows at their places, with their marks."""
        back = [job for job in jobs if job in self._removed_jobs]
        for job in back:
            job_state = self.job_states[job] = self._removed_jobs.pop(job)
            self.status_counts[job_state.status] += 1
            if job_state.is_live:
                self._live_jobs.add(job)
        self.table.put_back(back)

    # --- queries

    @property
    def is_over(self) -> bool:
        """Whether there are jobs and all of them have finished."""
        return bool(self.job_states) and all(
            status.is_finished for status, count in self.status_counts.items() if count
        )

    @property
    def has_nodes(self) -> bool:
        """Whether sessions run, or ran, on the nodes of a fleet."""
        return bool(self.nodes) or self.longest_node_name > 0

    @property
    def all_job_states(self) -> list[JobState]:
        """The states of all jobs in the order of their ids, including removed jobs."""
        job_states = self.job_states | self._removed_jobs
        return [job_states[job] for job in sorted(job_states)]

    def session_jobs(self, job: JobId) -> list[JobId]:
        """The jobs that have the sessions of a job: its own, or those of the halves of a pair."""
        state = self.job_states.get(job)
        return [half.job for half in state.halves] if isinstance(state, PairState) else [job]

    @property
    def live_session_count(self) -> int:
        """How many sessions are live; a pair has up to two."""
        return sum(
            sum(half.is_live for half in state.halves) if isinstance(state, PairState) else 1
            for state in self.live_job_states
        )

    @property
    def live_job_states(self) -> list[JobState]:
        """Jobs that have a session process."""
        return [self.job_states[job] for job in sorted(self._live_jobs)]

    def is_stopping(self, job: JobId) -> bool:
        """Whether the user cancelled the job and it has not ended yet."""
        return job in self._stopping_jobs

    def retry_wait_s(self, job: JobId) -> int:
        """Whole seconds until the next attempt may start; 0 if it only waits for a free slot."""
        due = self._due_of(job)
        return 0 if due == -math.inf else _whole_seconds(due - self._now)

    def _due_of(self, job: JobId) -> float:
        """When the next attempt may start; of a pair, that of the half that may start first."""
        due = (self._retry_due[id] for id in self.session_jobs(job) if id in self._retry_due)
        return min(due, default=-math.inf)

    def row_context(self, job: JobId) -> RowContext:
        """The values that a job's row shows in addition to the job's state."""
        pair = self.table.job_of(job)
        return RowContext(
            current=job == self.table.current,
            marked=job in self.table.marked,
            unfolded=job in self.table.unfolded,
            stopping=self.is_stopping(pair) and (job == pair or self.half_states[job].is_live),
            retry_wait_s=self.retry_wait_s(job),
            forecast=self._queue_forecast.forecast(job),
            listening=self._listening if job == self._listened_job else "",
            figures=self.scores.figures.get(job) if job == pair else None,
        )


def _whole_seconds(left: float) -> int:
    return max(math.ceil(left), 0)
