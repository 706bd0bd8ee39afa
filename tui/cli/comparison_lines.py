"""What ``paceline compare`` prints: tables that are also valid Markdown."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tui.text.tables import table
from workers.evaluation.comparison import Comparison, MetricDifference
from workers.evaluation.metrics import Unit
from workers.evaluation.score import RunScore

MAX_SHOWN_WORDS = 10


def overview_lines(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """One row a run: its model and conditions, and its own figures over all its recordings."""
    scores = [comparisons[0].first, *(comparison.second for comparison in comparisons)]
    rows = [_overview_row(score) for score in scores]
    head = ("run", "model", "chunk", "files", "wer", "95 % interval", "emission p50", "eot p95")
    yield from table(head, rows).splitlines()


def _overview_row(score: RunScore) -> tuple[str, ...]:
    group = score.groups[0]
    chunks = sorted({one.chunk_ms for job in score.jobs for one in job.latency.certificates})
    models = sorted({job.model for job in score.jobs})
    rate = group.rates.get("wer")
    interval = rate.interval if rate else None
    bounds = f"{100 * interval.low:.2f}–{100 * interval.high:.2f} %" if interval else "–"
    emission, eot = group.delays.get("emission"), group.delays.get("eot")
    return (
        score.run.name,
        ", ".join(models),
        ", ".join(f"{chunk} ms" for chunk in chunks),
        str(group.files),
        f"{100 * rate.pooled:.2f} %" if rate else "–",
        bounds,
        _ms(emission.due.p50 if emission else None),
        _ms(eot.due.p95 if eot else None),
    )


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """The differences between a run and the first one."""
    yield ""
    names = f"{comparison.second.run.name} compared with {comparison.first.run.name}"
    yield f"{names}, {len(comparison.common)} recordings in common, {comparison.second.normaliser}"
    head = ("", "first", "second", "difference", "95 % interval", "p", "shown")
    rows = [_metric_row(metric) for metric in comparison.metrics]
    yield from table(head, rows).splitlines()
    wins = comparison.first_wins, comparison.second_wins, comparison.ties
    if any(wins):
        yield (
            f"Recordings with fewer word errors: {wins[0]} in the first run, "
            f"{wins[1]} in the second, {wins[2]} equal"
        )
    yield from _word_lines("Recognised only in the second", comparison.fixed)
    yield from _word_lines("Recognised only in the first", comparison.broken)
    yield from (f"! {warning}" for warning in comparison.warnings)


def _metric_row(metric: MetricDifference) -> tuple[str, ...]:
    is_rate = metric.unit is Unit.PERCENT
    factor, unit, digits = (100, " %", 2) if is_rate else (1, " ms", 1)
    change_unit = " pp" if is_rate else " ms"
    first, second = (
        f"{factor * value:.{digits}f}{unit}" for value in (metric.first, metric.second)
    )
    difference = metric.difference
    if difference is None:
        return (metric.name, first, second, "–", "–", "–", "no")
    low, high = factor * difference.interval.low, factor * difference.interval.high
    return (
        metric.name,
        first,
        second,
        f"{factor * difference.value:+.{digits}f}{change_unit}",
        f"{low:+.{digits}f} to {high:+.{digits}f}",
        f"{difference.p:.4f}",
        "yes" if difference.is_shown else "no difference shown",
    )


def _word_lines(title: str, words: Counter[tuple[str, str]]) -> Iterator[str]:
    if words:
        listed = (
            f"{said} (else {other or 'nothing'}) ×{count}"
            for (said, other), count in words.most_common(MAX_SHOWN_WORDS)
        )
        yield f"{title}: {', '.join(listed)}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} ms"
