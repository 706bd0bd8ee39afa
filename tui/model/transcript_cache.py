"""Keeps old turns on disk: every job has only its last turns in memory.

Those of the current job are read back from its traces, because a session writes a turn to its trace
before it reports it. They go to a `TurnArchive`, which shows them without keeping them in memory.
"""

import queue
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tui.model.desk_state import MAX_TURNS, DeskState
from tui.model.turn_archive import TurnArchive
from workers import threads
from workers.errors import PacelineError
from workers.jobs.events import Connecting, TurnReceived
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState, session_states
from workers.jobs.resume_point import ResumePoint
from workers.jobs.transcript import Transcript
from workers.protocol.messages import Turn
from workers.traces.reader import apply_to_transcript, read_transcript, transcript_events


class TurnsMissing(PacelineError):
    """Raised instead of exporting a transcript with a gap."""

    def __init__(self, file: str) -> None:
        super().__init__(
            f"old turns of {file} cannot be read back from its trace",
            "The trace is damaged or was removed; turns on the screen are unaffected.",
        )


def restore_turns(run_path: Path, job_state: JobState) -> bool:
    """Restores evicted turns; returns False if some are missing. Not thread-safe."""
    if isinstance(job_state, PairState):
        return all([restore_turns(run_path, half) for half in job_state.halves])
    if not job_state.transcript.is_complete:
        stored = read_transcript(run_path, job_state.job, job_state.last_started_attempt)
        job_state.transcript.restore(stored.turns)
    return job_state.transcript.is_complete


@dataclass(frozen=True, slots=True)
class _OldTurns:
    """The turns of a job that were read from its traces."""

    tail: list[Turn]  # the last ones, for the transcript
    archive: TurnArchive | None = None  # those before, if they were asked for


class TranscriptCache:
    """Gets the old turns of the current job, and the last turns of the jobs on the wall. Reads
    in a thread, one job at a time."""

    def __init__(self, state: DeskState, run_path: Path) -> None:
        self._state = state
        self._run_path = run_path
        self._current: JobId | None = None
        self._current_transcript: Transcript | None = None
        self._on_wall: frozenset[JobId] = frozenset()
        self._requested: set[JobId] = set()
        """The jobs already read while current or on the wall; reading them again would find nothing
        new."""
        self._is_loading = False
        self._loaded: queue.SimpleQueue[tuple[JobState, int, dict[JobId, _OldTurns]]]
        self._loaded = queue.SimpleQueue()
        """The job and attempt for which turns were read, and the turns: of a pair by its halves."""

    def tick(self) -> None:
        """Takes turns that were read, evicts those of jobs that were left, and reads others."""
        while not self._loaded.empty():
            self._is_loading = False
            self._take(*self._loaded.get())
        table = self._state.table
        if table.current != self._current:
            self._leave_current()
            return  # the user may just be scrolling past this job
        self._evict_left_tiles()
        job_state = table.current_job_state
        transcript = None if job_state is None else job_state.transcript
        if transcript is not self._current_transcript:  # a replay has moved to another moment
            self._current_transcript, self._state.tab_state.archive = transcript, None
            self._requested -= {self._current}
        if job_state is not None and self._state.tab_state.archive_of(job_state.job) is None:
            is_single = job_state.half is None and not isinstance(job_state, PairState)
            if job_state.transcript.is_complete and is_single:
                self._state.tab_state.archive = TurnArchive(job_state.job, self._run_path)
            elif not job_state.transcript.is_complete:
                self._request(job_state, with_archive=is_single)
        for job in self._on_wall & self._state.job_states.keys():
            shown = self._state.job_states[job]
            known = shown.transcript
            has_last = known.is_complete or known.turns_in_memory >= MAX_TURNS
            if job != table.current_job and not has_last:
                self._request(shown, with_archive=False)

    def _leave_current(self) -> None:
        state, before = self._state, self._current
        state.tab_state.archive = None
        self._current = state.table.current
        if self._current is not None:
            self._requested.discard(self._current)
        before = None if before is None else state.table.job_of(before)
        if before in state.job_states and before != state.table.current_job:
            state.evict_turns(before)
            self._requested.discard(before)

    def _evict_left_tiles(self) -> None:
        left, self._on_wall = self._on_wall - self._state.shown_on_wall, self._state.shown_on_wall
        for job in left & self._state.job_states.keys():
            self._requested.discard(job)
            if job != self._state.table.current_job:
                self._state.evict_turns(job)

    def _take(self, job_state: JobState, attempt: int, found: dict[JobId, _OldTurns]) -> None:
        """Takes what was read, unless the job has changed too much meanwhile."""
        state, job = self._state, job_state.job
        current = state.table.current_job_state
        is_current = current is not None and current.job == job
        is_same = attempt == job_state.last_started_attempt and (
            state.job_states.get(job) is job_state
            or state.half_states.get(job) is job_state
            or isinstance(job_state, PairState)
        )
        for part, old in found.items():
            if is_same and (is_current or job in state.shown_on_wall):
                state.refill(part, old.tail)
            if old.archive is not None and is_same and is_current:
                state.tab_state.archive = old.archive
        if not is_same:
            self._requested.discard(job)

    def _request(self, job_state: JobState, *, with_archive: bool) -> None:
        """Reads the turns of a job in a thread, unless that was done."""
        if self._is_loading or job_state.job in self._requested:
            return
        self._requested.add(job_state.job)
        self._is_loading = True
        is_current = self._state.table.current == job_state.job
        keep = None if is_current and not with_archive else MAX_TURNS  # pairs stay in memory
        attempt = job_state.last_started_attempt
        wanted = [
            (one.job, one.last_started_attempt, one.transcript.copy())
            for one in session_states(job_state)
        ]

        def load() -> None:
            read = {}
            for part, last_attempt, known in wanted:
                archive = TurnArchive(part, self._run_path) if with_archive else None
                events = transcript_events(self._run_path, part, last_attempt)
                read[part] = read_old_turns(events, known, keep, archive)
            self._loaded.put((job_state, attempt, read))

        threads.start_thread(load, "transcripts")


def read_old_turns(
    events: Iterable[Connecting | TurnReceived],
    known: Transcript,
    keep: int | None,
    archive: TurnArchive | None,
) -> _OldTurns:
    """Folds the events of a transcript, in little memory. Those turns that ``known`` has evicted go
    to the archive, except the last ``keep``; None: all are returned."""
    transcript = Transcript()
    for event in events:
        apply_to_transcript(transcript, event)
        if archive is not None and isinstance(event, Connecting):
            archive.rewind_to(ResumePoint.from_connecting(event))
        evicted = [] if keep is None else transcript.evict(keep)
        if archive is not None:
            archive.add(turn for turn in evicted if known.is_evicted(turn.turn_order))
    return _OldTurns(
        [turn for turn in transcript.turns if known.is_evicted(turn.turn_order)], archive
    )
