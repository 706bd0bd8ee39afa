"""Compares runs on the same recordings, recording by recording."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.errors import UsageProblem
from workers.evaluation.accuracy import Alignment, Edit
from workers.evaluation.gate import GateResult, Threshold
from workers.evaluation.metrics import METRICS, Clock, Unit
from workers.evaluation.score import JobScore, RunScore
from workers.evaluation.statistics import (
    CONFIDENCE,
    MIN_FILES,
    Difference,
    compare_percentiles,
    compare_ratios,
    summarise,
)

ERROR_RATES = ("wer", "cer", "fwer")
COMPARED_PERCENTILES = (50, 95)


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """One figure of two runs, and their difference."""

    name: str
    """The metric and, for delays, the percentile: ``wer``, ``eot.p95``."""
    unit: Unit
    first: float
    second: float
    difference: Difference | None
    """None with fewer than two recordings in common."""


@dataclass(slots=True)
class Comparison:
    """A run compared with the first one."""

    first: RunScore
    second: RunScore
    common: list[tuple[JobScore, JobScore]]
    metrics: list[MetricDifference] = field(default_factory=list)
    first_wins: int = 0
    """Recordings with fewer word errors in the first run."""
    second_wins: int = 0
    ties: int = 0
    fixed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Words that only the second run recognised: what was said, and what the first had instead."""
    broken: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Words that only the first run recognised."""
    warnings: list[str] = field(default_factory=list)


def compare_runs(first: RunScore, second: RunScore, *, allow_different: bool = False) -> Comparison:
    """Compares two scored runs on the recordings that both have.

    Raises `UsageProblem` without such a recording, and for other references or another normaliser
    unless ``allow_different``.
    """
    pairs = _pair_jobs(first, second)
    if not pairs:
        raise UsageProblem(
            f"{first.run} and {second.run} have no scored recording in common",
            "Are they runs of the same files?",
        )
    comparison = Comparison(first, second, pairs)
    if first.normaliser != second.normaliser:
        problem = f"the normalisers differ: {first.normaliser} and {second.normaliser}"
        _object(comparison, problem, allow_different=allow_different)
    changed = [
        one.name
        for one, other in pairs
        if (one.reference and one.reference.text) != (other.reference and other.reference.text)
    ]
    if changed:
        problem = f"{len(changed)} recordings have different references, such as {changed[0]}"
        _object(comparison, problem, allow_different=allow_different)
    if len(pairs) < MIN_FILES:
        comparison.warnings.append(
            f"{len(pairs)} recordings in common: at least {MIN_FILES} are needed before a "
            "difference means much"
        )
    if first.speed != second.speed:
        comparison.warnings.append(
            f"the runs were sent at {first.speed:g}× and {second.speed:g}× speed, which alone "
            "changes delays"
        )
    alone = len(first.jobs) + len(second.jobs) - 2 * len(pairs)
    if alone:
        comparison.warnings.append(f"{alone} recordings are in one run only and do not count")
    _compare_rates(comparison)
    _compare_delays(comparison)
    _compare_words(comparison)
    return comparison


def check_delta(threshold: Threshold, comparison: Comparison) -> GateResult:
    """Checks a threshold on a difference.

    With a confidence, as in ``wer.delta>0.5pp@95%``, the interval's nearer end must be beyond the
    limit; without one, the difference itself. Raises `UsageProblem` without valid data.
    """
    metric = threshold.metric
    name = metric.name if metric.unit is Unit.PERCENT else f"{metric.name}.{threshold.stat}"
    found = next((one for one in comparison.metrics if one.name == name), None)
    if found is None or found.difference is None:
        reason = f"the runs have no valid data for {name}.delta"
        raise UsageProblem(reason, "Do both have references and at least two recordings?")
    value = found.difference.value
    if threshold.confidence is not None:
        difference = _difference_of(comparison, name, threshold.confidence)
        assert difference is not None
        interval = difference.interval
        value = interval.low if threshold.above else interval.high
    return GateResult(threshold, value, threshold.is_breached_by(value))


def _pair_jobs(first: RunScore, second: RunScore) -> list[tuple[JobScore, JobScore]]:
    """Jobs of the same recording, the first of each; by path, or else by a unique file name."""
    by_path: dict[Path, JobScore] = {}
    by_name: dict[str, list[JobScore]] = {}
    for job in second.jobs:
        if by_path.setdefault(job.file.path, job) is job:
            by_name.setdefault(job.file.path.name, []).append(job)
    pairs, used = [], set()
    for job in first.jobs:
        other = by_path.get(job.file.path)
        if other is None:
            named = by_name.get(job.file.path.name, [])
            other = named[0] if len(named) == 1 else None
        if other is not None and other.file.path not in used:
            used.add(other.file.path)
            pairs.append((job, other))
    return pairs


def _object(comparison: Comparison, problem: str, *, allow_different: bool) -> None:
    if not allow_different:
        raise UsageProblem(problem, "Add --allow-different to compare all the same.")
    comparison.warnings.append(problem)


def _compare_rates(comparison: Comparison) -> None:
    for name in ERROR_RATES:
        counts = _rate_counts(comparison, name)
        if counts is None:
            continue
        (errors, words), (other_errors, other_words) = counts
        first, second = sum(errors) / sum(words), sum(other_errors) / sum(other_words)
        difference = _difference_of(comparison, name, CONFIDENCE)
        comparison.metrics.append(MetricDifference(name, Unit.PERCENT, first, second, difference))


def _rate_counts(
    comparison: Comparison, name: str
) -> tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]] | None:
    """Errors and lengths of both runs, by recording; None without references."""
    attribute = {"wer": "words", "cer": "characters", "fwer": "formatted_words"}[name]
    pairs = [
        (getattr(one, attribute), getattr(other, attribute))
        for one, other in comparison.common
        if one.alignment is not None and other.alignment is not None
    ]
    pairs = [pair for pair in pairs if pair[0].reference_length and pair[1].reference_length]
    if not pairs:
        return None
    first, second = (
        ([pair[n].errors for pair in pairs], [pair[n].reference_length for pair in pairs])
        for n in (0, 1)
    )
    return first, second


def _delay_samples(comparison: Comparison, metric: str) -> list[tuple[Sequence[float], ...]]:
    """The delays of both runs by ``due``, by recording; only recordings where both have some."""
    return [
        (one.latency.delays[metric].ms[Clock.DUE], other.latency.delays[metric].ms[Clock.DUE])
        for one, other in comparison.common
        if metric in one.latency.delays and metric in other.latency.delays
    ]


def _difference_of(comparison: Comparison, name: str, confidence: float) -> Difference | None:
    metric, _, percentile = name.partition(".p")
    if not percentile:
        counts = _rate_counts(comparison, metric)
        return None if counts is None else compare_ratios(*counts, confidence)
    samples = _delay_samples(comparison, metric)
    first, second = ([pair[n] for pair in samples] for n in (0, 1))
    return compare_percentiles(first, second, float(percentile), confidence)


def _compare_delays(comparison: Comparison) -> None:
    for metric in METRICS.values():
        if metric.unit is not Unit.MS:
            continue
        samples = _delay_samples(comparison, metric.name)
        found = [summarise(*(pair[n] for pair in samples)) for n in (0, 1)]
        for percent in COMPARED_PERCENTILES:
            first, second = (getattr(one, f"p{percent}") if one else None for one in found)
            if first is None or second is None:
                continue
            name = f"{metric.name}.p{percent}"
            difference = _difference_of(comparison, name, CONFIDENCE)
            figure = MetricDifference(name, Unit.MS, first, second, difference)
            comparison.metrics.append(figure)


def _compare_words(comparison: Comparison) -> None:
    for one, other in comparison.common:
        if one.alignment is None or other.alignment is None:
            continue
        errors, other_errors = one.words.errors, other.words.errors
        comparison.first_wins += errors < other_errors
        comparison.second_wins += errors > other_errors
        comparison.ties += errors == other_errors
        before, after = _recognised(one.alignment), _recognised(other.alignment)
        if len(before) != len(after):
            continue  # other references
        for said, first, second in zip(one.alignment.reference, before, after, strict=True):
            if first != said == second:
                comparison.fixed[said, first] += 1
            elif first == said != second:
                comparison.broken[said, second] += 1


def _recognised(alignment: Alignment) -> list[str]:
    """What was recognised for each word of the reference; an empty text for a deletion."""
    words = [""] * len(alignment.reference)
    for step in alignment.steps:
        if step.reference is not None and step.edit is not Edit.DELETION:
            assert step.hypothesis is not None
            words[step.reference] = alignment.hypothesis[step.hypothesis]
    return words
