"""Scores the jobs of a run: accuracy against references, and delays from traces."""

import json
import os
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from workers.errors import Malformed, UsageProblem
from workers.evaluation.accuracy import Edit, count_confusions
from workers.evaluation.figures import GroupScore, by_recording, score_group
from workers.evaluation.job_score import JobScore, score_text
from workers.evaluation.latency import JobLatency, measure_latency
from workers.evaluation.normalisation import DEFAULT_NORMALISER, Normaliser, load_normaliser
from workers.evaluation.reference_formats import Reference
from workers.evaluation.references import (
    MANIFEST_ORIGIN,
    ReferenceMatches,
    ScoredFile,
    match_references,
)
from workers.evaluation.statistics import MIN_FILES
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import combine_pairs, session_states, speaker_of
from workers.processes import process_pool
from workers.protocol.codec import JsonObject
from workers.runs.index import RunIndex, read_index
from workers.runs.reader import read_job_state
from workers.runs.saved_records import IndexJob

ALL_JOBS = ""
"""The name of the group of all jobs."""

OWN_COLUMNS = ("model", "file", "chunk_ms", "hour", "sessions")
"""What jobs can be grouped by besides the columns of a manifest or a matrix: ``hour`` is that of
UTC in which the job began, ``sessions`` how many were open at once, in steps."""

_SESSION_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

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
    """Columns of the manifest or the matrix, or of `OWN_COLUMNS`, separated by commas; empty: no
    groups."""
    allow_invalid: bool = False
    """Whether delays of attempts with bad pacing count."""

    def load_normaliser(self) -> Normaliser:
        """The normaliser with the equivalences; raises `UsageProblem`."""
        normaliser = load_normaliser(self.normaliser)
        return normaliser.with_equivalences(self.equivalences) if self.equivalences else normaliser


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
    def chunks_ms(self) -> list[int]:
        """The lengths of the chunks that were sent, in ms."""
        return sorted({one.chunk_ms for job in self.jobs for one in job.latency.certificates})

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


def references_of_run(
    index: RunIndex, files: Sequence[ScoredFile], given: Path | None
) -> ReferenceMatches:
    """The references of a run's recordings; see `match_references`. None if the run kept no words;
    raises `UsageProblem` if such a run is to be compared with given references."""
    if index.saved.settings.keep_words:
        return match_references(files, given)
    if given is not None:
        reason = "this run kept no words, so there is nothing to compare with references"
        raise UsageProblem(reason, "Its delays can be scored without --references.")
    return ReferenceMatches({}, tuple(dict.fromkeys(files)))


def score_run(
    folder: Path,
    options: ScoreOptions,
    on_progress: Callable[[int, int], object] = lambda scored, of: None,
) -> RunScore:
    """Scores the jobs of a run that are done.

    Large runs are scored in as many processes as there are cores. ``on_progress`` is told how many
    jobs are scored, of how many: first none of them, then after each one. Raises
    `RunFolderProblem` without a run, and `UsageProblem` for unusable options or references.
    """
    index = read_index(folder)
    normaliser = options.load_normaliser()
    groups_of_jobs = list(group_halves(index.jobs))
    files = [scored_file(jobs[0]) for jobs in groups_of_jobs]
    matches = references_of_run(index, files, options.references)
    terms = [*options.terms, *sent_terms(index.saved.settings.params)]
    tasks = [
        ScoreTask(folder, jobs, file, matches.references.get(file), options, terms)
        for jobs, file in zip(groups_of_jobs, files, strict=True)
    ]
    jobs: list[JobScore] = []
    left_out: list[tuple[str, str]] = []
    on_progress(0, len(tasks))
    for scored, result in enumerate(_score_jobs(tasks), start=1):
        on_progress(scored, len(tasks))
        if isinstance(result, JobScore):
            jobs.append(result)
        else:
            left_out.append(result)
    _count_sessions(jobs)
    groups = [score_group(ALL_JOBS, jobs)]
    if options.group_by:
        _set_groups(jobs, [column.strip() for column in options.group_by.split(",")])
        for name in sorted({job.group for job in jobs}, key=_natural_order):
            groups.append(score_group(name, [job for job in jobs if job.group == name]))
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


def _set_groups(jobs: Sequence[JobScore], columns: Sequence[str]) -> None:
    """Sets the group of each job; raises `UsageProblem` for a column that no job has."""
    known = [_columns_of(job) for job in jobs]
    for column in columns:
        if known and not any(column in values for values in known):
            names = dict.fromkeys(name for values in known for name in values)
            reason = f"no recording has a column “{column}”"
            raise UsageProblem(reason, f"There are {', '.join(names)}.")
    for job, values in zip(jobs, known, strict=True):
        job.group = ", ".join(values.get(column, "") for column in columns)


def _columns_of(job: JobScore) -> dict[str, str]:
    """What a job can be grouped by; columns of a manifest have precedence."""
    opened = min((start for start, _ in job.latency.open_spans), default=None)
    hour = "" if opened is None else f"{datetime.fromtimestamp(opened, UTC):%Y-%m-%d %H:00}"
    place = bisect_right(_SESSION_STEPS, job.sessions)
    first, after = _SESSION_STEPS[max(place - 1, 0)], (*_SESSION_STEPS, None)[place]
    steps = f"{first}+" if after is None else f"{first}–{after - 1}" if after - first > 1 else "1"
    chunks = sorted({one.chunk_ms for one in job.latency.certificates})
    chunk_ms = "/".join(map(str, chunks))
    own = dict(zip(OWN_COLUMNS, (job.model, job.name, chunk_ms, hour, steps), strict=True))
    return own | dict(job.file.metadata)


def _natural_order(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers within names by their value: 50 before 100."""
    parts = re.split(r"(\d+)", name)
    return [(int(part) if part.isdigit() else -1, part) for part in parts]


@dataclass(frozen=True, slots=True)
class ScoreTask:
    """One job to score, or the two halves of a pair."""

    folder: Path
    jobs: tuple[IndexJob, ...]
    file: ScoredFile
    reference: Reference | None
    options: ScoreOptions
    terms: Sequence[str]


def _score_jobs(tasks: Sequence[ScoreTask]) -> Iterator["JobScore | tuple[str, str]"]:
    processes = os.cpu_count() or 1
    if len(tasks) < MIN_PARALLEL_JOBS or processes == 1:
        yield from map(score_job, tasks)
        return
    with process_pool(processes) as pool:
        yield from pool.map(score_job, tasks, chunksize=4)


def score_job(task: ScoreTask) -> "JobScore | tuple[str, str]":
    """The scores of a job, or its recording and why it has none. May run in a child process."""
    try:
        states = [read_job_state(task.folder, job) for job in task.jobs]
        state = combine_pairs(states)[0]
        if state.status is not JobStatus.DONE:
            return state.file, f"it is {state.status.value}"
        reference = _reference_of(state, task.reference)
        latency = JobLatency()
        allow_invalid = task.options.allow_invalid
        for half in session_states(state):
            measure_latency(latency, task.folder, half, reference, allow_invalid=allow_invalid)
    except (Malformed, OSError) as error:
        return task.jobs[0].file, str(error)
    job = JobScore(
        job=state.job,
        halves=tuple(half.job for half in states),
        name=state.file,
        model=state.began.model if state.began else "",
        speed=state.speed,
        file=task.file,
        reference=reference,
        latency=latency,
        text=state.transcript.text,
        seconds=state.total_seconds,
        speakers=tuple(map(speaker_of, states)) if len(states) > 1 else (),
        warnings=tuple(state.warnings),
        is_part=state.is_part,
    )
    if reference is not None:
        score_text(job, state, reference, _cached_normaliser(task.options), task.terms)
    return job


def _reference_of(state: JobState, whole: Reference | None) -> Reference | None:
    """The reference of what was streamed: of a part, as far as the reference has times."""
    if whole is None or not state.is_part or not whole.timed:
        return whole
    part = whole.part(state.start_seconds * 1000, state.total_seconds * 1000)
    return part if part.timed else None


@lru_cache(maxsize=1)
def _cached_normaliser(options: ScoreOptions) -> Normaliser:
    return options.load_normaliser()


def group_halves(jobs: Iterable[IndexJob]) -> Iterator[tuple[IndexJob, ...]]:
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


def scored_file(job: IndexJob) -> ScoredFile:
    saved = job.saved
    return ScoredFile(Path(saved.path or job.file), job.source.metadata, saved.relative_path)


def sent_terms(params: Iterable[tuple[str, str]]) -> list[str]:
    """The key terms that the run sent to the server, in a JSON list."""
    for name, value in params:
        if name == "keyterms_prompt":
            try:
                found = json.loads(value)
            except ValueError:
                return [value]
            return [str(term) for term in found] if isinstance(found, list) else [value]
    return []


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


def _warnings(jobs: Sequence[JobScore], normaliser: Normaliser) -> Iterator[str]:
    """What a reader must know before using the figures."""
    scored = [job for job in jobs if job.alignment is not None]
    files = len(by_recording(scored))
    if 0 < files < MIN_FILES:
        plural = "recordings" if files > 1 else "recording"
        yield f"{files} {plural}: at least {MIN_FILES} are needed before intervals mean much"
    if marks := sum(job.uncertain for job in scored):
        yield f"{marks} marks such as [unclear] in the references were left out"
    parts = [job for job in scored if job.is_part and job.reference and not job.reference.timed]
    whole = [job for job in parts if job.reference and job.reference.origin != MANIFEST_ORIGIN]
    if whole:
        yield (
            f"{len(whole)} recordings were streamed in part, but their references have no times: "
            "what was not streamed counts as missing"
        )
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
            for edit, said, recognised in job.alignment.errors()
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
