"""The queue: files to be probed, and jobs that wait for their start."""

from collections.abc import Iterable

from workers.jobs.job import JobId
from workers.scheduling.job_slot import JobPhase, JobSlot
from workers.scheduling.start_rate import StartRateLimiter


class JobQueue:
    """In order. Not for several threads at once; the supervisor sees to that."""

    def __init__(self, start_limiter: StartRateLimiter) -> None:
        self._start_limiter = start_limiter
        self._slots: dict[JobId, JobSlot] = {}
        """In the order in which they are to start. A place stays in it while its file is probed."""
        self._unprobed: dict[JobId, JobSlot] = {}
        """Of these, the ones whose file nobody has begun to probe; in the same order."""
        self._retried: set[JobId] = set()
        """Of these, the ones that had begun."""

    @property
    def order(self) -> list[JobId]:
        """Who waits, the next one first; one that goes on may have a time to wait for."""
        return list(self._slots)

    def add_unprobed(self, slot: JobSlot) -> None:
        """At the end: its file is to be probed before anything else."""
        self.remove(slot)
        slot.phase = JobPhase.UNPROBED
        self._slots[slot.id] = self._unprobed[slot.id] = slot

    def mark_probed(self, slot: JobSlot) -> None:
        """It was probed, and keeps its place."""
        slot.mark_queued(0.0)

    def add_retry(self, slot: JobSlot, due_at: float) -> None:
        """Ahead of those that have not begun, but not before ``due_at`` on the monotonic clock."""
        slot.mark_queued(due_at)
        self._slots = {slot.id: slot, **self._slots}
        self._retried.add(slot.id)

    def reorder(self, order: Iterable[JobId]) -> None:
        """Those that are named and wait first, as they are named; the others keep their order.

        Only what goes on and is not named stays ahead: the order was made when it still streamed.
        """
        named = dict.fromkeys(job for job in order if job in self._slots)
        ahead = [job for job in self._slots if job in self._retried and job not in named]
        self._slots = {job: self._slots[job] for job in (*ahead, *named, *self._slots)}
        self._unprobed = {id: each for id, each in self._slots.items() if id in self._unprobed}

    def remove(self, slot: JobSlot) -> None:
        """It is no longer wanted, or waits no more."""
        self._slots.pop(slot.id, None)
        self._unprobed.pop(slot.id, None)
        self._retried.discard(slot.id)

    def next_start_at(self, now: float) -> float | None:
        """When the next job may start, were there room; None when none waits."""
        dues = [slot.due_at for slot in self._slots.values() if slot.phase is JobPhase.QUEUED]
        return max(min(dues), self._start_limiter.next_start_at(now)) if dues else None

    def pop_startable(self, now: float) -> JobSlot | None:
        """The first that may start now; it leaves the queue."""
        due = self.next_start_at(now)
        if due is None or due > now:
            return None
        slot = next(each for each in self._slots.values() if _is_startable(each, now))
        self.remove(slot)
        self._start_limiter.record_start(now)
        slot.started_at = now
        return slot

    def pop_unprobed(self) -> JobSlot | None:
        """The next whose file is to be probed."""
        slot = next(iter(self._unprobed.values()), None)
        if slot is not None:
            del self._unprobed[slot.id]
        return slot


def _is_startable(slot: JobSlot, now: float) -> bool:
    return slot.phase is JobPhase.QUEUED and slot.due_at <= now
