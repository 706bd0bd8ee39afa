"""What the desk shows of scores, as plain values: they cross from the process that scores.

Imports nothing heavy, so that the desk can read them without the packages of the extra
``evaluation``.
"""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from workers.jobs.job import JobId

DELAY_STATS = ("p50", "p90", "p95", "p99", "mean", "max")
"""The statistics of the delays of a job, in the order of `JobFigures.delays`."""


@dataclass(frozen=True, slots=True)
class JobFigures:
    """The figures of one job, for its row in the table."""

    job: JobId
    problem: str = ""
    """Why it has no score; empty if it has one."""
    rates: Mapping[str, float] = field(default_factory=dict)
    """``wer``, ``cer`` and ``fwer`` as shares; empty without a reference."""
    delays: Mapping[str, "array[float]"] = field(default_factory=dict)
    """For each metric its `DELAY_STATS` by the clock ``due``, in ms; NaN with too few samples."""
    invalid: tuple[str, ...] = ()
    """Why its delays do not count; empty if they do."""

    def percent(self, rate: str) -> float | None:
        """A rate in percent."""
        share = self.rates.get(rate)
        return None if share is None else 100 * share

    def delay_ms(self, metric: str, stat: str = "") -> float | None:
        """A statistic of the delays of a metric. Without ``stat``: the p95, or the longest delay
        if there are too few for a percentile."""
        delays = self.delays.get(metric)
        if delays is None:
            return None
        names = (stat,) if stat else ("p95", "max")
        known = (delays[DELAY_STATS.index(name)] for name in names)
        return next((value for value in known if not math.isnan(value)), None)

    def has_percentile(self, metric: str) -> bool:
        """Whether there are enough delays for a p95."""
        return self.delay_ms(metric, "p95") is not None


@dataclass(frozen=True, slots=True)
class DelayFigures:
    """The delays of one metric, by the clock ``due``, in ms; None with too few samples."""

    metric: str
    n: int
    negative: int
    p50: float | None
    p95: float | None
    p99: float | None
    max: float
    bins: tuple[int, ...] = ()
    """How many delays are in each of equal parts from ``bins_from`` to ``bins_to``."""
    bins_from: float = 0.0
    bins_to: float = 0.0


@dataclass(frozen=True, slots=True)
class ErrorFigures:
    """Word errors of one or several jobs."""

    substitutions: int
    deletions: int
    insertions: int
    words: int
    """Words of the references."""
    low: float | None = None
    """The ends of the 95 % interval of `rate`, as shares; None under two recordings."""
    high: float | None = None

    @property
    def rate(self) -> float:
        """All errors by all words, as a share."""
        errors = self.substitutions + self.deletions + self.insertions
        return errors / self.words if self.words else 0.0


@dataclass(frozen=True, slots=True)
class Strip:
    """The longest delay in each of equal parts of a recording; NaN in a part without one."""

    metric: str
    parts: "array[float]"


@dataclass(frozen=True, slots=True)
class JobDetail:
    """What the score tab shows of one job."""

    job: JobId
    reference: str
    """Where the reference comes from; empty without one."""
    normaliser: str
    rates: Mapping[str, float]
    errors: ErrorFigures | None
    """None without a reference."""
    steps: tuple[tuple[str, str, str], ...]
    """The alignment: ``=``, ``S``, ``D`` or ``I``, the word of the reference, the word heard."""
    hidden_steps: int
    """How many steps were left out at the end."""
    delays: tuple[DelayFigures, ...]
    strips: tuple[Strip, ...]
    seconds: float
    """Length of the recording."""
    has_reference_times: bool
    """Whether the ends of words come from the reference; else from the server."""
    lag_p99_ms: float | None
    invalid: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The figures of several jobs together."""

    name: str
    jobs: int
    recordings: int
    """How many recordings have a reference; results of the same recording are pooled."""
    invalid: int
    """How many jobs are invalid for latency."""
    errors: ErrorFigures | None
    rate_bins: tuple[int, ...]
    """How many recordings have a word error rate in each of equal parts from 0 to ``rate_to``."""
    rate_to: float
    delays: tuple[DelayFigures, ...]

    def delays_of(self, metric: str) -> DelayFigures | None:
        return next((delays for delays in self.delays if delays.metric == metric), None)


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The figures of all scored jobs of a run, and of its groups by one column."""

    normaliser: str
    min_recordings: int
    """With fewer recordings, an interval says little."""
    all_jobs: GroupFigures
    columns: tuple[str, ...]
    """The columns that jobs can be grouped by."""
    column: str
    """The column of ``groups``; empty if there is none."""
    groups: tuple[GroupFigures, ...]
    seconds: float
    """How long it took to sum up."""


@dataclass(frozen=True, slots=True)
class FoundReferences:
    """Which recordings of a run have a reference."""

    matched: tuple[tuple[str, str], ...]
    """Recordings with the origins of their references."""
    unmatched: tuple[str, ...]
    unused: tuple[str, ...]
    """References that belong to no recording."""
    problem: str = ""
    """Why the references cannot be used."""
    hint: str = ""
