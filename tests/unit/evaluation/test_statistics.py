"""Intervals agree with scipy's, and contain the truth as often as they say."""

import numpy as np
import pytest
from scipy import stats

from workers.evaluation.statistics import (
    Interval,
    bootstrap_percentile,
    bootstrap_ratio,
    summarise,
)


def simulated_errors(files: int, generator: np.random.Generator) -> tuple[list[int], list[int]]:
    """Errors and words of files whose rates differ; the pooled truth is 8 %."""
    words = generator.integers(50, 400, files)
    rates = generator.beta(4, 46, files)
    return generator.binomial(words, rates).tolist(), words.tolist()


def test_the_interval_of_a_rate_is_scipys() -> None:
    """Within the noise of two random resamplings."""
    errors, words = simulated_errors(60, np.random.default_rng(1))
    ours = bootstrap_ratio(errors, words)
    assert ours is not None
    theirs = stats.bootstrap(
        (np.array(errors, float), np.array(words, float)),
        lambda above, below, axis: above.sum(axis) / below.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=10_000,
        method="percentile",
        random_state=np.random.default_rng(2),
    ).confidence_interval
    noise = (theirs.high - theirs.low) * 0.03
    assert ours.low == pytest.approx(theirs.low, abs=noise)
    assert ours.high == pytest.approx(theirs.high, abs=noise)


def test_intervals_contain_the_truth_as_often_as_they_say() -> None:
    """95 % of the time, on simulated runs of 100 files; the tolerance is that of 400 trials."""
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        interval = bootstrap_ratio(*simulated_errors(100, generator))
        assert interval is not None
        covered += interval.low <= 0.08 <= interval.high
    assert 0.92 <= covered / 400 <= 0.98


def test_the_interval_of_a_percentile_is_that_of_resampled_files() -> None:
    """Compared with the plain way: draw files, join their samples, take the percentile."""
    generator = np.random.default_rng(4)
    files = [generator.gamma(3, 100 + 20 * n, 40).tolist() for n in range(30)]
    ours = bootstrap_percentile(files, 95)
    assert ours is not None
    plain = []
    for _ in range(3000):
        drawn = generator.integers(0, 30, 30)
        joined = np.concatenate([files[n] for n in drawn])
        plain.append(np.percentile(joined, 95, method="inverted_cdf"))
    low, high = np.percentile(plain, [2.5, 97.5])
    assert ours.low == pytest.approx(low, rel=0.03)
    assert ours.high == pytest.approx(high, rel=0.03)


def test_one_file_has_no_interval() -> None:
    """It cannot be resampled."""
    assert bootstrap_ratio([3], [100]) is None
    assert bootstrap_percentile([[1.0, 2.0], []], 50) is None
    assert bootstrap_percentile([[5.0], [5.0]], 50) == Interval(5.0, 5.0)


def test_percentiles_need_enough_samples() -> None:
    """Below that they would be the maximum under another name."""
    few = summarise([3.0, -1.0, 2.0])
    assert few is not None
    assert (few.n, few.negative, few.p50, few.p90, few.p99, few.max) == (3, 1, 2.0, None, None, 3.0)
    many = summarise(list(map(float, range(1, 101))))
    assert many is not None
    assert (many.p50, many.p90, many.p95, many.p99) == (50.0, 90.0, 95.0, 99.0)
    assert summarise() is None
    assert summarise([], []) is None
