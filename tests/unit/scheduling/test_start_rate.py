import itertools

from workers.scheduling.start_rate import FIRST_PAUSE, FREE, GAP, MINUTE, SHORTEST_PAUSE, Starts

BEGIN = 1000.0


def starts(bound: Starts, count: int, now: float = BEGIN) -> list[float]:
    """The times of so many starts that are all let in, each as early as it may be."""
    times = []
    for _ in range(count):
        now = max(now, bound.next(now))
        bound.started(now)
        bound.accepted(now)
        times.append(now)
    return times


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(t <= other < t + MINUTE for other in times) for t in times)


def test_no_minute_has_more_starts_than_allowed() -> None:
    """Whichever minute one looks at."""
    times = starts(Starts(5), 23)

    assert most_in_a_minute(times) == 5
    assert times[5] == BEGIN + MINUTE


def test_without_a_bound_there_is_a_gap_alone() -> None:
    """Sessions that stream already keep their processor."""
    times = starts(Starts(), 10)

    assert all(abs(b - a - GAP) < 1e-6 for a, b in itertools.pairwise(times))


def test_what_a_free_account_may_start_is_where_probing_begins() -> None:
    """While nothing is refused it grows, minute by minute."""
    times = starts(Starts(FREE, probing=True), 60)
    each = [sum(BEGIN + m * 60 <= t < BEGIN + m * 60 + 60 for t in times) for m in range(4)]

    assert each[0] == FREE
    assert each == sorted(each)
    assert each[2] > 2 * each[0]


def test_a_rehearsal_foresees_the_starts_and_is_none() -> None:
    """The pause behind a refusal too; and none is foreseen before there is a place for it."""
    bound = Starts(FREE, probing=True)
    bound.started(BEGIN)
    bound.refused(BEGIN, BEGIN + 0.5)
    foreseen = [bound.rehearsal()(BEGIN + 1.0) for _ in range(2)]
    assert foreseen == [bound.next(BEGIN + 1.0)] * 2

    start = bound.rehearsal()
    assert [start(BEGIN + 1.0) for _ in range(40)] == starts(bound, 40, BEGIN + 1.0)
    assert Starts().rehearsal()(BEGIN) == BEGIN


def test_a_refusal_pauses_all_starts_longer_each_time() -> None:
    """By chance somewhat less, so that programs that share an account part ways."""
    bound, now, pauses = Starts(), BEGIN, []
    for _ in range(8):
        now = bound.next(now)
        bound.started(now)
        bound.refused(now, now + 0.5)
        pauses.append(bound.next(now + 0.5) - (now + 0.5))

    for n, pause in enumerate(pauses):
        longest = min(MINUTE, FIRST_PAUSE * 2**n)
        assert longest / 2 <= pause <= longest


def test_those_refused_together_count_once() -> None:
    """Ten at a closed door are one closed door."""
    bound = Starts()
    for n in range(10):
        bound.started(BEGIN + n * GAP)
    for n in range(10):
        bound.refused(BEGIN + n * GAP, BEGIN + 1 + n * GAP)

    assert bound.next(BEGIN + 2) <= BEGIN + 1 + 10 * GAP + FIRST_PAUSE


def test_after_a_refusal_one_session_at_a_time_tries() -> None:
    """The next one waits for what becomes of it."""
    bound = Starts()
    bound.started(BEGIN)
    bound.refused(BEGIN, BEGIN + 1)
    again = bound.next(BEGIN + 1)
    bound.started(again)

    assert bound.next(again) > again + 10
    bound.accepted(again)
    assert bound.next(again + 1) <= again + 1


def test_the_end_of_a_session_is_worth_a_try() -> None:
    """It may have been its place that was missing."""
    bound = Starts()
    bound.started(BEGIN)
    bound.accepted(BEGIN)
    bound.started(BEGIN + 1)
    bound.refused(BEGIN + 1, BEGIN + 2)
    bound.ended(BEGIN, BEGIN + 2.1)

    assert bound.next(BEGIN + 2.1) == BEGIN + 2 + SHORTEST_PAUSE


def test_a_refused_account_is_asked_for_no_more_than_it_let_in() -> None:
    """And the bound rises again by itself, as the service's does."""
    bound = Starts(FREE, probing=True)
    times = starts(bound, FREE + 3)  # three of the second minute's are let in
    late = times[-1] + 1
    bound.started(late)
    bound.refused(late, late + 1)
    now, more = late + 1, []
    for _ in range(40):
        more += starts(bound, 1, now)
        now = more[-1]
    each = [sum(t <= other < t + MINUTE for other in more) for t in more[:-15]]

    assert each[0] <= 4
    assert max(each) > each[0]
    assert all(b <= a + 2 for a, b in itertools.pairwise(each))


def test_a_server_that_has_answered_before_is_waited_for() -> None:
    """Else a network that is gone for a minute would cost the whole queue its attempts."""
    for worked in (False, True):
        bound = Starts()
        bound.started(BEGIN)
        if worked:
            bound.accepted(BEGIN)
        bound.started(BEGIN + 1)
        bound.unreachable(BEGIN + 1, BEGIN + 2)

        assert (bound.next(BEGIN + 2) > BEGIN + 2) is worked
