"""How the user looks at the current job; the same beside the table and over the whole screen."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from tui.model.trace_tail import Record, endless
from workers.jobs.job import JobId


class Tab(Enum):
    """What is shown of a job; the value is its name."""

    TRANSCRIPT = "transcript"
    TIMING = "timing"
    EVENTS = "events"
    JOB = "job"


class Stamps(Enum):
    """What stands before each turn; the value says so."""

    BEGINNINGS = "Time stamps: when each turn began"
    WHOLE = "Time stamps: beginning, end, and how sure the server was of the words"
    NONE = "Time stamps off"


@dataclass(slots=True)
class Viewing:
    """Tab and time stamps stay when another job becomes the current one."""

    folder: Path | None = None
    """Of the run; without one there are no traces to look at."""
    tab: Tab = Tab.TRANSCRIPT
    stamps: Stamps = Stamps.BEGINNINGS
    until: Callable[[JobId, int], float] | None = None
    """Up to when an attempt of a job is looked back at, on its own clock; None: all of it."""
    _record: Record | None = None

    def step(self, tabs: int) -> None:
        """To the tab so many places further, round and round."""
        every = list(Tab)
        self.tab = every[(every.index(self.tab) + tabs) % len(every)]

    def restamp(self) -> None:
        """To the next kind of time stamps."""
        every = list(Stamps)
        self.stamps = every[(every.index(self.stamps) + 1) % len(every)]

    def record(self, job: JobId) -> Record | None:
        """What the traces of a job hold; of one job at a time, since nobody looks at two."""
        if self.folder is None:
            return None
        if self._record is None or self._record.job != job:
            until = partial(self.until, job) if self.until else endless
            self._record = Record(self.folder, job, until)
        return self._record
