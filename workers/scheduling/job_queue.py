"""The queue: files to be probed, and jobs that wait for their start."""

from collections.abc import Iterable

from workers.jobs.job import JobId
from workers.scheduling.job_slot import Phase, Place
from workers.scheduling.start_rate import Starts


class Waiting:
    """In order. Not for several threads at once; the supervisor sees to that."""

    def __init__(self, starts: Starts) -> None:
        self._starts = starts
        self._queue: dict[JobId, Place] = {}
        """In the order in which they are to start. A place stays in it while its file is probed."""
        self._unprobed: dict[JobId, Place] = {}
        """Of these, the ones whose file nobody has begun to probe; in the same order."""
        self._going_on: set[JobId] = set()
        """Of these, the ones that had begun."""

    @property
    def order(self) -> list[JobId]:
        """Who waits, the next one first; one that goes on may have a time to wait for."""
        return list(self._queue)

    def probe(self, place: Place) -> None:
        """At the end: its file is to be probed before anything else."""
        self.take_out(place)
        place.phase = Phase.UNPROBED
        self._queue[place.id] = self._unprobed[place.id] = place

    def wait(self, place: Place) -> None:
        """It was probed, and keeps its place."""
        place.waits(0.0)

    def go_on(self, place: Place, due: float) -> None:
        """Ahead of those that have not begun, but not before ``due`` on the monotonic clock."""
        place.waits(due)
        self._queue = {place.id: place, **self._queue}
        self._going_on.add(place.id)

    def arrange(self, order: Iterable[JobId]) -> None:
        """Those that are named and wait first, as they are named; the others keep their order.

        Only what goes on and is not named stays ahead: the order was made when it still streamed.
        """
        named = dict.fromkeys(job for job in order if job in self._queue)
        ahead = [job for job in self._queue if job in self._going_on and job not in named]
        self._queue = {job: self._queue[job] for job in (*ahead, *named, *self._queue)}
        self._unprobed = {id: each for id, each in self._queue.items() if id in self._unprobed}

    def take_out(self, place: Place) -> None:
        """It is no longer wanted, or waits no more."""
        self._queue.pop(place.id, None)
        self._unprobed.pop(place.id, None)
        self._going_on.discard(place.id)

    def next_start(self, now: float) -> float | None:
        """When the next job may start, were there room; None when none waits."""
        dues = [place.due for place in self._queue.values() if place.phase is Phase.WAITING]
        return max(min(dues), self._starts.next(now)) if dues else None

    def to_start(self, now: float) -> Place | None:
        """The first that may start now; it leaves the queue."""
        due = self.next_start(now)
        if due is None or due > now:
            return None
        place = next(each for each in self._queue.values() if _may_start(each, now))
        self.take_out(place)
        self._starts.started(now)
        place.started_at = now
        return place

    def to_probe(self) -> Place | None:
        """The next whose file is to be probed."""
        place = next(iter(self._unprobed.values()), None)
        if place is not None:
            del self._unprobed[place.id]
        return place


def _may_start(place: Place, now: float) -> bool:
    return place.phase is Phase.WAITING and place.due <= now
