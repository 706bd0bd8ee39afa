from collections import Counter

import numpy as np
import pytest

from workers.pacing.certificate import Verdict
from workers.pacing.lags import Lags, build_certificate, percentiles
from workers.pacing.schedule import Release, Schedule


class Clock:
    """Time passes only when somebody sleeps or works."""

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
    """At 22050 Hz and 30 ms a chunk is 661.5 samples; what counts is the position, not a step."""
    schedule = Schedule(rate=22050, start=0.0, release=Release.START)

    assert schedule.due(22050 * 3600, 662) == 3600.0


def test_a_chunk_may_leave_at_the_start_or_at_the_end_of_its_interval() -> None:
    """The two conventions differ by exactly one chunk."""
    start = Schedule(rate=8000, start=5.0, release=Release.START)
    end = Schedule(rate=8000, start=5.0, release=Release.END)

    assert start.due(0, 800) == 5.0
    assert end.due(0, 800) == 5.1


def test_a_late_chunk_is_caught_up_with() -> None:
    """A stall within the bound leaves the schedule where it was."""
    schedule = Schedule(rate=1000, start=0.0, release=Release.START)

    assert schedule.slip_if_late(due=1.0, now=6.0) is None
    assert schedule.due(2000, 100) == 2.0


def test_a_long_stall_moves_the_schedule() -> None:
    """Minutes of audio never leave in one burst: what was due is due now, the rest after it."""
    schedule = Schedule(rate=1000, start=0.0, release=Release.START)

    assert schedule.slip_if_late(due=1.0, now=61.0) == 60.0
    assert schedule.due(1000, 100) == 61.0
    assert schedule.due(1100, 100) == 61.1


def test_a_burst_after_a_stall_is_bounded() -> None:
    """However long the stall, no more than the catch-up bound of audio leaves at once."""
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


def test_percentiles_are_values_that_were_measured() -> None:
    """Nearest rank: the p-th percentile of n is the ceil(p n / 100)-th smallest."""
    lags_us = np.arange(1, 101, dtype=np.uint32) * 1000

    assert percentiles(lags_us, (50, 99, 99.9, 100)) == (50.0, 99.0, 100.0, 100.0)


def test_the_summary_follows_the_lags() -> None:
    """Now is the latest, the maximum is exact, and percentiles are of all so far."""
    lags = Lags()
    for lag in (0.001, 0.009, 0.002):
        lags.add(lag)

    assert lags.summary().now == 2.0
    assert lags.summary().p50 == 2.0
    assert lags.summary().max == 9.0
    assert lags.since(1) == (9000, 2000)


def test_no_chunk_no_certificate() -> None:
    """A session that sent nothing proves nothing."""
    assert certified([]) is None


def test_the_certificate_tells_whether_the_pacing_held() -> None:
    """Within the tolerance: held. Beyond it: late. With a slip: slipped, whatever else."""
    late = [0.5] * 90 + [11.0] * 10

    assert certified([0.5] * 100).verdict is Verdict.HELD
    assert certified(late).verdict is Verdict.LATE
    assert certified([0.5] * 100, slips=(6000.0,)).verdict is Verdict.SLIPPED


def test_drift_is_the_last_tenth_against_the_first() -> None:
    """In ms, by medians; not told for a session too short to say."""
    rising = [k / 100 for k in range(1000)]

    assert certified(rising).drift_ms == pytest.approx(9.0, abs=0.02)
    assert certified([1.0] * 19).drift_ms is None


def certified(lags_ms: list[float], slips: tuple[float, ...] = ()):
    return build_certificate(
        np.array([lag * 1000 for lag in lags_ms], dtype=np.uint32),
        slips,
        release=Release.START,
        chunk_ms=100,
        sample_rate=16000,
        audio_seconds=len(lags_ms) / 10,
    )
