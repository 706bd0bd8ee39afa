"""The queue, which finds jobs by heaps, does what a plain list would do."""

from hypothesis import given, settings
from hypothesis import strategies as st

from workers.audio.source import Source
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.scheduling.job_queue import JobQueue
from workers.scheduling.job_slot import JobPhase, JobSlot

JOBS = [JobId(number) for number in range(1, 7)]
job = st.sampled_from(JOBS)
steps = st.lists(
    st.tuples(st.just("add"), job)
    | st.tuples(st.just("retry"), job, st.sampled_from([0.0, 2.0, 5.0, 9.0]))
    | st.tuples(st.just("remove"), job)
    | st.tuples(st.just("ready"), job)
    | st.tuples(st.just("reorder"), st.lists(job))
    | st.tuples(st.just("start"), st.sampled_from([0.0, 4.0]))
    | st.tuples(st.just("probe")),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_whatever_is_done_the_queue_is_in_order(steps: list[tuple]) -> None:
    """It also starts and probes the first job that may."""
    queue = JobQueue()
    slots = {job: JobSlot(job, Source("a.wav"), "a.wav", JobState(job, "a.wav")) for job in JOBS}
    plain: list[JobSlot] = []
    retried: set[JobId] = set()
    now = 1.0
    for verb, *arguments in steps:
        slot = slots.get(arguments[0]) if verb in ("add", "retry", "remove", "ready") else None
        if verb == "start":
            now += arguments[0]
            ready = [s for s in plain if s.phase is JobPhase.QUEUED and s.due_at <= now]
            slot = ready[0] if ready else None
            assert queue.pop_due(now) == ([slot] if slot else [])
            plain = [other for other in plain if other is not slot]
            retried -= {slot.id} if slot else set()
        elif verb == "probe":
            unprobed = [s for s in plain if s.phase is JobPhase.UNPROBED]
            assert queue.pop_unprobed() is (unprobed[0] if unprobed else None)
        elif verb == "reorder":
            named = [slots[job] for job in dict.fromkeys(arguments[0]) if slots[job] in plain]
            ahead = [s for s in plain if s.id in retried and s not in named]
            plain = [*ahead, *named, *(s for s in plain if s not in ahead and s not in named)]
            queue.reorder(arguments[0])
        elif slot is not None and verb == "add":
            queue.add_unprobed(slot)
            plain = [*(s for s in plain if s is not slot), slot]
            retried.discard(slot.id)
        elif slot is not None and verb == "retry" and slot not in plain:
            queue.add_retry(slot, arguments[1])
            plain.insert(0, slot)
            retried.add(slot.id)
        elif slot is not None and verb == "ready" and slot in plain:
            queue.mark_ready(slot)
        elif slot is not None and verb == "remove":
            queue.remove(slot)
            plain = [s for s in plain if s is not slot]
            retried.discard(slot.id)

        assert queue.order == [s.id for s in plain]
        waiting = [s.due_at for s in plain if s.phase is JobPhase.QUEUED]
        due_at = queue.next_due_at(now)
        assert (due_at is None) == (not waiting)
        assert due_at is None or max(due_at, now) == max(min(waiting), now)
