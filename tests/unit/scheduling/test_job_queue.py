from workers.audio.source import Source
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.scheduling.job_queue import JobQueue
from workers.scheduling.job_slot import JobPhase, JobSlot


def queued(count: int, *, probed: bool = True) -> tuple[JobQueue, list[JobSlot]]:
    """Queues ``count`` jobs; the first is number 1."""
    waiting = JobQueue()
    slots = []
    for job in map(JobId, range(1, count + 1)):
        slot = JobSlot(job, Source(f"{job}.wav"), f"{job}.wav", JobState(job, f"{job}.wav"))
        slots.append(slot)
        waiting.add_unprobed(slot)
    while probed and (unprobed := waiting.pop_unprobed()):
        waiting.mark_ready(unprobed)
    return waiting, slots


def started(waiting: JobQueue, now: float = 100.0) -> list[JobId]:
    """Starts all jobs that are due and returns them in order."""
    found = []
    while slots := waiting.pop_due(now):
        found += [slot.id for slot in slots]
    return found


def test_jobs_start_in_their_order() -> None:
    """Probing files in between does not change the order."""
    waiting, _ = queued(3)

    assert waiting.order == [1, 2, 3]
    assert started(waiting) == [1, 2, 3]
    assert waiting.order == []


def test_the_order_follows_each_change() -> None:
    """Asking for it in between changes nothing, whichever job leaves the queue or comes back."""
    waiting, slots = queued(4)
    assert waiting.order == [1, 2, 3, 4]
    waiting.remove(slots[0])
    waiting.remove(slots[2])
    assert waiting.order == [2, 4]
    waiting.add_unprobed(slots[2])
    assert waiting.order == [2, 4, 3]
    waiting.add_retry(slots[0], 0.0)
    assert waiting.order == [1, 2, 4, 3]
    waiting.add_unprobed(slots[1])
    assert waiting.order == [1, 4, 3, 2]


def test_an_arranged_order_is_kept() -> None:
    """Jobs that are not named come after them; jobs that are not queued are ignored."""
    waiting, _ = queued(5)
    waiting.reorder([JobId(4), JobId(9), JobId(2)])

    assert waiting.order == [4, 2, 1, 3, 5]
    assert started(waiting) == [4, 2, 1, 3, 5]


def test_files_are_probed_in_the_order_too() -> None:
    """A job keeps its position while its file is probed, and others may start meanwhile."""
    waiting, slots = queued(4, probed=False)
    assert waiting.pop_unprobed() is slots[0]
    waiting.reorder([JobId(3), JobId(1)])
    assert waiting.pop_unprobed() is slots[2]
    waiting.mark_ready(slots[2])
    waiting.mark_ready(slots[0])

    assert waiting.order == [3, 1, 2, 4]
    assert started(waiting) == [3, 1]
    assert waiting.pop_unprobed() is slots[1]


def test_one_that_goes_on_comes_first_unless_it_is_arranged_otherwise() -> None:
    """It does not start before its delay has passed, though."""
    waiting, slots = queued(3)
    (first,) = waiting.pop_due(100.0)
    assert first is slots[0]
    waiting.add_retry(first, 500.0)

    assert waiting.order == [1, 2, 3]
    assert started(waiting, 200.0) == [2, 3]
    assert started(waiting, 500.0) == [1]

    waiting, slots = queued(3)
    (first,) = waiting.pop_due(100.0)
    assert first is slots[0]
    waiting.add_retry(first, 100.0)
    waiting.reorder([JobId(2), JobId(1)])
    assert started(waiting, 200.0) == [2, 1, 3]


def test_one_that_went_on_since_an_order_was_made_stays_first() -> None:
    """The user saw it stream when making the order; after its next start it is like any other."""
    waiting, slots = queued(4)
    (first,) = waiting.pop_due(100.0)
    assert first is slots[0]
    waiting.add_retry(first, 100.0)
    waiting.reorder([JobId(3), JobId(2), JobId(4)])
    assert waiting.order == [1, 3, 2, 4]

    waiting.remove(first)
    waiting.add_unprobed(first)
    waiting.reorder([JobId(4), JobId(3), JobId(2)])
    assert waiting.order == [4, 3, 2, 1]


def test_what_is_taken_out_and_asked_for_again_is_there_once() -> None:
    """It is at the end, and its file is probed again."""
    waiting, slots = queued(3)
    waiting.remove(slots[0])
    assert waiting.order == [2, 3]
    waiting.add_unprobed(slots[0])
    waiting.add_unprobed(slots[0])

    assert waiting.order == [2, 3, 1]
    assert waiting.pop_unprobed() is slots[0]
    assert waiting.pop_unprobed() is None
    assert slots[0].phase is JobPhase.PROBING
