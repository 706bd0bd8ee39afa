"""How the current job is shown, both beside the table and full screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from threading import Lock

from tui.model.turn_archive import TurnArchive
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.pair import session_states
from workers.traces.tail import TraceTail, no_time_limit

MAX_KEPT_TRACES = 2
"""How many jobs keep their traces: one beside the table, and one full screen."""


class Tab(Enum):
    """A tab of a job; the value is its name in actions and settings."""

    TRANSCRIPT = "transcript"
    TIMING = "timing"
    EVENTS = "events"
    JOB = "job"
    SCORE = "score"

    @property
    def label(self) -> str:
        """Its name on the screen."""
        return "recording" if self is Tab.JOB else self.value


class TimeStamps(Enum):
    """The time stamps before each turn; the value is shown as a notice."""

    START = "Time stamps: start of each turn"
    DETAILED = "Time stamps: start, end and mean confidence of each turn"
    NONE = "Time stamps off"


@dataclass(frozen=True, slots=True)
class WordCursor:
    """A word of a transcript: one that the user chose, or the one that is heard."""

    job: JobId
    at_ms: int
    """A time on the recording's clock. The word is the last one that starts at or before it."""
    is_heard: bool = False
    """Whether the playback is there, rather than the user's choice."""


@dataclass(slots=True)
class TabState:
    """The current tab and kind of time stamps, which do not change with the current job."""

    folder: Path | None = None
    """The run folder; None if there are no traces."""
    tab: Tab = Tab.TRANSCRIPT
    stamps: TimeStamps = TimeStamps.START
    time_limit: Callable[[JobId, int], float] | None = None
    """In a replay, returns the time on an attempt's clock up to which its trace is shown."""
    word_cursor: WordCursor | None = None
    archive: TurnArchive | None = None
    """The old turns of the current job; None if all of its turns are in memory."""
    _trace_tails: dict[tuple[JobId, ...], tuple[TraceTail, ...]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)  # threads that read ask for traces too

    def word_cursor_of(self, job: JobId) -> WordCursor | None:
        """The cursor, if it is in the transcript of this job."""
        cursor = self.word_cursor
        return cursor if cursor is not None and cursor.job == job else None

    def archive_of(self, job: JobId) -> TurnArchive | None:
        """The old turns of this job, if they are not in memory."""
        return self.archive if self.archive is not None and self.archive.job == job else None

    def step_tab(self, tabs: int) -> None:
        """Moves by ``tabs`` tabs; wraps around."""
        order = list(Tab)
        self.tab = order[(order.index(self.tab) + tabs) % len(order)]

    def cycle_stamps(self) -> None:
        """Switches to the next kind of time stamps."""
        order = list(TimeStamps)
        self.stamps = order[(order.index(self.stamps) + 1) % len(order)]

    def trace_tails(self, job_state: JobState) -> Sequence[TraceTail]:
        """The traces of a job, or those of each half of a pair; none without a run folder. Those
        of the last two requested jobs stay in memory: two screens may show a job each."""
        if self.folder is None:
            return ()
        jobs = tuple(session.job for session in session_states(job_state))
        with self._lock:
            tails = self._trace_tails.pop(jobs, None)
            if tails is None:
                tails = tuple(self._new_tail(self.folder, job) for job in jobs)
            self._trace_tails[jobs] = tails
            while len(self._trace_tails) > MAX_KEPT_TRACES:
                del self._trace_tails[next(iter(self._trace_tails))]
        return tails

    def _new_tail(self, folder: Path, job: JobId) -> TraceTail:
        until = partial(self.time_limit, job) if self.time_limit else no_time_limit
        return TraceTail(folder, job, until)
