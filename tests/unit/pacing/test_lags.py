import numpy as np
import pytest

from workers.pacing.certificate import (
    LAG_TOLERANCE_MS,
    Certificate,
    LagPercentiles,
    LagSummary,
    Verdict,
)
from workers.pacing.lags import Lags, build_certificate, percentiles
from workers.pacing.schedule import Release


def test_percentiles_are_values_that_were_measured() -> None:
    """Nearest rank: the p-th percentile of n is the ceil(p n / 100)-th smallest."""
    lags_us = np.arange(1, 101, dtype=np.uint32) * 1000

    assert percentiles(lags_us, (50, 99, 99.9, 100)) == (50.0, 99.0, 100.0, 100.0)


def test_the_summary_follows_the_lags() -> None:
    """`now` is the latest lag, the maximum is exact, and percentiles are over all lags."""
    lags = Lags()
    for lag in (0.001, 0.009, 0.002):
        lags.add(lag)

    assert lags.summary().now == 2.0
    assert lags.summary().p50 == 2.0
    assert lags.summary().p99 == 9.0
    assert lags.summary().max == 9.0
    assert lags.since(1) == (9000, 2000)


def test_nothing_sent_is_no_lag() -> None:
    """Before the first chunk, all figures are zero."""
    assert Lags().summary() == LagSummary(0.0, 0.0, 0.0, 0.0)


def test_live_percentiles_are_nearest_ranks() -> None:
    """Of 200 chunks, p50 is the 100th smallest lag and p99 the 198th; neither is the largest."""
    lags = Lags()
    for number in range(1, 201):
        lags.add(number / 1000)

    assert lags.summary() == LagSummary(200.0, 100.0, 198.0, 200.0)


def test_live_percentiles_are_ranked_again_with_every_twentieth_more() -> None:
    """Ranking costs a session time, so the figures of 100 chunks stand until there are 105."""
    lags = Lags()
    for _ in range(100):
        lags.add(0.001)
    before = lags.summary()
    seen = []
    for _ in range(5):
        lags.add(0.5)
        seen.append(lags.summary().p99)

    assert (1.0, 1.0) == (before.p50, before.p99)
    assert [1.0, 1.0, 1.0, 1.0, 500.0] == seen


def test_a_lag_is_kept_in_whole_microseconds_of_32_bits() -> None:
    """A chunk that left early is on time, and the longest lag that fits is 4295 seconds."""
    lags = Lags()
    for lag_s in (-1.0, 1.234567, 1e6):
        lags.add(lag_s)

    assert [0, 1_234_567, 0xFFFFFFFF] == lags.to_array().tolist()
    assert 4_294_967.295 == lags.summary().max


def test_one_chunk_is_every_percentile_and_rounding_moves_no_rank() -> None:
    """99.9 % of 1000 is the 999th, though binary fractions make it 999.0000000000001."""
    thousand = np.arange(1, 1001, dtype=np.uint32) * 1000

    assert (999.0,) == percentiles(thousand, (99.9,))
    assert (7.0, 7.0) == percentiles(np.array([7000], dtype=np.uint32), (0.1, 100))
    assert (2.0, 1.0) == percentiles(np.array([2000, 1000], dtype=np.uint32), (50.1, 50))


def test_a_certificate_holds_every_figure() -> None:
    """Percentiles of 1000 lags, the drift, and how often and how far the schedule was moved."""
    made = build_certificate(
        np.arange(1, 1001, dtype=np.uint32),
        (6000.12345, 7000.0),
        release=Release.END,
        chunk_ms=50,
        sample_rate=8000,
        audio_seconds=50.12345,
    )

    assert made == Certificate(
        verdict=Verdict.SLIPPED,
        release=Release.END,
        clock="monotonic",
        chunk_ms=50,
        sample_rate=8000,
        chunks=1000,
        audio_seconds=50.123,
        lag_ms=LagPercentiles(0.5, 0.9, 0.99, 0.999, 1.0),
        drift_ms=0.9,
        slips=2,
        slipped_ms=13000.123,
    )


def test_the_tolerance_itself_is_still_held() -> None:
    """A p99 lag counts as late only if it exceeds the tolerance."""
    assert Verdict.HELD is certified([LAG_TOLERANCE_MS] * 10).verdict
    assert Verdict.LATE is certified([LAG_TOLERANCE_MS + 0.001] * 10).verdict


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
    """The drift is a difference of medians in ms; None for a short session."""
    rising = [k / 100 for k in range(1000)]

    assert certified(rising).drift_ms == pytest.approx(9.0, abs=0.02)
    assert certified([1.0] * 19).drift_ms is None
    assert certified([1.0] * 10 + [3.5] * 10).drift_ms == 2.5


def certified(lags_ms: list[float], slips: tuple[float, ...] = ()):
    return build_certificate(
        np.array([lag * 1000 for lag in lags_ms], dtype=np.uint32),
        slips,
        release=Release.START,
        chunk_ms=100,
        sample_rate=16000,
        audio_seconds=len(lags_ms) / 10,
    )
