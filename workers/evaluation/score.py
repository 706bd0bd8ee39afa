"""Scores the jobs of a run: accuracy against references, and delays from traces."""

import json
import os
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from workers.errors import Malformed
from workers.evaluation.accuracy import (
    NO_ERRORS,
    NO_TERMS,
    Alignment,
    Edit,
    ErrorCounts,
    TermCounts,
    align,
    count_character_errors,
    count_confusions,
    count_terms,
)
from workers.evaluation.latency import JobLatency, measure_latency
from workers.evaluation.metrics import METRICS, Clock, Unit
from workers.evaluation.normalisation import (
    DEFAULT_NORMALISER,
    Normaliser,
    count_uncertain,
    load_normaliser,
)
from workers.evaluation.reference_formats import Reference
from workers.evaluation.references import ReferenceMatches, ScoredFile, match_references
from workers.evaluation.statistics import (
    MIN_FILES,
    Distribution,
    Interval,
    bootstrap_percentile,
    bootstrap_ratio,
    summarise,
)
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.jobs.pair import combine_pairs, speaker_of
from workers.processes import mp_context
from workers.protocol.codec import JsonObject
from workers.runs.index import IndexJob, read_index
from workers.runs.reader import read_job_state

ALL_JOBS = ""
"""The name of the group of all jobs."""


MIN_PARALLEL_JOBS = 50
"""Fewer jobs are scored faster than processes start."""


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How to score a run."""

    normaliser: str = DEFAULT_NORMALISER
    """A name for `load_normaliser`."""
    equivalences: Path | None = None
    references: Path | None = None
    """Where references are; None: in the manifest or beside the recordings."""
    terms: tuple[str, ...] = ()
    """Key terms whose recall and precision are counted, besides those sent to the server."""
    group_by: str = ""
    """Columns of the manifest or the matrix, separated by commas, or ``model`` or ``file``; empty:
    no groups."""
    allow_invalid: bool = False
    """Whether delays of attempts with bad pacing count."""

    def load_normaliser(self) -> Normaliser:
        """The normaliser with the equivalences; raises `UsageProblem`."""
        normaliser = load_normaliser(self.normaliser)
        return normaliser.with_equivalences(self.equivalences) if self.equivalences else normaliser


@dataclass(slots=True)
class JobScore:
    """The scores of one job."""

    job: JobId
    halves: tuple[JobId, ...]
    """The jobs that streamed it: itself, or the two halves of a pair."""
    name: str
    """The recording, as the user named it."""
    model: str
    """As the server reported it."""
    speed: float
    """Seconds of audio that were sent per second."""
    file: ScoredFile
    group: str
    reference: Reference | None
    latency: JobLatency
    text: str
    """The transcript, one turn a line."""
    seconds: float
    """Length of the recording."""
    speakers: tuple[str, ...]
    """Who is in each of ``halves``; empty if it is one job."""
    warnings: tuple[str, ...]
    """What is wrong with the recording, such as damaged seconds."""
    alignment: Alignment | None = None
    """None without a reference."""
    words: ErrorCounts = NO_ERRORS
    characters: ErrorCounts = NO_ERRORS
    formatted_words: ErrorCounts = NO_ERRORS
    """Word errors without normalising: case and punctuation count."""
    terms: TermCounts = NO_TERMS
    sessions: int = 0
    """How many sessions were open at once in the middle of its own."""
    uncertain: int = 0
    """Marks such as ``[unclear]`` in the reference, which were left out."""


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


@dataclass(slots=True)
class RunScore:
    """Everything that ``paceline score`` shows of a run."""

    run: Path
    normaliser: str
    header: JsonObject
    """The header of the run's index: endpoint, settings, versions and host."""
    jobs: list[JobScore]
    left_out: list[tuple[str, str]]
    """Recordings that are not scored, each with the reason."""
    matches: ReferenceMatches
    groups: list[GroupScore]
    """All jobs first, then each group."""
    warnings: list[str]

    @property
    def speed(self) -> float:
        """Seconds of audio that were sent per second."""
        return max((job.speed for job in self.jobs), default=1.0)

    @property
    def invalid(self) -> list[tuple[str, str]]:
        """Recordings with attempts whose delays are invalid, each with the reasons."""
        return [
            (job.name, "; ".join(job.latency.invalid)) for job in self.jobs if job.latency.invalid
        ]

    @property
    def confusions(self) -> Counter[tuple[Edit, str, str]]:
        """How often each error occurs."""
        return count_confusions(job.alignment for job in self.jobs if job.alignment is not None)


def score_run(folder: Path, options: ScoreOptions) -> RunScore:
    """Scores the jobs of a run that are done.

    Large runs are scored in as many processes as there are cores. Raises `RunFolderProblem` without
    a run, and `UsageProblem` for unusable options or references.
    """
    index = read_index(folder)
    normaliser = options.load_normaliser()
    groups_of_jobs = list(_group_halves(index.jobs))
    files = [_scored_file(jobs[0]) for jobs in groups_of_jobs]
    matches = match_references(files, options.references)
    terms = [*options.terms, *_sent_terms(index.settings.params)]
    tasks = [
        _Task(folder, jobs, file, matches.references.get(file), options, terms)
        for jobs, file in zip(groups_of_jobs, files, strict=True)
    ]
    jobs: list[JobScore] = []
    left_out: list[tuple[str, str]] = []
    for result in _score_jobs(tasks):
        if isinstance(result, JobScore):
            jobs.append(result)
        else:
            left_out.append(result)
    _count_sessions(jobs)
    groups = [_score_group(ALL_JOBS, jobs)]
    if options.group_by:
        for name in sorted({job.group for job in jobs}):
            groups.append(_score_group(name, [job for job in jobs if job.group == name]))
    warnings = list(_warnings(jobs, normaliser))
    return RunScore(
        folder, normaliser.name, index.header, jobs, left_out, matches, groups, warnings
    )


def _count_sessions(jobs: Sequence[JobScore]) -> None:
    """Sets how many sessions were open at once with each job."""
    spans = [span for job in jobs for span in job.latency.open_spans]
    starts, ends = sorted(start for start, _ in spans), sorted(end for _, end in spans)
    for job in jobs:
        if job.latency.open_spans:
            start, end = max(job.latency.open_spans, key=lambda span: span[1] - span[0])
            middle = (start + end) / 2
            job.sessions = bisect_right(starts, middle) - bisect_left(ends, middle)


@dataclass(frozen=True, slots=True)
class _Task:
    """One job to score, or the two halves of a pair."""

    folder: Path
    jobs: tuple[IndexJob, ...]
    file: ScoredFile
    reference: Reference | None
    options: ScoreOptions
    terms: Sequence[str]


def _score_jobs(tasks: Sequence[_Task]) -> Iterator["JobScore | tuple[str, str]"]:
    processes = os.cpu_count() or 1
    if len(tasks) < MIN_PARALLEL_JOBS or processes == 1:
        yield from map(_score_job, tasks)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(processes, mp_context()) as pool:
        yield from pool.map(_score_job, tasks, chunksize=4)


def _score_job(task: _Task) -> "JobScore | tuple[str, str]":
    """The scores of a job, or its recording and why it has none. May run in a child process."""
    try:
        states = [read_job_state(task.folder, job) for job in task.jobs]
        state = combine_pairs(states)[0]
        if state.status is not JobStatus.DONE:
            return state.file, f"it is {state.status.value}"
        latency = JobLatency()
        allow_invalid = task.options.allow_invalid
        for half in states:
            measure_latency(latency, task.folder, half, task.reference, allow_invalid=allow_invalid)
    except (Malformed, OSError) as error:
        return task.jobs[0].file, str(error)
    model = state.began.model if state.began else ""
    known = {"model": model, "file": state.file, **dict(task.file.metadata)}
    columns = [column for column in task.options.group_by.split(",") if column]
    group = ", ".join(known.get(column, "") for column in columns)
    text = state.transcript.text
    job = JobScore(
        job=state.job,
        halves=tuple(half.job for half in states),
        name=state.file,
        model=model,
        speed=state.speed,
        file=task.file,
        group=group,
        reference=task.reference,
        latency=latency,
        text=text,
        seconds=state.total_seconds,
        speakers=tuple(map(speaker_of, states)) if len(states) > 1 else (),
        warnings=tuple(state.warnings),
    )
    if task.reference is not None:
        _score_text(job, task.reference, _cached_normaliser(task.options), task.terms)
    return job


@lru_cache(maxsize=1)
def _cached_normaliser(options: ScoreOptions) -> Normaliser:
    return options.load_normaliser()


def _group_halves(jobs: Iterable[IndexJob]) -> Iterator[tuple[IndexJob, ...]]:
    """Each job alone, but the two halves of a pair together: their texts make one transcript."""
    pairs: dict[int, IndexJob] = {}
    for job in jobs:
        half = job.half
        if half is None:
            yield (job,)
        elif (other := pairs.pop(half.pair, None)) is not None:
            yield (other, job)
        else:
            pairs[half.pair] = job
    yield from ((job,) for job in pairs.values())


def _scored_file(job: IndexJob) -> ScoredFile:
    path, source = job.record.get("path"), job.record.get("source")
    metadata = source.get("metadata") if isinstance(source, dict) else None
    columns = [
        (str(column[0]), str(column[1]))
        for column in (metadata if isinstance(metadata, list) else ())
        if isinstance(column, list) and len(column) == 2
    ]
    return ScoredFile(Path(path if isinstance(path, str) else job.file), tuple(columns))


def _sent_terms(params: Iterable[tuple[str, str]]) -> list[str]:
    """The key terms that the run sent to the server, in a JSON list."""
    for name, value in params:
        if name == "keyterms_prompt":
            try:
                found = json.loads(value)
            except ValueError:
                return [value]
            return [str(term) for term in found] if isinstance(found, list) else [value]
    return []


def _score_text(
    job: JobScore, reference: Reference, normaliser: Normaliser, terms: Sequence[str]
) -> None:
    said, recognised = normaliser.words(reference.text), normaliser.words(job.text)
    job.alignment = align(said, recognised)
    job.words = job.alignment.counts
    job.characters = count_character_errors(said, recognised)
    job.formatted_words = align(reference.text.split(), job.text.split()).counts
    job.terms = count_terms(job.alignment, map(normaliser.words, terms))
    job.uncertain = count_uncertain(reference.text)


# --- groups --------------------------------------------------------------------------------------


def split_groups(score: RunScore, columns: str) -> list[RunScore]:
    """The groups of a run as runs of their own, in the order of their names; ``columns`` as in
    `ScoreOptions.group_by`, which the run must have been scored with."""
    return [
        replace(
            score,
            run=Path(group.name or f"no {columns}"),
            jobs=[job for job in score.jobs if job.group == group.name],
            groups=[replace(group, name=ALL_JOBS)],
        )
        for group in score.groups[1:]
    ]


def by_recording(jobs: Iterable[JobScore]) -> dict[Path, list[JobScore]]:
    """The jobs of each recording. Several are not independent, so they are resampled together."""
    recordings: dict[Path, list[JobScore]] = {}
    for job in jobs:
        recordings.setdefault(job.file.path, []).append(job)
    return recordings


def error_counts(jobs: Iterable[JobScore], metric: str) -> ErrorCounts:
    """The errors of jobs together, of ``wer``, ``cer`` or ``fwer``; zero without references."""
    attribute = {"wer": "words", "cer": "characters", "fwer": "formatted_words"}[metric]
    return sum((getattr(job, attribute) for job in jobs if job.alignment is not None), NO_ERRORS)


def delay_samples(jobs: Iterable[JobScore], metric: str, clock: Clock) -> "array[float]":
    """The delays of jobs together, in ms."""
    samples = array("d")
    for job in jobs:
        if (delays := job.latency.delays.get(metric)) is not None:
            samples.extend(delays.ms[clock])
    return samples


def _score_group(name: str, jobs: Sequence[JobScore]) -> GroupScore:
    recordings = list(by_recording(jobs).values())
    score = GroupScore(name, len(recordings))
    for rate_name in ("wer", "cer", "fwer"):
        rate = _pool_errors([error_counts(group, rate_name) for group in recordings])
        if rate is not None:
            score.rates[rate_name] = rate
    terms = [sum((job.terms for job in group), NO_TERMS) for group in recordings]
    _add_term_rates(score, terms)
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
    with_words = [one for one in counts if one.reference_length]
    if not with_words:
        return None
    total = sum(with_words, NO_ERRORS)
    lengths = [one.reference_length for one in with_words]
    interval = bootstrap_ratio([one.errors for one in with_words], lengths)
    mean = sum(one.errors / one.reference_length for one in with_words) / len(with_words)
    return Rate(total.errors / total.reference_length, mean, interval, total, len(with_words))


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


def _warnings(jobs: Sequence[JobScore], normaliser: Normaliser) -> Iterator[str]:
    """What a reader must know before using the figures."""
    scored = [job for job in jobs if job.alignment is not None]
    files = len(by_recording(scored))
    if 0 < files < MIN_FILES:
        plural = "recordings" if files > 1 else "recording"
        yield f"{files} {plural}: at least {MIN_FILES} are needed before intervals mean much"
    if marks := sum(job.uncertain for job in scored):
        yield f"{marks} marks such as [unclear] in the references were left out"
    own_times = [job for job in jobs if not job.latency.has_reference_times]
    if own_times and len(own_times) == len(jobs):
        yield "ends of words are the server's own: no reference has word times"
    elif own_times:
        yield f"{len(own_times)} recordings use the server's own word times"
    if normaliser.name.startswith("whisper-en"):
        digits = [
            (said, recognised)
            for job in scored
            if job.alignment is not None
            for edit, said, recognised in job.alignment.pairs()
            if edit is Edit.SUBSTITUTION
            and said.isdigit()
            and recognised.isdigit()
            and (said in recognised or recognised in said)
        ]
        if digits:
            said, recognised = digits[0]
            yield (
                f"{len(digits)} errors may come from how whisper-en joins digits, such as "
                f"{said} and {recognised}; --equivalences can name such pairs"
            )
    spaceless = [job for job in scored if _is_without_spaces(job)]
    if spaceless:
        yield (f"{len(spaceless)} references have no spaces between words: read cer instead of wer")


def _is_without_spaces(job: JobScore) -> bool:
    """Whether words of a reference are as long as sentences."""
    text = job.reference.text if job.reference else ""
    return len(text) > 20 and len(text.split()) * 12 < len(text)
