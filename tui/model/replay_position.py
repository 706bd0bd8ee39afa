"""The position in a replayed run, for the replay bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from workers.runs.job_timeline import IncidentKind


@dataclass(frozen=True, slots=True)
class ReplayPosition:
    """A position in a run. Times are in seconds since the run started."""

    position_s: float
    duration_s: float
    playing: bool
    speed: int
    time_of_day: datetime
    """The time of day at this position."""
    incidents: Sequence[tuple[float, IncidentKind]]
    """The time in seconds and the kind of each incident."""
