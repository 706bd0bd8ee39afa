"""Summarises samples, and estimates how far figures would vary with other files.

The bootstrap resamples files, because errors within one recording are not independent. It is the
percentile bootstrap with a fixed seed (Efron and Tibshirani, 1993, section 13.3), so that the same
run gives the same interval.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any, TypeAlias

import numpy as np

FloatArray: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

RESAMPLES = 10_000
CONFIDENCE = 0.95
SEED = 20_260
"""Any number would do; it is fixed so that figures can be computed again."""

MIN_FILES = 25
"""Below this, an interval says little: the vendor's guide asks for at least as many files."""

MIN_SAMPLES = {50: 1, 90: 10, 95: 20, 99: 100}
"""The least number of samples for a percentile; with fewer it would be the maximum."""

_BLOCK_VALUES = 20_000_000
"""How many numbers a block of resamples may hold, to limit memory to about 160 MB."""

_MAX_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Distribution:
    """A summary of samples. Percentiles are by nearest rank; None with too few samples."""

    n: int
    negative: int
    """How many are below zero; they are kept."""
    mean: float
    max: float
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float


def summarise(*samples: Sequence[float]) -> Distribution | None:
    """Summarises the samples of several files together; None if there are none."""
    if not any(len(one) for one in samples):
        return None
    values = np.sort(np.concatenate([np.asarray(one, dtype=np.float64) for one in samples]))

    def percentile(percent: int) -> float | None:
        if len(values) < MIN_SAMPLES[percent]:
            return None
        return float(values[ceil(percent / 100 * len(values)) - 1])

    return Distribution(
        n=len(values),
        negative=int(np.count_nonzero(values < 0)),
        mean=float(values.mean()),
        max=float(values[-1]),
        p50=percentile(50),
        p90=percentile(90),
        p95=percentile(95),
        p99=percentile(99),
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between two systems on the same files: the second minus the first."""

    value: float
    interval: Interval
    p: float
    """The two-sided bootstrap p-value of no difference."""

    @property
    def is_shown(self) -> bool:
        """Whether the interval excludes zero."""
        return self.interval.low > 0 or self.interval.high < 0


def bootstrap_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Interval | None:
    """The interval of ``sum(numerators) / sum(denominators)`` over files; None under two files."""
    if len(numerators) < 2:
        return None
    return _percentile_interval(_resampled_ratios(numerators, denominators), CONFIDENCE)


def compare_ratios(
    first: tuple[Sequence[float], Sequence[float]],
    second: tuple[Sequence[float], Sequence[float]],
    confidence: float = CONFIDENCE,
) -> Difference | None:
    """Compares the pooled ratios of two systems on the same files, in the same order; each is a
    pair of numerators and denominators. None under two files."""
    if len(first[0]) < 2:
        return None
    value = sum(second[0]) / sum(second[1]) - sum(first[0]) / sum(first[1])
    return _difference(value, _resampled_ratios(*second) - _resampled_ratios(*first), confidence)


def _resampled_ratios(numerators: Sequence[float], denominators: Sequence[float]) -> FloatArray:
    above, below = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    return np.concatenate(
        [
            (counts @ above) / np.maximum(counts @ below, 1e-12)
            for counts in _resampled_counts(len(above))
        ]
    )


def bootstrap_percentile(samples: Sequence[Sequence[float]], percent: float) -> Interval | None:
    """The interval of a percentile of the samples of all files, one sequence a file. None under two
    files with samples."""
    files = [one for one in samples if len(one)]
    if len(files) < 2:
        return None
    return _percentile_interval(_resampled_percentiles(files, percent), CONFIDENCE)


def compare_percentiles(
    first: Sequence[Sequence[float]],
    second: Sequence[Sequence[float]],
    percent: float,
    confidence: float = CONFIDENCE,
) -> Difference | None:
    """Compares a percentile of two systems on the same files, in the same order. None under two
    files with samples of both."""
    both = [pair for pair in zip(first, second, strict=True) if len(pair[0]) and len(pair[1])]
    if len(both) < 2:
        return None
    one, other = ([pair[n] for pair in both] for n in (0, 1))
    value = _percentile(other, percent) - _percentile(one, percent)
    resampled = _resampled_percentiles(other, percent) - _resampled_percentiles(one, percent)
    return _difference(value, resampled, confidence)


def _percentile(samples: Sequence[Sequence[float]], percent: float) -> float:
    values = np.sort(np.concatenate([np.asarray(one, dtype=np.float64) for one in samples]))
    return float(values[ceil(percent / 100 * len(values)) - 1])


def _resampled_percentiles(samples: Sequence[Sequence[float]], percent: float) -> FloatArray:
    """The percentile in each resample. With more than `_MAX_VALUES` different samples, each counts
    as the next of so many quantiles, which is as exact as the result needs to be."""
    files = [np.asarray(one, dtype=np.float64) for one in samples]
    values = np.unique(np.concatenate(files))
    if len(values) > _MAX_VALUES:
        values = np.unique(np.quantile(np.concatenate(files), np.linspace(0, 1, _MAX_VALUES)))
    places = [np.searchsorted(values, one) for one in files]
    histogram = np.array([np.bincount(place, minlength=len(values)) for place in places], float)
    cumulative = histogram.cumsum(axis=1)
    found = []
    for counts in _resampled_counts(len(files), len(values)):
        below = counts @ cumulative
        rank = np.ceil(percent / 100 * below[:, -1:])
        found.append(values[(below < rank).sum(axis=1)])
    return np.concatenate(found)


def _resampled_counts(files: int, columns: int = 1) -> Iterator[FloatArray]:
    """Yields how often each file is in each resample, in blocks of resamples × files."""
    size = max(1, min(RESAMPLES, _BLOCK_VALUES // max(files, columns)))
    if files * RESAMPLES <= _BLOCK_VALUES // 4:
        counts = _cached_counts(files)
        yield from (counts[start : start + size] for start in range(0, RESAMPLES, size))
        return
    generator = np.random.default_rng(SEED)
    for start in range(0, RESAMPLES, size):
        count = min(size, RESAMPLES - start)
        yield generator.multinomial(files, np.full(files, 1 / files), count).astype(np.float64)


@lru_cache(maxsize=2)
def _cached_counts(files: int) -> FloatArray:
    """The counts of every resample: all metrics of a run have the same number of files."""
    generator = np.random.default_rng(SEED)
    return generator.multinomial(files, np.full(files, 1 / files), RESAMPLES).astype(np.float64)


def _difference(value: float, resampled: FloatArray, confidence: float) -> Difference:
    """Both systems were resampled with the same files. One is added to both counts of ``p``, since
    no finite number of resamples shows that a probability is 0."""
    at_most = (np.count_nonzero(resampled <= 0) + 1) / (len(resampled) + 1)
    at_least = (np.count_nonzero(resampled >= 0) + 1) / (len(resampled) + 1)
    p = min(1.0, 2 * min(at_most, at_least))
    return Difference(value, _percentile_interval(resampled, confidence), float(p))


def _percentile_interval(values: FloatArray, confidence: float) -> Interval:
    tail = (1 - confidence) / 2 * 100
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))
