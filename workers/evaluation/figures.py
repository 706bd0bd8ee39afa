"""Figures of several jobs together: rates with intervals, and distributions of delays."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.evaluation.accuracy import NO_ERRORS, NO_TERMS, ErrorCounts, TermCounts
from workers.evaluation.job_score import JobScore
from workers.evaluation.metrics import METRICS, Clock, Unit
from workers.evaluation.statistics import (
    Distribution,
    Interval,
    bootstrap_percentile,
    bootstrap_ratio,
    summarise,
)

ERROR_RATES = ("wer", "cer", "fwer", "cpwer")


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate over several files."""

    pooled: float
    """All errors by all words."""
    mean: float
    """The mean of the rates of the files."""
    interval: Interval | None
    """Of ``pooled``; None under two files."""
    counts: ErrorCounts | TermCounts
    files: int


@dataclass(frozen=True, slots=True)
class DelaySummary:
    """A distribution of delays in ms, with intervals of its percentiles, by clock."""

    due: Distribution
    sent: Distribution
    intervals: Mapping[str, Interval]
    """Of ``due``, by the name of the percentile; empty under two files."""


@dataclass(slots=True)
class GroupScore:
    """The figures of a group of jobs, by the name of the metric."""

    name: str
    files: int
    rates: dict[str, Rate] = field(default_factory=dict)
    delays: dict[str, DelaySummary] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)


def by_recording(jobs: Iterable[JobScore]) -> dict[Path, list[JobScore]]:
    """The jobs of each recording. Several are not independent, so they are resampled together."""
    recordings: dict[Path, list[JobScore]] = {}
    for job in jobs:
        recordings.setdefault(job.file.path, []).append(job)
    return recordings


_COUNTS = dict(
    zip(ERROR_RATES, ("words", "characters", "formatted_words", "speaker_words"), strict=True)
)


def error_counts(jobs: Iterable[JobScore], metric: str) -> ErrorCounts:
    """The errors of jobs together, of a rate in `ERROR_RATES`; zero without references."""
    attribute = _COUNTS[metric]
    return sum((getattr(job, attribute) for job in jobs if job.alignment is not None), NO_ERRORS)


def delay_samples(jobs: Iterable[JobScore], metric: str, clock: Clock) -> "array[float]":
    """The delays of jobs together, in ms."""
    samples = array("d")
    for job in jobs:
        if (delays := job.latency.delays.get(metric)) is not None:
            samples.extend(delays.ms[clock])
    return samples


def score_group(name: str, jobs: Sequence[JobScore]) -> GroupScore:
    recordings = list(by_recording(jobs).values())
    score = GroupScore(name, len(recordings))
    for rate_name in ERROR_RATES:
        rate = _pool_errors([error_counts(group, rate_name) for group in recordings])
        if rate is not None:
            score.rates[rate_name] = rate
    terms = [sum((job.terms for job in group), NO_TERMS) for group in recordings]
    _add_term_rates(score, terms)
    entities = [sum((job.entities for job in group), NO_TERMS) for group in recordings]
    _add_missed_entities(score, entities)
    for metric in METRICS.values():
        if metric.unit is not Unit.MS:
            continue
        samples = [delay_samples(group, metric.name, Clock.DUE) for group in recordings]
        due = summarise(*samples)
        sent = summarise(*(delay_samples(group, metric.name, Clock.SENT) for group in recordings))
        if due is not None and sent is not None:
            intervals = _percentile_intervals(samples, due)
            score.delays[metric.name] = DelaySummary(due, sent, intervals)
    final_words = sum(job.latency.final_words for job in jobs)
    if final_words:
        corrections = sum(job.latency.corrections for job in jobs)
        unstable = sum(job.latency.unstable_words for job in jobs)
        score.ratios = {"corrections": corrections / final_words, "upwr": unstable / final_words}
    return score


def _pool_errors(counts: Sequence[ErrorCounts]) -> Rate | None:
    """Words where nothing was said count in the pooled rate, but have no rate of their own."""
    used = [one for one in counts if one.reference_length or one.errors]
    rates = [one.rate for one in used if one.rate is not None]
    total = sum(used, NO_ERRORS)
    if total.rate is None:
        return None
    interval = bootstrap_ratio([one.errors for one in used], [one.reference_length for one in used])
    return Rate(total.rate, sum(rates) / len(rates), interval, total, len(used))


def _add_term_rates(score: GroupScore, counts: Sequence[TermCounts]) -> None:
    total = sum(counts, NO_TERMS)
    for metric, part in (("recall", "said"), ("precision", "recognised")):
        used = [one for one in counts if getattr(one, part)]
        if not used:
            continue
        correct, whole = [one.correct for one in used], [getattr(one, part) for one in used]
        mean = sum(a / b for a, b in zip(correct, whole, strict=True)) / len(used)
        interval = bootstrap_ratio(correct, whole)
        score.rates[metric] = Rate(sum(correct) / sum(whole), mean, interval, total, len(used))


def _add_missed_entities(score: GroupScore, counts: Sequence[TermCounts]) -> None:
    used = [one for one in counts if one.said]
    if not used:
        return
    missed, said = [one.said - one.correct for one in used], [one.said for one in used]
    mean = sum(a / b for a, b in zip(missed, said, strict=True)) / len(used)
    interval = bootstrap_ratio(missed, said)
    total = sum(used, NO_TERMS)
    score.rates["missed"] = Rate(sum(missed) / sum(said), mean, interval, total, len(used))


def _percentile_intervals(
    samples: Sequence[Sequence[float]], found: Distribution
) -> dict[str, Interval]:
    intervals = {}
    for percent in (50, 95):
        name = f"p{percent}"
        if getattr(found, name) is not None:
            interval = bootstrap_percentile(samples, percent)
            if interval is not None:
                intervals[name] = interval
    return intervals
