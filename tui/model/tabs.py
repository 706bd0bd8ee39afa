"""How the current job is viewed, both beside the table and on the full screen."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from workers.jobs.job import JobId
from workers.traces.tail import TraceTail, no_time_limit


class Tab(Enum):
    """A tab of a job; the value is its label."""

    TRANSCRIPT = "transcript"
    TIMING = "timing"
    EVENTS = "events"
    JOB = "job"


class TimeStamps(Enum):
    """What stands before each turn; the value is the notice for it."""

    START = "Time stamps: when each turn began"
    DETAILED = "Time stamps: beginning, end, and how sure the server was of the words"
    NONE = "Time stamps off"


@dataclass(slots=True)
class TabState:
    """The tab and the time stamps, which stay when another job becomes current."""

    folder: Path | None = None
    """The run folder; without one there are no traces."""
    tab: Tab = Tab.TRANSCRIPT
    stamps: TimeStamps = TimeStamps.START
    time_limit: Callable[[JobId, int], float] | None = None
    """In a replay: the position on the clock of an attempt, where its trace ends for now."""
    _trace_tail: TraceTail | None = None

    def step_tab(self, tabs: int) -> None:
        """Moves by so many tabs; wraps around."""
        order = list(Tab)
        self.tab = order[(order.index(self.tab) + tabs) % len(order)]

    def cycle_stamps(self) -> None:
        """Switches to the next kind of time stamps."""
        order = list(TimeStamps)
        self.stamps = order[(order.index(self.stamps) + 1) % len(order)]

    def trace_tail(self, job: JobId) -> TraceTail | None:
        """The traces of a job; only those of the last requested job are kept."""
        if self.folder is None:
            return None
        if self._trace_tail is None or self._trace_tail.job != job:
            until = partial(self.time_limit, job) if self.time_limit else no_time_limit
            self._trace_tail = TraceTail(self.folder, job, until)
        return self._trace_tail
