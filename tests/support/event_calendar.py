"""What is to happen in a simulation, in the order of time."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import inf
from typing import TypeAlias

BUCKET_S = 0.05

CalendarEvent: TypeAlias = tuple[float, int, Callable[[], None]]
"""When, the how many-th to be added, and what. Events of one moment happen in this order."""


class EventCalendar:
    """A queue of events. Those of each twentieth of a second are kept unsorted until the first of
    them is due, so that a hundred thousand events cost little more than a hundred."""

    def __init__(self) -> None:
        self._due: list[CalendarEvent] = []  # of the bucket that was begun; a heap
        self._begun = -1
        """The number of that bucket."""
        self._buckets: dict[int, list[CalendarEvent]] = {}
        self._numbers: list[int] = []  # those of the buckets; a heap
        self._added = 0

    def add(self, at: float, action: Callable[[], None]) -> None:
        """Adds an event at a time in seconds."""
        self._added += 1
        number, event = int(at / BUCKET_S), (at, self._added, action)
        if number <= self._begun:
            heappush(self._due, event)
        elif (bucket := self._buckets.get(number)) is not None:
            bucket.append(event)
        else:
            self._buckets[number] = [event]
            heappush(self._numbers, number)

    def pop(self, until: float = inf) -> CalendarEvent | None:
        """Removes and returns the next event; None if there is none up to ``until``."""
        while not self._due:
            if not self._numbers:
                return None
            self._begun = heappop(self._numbers)
            self._due = self._buckets.pop(self._begun)
            heapify(self._due)
        return heappop(self._due) if self._due[0][0] <= until else None
