"""The gate: thresholds such as ``wer>6%`` that a run must not cross.

One grammar for every command: ``NAME[.STAT] (>|<) NUMBER UNIT``. ``NAME`` is a metric of `METRICS`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from workers.errors import UsageProblem
from workers.evaluation.metrics import METRICS, Metric, Unit
from workers.evaluation.score import GroupScore

_THRESHOLD = re.compile(
    r"\s*(?P<name>[a-z_]+)(?:\.(?P<stat>[a-z0-9_]+))?\s*(?P<sign>[<>])\s*"
    r"(?P<number>-?\d+(?:\.\d+)?)\s*(?P<unit>%|ms|s)?\s*"
)

RATE_STATS = ("pooled", "mean", "low", "high")
"""``low`` and ``high``: the ends of the 95 % interval of the pooled rate."""

DELAY_STATS = (
    "p50", "p90", "p95", "p99", "mean", "max", "p50_low", "p50_high", "p95_low", "p95_high",
)  # fmt: skip
"""The same for delays, by the clock ``due``."""

_UNIT_FACTORS: Mapping[Unit, Mapping[str, float]] = {
    Unit.PERCENT: {"%": 0.01},
    Unit.MS: {"ms": 1.0, "s": 1000.0},
    Unit.RATIO: {"": 1.0},
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A figure that fails the gate when it is beyond a limit."""

    text: str
    """As the user wrote it."""
    metric: Metric
    stat: str
    above: bool
    """Whether figures above the limit fail; else those below it do."""
    limit: float
    """A rate as a share, a delay in ms."""

    def is_breached_by(self, value: float) -> bool:
        return value > self.limit if self.above else value < self.limit


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of one threshold."""

    threshold: Threshold
    value: float
    breached: bool

    @property
    def sentence(self) -> str:
        """The result in one line."""
        metric, stat = self.threshold.metric, self.threshold.stat
        figure = f"{metric.name}.{stat} is {format_value(metric, self.value)}"
        return f"{figure}, {'which fails' if self.breached else 'within'} {self.threshold.text}"


def parse_threshold(text: str) -> Threshold:
    """Parses a threshold; raises `UsageProblem` for anything that could never fail."""
    match = _THRESHOLD.fullmatch(text)
    if match is None:
        raise UsageProblem(f"“{text}” is not a threshold", "Write, for example, wer>6%.")
    metric = METRICS.get(match["name"])
    if metric is None:
        reason = f"there is no metric “{match['name']}”"
        raise UsageProblem(reason, f"Metrics are {', '.join(METRICS)}.")
    stats = {Unit.PERCENT: RATE_STATS, Unit.MS: DELAY_STATS, Unit.RATIO: ("pooled",)}[metric.unit]
    if metric.unit is Unit.MS and match["stat"] is None:
        raise UsageProblem(f"“{text}” needs a statistic", f"Write, for example, {metric.name}.p95.")
    stat = match["stat"] or "pooled"
    if stat not in stats:
        raise UsageProblem(f"{metric.name} has no “{stat}”", f"It has {', '.join(stats)}.")
    factors = _UNIT_FACTORS[metric.unit]
    if (unit := match["unit"] or "") not in factors:
        units = " or ".join(factors) or "no unit"
        raise UsageProblem(f"“{text}” has the wrong unit", f"{metric.name} is in {units}.")
    return Threshold(
        text.strip(), metric, stat, match["sign"] == ">", float(match["number"]) * factors[unit]
    )


def check_threshold(threshold: Threshold, score: GroupScore) -> GateResult:
    """Checks a threshold; raises `UsageProblem` if the run has no valid data for it, because a gate
    that measures nothing must not pass."""
    value = _figure(score, threshold)
    if value is None:
        name = f"{threshold.metric.name}.{threshold.stat}"
        reason = f"the run has no valid data for {name}"
        raise UsageProblem(reason, "Are there references, and did pacing hold? Is the run done?")
    return GateResult(threshold, value, threshold.is_breached_by(value))


def _figure(score: GroupScore, threshold: Threshold) -> float | None:
    name, stat = threshold.metric.name, threshold.stat
    if threshold.metric.unit is Unit.RATIO:
        return score.ratios.get(name)
    if threshold.metric.unit is Unit.PERCENT:
        rate = score.rates.get(name)
        if rate is None or stat in ("pooled", "mean"):
            return None if rate is None else rate.mean if stat == "mean" else rate.pooled
        if rate.interval is None:
            return None
        return rate.interval.low if stat == "low" else rate.interval.high
    delays = score.delays.get(name)
    if delays is None:
        return None
    percentile, _, end = stat.partition("_")
    if end:
        interval = delays.intervals.get(percentile)
        if interval is None:
            return None
        return interval.low if end == "low" else interval.high
    value: float | None = getattr(delays.due, stat)
    return value


def format_value(metric: Metric, value: float) -> str:
    """A figure with its unit."""
    if metric.unit is Unit.PERCENT:
        return f"{100 * value:.2f} %"
    return f"{value:.1f} ms" if metric.unit is Unit.MS else f"{value:.3f}"
