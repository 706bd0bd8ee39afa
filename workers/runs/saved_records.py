"""Reads the objects of an index as typed records, and checks every field.

A run folder may come from somebody else, or be damaged. A value that cannot be raises `Malformed`
with the path of its field; fields of newer versions are tolerated and stay in the index.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from workers import ranges
from workers.audio.source import Source
from workers.errors import Malformed, UsageProblem
from workers.jobs.events import Ended, Queued
from workers.jobs.job import Half, JobId, Limits, StreamSettings
from workers.jobs.job_state import JobStatus
from workers.jobs.job_summary import JobSummary
from workers.jobs.matrix import apply_condition
from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.protocol import codec, configuration
from workers.protocol.codec import JsonObject
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.endpoint import Endpoint
from workers.protocol.messages import UpdateConfiguration
from workers.ranges import shown
from workers.sources import values
from workers.sources.shard import Shard

ShortText = Annotated[str, ranges.Text("a text", 1000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPart:
    """A run that a merged run was made of."""

    run: ShortText
    """The name of its folder."""
    started: ShortText = ""
    shard: Shard | None = None
    is_listed: bool = True
    """Whether all recordings of the shard are in it. A killed program may not have found them."""
    versions: Mapping[str, object] = field(default_factory=dict)
    host: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedHeader:
    """The properties that all jobs of a run share."""

    started: ShortText = ""
    resumed: ShortText = ""
    endpoint: Endpoint | None = None
    """The server that the run streams to; None if no session ever started."""
    settings: StreamSettings = field(default_factory=StreamSettings)
    limits: Limits = field(default_factory=Limits)
    """Those for all shards together, if the run is a shard."""
    shard: Shard | None = None
    """Which part of a list of recordings the run streams; None: all of it."""
    is_listed: bool = False
    """Whether all recordings that the user named are in the run."""
    parts: tuple[MergedPart, ...] = ()
    """The runs that it was merged from; empty for a run that was not merged."""
    shared_with_group: bool = False
    """Whether the group may read the files of the run."""
    order: tuple[Annotated[int, ranges.JOB_NUMBER], ...] = ()
    versions: Mapping[str, object] = field(default_factory=dict)
    host: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedAttempt:
    """When an attempt was, and what its trace must look like."""

    started: Annotated[float, ranges.WALL_S]
    """When its session's clock started, in seconds since the epoch."""
    started_from: ResumePoint = RECORDING_START
    seconds: Annotated[float, ranges.TIME_S] = 0.0
    """How long it lasted."""
    bytes: Annotated[int, ranges.FILE_BYTES] | None = None
    """The size of its trace after its end; None before, or if there is none."""
    slips_s: tuple[Annotated[float, ranges.TIME_S], ...] = ()
    """When its schedule was moved, on its clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedJob:
    """What the index keeps of a job, besides the properties of its recording."""

    id: Annotated[int, ranges.JOB_NUMBER]
    file: Annotated[str, ranges.PATH]
    path: Annotated[str, ranges.PATH] = ""
    relative_path: Annotated[str, ranges.PATH] = ""
    """See `Source.relative_path`."""
    part: Annotated[int, ranges.PART_NUMBER] = 0
    """Which of the runs it comes from, from 1; 0 in a run that was not merged, or if the recording
    was added later."""
    source: Source | None = None
    half: Half | None = None
    size: Annotated[int, ranges.FILE_BYTES] | None = None
    status: ShortText = JobStatus.QUEUED.value
    """A value of `JobStatus`, or what a newer version has instead."""
    attempt: Annotated[int, ranges.ATTEMPT_NUMBER] = 0
    """The latest attempt, started or announced; 0 if there was none."""
    attempts: Mapping[str, Ended] = field(default_factory=dict)
    """How attempts ended, by their numbers."""
    sha256: Annotated[str, ranges.SHA256] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTraces:
    """What the index keeps of the traces of a job."""

    traced: Mapping[str, TracedAttempt] = field(default_factory=dict)
    """The attempts that started, by their numbers."""
    summary: JobSummary | None = None
    """What its latest attempt left, if it has ended; None in the runs of earlier versions."""


_NO_TRACES = SavedTraces()


@dataclass(frozen=True, slots=True)
class _SavedEnd:
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class _SavedChanges:
    changes: UpdateConfiguration = NO_CHANGES


@dataclass(frozen=True, slots=True)
class IndexJob:
    """One job of the index."""

    saved: SavedJob
    queued: Queued | None
    """The recording's properties; None if it was never probed."""
    half: Half | None
    """Which half of a pair it is; None if it is a job of its own."""
    ended: Ended | None
    """How its latest attempt ended; None while it lasts, or if another will follow."""
    traces: SavedTraces = _NO_TRACES
    """What its sessions left; empty if that was not to be read."""
    changes: UpdateConfiguration = NO_CHANGES
    """The changes to its session configuration."""
    text: str = ""
    """The job's object as written; empty unless it was to be kept."""

    @property
    def id(self) -> JobId:
        return self.saved.id  # type: ignore[return-value]  # a call of `JobId` for each takes time

    @property
    def file(self) -> str:
        """The recording, as the user named it."""
        return self.saved.file

    @property
    def source(self) -> Source:
        """What the job streams."""
        return self.saved.source or Source(self.file)

    @property
    def attempt(self) -> int:
        return self.saved.attempt

    @property
    def status(self) -> str:
        """A value of `JobStatus`, or any other text that the index contains instead."""
        ended = self.ended
        if ended is not None and ended.outcome.value == JobStatus.INTERRUPTED.value:
            return JobStatus.INTERRUPTED.value
        return self.saved.status

    def ending_of(self, attempt: int) -> Ended | None:
        """How an attempt ended, as the supervisor saw it. The trace of a killed one has no end."""
        return self.saved.attempts.get(str(attempt))


def load_header(record: JsonObject) -> SavedHeader:
    """Reads the header; raises `Malformed`."""
    header = codec.load(SavedHeader, record)
    if (shard := header.shard) is not None and shard.number > shard.count:
        raise Malformed(f"shard.number is {shard.number}; it must be from 1 to {shard.count}")
    return header


def load_job(record: JsonObject, *, with_traces: bool = True) -> IndexJob:
    """Reads the object of a job, with or without what its sessions left; raises `Malformed`."""
    saved = codec.load(SavedJob, record)
    ended, attempts = record.get("ended"), record.get("attempts")
    latest = saved.attempts.get(str(saved.attempt))
    # The end of the latest attempt stands there twice, and is most of what is to be read.
    if latest is None or not isinstance(attempts, dict) or attempts[str(saved.attempt)] != ended:
        latest = codec.load(_SavedEnd, record).ended
    job = IndexJob(
        saved,
        codec.load(Queued, record) if record.get("seconds") is not None else None,
        saved.half,
        latest,
        codec.load(SavedTraces, record) if with_traces else _NO_TRACES,
        codec.load(_SavedChanges, record).changes if "changes" in record else NO_CHANGES,
    )
    _check_job(job)
    return job


class JobDecoder:
    """Reads the text of a job's object like `load_job`, but several times as fast: a run may have
    20,000 jobs. Loads msgspec, which takes longer than it saves in a run of 200."""

    def __init__(self, *, with_traces: bool = True, with_text: bool = False) -> None:
        import msgspec

        @dataclass
        class TextsOfEnds:
            attempts: dict[str, msgspec.Raw]
            ended: msgspec.Raw

        self._texts_of_ends = msgspec.json.Decoder(TextsOfEnds).decode
        self._saved = codec.plain_decoder(SavedJob)
        self._queued = codec.plain_decoder(Queued)
        self._end = codec.plain_decoder(_SavedEnd)
        self._traces = codec.plain_decoder(SavedTraces) if with_traces else None
        self._with_text = with_text

    def decode(self, text: str) -> IndexJob | None:
        """The job; None if only `load_job` can tell what it is, or what is wrong with it."""
        if (saved := self._saved(text)) is None:
            return None
        ended = saved.attempts.get(str(saved.attempt))
        if ended is None or not self._ends_are_the_same(text, str(saved.attempt)):
            if (end := self._end(text)) is None:
                return None
            ended = end.ended
        queued, traces = self._queued(text), _NO_TRACES
        if (queued is None and '"seconds"' in text) or '"changes"' in text:
            return None
        if self._traces is not None:
            if (found := self._traces(text)) is None:
                return None
            traces = found
        kept_text = text if self._with_text else ""
        job = IndexJob(saved, queued, saved.half, ended, traces, NO_CHANGES, kept_text)
        try:
            _check_job(job)
        except Malformed:
            return None
        return job

    def _ends_are_the_same(self, text: str, attempt: str) -> bool:
        """Whether the end of the latest attempt stands there twice with the same text. As objects,
        both would take time and memory."""
        try:
            ends = self._texts_of_ends(text)
        except ValueError:  # there is not both, or a name is not a text
            return False
        return ends.attempts.get(attempt) == ends.ended


def _check_job(job: IndexJob) -> None:
    """Raises `Malformed` for what the types of its fields do not say."""
    saved, half = job.saved, job.half
    for name, numbers in (("attempts", saved.attempts), ("traced", job.traces.traced)):
        for number in numbers:
            if not (number.isascii() and number.isdecimal() and len(number) < 10):
                raise Malformed(f"{name} has the name {shown(number)}; it must be a number")
    if job.changes is not NO_CHANGES and (reason := configuration.rejection_reason(job.changes)):
        raise Malformed(f"changes.{reason}")
    if saved.source is not None:
        _check_source(saved.source, saved.file)
    if half is not None and saved.id != half.pair + half.channel:
        expected = (
            f"{saved.id - half.channel}, as its id is {saved.id} and its channel {half.channel}"
        )
        raise Malformed(f"half.pair is {half.pair}; it must be {expected}")


def _check_source(source: Source, file: str) -> None:
    # Otherwise a recording could be received from one place and written to another.
    if source.file != file:
        raise Malformed(f"source.file is {shown(source.file)}; it must be the same as “file”")
    options = source.options
    if len(options.speakers) not in (0, 2):
        names = f"{len(options.speakers)} names"
        raise Malformed(f"source.options.speakers has {names}; it must have 2, or none")
    try:
        values.part(options.start_s, options.end_s)
    except UsageProblem as problem:
        raise Malformed(f"source.options: {problem.reason}") from None
    try:
        apply_condition(StreamSettings(), source.conditions)
    except UsageProblem as problem:
        raise Malformed(f"source.conditions: {problem.reason}") from None


def check_links(jobs: Mapping[int, IndexJob]) -> None:
    """Raises `Malformed` if the number of a pair is also that of a job."""
    for job in jobs.values():
        if job.half is not None and job.half.pair in jobs:
            number = job.half.pair
            raise Malformed(f"half.pair of job {job.id} is {number}, which is a job of its own")
