"""The queue: files to be probed, and jobs that wait for their start."""

from collections.abc import Iterable
from heapq import heappop, heappush

from workers.jobs.job import JobId
from workers.scheduling.job_slot import JobPhase, JobSlot


class JobQueue:
    """Jobs in the order in which they are to start. For one thread at a time.

    Each job has a position; three heaps say which job is next, so that no start looks at the whole
    queue. Entries of jobs that have left, or moved, stay in a heap until they come to its top.
    """

    def __init__(self) -> None:
        self._slots: dict[JobId, JobSlot] = {}
        self._positions: dict[JobId, int] = {}
        self._retried: set[JobId] = set()
        """Jobs that had begun before. They stay ahead unless an order names them."""
        self._unprobed: list[tuple[int, JobId]] = []
        """By position."""
        self._ready: list[tuple[int, JobId]] = []
        """By position."""
        self._delayed: list[tuple[float, int, JobId]] = []
        """By the time before which they may not start, then by position."""
        self._first, self._last = 0, 0
        """The positions at both ends."""

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def order(self) -> list[JobId]:
        """All jobs in the queue, the next one first, including those with a time to wait for."""
        return sorted(self._positions, key=self._positions.__getitem__)

    @property
    def slots(self) -> list[JobSlot]:
        """The same, as slots, in no order."""
        return list(self._slots.values())

    def add_unprobed(self, slot: JobSlot) -> None:
        """Adds a job at the end; its file must be probed before it starts."""
        self.remove(slot)
        slot.phase = JobPhase.UNPROBED
        self._last += 1
        self._insert(slot, self._last)

    def add_retry(self, slot: JobSlot, due_at: float) -> None:
        """Adds a job ahead of all others; not to start before ``due_at`` (monotonic clock)."""
        slot.phase, slot.due_at = JobPhase.QUEUED, due_at
        self._retried.add(slot.id)
        self._first -= 1
        self._insert(slot, self._first)

    def mark_ready(self, slot: JobSlot) -> None:
        """Lets a job start as soon as there is room: its file was probed, or its wait is over. It
        keeps its position."""
        slot.phase, slot.due_at = JobPhase.QUEUED, 0.0
        self._insert(slot, self._positions[slot.id])

    def reorder(self, order: Iterable[JobId]) -> None:
        """Puts the named jobs first, in that order; the others keep theirs.

        Retried jobs that are not named stay ahead: they streamed when the order was made.
        """
        named = dict.fromkeys(job for job in order if job in self._slots)
        before = self.order
        ahead = [job for job in before if job in self._retried and job not in named]
        after = dict.fromkeys((*ahead, *named, *before))
        self._positions = {job: position for position, job in enumerate(after)}
        self._first, self._last = 0, len(after)
        for heap in (self._unprobed, self._ready, self._delayed):
            heap.clear()
        for job, position in self._positions.items():
            self._insert(self._slots[job], position)

    def remove(self, slot: JobSlot) -> None:
        """Takes a job out, if it is in the queue."""
        self._slots.pop(slot.id, None)
        self._positions.pop(slot.id, None)
        self._retried.discard(slot.id)

    def next_due_at(self, now: float) -> float | None:
        """When a job may start, apart from the bound on starts; None when none waits."""
        while self._delayed and (
            self._delayed[0][0] <= now or not self._is_delayed(*self._delayed[0])
        ):
            due_at, position, job = heappop(self._delayed)
            if self._is_delayed(due_at, position, job):
                heappush(self._ready, (position, job))
        if self._top(self._ready, JobPhase.QUEUED) is not None:
            return now
        return self._delayed[0][0] if self._delayed else None

    def pop_due(self, now: float) -> JobSlot | None:
        """Takes out the first job that may start now."""
        self.next_due_at(now)
        slot = self._top(self._ready, JobPhase.QUEUED)
        if slot is not None:
            self.remove(slot)
        return slot

    def pop_unprobed(self) -> JobSlot | None:
        """The next job whose file is to be probed; it keeps its position meanwhile."""
        slot = self._top(self._unprobed, JobPhase.UNPROBED)
        if slot is not None:
            slot.phase = JobPhase.PROBING
        return slot

    def _insert(self, slot: JobSlot, position: int) -> None:
        self._slots[slot.id], self._positions[slot.id] = slot, position
        if slot.phase is JobPhase.UNPROBED:
            heappush(self._unprobed, (position, slot.id))
        elif slot.phase is JobPhase.QUEUED and slot.due_at:
            heappush(self._delayed, (slot.due_at, position, slot.id))
        elif slot.phase is JobPhase.QUEUED:
            heappush(self._ready, (position, slot.id))

    def _top(self, heap: list[tuple[int, JobId]], phase: JobPhase) -> JobSlot | None:
        """The first job of a heap that is still there in this phase; drops entries before it."""
        while heap:
            position, job = heap[0]
            if self._positions.get(job) == position and self._slots[job].phase is phase:
                return self._slots[job]
            heappop(heap)
        return None

    def _is_delayed(self, due_at: float, position: int, job: JobId) -> bool:
        """Whether an entry of the delayed jobs still holds."""
        return self._positions.get(job) == position and self._slots[job].due_at == due_at
