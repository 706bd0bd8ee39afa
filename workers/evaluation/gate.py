"""The gate: thresholds such as ``wer>6%`` that a run must not cross.

One grammar for every command: ``NAME[.STAT] (>|<) NUMBER UNIT``. ``NAME`` is a metric of `METRICS`.
A comparison has ``NAME[.STAT].delta (>|<) NUMBER UNIT[@CONFIDENCE%]``, such as
``wer.delta>0.5pp@95%``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from workers.errors import UsageProblem
from workers.evaluation.figures import GroupScore
from workers.evaluation.metrics import METRICS, Metric, Unit

_THRESHOLD = re.compile(
    r"\s*(?P<name>[a-z_]+)(?:\.(?P<stat>(?!delta)[a-z0-9_]+))?(?P<delta>\.delta)?\s*(?P<sign>[<>])\s*"
    r"(?P<number>-?\d+(?:\.\d+)?)\s*(?P<unit>%|pp|ms|s)?\s*(?:@(?P<confidence>\d+(?:\.\d+)?)%)?\s*"
)

STATS: Mapping[Unit, tuple[str, ...]] = {
    Unit.PERCENT: ("pooled", "mean", "low", "high"),
    Unit.MS: (
        *("p50", "p90", "p95", "p99", "mean", "max"),
        *("p50_low", "p50_high", "p95_low", "p95_high"),
    ),
    Unit.RATIO: ("pooled",),
}
"""Statistics of a run by unit; ``low`` and ``high`` are the ends of the 95 % interval. Delays count
by the clock ``due``."""

DELTA_STATS: Mapping[Unit, tuple[str, ...]] = {
    Unit.PERCENT: ("pooled",),
    Unit.MS: ("p50", "p95"),
    Unit.RATIO: (),
}
"""Statistics of a difference."""

_FACTORS: Mapping[Unit, Mapping[str, float]] = {
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
    is_delta: bool = False
    """Whether it is about the difference between two runs."""
    confidence: float | None = None
    """For a difference: with which confidence it must be beyond the limit; None: as measured."""

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
        name = f"{metric.name}.{stat}"
        if self.threshold.is_delta:
            name = f"{name.removesuffix('.pooled')}.delta"
        if self.threshold.confidence is not None:
            name = f"the {'lower' if self.threshold.above else 'upper'} end of {name}"
        value = format_value(metric, self.value, is_delta=self.threshold.is_delta)
        verdict = "which fails" if self.breached else "within"
        return f"{name} is {value}, {verdict} {self.threshold.text}"


def parse_threshold(text: str, *, is_delta: bool = False) -> Threshold:
    """Parses a threshold on a run, or on the difference between runs. Raises `UsageProblem` for
    anything that could never fail."""
    match = _THRESHOLD.fullmatch(text)
    if match is None:
        raise UsageProblem(f"“{text}” is not a threshold", "Write, for example, wer>6%.")
    metric = METRICS.get(match["name"])
    if metric is None:
        reason = f"there is no metric “{match['name']}”"
        raise UsageProblem(reason, f"Metrics are {', '.join(METRICS)}.")
    if bool(match["delta"]) != is_delta or (match["confidence"] and not is_delta):
        hint = "Write, for example, wer.delta>0.5pp@95%." if is_delta else "Only “compare” has it."
        reason = f"“{text}” is not about a difference" if is_delta else f"“{text}” is about one"
        raise UsageProblem(reason, hint)
    stats = (DELTA_STATS if is_delta else STATS)[metric.unit]
    if metric.unit is Unit.MS and match["stat"] is None:
        raise UsageProblem(f"“{text}” needs a statistic", f"Write, for example, {metric.name}.p95.")
    stat = match["stat"] or "pooled"
    if stat not in stats:
        raise UsageProblem(f"{metric.name} has no “{stat}”", f"It has {', '.join(stats)}.")
    factors = {"pp": 0.01} if is_delta and metric.unit is Unit.PERCENT else _FACTORS[metric.unit]
    if (unit := match["unit"] or "") not in factors:
        units = " or ".join(factors) or "no unit"
        raise UsageProblem(f"“{text}” has the wrong unit", f"{metric.name} is in {units}.")
    confidence = float(match["confidence"]) / 100 if match["confidence"] else None
    if confidence is not None and not 0.5 <= confidence < 1:
        raise UsageProblem(f"“{text}” has no usable confidence", "Choose 50 to 99.9 %.")
    limit = float(match["number"]) * factors[unit]
    return Threshold(text.strip(), metric, stat, match["sign"] == ">", limit, is_delta, confidence)


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


def format_value(metric: Metric, value: float, *, is_delta: bool = False) -> str:
    """A figure with its unit; the difference of two rates is in percentage points."""
    if metric.unit is Unit.PERCENT:
        return f"{100 * value:.2f} {'pp' if is_delta else '%'}"
    return f"{value:.1f} ms" if metric.unit is Unit.MS else f"{value:.3f}"
