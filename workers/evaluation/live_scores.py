"""Scores the jobs of a run one by one, as they finish, and sums them up. Runs in the process of
`workers.evaluation.scorer`.

What is kept of a scored job does not grow with its length: delays are counted in bins of a
thousandth of a second, so percentiles of many jobs are exact to 1 ms.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

from workers.errors import PacelineError
from workers.evaluation.accuracy import NO_ERRORS, Edit, ErrorCounts
from workers.evaluation.desk_figures import (
    DELAY_STATS,
    DelayFigures,
    ErrorFigures,
    FoundReferences,
    GroupFigures,
    JobDetail,
    JobFigures,
    RunFigures,
    Strip,
)
from workers.evaluation.job_score import JobScore
from workers.evaluation.latency import Delays
from workers.evaluation.metrics import METRICS, Clock, Unit
from workers.evaluation.reference_formats import RECORDING_COLUMNS, TEXT_COLUMNS, Reference
from workers.evaluation.references import ScoredFile, match_references
from workers.evaluation.score import (
    ScoreOptions,
    ScoreTask,
    group_halves,
    references_of_run,
    score_job,
    scored_file,
    sent_terms,
)
from workers.evaluation.statistics import MIN_FILES, MIN_SAMPLES, bootstrap_ratio, summarise
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.runs.index import RunIndex, read_index
from workers.runs.saved_records import IndexJob

MAX_STEPS = 20_000
"""Steps of an alignment that the desk shows: two hours of speech."""

STRIP_PARTS = 240
"""Parts of a recording whose longest delays the desk can show."""

STRIP_METRICS = ("emission", "eot")

MAX_GROUPS = 40
"""A column with more values than this is not for grouping."""

MODEL_COLUMN = "model"

HISTOGRAM_BINS = 24

_BIN_MS = {"pacing": 0.1}
"""Width of the bins of a metric if it is not 1 ms."""

_STEP_SIGNS = {Edit.HIT: "=", Edit.SUBSTITUTION: "S", Edit.DELETION: "D", Edit.INSERTION: "I"}

_FINISHED = {status.value for status in JobStatus if status.is_finished}


class LiveScores:
    """The scores of the run in folder ``folder``, which may be in progress."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._given: Path | None = None
        self._references: Mapping[ScoredFile, Reference] | None = None
        """References from ``_given``; None: each is looked for when its recording is scored."""
        self._options = ScoreOptions()
        self._normaliser_name = self._options.load_normaliser().name
        self._jobs: dict[JobId, tuple[IndexJob, ...]] = {}
        self._terms: list[str] = []
        self._fold = _RunFold()

    def find_references(self, given: Path | None, *, adopt: bool) -> FoundReferences:
        """Finds the references of the run. ``given``: where they are; None: beside the recordings.
        ``adopt``: scores from now on with these, and forgets what was scored."""
        try:
            index = self._read_index()
            files = [scored_file(jobs[0]) for jobs in self._jobs.values()]
            matches = references_of_run(index, files, given)
        except PacelineError as problem:
            return FoundReferences((), (), (), problem.reason, problem.hint)
        if adopt:
            self._given = given
            finds_later = given is None and index.saved.settings.keep_words
            self._references = None if finds_later else matches.references
            self._fold = _RunFold()
        matched = {str(file.path): one.origin for file, one in matches.references.items()}
        unmatched = dict.fromkeys(str(file.path) for file in matches.unmatched)
        return FoundReferences(tuple(matched.items()), tuple(unmatched), matches.unused)

    def score_job(self, job: JobId) -> JobFigures:
        """Scores a job that is done, and adds it to the sums unless it was added before."""
        try:
            score = self._score(job)
        except (PacelineError, OSError) as problem:
            return JobFigures(job, str(problem))
        self._fold.add(score)
        delays = {name: _delay_stats(delays) for name, delays in _valid_delays(score)}
        return JobFigures(job, "", _rates(score), delays, tuple(score.latency.invalid))

    def describe_job(self, job: JobId) -> JobDetail | JobFigures:
        """The details of a job that is done; `JobFigures` with the reason if there are none."""
        try:
            score = self._score(job)
        except (PacelineError, OSError) as problem:
            return JobFigures(job, str(problem))
        alignment = score.alignment
        pairs = [] if alignment is None else list(alignment.pairs())
        lag = max((one.lag_ms.p99 for one in score.latency.certificates), default=None)
        return JobDetail(
            job=job,
            reference=score.reference.origin if score.reference else "",
            normaliser=self._normaliser_name,
            rates=_rates(score),
            errors=None if alignment is None else _error_figures(score.words),
            steps=tuple((_STEP_SIGNS[edit], *words) for edit, *words in pairs[:MAX_STEPS]),  # type: ignore[misc]  # two words each
            hidden_steps=max(len(pairs) - MAX_STEPS, 0),
            delays=tuple(
                _delay_figures(name, _bins(name, delays)) for name, delays in _valid_delays(score)
            ),
            strips=tuple(_strips(score)),
            seconds=score.seconds,
            has_reference_times=score.latency.has_reference_times,
            lag_p99_ms=lag,
            invalid=tuple(score.latency.invalid),
        )

    def summarise(self, column: str) -> RunFigures:
        """Sums up the scored jobs, and groups them by a column; if the run has no such column, by
        the first that has several values."""
        began = monotonic()
        columns = self._fold.columns
        if column not in columns:
            column = columns[0] if columns else ""
        groups = self._fold.groups_by(column)
        return RunFigures(
            self._normaliser_name,
            MIN_FILES,
            self._fold.all_jobs.figures(""),
            columns,
            column,
            tuple(group.figures(name) for name, group in sorted(groups.items())),
            monotonic() - began,
        )

    def _score(self, job: JobId) -> JobScore:
        index_jobs = self._jobs.get(job)
        if index_jobs is None or any(half.status not in _FINISHED for half in index_jobs):
            self._read_index()
            index_jobs = self._jobs.get(job)
        if index_jobs is None:
            raise PacelineError("the run folder does not have it yet")
        file = scored_file(index_jobs[0])
        if self._references is not None:
            reference = self._references.get(file)
        else:
            reference = match_references([file]).references.get(file)
        task = ScoreTask(self._folder, index_jobs, file, reference, self._options, self._terms)
        score = score_job(task)
        if not isinstance(score, JobScore):
            raise PacelineError(score[1])
        return score

    def _read_index(self) -> RunIndex:
        index = read_index(self._folder)
        if not index.saved.settings.keep_words:
            self._references = {}
        self._terms = sent_terms(index.saved.settings.params)
        self._jobs = {}
        for jobs in group_halves(index.jobs):
            half = jobs[0].half
            self._jobs[jobs[0].id if half is None else half.pair_id] = jobs
        return index


def _rates(score: JobScore) -> dict[str, float]:
    if score.alignment is None:
        return {}
    counts = {"wer": score.words, "cer": score.characters, "fwer": score.formatted_words}
    return {name: one.rate for name, one in counts.items() if one.rate is not None}


def _error_figures(counts: ErrorCounts) -> ErrorFigures:
    return ErrorFigures(
        counts.substitutions, counts.deletions, counts.insertions, counts.reference_length
    )


def _valid_delays(score: JobScore) -> Iterator[tuple[str, Delays]]:
    """The delays of a job in the order of `METRICS`."""
    for name, metric in METRICS.items():
        delays = score.latency.delays.get(name)
        if metric.unit is Unit.MS and delays is not None and len(delays):
            yield name, delays


def _delay_stats(delays: Delays) -> "array[float]":
    found = summarise(delays.ms[Clock.DUE])
    assert found is not None
    values = (getattr(found, stat) for stat in DELAY_STATS)
    return array("f", (math.nan if value is None else value for value in values))


def _strips(score: JobScore) -> Iterator[Strip]:
    for metric in STRIP_METRICS:
        delays = score.latency.delays.get(metric)
        if delays is None or not score.seconds:
            continue
        parts = array("f", [math.nan] * STRIP_PARTS)
        for at_s, ms in zip(delays.at_s, delays.ms[Clock.DUE], strict=True):
            part = min(max(int(at_s / score.seconds * STRIP_PARTS), 0), STRIP_PARTS - 1)
            parts[part] = ms if math.isnan(parts[part]) else max(parts[part], ms)
        yield Strip(metric, parts)


# --- sums of several jobs ------------------------------------------------------------------------


def _bins(metric: str, delays: Delays) -> Counter[int]:
    """How many delays are in each bin; a bin is named by the nearest multiple of its width."""
    width = _BIN_MS.get(metric, 1.0)
    return Counter(round(ms / width) for ms in delays.ms[Clock.DUE])


def _delay_figures(metric: str, bins: Mapping[int, int]) -> DelayFigures:
    width, ordered = _BIN_MS.get(metric, 1.0), sorted(bins)
    n = sum(bins.values())

    def percentile(percent: int) -> float | None:
        """The nearest rank, as in `summarise`."""
        if n < MIN_SAMPLES[percent]:
            return None
        rank, seen = math.ceil(percent / 100 * n), 0
        for bin in ordered:
            seen += bins[bin]
            if seen >= rank:
                return bin * width
        return None

    p99 = percentile(99)
    first = min(ordered[0], 0)
    last = max(ordered[-1] if p99 is None else round(p99 / width), first + HISTOGRAM_BINS)
    histogram = [0] * HISTOGRAM_BINS
    for bin in ordered:
        place = int((bin - first) / (last - first + 1) * HISTOGRAM_BINS)
        histogram[min(place, HISTOGRAM_BINS - 1)] += bins[bin]
    return DelayFigures(
        metric=metric,
        n=n,
        negative=sum(bins[bin] for bin in ordered if bin < 0),
        p50=percentile(50),
        p95=percentile(95),
        p99=p99,
        max=ordered[-1] * width,
        bins=tuple(histogram),
        bins_from=first * width,
        bins_to=last * width,
    )


@dataclass(slots=True)
class _GroupFold:
    """The sums of some jobs."""

    jobs: int = 0
    invalid: int = 0
    words: ErrorCounts = NO_ERRORS
    recordings: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """Errors and words of each recording: results of one recording are not independent."""
    bins: dict[str, Counter[int]] = field(default_factory=dict)

    def add(self, score: JobScore, bins: Mapping[str, Counter[int]]) -> None:
        self.jobs += 1
        self.invalid += bool(score.latency.invalid)
        for metric, counts in bins.items():
            self.bins.setdefault(metric, Counter()).update(counts)
        if score.words.reference_length:
            self.words += score.words
            errors, words = self.recordings.get(score.file.path, (0, 0))
            added = score.words.errors, score.words.reference_length
            self.recordings[score.file.path] = errors + added[0], words + added[1]

    def figures(self, name: str) -> GroupFigures:
        counts = list(self.recordings.values())
        errors = None
        if counts:
            interval = bootstrap_ratio(*zip(*counts, strict=True))
            errors = _error_figures(self.words)
            if interval is not None:
                errors = replace(errors, low=interval.low, high=interval.high)
        rates = [wrong / words for wrong, words in counts]
        rate_to = max(rates, default=0.0) or 0.01
        rate_bins = [0] * HISTOGRAM_BINS
        for rate in rates:
            rate_bins[min(int(rate / rate_to * HISTOGRAM_BINS), HISTOGRAM_BINS - 1)] += 1
        delays = tuple(
            _delay_figures(metric, self.bins[metric]) for metric in METRICS if metric in self.bins
        )
        return GroupFigures(
            name,
            self.jobs,
            len(counts),
            self.invalid,
            errors,
            tuple(rate_bins) if rates else (),
            rate_to,
            delays,
        )


class _RunFold:
    """The sums of all scored jobs, and of every group of each column."""

    def __init__(self) -> None:
        self.all_jobs = _GroupFold()
        self._added: set[JobId] = set()
        self._groups: dict[str, dict[str, _GroupFold]] = {}
        self._unusable: set[str] = {*TEXT_COLUMNS, *RECORDING_COLUMNS}
        """Columns that are not for grouping."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns with several values, those with the fewest first."""
        several = [column for column, groups in self._groups.items() if len(groups) > 1]
        return tuple(sorted(several, key=lambda column: len(self._groups[column])))

    def groups_by(self, column: str) -> Mapping[str, _GroupFold]:
        return self._groups.get(column, {})

    def add(self, score: JobScore) -> None:
        if score.job in self._added:
            return
        self._added.add(score.job)
        bins = {name: _bins(name, delays) for name, delays in _valid_delays(score)}
        self.all_jobs.add(score, bins)
        for column, value in self._values(score):
            groups = self._groups.setdefault(column, {})
            groups.setdefault(value, _GroupFold()).add(score, bins)
            if len(groups) > MAX_GROUPS:
                del self._groups[column]
                self._unusable.add(column)

    def _values(self, score: JobScore) -> Iterable[tuple[str, str]]:
        values: Sequence[tuple[str, str]] = (*score.file.metadata, (MODEL_COLUMN, score.model))
        return [(column, value) for column, value in values if column not in self._unusable]
