"""Keeps old turns on disk: only the current job has its whole transcript in memory.

Other jobs keep only their last turns. Evicted turns are read back from traces, because a session
writes a turn to its trace before it reports it.
"""

import queue
from pathlib import Path

from tui.model.desk_state import MAX_TURNS, DeskState
from workers import threads
from workers.errors import PacelineError
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState, session_states
from workers.jobs.transcript import Transcript
from workers.traces.reader import read_transcript


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


class TranscriptCache:
    """Restores the current job's transcript; reads in a thread, one job at a time."""

    def __init__(self, state: DeskState, run_path: Path) -> None:
        self._state = state
        self._run_path = run_path
        self._current: JobId | None = None
        self._requested: JobId | None = None
        """The job already read while current; reading it again would find nothing new."""
        self._is_loading = False
        self._loaded: queue.SimpleQueue[tuple[JobId, dict[JobId, Transcript]]]
        self._loaded = queue.SimpleQueue()
        """The current job, and the transcripts read for it: two for a pair, by its halves."""

    def tick(self) -> None:
        """Restores turns that were read, and evicts those of the previously current job."""
        current, before = self._state.table.current, self._current
        while not self._loaded.empty():
            job, transcripts = self._loaded.get()
            self._is_loading = False
            for part, transcript in transcripts.items():
                if job == current:
                    self._state.refill(part, transcript.turns)
        if current != before:
            before = None if before is None else self._state.table.job_of(before)
            if before in self._state.job_states and before != self._state.table.current_job:
                self._state.job_states[before].transcript.evict(MAX_TURNS)
            self._current, self._requested = current, None
            return  # the user may just be scrolling past this job
        job_state = self._state.table.current_job_state
        if job_state is None or job_state.transcript.is_complete:
            return
        if self._is_loading or self._requested == current:
            return
        self._requested, self._is_loading = current, True
        sessions = session_states(job_state)
        job, wanted = job_state.job, [(one.job, one.last_started_attempt) for one in sessions]

        def load() -> None:
            read = {
                part: read_transcript(self._run_path, part, last_attempt)
                for part, last_attempt in wanted
            }
            self._loaded.put((job, read))

        threads.start_thread(load, "transcripts")
