import itertools

from workers.scheduling.start_pace import FIRST_GAP_S
from workers.scheduling.start_rate import (
    FIRST_PAUSE_S,
    FREE_STARTS_PER_MINUTE,
    MIN_PAUSE_S,
    RATE_WINDOW_S,
    TRIAL_TIMEOUT_S,
    StartRateLimiter,
)

BEGIN = 1000.0


def starts(bound: StartRateLimiter, count: int, now: float = BEGIN) -> list[float]:
    """The times of ``count`` accepted starts, each as early as allowed."""
    times = []
    for _ in range(count):
        now = max(now, bound.next_start_at(now))
        bound.record_start(now)
        bound.record_accepted(now)
        times.append(now)
    return times


def most_in_a_minute(times: list[float]) -> int:
    return max(sum(t <= other < t + RATE_WINDOW_S for other in times) for t in times)


def test_no_minute_has_more_starts_than_allowed() -> None:
    """This holds for any minute."""
    times = starts(StartRateLimiter(5), 23)

    assert most_in_a_minute(times) == 5
    assert times[5] == BEGIN + RATE_WINDOW_S


def test_without_a_bound_there_is_a_gap_alone() -> None:
    """Sessions that already stream keep their processor time."""
    times = starts(StartRateLimiter(), 10)

    assert all(abs(b - a - FIRST_GAP_S) < 1e-6 for a, b in itertools.pairwise(times))


def test_what_a_free_account_may_start_is_where_probing_begins() -> None:
    """The limit grows every minute while nothing is refused."""
    times = starts(StartRateLimiter(FREE_STARTS_PER_MINUTE, probing=True), 60)
    each = [sum(BEGIN + m * 60 <= t < BEGIN + m * 60 + 60 for t in times) for m in range(4)]

    assert each[0] == FREE_STARTS_PER_MINUTE
    assert each == sorted(each)
    assert each[2] > 2 * each[0]


def starts_after_five_minutes(per_minute: int) -> int:
    """Starts in the minute after five minutes with this many; the first limit is 10."""
    bound = StartRateLimiter(10, probing=True)
    for minute in range(5):
        starts(bound, per_minute, BEGIN + minute * RATE_WINDOW_S)
    then = BEGIN + 5 * RATE_WINDOW_S + 30
    return sum(t < then + RATE_WINDOW_S for t in starts(bound, 50, then))


def test_the_bound_does_not_rise_over_minutes_with_few_starts() -> None:
    """The limit rises once most of it is used, and again after each such minute."""
    assert starts_after_five_minutes(per_minute=6) == 2 * 10
    assert starts_after_five_minutes(per_minute=7) > 2 * 10


def test_a_rehearsal_foresees_the_starts_and_is_none() -> None:
    """It includes the pause after a refusal, and no start comes before there is room."""
    bound = StartRateLimiter(FREE_STARTS_PER_MINUTE, probing=True)
    bound.record_start(BEGIN)
    bound.record_refused(BEGIN, BEGIN + 0.5)
    foreseen = [bound.start_simulator()(BEGIN + 1.0) for _ in range(2)]
    assert foreseen == [bound.next_start_at(BEGIN + 1.0)] * 2

    start = bound.start_simulator()
    assert [start(BEGIN + 1.0) for _ in range(40)] == starts(bound, 40, BEGIN + 1.0)
    assert StartRateLimiter().start_simulator()(BEGIN) == BEGIN


def test_a_refusal_pauses_all_starts_longer_each_time() -> None:
    """A random part is left out, so that programs that share an account diverge."""
    bound, now, pauses = StartRateLimiter(), BEGIN, []
    for _ in range(8):
        now = bound.next_start_at(now)
        bound.record_start(now)
        bound.record_refused(now, now + 0.5)
        pauses.append(bound.next_start_at(now + 0.5) - (now + 0.5))

    for n, pause in enumerate(pauses):
        longest = min(RATE_WINDOW_S, FIRST_PAUSE_S * 2**n)
        assert longest / 2 <= pause <= longest


def test_those_refused_together_count_once() -> None:
    """Ten refusals at the same time count as one."""
    bound = StartRateLimiter()
    for n in range(10):
        bound.record_start(BEGIN + n * FIRST_GAP_S)
    for n in range(10):
        bound.record_refused(BEGIN + n * FIRST_GAP_S, BEGIN + 1 + n * FIRST_GAP_S)

    assert bound.next_start_at(BEGIN + 2) <= BEGIN + 1 + 10 * FIRST_GAP_S + FIRST_PAUSE_S


def test_after_a_refusal_one_session_at_a_time_tries() -> None:
    """The next session waits for the result of the trial."""
    bound = StartRateLimiter()
    bound.record_start(BEGIN)
    bound.record_refused(BEGIN, BEGIN + 1)
    again = bound.next_start_at(BEGIN + 1)
    bound.record_start(again)

    assert bound.next_start_at(again) > again + 10
    bound.record_accepted(again)
    assert bound.next_start_at(again + 1) <= again + 1


def test_a_trial_that_nobody_answers_ends_after_a_time() -> None:
    """Otherwise one session that hangs would block all others."""
    bound = StartRateLimiter()
    bound.record_start(BEGIN)
    bound.record_refused(BEGIN, BEGIN + 1)
    trial = bound.next_start_at(BEGIN + 1)
    bound.record_start(trial)

    assert bound.next_start_at(trial) == trial + TRIAL_TIMEOUT_S
    assert bound.next_start_at(trial + TRIAL_TIMEOUT_S) == trial + TRIAL_TIMEOUT_S


def test_refusals_for_days_pause_no_longer_than_those_of_minutes() -> None:
    """The pause doubles with each refusal, but never exceeds a minute."""
    bound, now = StartRateLimiter(), BEGIN
    for _ in range(2000):
        now = bound.next_start_at(now)
        bound.record_start(now)
        bound.record_refused(now, now + 0.5)

    assert 0.5 <= (bound.next_start_at(now + 0.5) - now - 0.5) / RATE_WINDOW_S <= 1.0


def test_the_end_of_a_session_is_worth_a_try() -> None:
    """The end of a session may make the missing room."""
    bound = StartRateLimiter()
    bound.record_start(BEGIN)
    bound.record_accepted(BEGIN)
    bound.record_start(BEGIN + 1)
    bound.record_refused(BEGIN + 1, BEGIN + 2)
    bound.record_end(BEGIN, BEGIN + 2.1)

    assert bound.next_start_at(BEGIN + 2.1) == BEGIN + 2 + MIN_PAUSE_S


def test_a_refused_account_is_asked_for_no_more_than_it_let_in() -> None:
    """After that, the limit rises again, as the service's does."""
    bound = StartRateLimiter(FREE_STARTS_PER_MINUTE, probing=True)
    times = starts(bound, FREE_STARTS_PER_MINUTE + 3)  # three of the second minute's are let in
    late = times[-1] + 1
    bound.record_start(late)
    bound.record_refused(late, late + 1)
    now, more = late + 1, []
    for _ in range(40):
        more += starts(bound, 1, now)
        now = more[-1]
    each = [sum(t <= other < t + RATE_WINDOW_S for other in more) for t in more[:-15]]

    assert each[0] <= 4
    assert max(each) > each[0]
    assert all(b <= a + 2 for a, b in itertools.pairwise(each))


def test_a_server_that_has_answered_before_is_waited_for() -> None:
    """Otherwise a network failure of a minute would cost every job its attempts."""
    for worked in (False, True):
        bound = StartRateLimiter()
        bound.record_start(BEGIN)
        if worked:
            bound.record_accepted(BEGIN)
        bound.record_start(BEGIN + 1)
        bound.record_unreachable(BEGIN + 1, BEGIN + 2)

        assert (bound.next_start_at(BEGIN + 2) > BEGIN + 2) is worked
