"""The queue: files to be probed, and jobs that wait to start."""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush

from workers.jobs.job import JobId
from workers.scheduling.job_slot import JobPhase, JobSlot


class JobQueue:
    """Jobs in the order in which they are to start. Not thread-safe.

    Each job has a position, and three heaps find the next job without a search of the whole queue.
    The entry of a job that was removed or moved stays in its heap until it reaches the top.

    The halves of a pair start together: if both are in the queue, neither is ready before the other
    one is, and `pop_due` returns both.
    """

    def __init__(self) -> None:
        self._slots: dict[JobId, JobSlot] = {}
        self._positions: dict[JobId, int] = {}
        self._retried: set[JobId] = set()
        """Jobs that had started before. They stay first unless `reorder` lists them."""
        self._unprobed: list[tuple[int, JobId]] = []  # by position
        self._ready: list[tuple[int, JobId]] = []  # by position
        self._delayed: list[tuple[float, int, JobId]] = []  # by earliest start, then by position
        self._first_position, self._last_position = 0, 0
        self._order: list[JobId] | None = None  # the last `order`; None after a change

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def order(self) -> list[JobId]:
        """All jobs in the queue, the next one first, including those that are not due yet."""
        if self._order is None:
            self._order = sorted(self._positions, key=self._positions.__getitem__)
        return list(self._order)

    def add_unprobed(self, slot: JobSlot) -> None:
        """Adds a job at the end; its file must be probed before it starts."""
        self.remove(slot)
        slot.phase = JobPhase.UNPROBED
        self._last_position += 1
        self._insert(slot, self._last_position)

    def add_retry(self, slot: JobSlot, due_at: float) -> None:
        """Adds a job ahead of all others; it may start at ``due_at`` (monotonic clock)."""
        slot.phase, slot.due_at = JobPhase.QUEUED, due_at
        self._retried.add(slot.id)
        self._first_position -= 1
        self._insert(slot, self._first_position)

    def mark_ready(self, slot: JobSlot) -> None:
        """Makes a job due now, in its position, after its file was probed or its wait was ended."""
        slot.phase, slot.due_at = JobPhase.QUEUED, 0.0
        self._insert(slot, self._positions[slot.id])

    def reorder(self, order: Iterable[JobId]) -> None:
        """Puts the listed jobs first, in that order; the others keep their order. Retried jobs that
        are not listed stay ahead, because they were streaming when the user chose the order."""
        named = dict.fromkeys(job for job in order if job in self._slots)
        before = self.order
        ahead = [job for job in before if job in self._retried and job not in named]
        after = dict.fromkeys((*ahead, *named, *before))
        self._positions, self._order = {job: at for at, job in enumerate(after)}, None
        self._first_position, self._last_position = 0, len(after)
        for heap in (self._unprobed, self._ready, self._delayed):
            heap.clear()
        for job, position in self._positions.items():
            self._insert(self._slots[job], position)

    def remove(self, slot: JobSlot) -> None:
        """Removes a job, if it is in the queue."""
        if self._slots.pop(slot.id, None) is not None and self._order is not None:
            if self._order[0] == slot.id:  # most jobs that leave the queue are its first
                del self._order[0]
            else:
                self._order = None
        self._positions.pop(slot.id, None)
        self._retried.discard(slot.id)
        partner = self._queued_partner(slot)
        if partner is not None and partner.phase is JobPhase.QUEUED:
            self._push(partner)  # it need not wait for the other half

    def next_due_at(self, now: float) -> float | None:
        """When the next job may start, ignoring the limit on starts; None if none waits."""
        while self._delayed:
            due_at, position, job = self._delayed[0]
            waits = self._positions.get(job) == position
            waits = waits and self._due_at(self._slots[job]) == due_at
            if waits and due_at > now:
                break
            heappop(self._delayed)
            if waits:
                heappush(self._ready, (position, job))
        if self._top(self._ready, JobPhase.QUEUED) is not None:
            return now
        return self._delayed[0][0] if self._delayed else None

    def next_due(self, now: float) -> list[JobSlot]:
        """The first job that may start now, or both halves of a pair; empty if there is none."""
        self.next_due_at(now)
        slot = self._top(self._ready, JobPhase.QUEUED)
        if slot is None:
            return []
        partner = self._queued_partner(slot)
        if partner is None or partner.phase is not JobPhase.QUEUED:
            return [slot]
        return sorted((slot, partner), key=lambda half: half.id)

    def pop_due(self, now: float) -> list[JobSlot]:
        """Removes and returns the jobs of `next_due`."""
        slots = self.next_due(now)
        for slot in slots:
            self.remove(slot)
        return slots

    def pop_unprobed(
        self, may_receive: Callable[[JobSlot], bool] = lambda slot: True
    ) -> JobSlot | None:
        """Returns the next job whose file must be probed, or received; it keeps its position.
        ``may_receive``: whether a job's recording may be received now."""
        slot = self._top(self._unprobed, JobPhase.UNPROBED)
        if slot is None or (slot.must_be_received and not may_receive(slot)):
            return None
        slot.phase = JobPhase.RECEIVING if slot.must_be_received else JobPhase.PROBING
        return slot

    def mark_unprobed(self, slot: JobSlot) -> None:
        """Lets a job be probed, in its position, as its recording has arrived."""
        slot.phase = JobPhase.UNPROBED
        self._insert(slot, self._positions[slot.id])

    def _insert(self, slot: JobSlot, position: int) -> None:
        known = self._positions.get(slot.id)
        if known is None and position == self._last_position and self._order is not None:
            self._order.append(slot.id)
        elif known != position:
            self._order = None
        self._slots[slot.id], self._positions[slot.id] = slot, position
        if slot.phase is JobPhase.UNPROBED:
            heappush(self._unprobed, (position, slot.id))
        elif slot.phase is JobPhase.QUEUED:
            partner = self._queued_partner(slot)
            if partner is None:
                self._push(slot)
            elif partner.phase is JobPhase.QUEUED:
                self._push(slot)
                self._push(partner)

    def _push(self, slot: JobSlot) -> None:
        due_at, position = self._due_at(slot), self._positions[slot.id]
        if due_at:
            heappush(self._delayed, (due_at, position, slot.id))
        else:
            heappush(self._ready, (position, slot.id))

    def _queued_partner(self, slot: JobSlot) -> JobSlot | None:
        """The other half of the pair, if it waits as well."""
        return self._slots.get(slot.partner.id) if slot.partner is not None else None

    def _due_at(self, slot: JobSlot) -> float:
        """The earliest start of a job; of a pair, that of the later half."""
        partner = self._queued_partner(slot)
        return slot.due_at if partner is None else max(slot.due_at, partner.due_at)

    def _top(self, heap: list[tuple[int, JobId]], phase: JobPhase) -> JobSlot | None:
        """Returns the first job of a heap, and drops outdated entries and those of other phases."""
        while heap:
            position, job = heap[0]
            if self._positions.get(job) == position and self._slots[job].phase is phase:
                return self._slots[job]
            heappop(heap)
        return None
