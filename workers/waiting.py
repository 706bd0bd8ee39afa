"""The queue: files to be probed, and jobs that wait for their start."""

from collections import deque
from contextlib import suppress

from workers.place import Phase, Place
from workers.starts import Starts


class Waiting:
    """In order. Not for several threads at once; the supervisor sees to that."""

    def __init__(self, starts: Starts) -> None:
        self._starts = starts
        self._unprobed: deque[Place] = deque()
        self._probed: deque[Place] = deque()

    def probe(self, place: Place) -> None:
        """At the end: its file is to be probed before anything else."""
        place.phase = Phase.UNPROBED
        self._unprobed.append(place)

    def wait(self, place: Place) -> None:
        """At the end: it was probed."""
        place.waits(0.0)
        self._probed.append(place)

    def go_on(self, place: Place, due: float) -> None:
        """Ahead of those that have not begun, but not before ``due`` on the monotonic clock."""
        place.waits(due)
        self._probed.appendleft(place)

    def take_out(self, place: Place) -> None:
        """It is no longer wanted."""
        for queue in (self._unprobed, self._probed):
            with suppress(ValueError):
                queue.remove(place)

    def next_start(self, now: float) -> float | None:
        """When the next job may start, were there room; None when none waits."""
        if not self._probed:
            return None
        return max(min(place.due for place in self._probed), self._starts.next(now))

    def to_start(self, now: float) -> Place | None:
        """The first that may start now; it leaves the queue."""
        due = self.next_start(now)
        if due is None or due > now:
            return None
        place = next(place for place in self._probed if place.due <= now)
        self._probed.remove(place)
        self._starts.started(now)
        place.started_at = now
        return place

    def to_probe(self) -> Place | None:
        """The next whose file is to be probed; it leaves the queue."""
        return self._unprobed.popleft() if self._unprobed else None
