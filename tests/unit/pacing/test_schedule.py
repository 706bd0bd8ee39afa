from collections import Counter

import pytest

from workers.pacing.lags import Lags
from workers.pacing.schedule import Release, Schedule, next_in_phase


class Clock:
    """Time passes only in `sleep_until` and `work`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep_until(self, moment: float) -> None:
        self.now = max(self.now, moment)

    def work(self, seconds: float) -> None:
        self.now += seconds


def test_an_hour_of_chunks_does_not_drift() -> None:
    """Every chunk costs 3 ms of work, and the last leaves as little late as the first."""
    clock = Clock()
    schedule = Schedule(rate=16000, start=clock.now, release=Release.START)
    lags = Lags()
    for k in range(36_000):
        due = schedule.due(k * 1600, 1600)
        clock.sleep_until(due)
        clock.work(0.003)
        lags.add(clock.now - due)

    assert lags.summary().max == pytest.approx(3.0, abs=0.001)
    assert clock.now == pytest.approx(1000 + 3599.9 + 0.003, abs=1e-6)


def test_rounding_never_adds_up() -> None:
    """A chunk of 30 ms at 22050 Hz has 661.5 samples, so due times come from the position."""
    schedule = Schedule(rate=22050, start=0.0, release=Release.START)

    assert schedule.due(22050 * 3600, 662) == 3600.0


def test_a_chunk_may_leave_at_the_start_or_at_the_end_of_its_interval() -> None:
    """The two conventions differ by exactly one chunk."""
    start = Schedule(rate=8000, start=5.0, release=Release.START)
    end = Schedule(rate=8000, start=5.0, release=Release.END)

    assert start.due(0, 800) == 5.0
    assert end.due(0, 800) == 5.1


def test_a_late_chunk_is_caught_up_with() -> None:
    """A stall within the limit does not move the schedule."""
    schedule = Schedule(rate=1000, start=0.0, release=Release.START)

    assert schedule.slip_if_late(due=1.0, now=6.0) is None
    assert schedule.due(2000, 100) == 2.0


def test_a_long_stall_moves_the_schedule() -> None:
    """Minutes of audio never leave in one burst: the due chunk is due now, the rest follow."""
    schedule = Schedule(rate=1000, start=0.0, release=Release.START)

    assert schedule.slip_if_late(due=1.0, now=61.0) == 60.0
    assert schedule.due(1000, 100) == 61.0
    assert schedule.due(1100, 100) == 61.1


def test_a_burst_after_a_stall_is_bounded() -> None:
    """However long the stall, no more than `MAX_CATCH_UP_S` of audio leaves at once."""
    for stall in (0.5, 4.9, 5.1, 300.0):
        clock = Clock()
        schedule = Schedule(rate=1000, start=clock.now, release=Release.START)
        left_at: list[float] = []
        for k in range(6000):
            due = schedule.due(k * 100, 100)
            clock.sleep_until(due)
            if k == 100:
                clock.work(stall)
            if schedule.slip_if_late(due, clock.now) is not None:
                due = schedule.due(k * 100, 100)
            left_at.append(clock.now)
        burst = max(Counter(left_at).values())

        assert burst * 0.1 <= 5.1


def test_audio_may_be_sent_faster_or_slower_than_it_was_spoken() -> None:
    """At 20 times the speed of speech, 100 ms of audio are due every 5 ms."""
    fast = Schedule(rate=16000, start=3.0, release=Release.END, speed=20.0)
    slow = Schedule(rate=16000, start=3.0, release=Release.START, speed=0.5)

    assert fast.due(0, 1600) == 3.005
    assert fast.due(16000 * 3600, 0) == 183.0
    assert slow.due(16000, 1600) == 5.0


def test_a_schedule_waits_for_audio_that_is_written_late() -> None:
    """The chunk is then due when its audio was there, and later ones keep their distance. Audio
    that was there in time moves nothing, so waiting never hides a lag."""
    schedule = Schedule(rate=16000, start=0.0, release=Release.START)

    assert schedule.wait_for_audio(schedule.due(16000, 1600), 1.0) is None
    assert schedule.wait_for_audio(schedule.due(16000, 1600), 3.5) == 2.5
    assert schedule.due(16000, 1600) == 3.5
    assert schedule.due(17600, 1600) == 3.6


def test_streams_with_different_phases_are_due_apart() -> None:
    """Whenever they may start, each waits less than an interval for its moment."""
    half = next_in_phase(7.02, 0.5, 0.1)

    assert half == pytest.approx(7.05)
    assert next_in_phase(7.05, 0.5, 0.1) == pytest.approx(7.05)
    assert next_in_phase(7.06, 0.5, 0.1) == pytest.approx(7.15)
    assert next_in_phase(7.02, 0.0, 0.1) == pytest.approx(7.1)
