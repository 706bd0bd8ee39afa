"""What jobs that wait can expect: which place in the queue, and when the first one starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from workers.jobs.job import JobId


class StartObstacle(Enum):
    """What the first of the queue waits for; the value says it."""

    HELD = "when starts go on"
    FULL = "when one ends"
    RATE_LIMITED = "in {seconds} s"
    """So many sessions may begin in a minute, or the server was full."""
    NONE = ""


@dataclass(frozen=True, slots=True)
class StartForecast:
    """Of one job."""

    position: int
    """1 is next."""
    obstacle: StartObstacle = StartObstacle.NONE
    start_in_s: int = 0
    """Until it may start; with `StartObstacle.RATE_LIMITED` only."""


class QueueForecast:
    """The order of starts, as it was told last."""

    def __init__(self) -> None:
        self._order: list[JobId] = []
        self._positions: dict[JobId, int] = {}
        self._head_forecast = StartForecast(1)

    def update(
        self, order: Sequence[JobId], *, held: bool, has_room: bool, start_in_s: float | None
    ) -> set[JobId]:
        """Takes in how it stands; gives the jobs that can expect something else than before.

        ``has_room``: a session more may run; ``start_in_s``: seconds until one may start.
        """
        seconds = math.ceil(start_in_s or 0.0)
        if held:
            first = StartForecast(1, StartObstacle.HELD)
        elif not has_room:
            first = StartForecast(1, StartObstacle.FULL)
        else:
            first = (
                StartForecast(1, StartObstacle.RATE_LIMITED, seconds)
                if seconds > 1
                else StartForecast(1)
            )
        changed = set(order[:1]) if first != self._head_forecast else set()
        self._head_forecast = first
        if list(order) != self._order:
            before, self._order = self._positions, list(order)
            self._positions = {job: place for place, job in enumerate(order, 1)}
            changed |= {job for job in order if before.get(job) != self._positions[job]}
            changed |= before.keys() - self._positions.keys()
        return changed

    def forecast(self, job: JobId) -> StartForecast | None:
        """What a job can expect; None when it is not in the queue."""
        place = self._positions.get(job)
        return (
            self._head_forecast if place == 1 else None if place is None else StartForecast(place)
        )
