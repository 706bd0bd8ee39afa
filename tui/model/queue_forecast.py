"""What jobs that wait can expect: which place in the queue, and when the first one starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from workers.jobs.job import JobId


class Obstacle(Enum):
    """What the first of the queue waits for; the value says it."""

    HELD = "when starts go on"
    FULL = "when one ends"
    BOUND = "in {seconds} s"
    """So many sessions may begin in a minute, or the server was full."""
    NONE = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of one job."""

    place: int
    """1 is next."""
    obstacle: Obstacle = Obstacle.NONE
    seconds: int = 0
    """Until it may start; with `Obstacle.BOUND` only."""


class Queue:
    """The order of starts, as it was told last."""

    def __init__(self) -> None:
        self._order: list[JobId] = []
        self._places: dict[JobId, int] = {}
        self._first = Outlook(1)

    def tell(
        self, order: Sequence[JobId], *, held: bool, room: bool, start_in: float | None
    ) -> set[JobId]:
        """Takes in how it stands; gives the jobs that can expect something else than before.

        ``room``: a session more may run; ``start_in``: seconds until one may start.
        """
        seconds = math.ceil(start_in or 0.0)
        if held:
            first = Outlook(1, Obstacle.HELD)
        elif not room:
            first = Outlook(1, Obstacle.FULL)
        else:
            first = Outlook(1, Obstacle.BOUND, seconds) if seconds > 1 else Outlook(1)
        changed = set(order[:1]) if first != self._first else set()
        self._first = first
        if list(order) != self._order:
            before, self._order = self._places, list(order)
            self._places = {job: place for place, job in enumerate(order, 1)}
            changed |= {job for job in order if before.get(job) != self._places[job]}
            changed |= before.keys() - self._places.keys()
        return changed

    def of(self, job: JobId) -> Outlook | None:
        """What a job can expect; None when it is not in the queue."""
        place = self._places.get(job)
        return self._first if place == 1 else None if place is None else Outlook(place)
