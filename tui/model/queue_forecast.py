"""Forecasts for waiting jobs: their positions in the queue, and when the first job starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count

from workers.jobs.job import JobId

MAX_SHOWN = 500
"""Forecasts to compare after a change of the queue; more than a screen has rows."""


class StartObstacle(Enum):
    """What the first job in the queue waits for; the value is the displayed text."""

    HELD = "when starts are released"
    BUDGET = "when the budget allows"
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
    """Predicts the order in which jobs will start, from the last update.

    The queue may be long and shrinks whenever a job starts, so positions are only searched for jobs
    that are asked for: those in visible rows.
    """

    def __init__(self) -> None:
        self._order: list[JobId] = []
        self._positions: dict[JobId, int] = {}
        """The position of each job among all that were queued since the last new order."""
        self._started_count = 0
        """How many of these have left the queue, all from its front."""
        self._head_forecast = StartForecast(1)
        self._shown: dict[JobId, StartForecast | None] = {}
        """The forecasts that were asked for, until they change."""

    def update(
        self,
        order: Sequence[JobId],
        *,
        held: bool,
        has_room: bool,
        start_in_s: float | None,
        over_budget: bool = False,
    ) -> set[JobId]:
        """Updates the queue; returns the jobs whose forecast was asked for and has changed.

        ``has_room``: whether a slot is free; ``start_in_s``: seconds until a job may start.
        """
        head, seconds = StartForecast(1), math.ceil(start_in_s or 0.0)
        if held:
            head = StartForecast(1, StartObstacle.HELD)
        elif over_budget:
            head = StartForecast(1, StartObstacle.BUDGET)
        elif not has_room:
            head = StartForecast(1, StartObstacle.FULL)
        elif seconds > 1:
            head = StartForecast(1, StartObstacle.RATE_LIMITED, seconds)
        if head == self._head_forecast and order == self._order:
            return set()
        self._head_forecast = head
        if order != self._order:
            self._set_order(list(order))
        shown = self._shown.items()
        is_long = len(shown) > MAX_SHOWN  # most of these rows are no longer visible
        changed = {job for job, was in shown if is_long or self._forecast(job) != was}
        for job in changed:
            del self._shown[job]
        return changed

    def forecast(self, job: JobId) -> StartForecast | None:
        """The forecast of a job; None if it is not in the queue."""
        shown = self._shown[job] = self._forecast(job)
        return shown

    def _forecast(self, job: JobId) -> StartForecast | None:
        position = self._positions.get(job, 0) - self._started_count
        if position < 1:
            return None
        return self._head_forecast if position == 1 else StartForecast(position)

    def _set_order(self, order: list[JobId]) -> None:
        """Replaces the queue. Usually some jobs have left it at the front or came at its end."""
        started = self._positions.get(order[0], 0) - self._started_count - 1 if order else -1
        kept = len(self._order) - started
        if started >= 0 and order[:kept] == self._order[started:]:
            self._started_count += started
            end = self._started_count + kept
            self._positions.update(zip(order[kept:], count(end + 1), strict=False))
        else:
            self._positions, self._started_count = dict(zip(order, count(1), strict=False)), 0
        self._order = order
