import itertools

from workers.starts import GAP, Starts


def starts(per_minute: int | None, count: int) -> list[float]:
    """The times of so many starts, each as early as it may be."""
    bound, now, times = Starts(per_minute), 1000.0, []
    for _ in range(count):
        now = max(now, bound.next(now))
        bound.started(now)
        times.append(now - 1000.0)
    return times


def test_no_minute_has_more_starts_than_allowed() -> None:
    """Whichever minute one looks at."""
    times = starts(5, 23)

    assert max(sum(t <= other < t + 60 for other in times) for t in times) == 5
    assert times[5] == 60.0


def test_without_a_bound_there_is_a_gap_alone() -> None:
    """Sessions that stream already keep their processor."""
    times = starts(None, 10)

    assert all(abs(b - a - GAP) < 1e-9 for a, b in itertools.pairwise(times))
