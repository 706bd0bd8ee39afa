"""A moment of a finished run, as the replay bar shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from workers.runs.job_timeline import IncidentKind


@dataclass(frozen=True, slots=True)
class ReplayPosition:
    """Times are in seconds since the run started."""

    position_s: float
    duration_s: float
    playing: bool
    speed: int
    time_of_day: datetime
    """The time of day at the position."""
    troubles: Sequence[tuple[float, IncidentKind]]
    """Incidents with their times."""
