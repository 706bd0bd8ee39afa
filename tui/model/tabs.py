"""How the user looks at the current job; the same beside the table and over the whole screen."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from workers.jobs.job import JobId
from workers.traces.tail import TraceTail, no_time_limit


class Tab(Enum):
    """What is shown of a job; the value is its name."""

    TRANSCRIPT = "transcript"
    TIMING = "timing"
    EVENTS = "events"
    JOB = "job"


class TimeStamps(Enum):
    """What stands before each turn; the value says so."""

    START = "Time stamps: when each turn began"
    DETAILED = "Time stamps: beginning, end, and how sure the server was of the words"
    NONE = "Time stamps off"


@dataclass(slots=True)
class TabState:
    """Tab and time stamps stay when another job becomes the current one."""

    folder: Path | None = None
    """Of the run; without one there are no traces to look at."""
    tab: Tab = Tab.TRANSCRIPT
    stamps: TimeStamps = TimeStamps.START
    time_limit: Callable[[JobId, int], float] | None = None
    """Up to when an attempt of a job is looked back at, on its own clock; None: all of it."""
    _trace_tail: TraceTail | None = None

    def step_tab(self, tabs: int) -> None:
        """To the tab so many places further, round and round."""
        every = list(Tab)
        self.tab = every[(every.index(self.tab) + tabs) % len(every)]

    def cycle_stamps(self) -> None:
        """To the next kind of time stamps."""
        every = list(TimeStamps)
        self.stamps = every[(every.index(self.stamps) + 1) % len(every)]

    def trace_tail(self, job: JobId) -> TraceTail | None:
        """What the traces of a job hold; of one job at a time, since nobody looks at two."""
        if self.folder is None:
            return None
        if self._trace_tail is None or self._trace_tail.job != job:
            until = partial(self.time_limit, job) if self.time_limit else no_time_limit
            self._trace_tail = TraceTail(self.folder, job, until)
        return self._trace_tail
