"""Forecasts for waiting jobs: their positions in the queue, and when the first job starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count

from workers.jobs.job import JobId


class StartObstacle(Enum):
    """What the first job in the queue waits for; the value is the displayed text."""

    HELD = "when starts are released"
    FULL = "when one ends"
    RATE_LIMITED = "in {seconds} s"
    """The start rate is limited, or the server was full."""
    NONE = ""


@dataclass(frozen=True, slots=True)
class StartForecast:
    """The forecast for one job."""

    position: int
    """Position in the queue; 1 is next."""
    obstacle: StartObstacle = StartObstacle.NONE
    start_in_s: int = 0
    """Seconds until the job may start; only with `StartObstacle.RATE_LIMITED`."""


class QueueForecast:
    """Predicts the order in which jobs will start, from the last update."""

    def __init__(self) -> None:
        self._order: list[JobId] = []
        self._positions: dict[JobId, int] = {}
        self._head_forecast = StartForecast(1)

    def update(
        self, order: Sequence[JobId], *, held: bool, has_room: bool, start_in_s: float | None
    ) -> set[JobId]:
        """Updates the queue; returns the jobs whose forecast may have changed.

        ``has_room``: whether a slot is free; ``start_in_s``: seconds until a job may start.
        """
        head, seconds = StartForecast(1), math.ceil(start_in_s or 0.0)
        if held:
            head = StartForecast(1, StartObstacle.HELD)
        elif not has_room:
            head = StartForecast(1, StartObstacle.FULL)
        elif seconds > 1:
            head = StartForecast(1, StartObstacle.RATE_LIMITED, seconds)
        changed = set(order[:1]) if head != self._head_forecast else set()
        self._head_forecast = head
        if order != self._order:
            before, self._order = self._order, list(order)
            pairs = enumerate(zip(before, order, strict=False))
            shorter = min(len(before), len(order))
            first = next((at for at, (job, now) in pairs if job != now), shorter)
            changed |= {*before[first:], *order[first:]}
            self._positions = dict(zip(order, count(1), strict=False))
        return changed

    def forecast(self, job: JobId) -> StartForecast | None:
        """The forecast of a job; None if it is not in the queue."""
        position = self._positions.get(job)
        if position is None:
            return None
        return self._head_forecast if position == 1 else StartForecast(position)
