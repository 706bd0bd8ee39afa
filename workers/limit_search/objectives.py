"""Service level objectives, such as ``ttfs.p95<800ms``: what must hold.

They are written like the thresholds of the gate, which say what must not be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from workers.errors import UsageProblem
from workers.evaluation.gate import Threshold, format_value, parse_threshold
from workers.evaluation.metrics import Unit

DEFAULT_OBJECTIVES = ("pacing.p99<10ms", "eot.p95<1500ms")

_PERCENTS = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}
_UNPLACED = frozenset(["interval"])
"""Delays of which is not kept when they occurred, so that they cannot be counted in a window."""
_STATS = (*_PERCENTS, "mean", "max")


@dataclass(frozen=True, slots=True)
class Objective:
    """A figure of delays that must stay on one side of a limit."""

    threshold: Threshold
    """What breaks it."""

    @property
    def text(self) -> str:
        """As the user wrote it."""
        return self.threshold.text

    @property
    def name(self) -> str:
        """The figure, such as ``ttfs.p95``."""
        return f"{self.metric}.{self.threshold.stat}"

    @property
    def metric(self) -> str:
        return self.threshold.metric.name

    def check(self, samples: Mapping[str, Sequence[float]]) -> "ObjectiveResult":
        """Checks it on samples in ms, by metric. Without samples it does not hold."""
        values = samples.get(self.metric, ())
        value = figure(values, self.threshold.stat)
        holds = value is not None and not self.threshold.is_breached_by(value)
        return ObjectiveResult(self, value, len(values), holds)


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """What was measured for an objective."""

    objective: Objective
    value: float | None
    """In ms; None: nothing was measured."""
    samples: int
    holds: bool

    @property
    def share(self) -> float | None:
        """The value by its limit."""
        limit = self.objective.threshold.limit
        return None if self.value is None or limit <= 0 else self.value / limit

    @property
    def sentence(self) -> str:
        """The figure, and whether it holds."""
        if self.value is None:
            return f"{self.objective.name}: nothing measured"
        value = format_value(self.objective.threshold.metric, self.value)
        verdict = "holds" if self.holds else "breaks"
        return f"{self.objective.name} {value} {verdict} {self.objective.text}"


def parse_objective(text: str) -> Objective:
    """Parses an objective; raises `UsageProblem` for anything but a figure of delays."""
    breach = parse_threshold(text)
    hint = f"Write, for example, {DEFAULT_OBJECTIVES[0]}."
    if breach.metric.unit is not Unit.MS:
        raise UsageProblem(f"“{text}” is not about a delay", hint)
    if breach.metric.name in _UNPLACED:
        raise UsageProblem(f"{breach.metric.name} has no place in time", hint)
    if breach.stat not in _STATS:
        raise UsageProblem(f"“{text}” is about an interval", f"Choose {', '.join(_STATS)}.")
    return Objective(replace(breach, above=not breach.above))


def figure(values: Sequence[float], stat: str) -> float | None:
    """A statistic of samples, percentiles by nearest rank; None without samples. Unlike scores, it
    needs no minimum: the p95 of a few is the largest, which errs to the safe side."""
    if not values:
        return None
    if stat == "mean":
        return sum(values) / len(values)
    ranked = sorted(values)
    percent = _PERCENTS.get(stat, 100)
    return ranked[max(1, ceil(round(percent / 100 * len(ranked), 6))) - 1]
