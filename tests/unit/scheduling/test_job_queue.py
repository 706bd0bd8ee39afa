from workers.jobs.job import JobId
from workers.scheduling.job_queue import Waiting
from workers.scheduling.job_slot import Phase, Place
from workers.scheduling.start_rate import GAP, Starts


def queued(count: int, *, probed: bool = True) -> tuple[Waiting, list[Place]]:
    """So many jobs, the first of which is number 1."""
    waiting = Waiting(Starts())
    places = [Place(JobId(n + 1), f"{n + 1}.wav", f"{n + 1}.wav") for n in range(count)]
    for place in places:
        waiting.probe(place)
    while probed and (place := waiting.to_probe()):
        waiting.wait(place)
    return waiting, places


def started(waiting: Waiting, now: float = 100.0) -> list[int]:
    """All that start at once, in order."""
    found = []
    while place := waiting.to_start(now):
        found.append(place.id)
        now += GAP
    return found


def test_jobs_start_in_their_order() -> None:
    """Also when their files are probed in between."""
    waiting, _ = queued(3)

    assert waiting.order == [1, 2, 3]
    assert started(waiting) == [1, 2, 3]
    assert waiting.order == []


def test_an_arranged_order_is_kept() -> None:
    """Those that are not named come behind; what does not wait is no matter."""
    waiting, _ = queued(5)
    waiting.arrange([JobId(4), JobId(9), JobId(2)])

    assert waiting.order == [4, 2, 1, 3, 5]
    assert started(waiting) == [4, 2, 1, 3, 5]


def test_files_are_probed_in_the_order_too() -> None:
    """One that is being probed keeps its place; while it is, others may go."""
    waiting, places = queued(4, probed=False)
    assert waiting.to_probe() is places[0]
    waiting.arrange([JobId(3), JobId(1)])
    assert waiting.to_probe() is places[2]
    waiting.wait(places[2])
    waiting.wait(places[0])

    assert waiting.order == [3, 1, 2, 4]
    assert started(waiting) == [3, 1]
    assert waiting.to_probe() is places[1]


def test_one_that_goes_on_comes_first_unless_it_is_arranged_otherwise() -> None:
    """But not before its time."""
    waiting, places = queued(3)
    first = waiting.to_start(100.0)
    assert first is places[0]
    waiting.go_on(first, 500.0)

    assert waiting.order == [1, 2, 3]
    assert started(waiting, 200.0) == [2, 3]
    assert started(waiting, 500.0) == [1]

    waiting, places = queued(3)
    first = waiting.to_start(100.0)
    assert first is places[0]
    waiting.go_on(first, 100.0)
    waiting.arrange([JobId(2), JobId(1)])
    assert started(waiting, 200.0) == [2, 1, 3]


def test_one_that_went_on_since_an_order_was_made_stays_first() -> None:
    """Whoever made it saw it stream; once it has begun again it is like any other."""
    waiting, places = queued(4)
    first = waiting.to_start(100.0)
    assert first is places[0]
    waiting.go_on(first, 100.0)
    waiting.arrange([JobId(3), JobId(2), JobId(4)])
    assert waiting.order == [1, 3, 2, 4]

    waiting.take_out(first)
    waiting.probe(first)
    waiting.arrange([JobId(4), JobId(3), JobId(2)])
    assert waiting.order == [4, 3, 2, 1]


def test_what_is_taken_out_and_asked_for_again_is_there_once() -> None:
    """At the end, to be probed anew."""
    waiting, places = queued(3)
    waiting.take_out(places[0])
    assert waiting.order == [2, 3]
    waiting.probe(places[0])
    waiting.probe(places[0])

    assert waiting.order == [2, 3, 1]
    assert waiting.to_probe() is places[0]
    assert waiting.to_probe() is None
    assert places[0].phase is Phase.UNPROBED
