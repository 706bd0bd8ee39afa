"""Compares runs on the same recordings, recording by recording."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.errors import UsageProblem
from workers.evaluation.accuracy import Alignment, Edit
from workers.evaluation.figures import ERROR_RATES, by_recording, delay_samples, error_counts
from workers.evaluation.gate import GateResult, Threshold
from workers.evaluation.job_score import JobScore
from workers.evaluation.metrics import METRICS, Clock, Unit
from workers.evaluation.score import RunScore
from workers.evaluation.statistics import (
    CONFIDENCE,
    MIN_FILES,
    Difference,
    compare_percentiles,
    compare_ratios,
    summarise,
)

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
    common: list[tuple[list[JobScore], list[JobScore]]]
    """The jobs of each recording that both have."""
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
    pairs = _pair_recordings(first, second)
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
        one[0].name
        for one, other in pairs
        if (one[0].reference and one[0].reference.text)
        != (other[0].reference and other[0].reference.text)
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
    alone = len(by_recording(first.jobs)) + len(by_recording(second.jobs)) - 2 * len(pairs)
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


def _pair_recordings(
    first: RunScore, second: RunScore
) -> list[tuple[list[JobScore], list[JobScore]]]:
    """The jobs of the same recording: by its path; else by its path below what the user named, as
    machines may have it in different places; or else by its name, if that is unique."""
    by_path = by_recording(second.jobs)
    by_name: dict[str, list[Path]] = {}
    for path, jobs in by_path.items():
        for name in _names_of(jobs[0]):
            by_name.setdefault(name, []).append(path)
    pairs = []
    for path, jobs in by_recording(first.jobs).items():
        if path not in by_path:
            named = (by_name.get(name, []) for name in _names_of(jobs[0]))
            path = next((paths[0] for paths in named if len(paths) == 1), path)
        if (others := by_path.pop(path, None)) is not None:
            pairs.append((jobs, others))
    return pairs


def _names_of(job: JobScore) -> list[str]:
    """What a recording may be recognised by, the most precise name first."""
    return list(dict.fromkeys([job.file.relative_path or job.file.path.name, job.file.path.name]))


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
    counts = [
        (error_counts(one, name), error_counts(other, name)) for one, other in comparison.common
    ]
    counts = [pair for pair in counts if pair[0].reference_length and pair[1].reference_length]
    if not counts:
        return None
    first, second = (
        ([pair[n].errors for pair in counts], [pair[n].reference_length for pair in counts])
        for n in (0, 1)
    )
    return first, second


def _delay_samples(comparison: Comparison, metric: str) -> list[tuple[Sequence[float], ...]]:
    """The delays of both runs by ``due``, by recording; only recordings where both have some."""
    pairs = (
        tuple(delay_samples(jobs, metric, Clock.DUE) for jobs in pair) for pair in comparison.common
    )
    return [pair for pair in pairs if all(pair)]


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
    """Counts which run is better on each recording, and which words only one of them recognised;
    of repeats, the first counts for the words."""
    for one, other in comparison.common:
        before, after = one[0].alignment, other[0].alignment
        if before is None or after is None:
            continue
        rates = error_counts(one, "wer").rate, error_counts(other, "wer").rate
        if rates[0] is not None and rates[1] is not None:
            comparison.first_wins += rates[0] < rates[1]
            comparison.second_wins += rates[0] > rates[1]
            comparison.ties += rates[0] == rates[1]
        if before.reference != after.reference:
            continue
        words = zip(before.reference, _recognised(before), _recognised(after), strict=True)
        for said, first, second in words:
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
