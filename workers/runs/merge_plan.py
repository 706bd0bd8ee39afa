"""Decides what a merged run consists of: which recordings of which runs, and what is in the way.

A recording may be in several runs: a machine died and another one took its part, or parts overlap.
Two jobs are of the same recording if they stream the same audio under the same conditions and have
the same name. The name is what the user wrote; in shards, the path below the folder or manifest,
because the machines may have the files in different places.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from functools import cached_property
from pathlib import Path

from workers.audio.source import Source
from workers.jobs.job_state import JobStatus
from workers.protocol import codec
from workers.protocol.codec import JsonObject
from workers.protocol.endpoint import Endpoint, EndpointKind
from workers.runs.index import RunIndex
from workers.runs.reader import read_job_state
from workers.runs.saved_records import IndexJob, MergedPart
from workers.sources.shard import Shard
from workers.traces.files import trace_files
from workers.traces.reader import TraceReader

_HASH_CHARS = 8
"""How much of a hash is shown."""


class ConflictKind(Enum):
    """What keeps runs from being merged; the value says what to do about it."""

    SETTINGS = "Runs with different settings are compared, not merged: paceline compare."
    SHARDS = "Merge the shards of one division."
    CONTENT = "Leave out the run with the wrong file."
    RESULT = "Leave one of the runs out, or take the first result of each with --keep-first."


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """Something in which runs contradict each other."""

    kind: ConflictKind
    reason: str
    """A sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class Part:
    """A run that is to be merged with others."""

    path: Path
    index: RunIndex

    @property
    def name(self) -> str:
        """The run, as the user named it."""
        return str(self.path)

    @property
    def parts(self) -> tuple[MergedPart, ...]:
        """The runs that it was merged from; else itself."""
        saved = self.index.saved
        own = MergedPart(
            run=self.path.resolve().name,
            started=saved.started,
            shard=saved.shard,
            is_listed=saved.is_listed,
            versions=saved.versions,
            host=saved.host,
        )
        return saved.parts or (own,)

    @property
    def shards(self) -> list[Shard]:
        """The shards that are in it."""
        return [part.shard for part in self.parts if part.shard is not None]


@dataclass(frozen=True)  # not with slots, because of the cached property
class PartRecording:
    """A recording in one of the runs."""

    part: int
    """The number of the run among those to be merged, from 0."""
    jobs: tuple[IndexJob, ...]
    """One, or the two halves of a pair, left first."""

    @property
    def file(self) -> str:
        return self.jobs[0].file

    @property
    def sha256(self) -> str:
        """Empty if it was never read."""
        return next((job.saved.sha256 for job in self.jobs if job.saved.sha256), "")

    @property
    def is_done(self) -> bool:
        return all(job.status == JobStatus.DONE.value for job in self.jobs)

    @property
    def rank(self) -> int:
        """How settled it is: done, cancelled by the user, or to be continued."""
        if self.is_done:
            return 2
        settled = (JobStatus.DONE.value, JobStatus.CANCELLED.value)
        return 1 if all(job.status in settled for job in self.jobs) else 0

    @cached_property
    def conditions(self) -> Source:
        """What is streamed of the recording, and how; without its name."""
        source = self.jobs[0].source
        channel = None if self.jobs[0].half is not None else source.options.channel
        return replace(source, file="", options=replace(source.options, channel=channel))


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What a merged run will consist of."""

    header: JsonObject
    recordings: tuple[PartRecording, ...]
    conflicts: tuple[MergeConflict, ...]
    """Why the runs cannot be merged."""
    missing_shards: tuple[Shard, ...]
    unlisted_shards: tuple[Shard, ...]
    """Those whose program ended before it had found all of its recordings."""
    doubled: int
    """How many recordings are in several runs; one of each is taken."""


def plan_merge(parts: Sequence[Part], *, keep_first: bool = False) -> MergePlan:
    """Decides what to merge. Reads traces of recordings that are in several runs.

    ``keep_first``: of a recording that is done in several runs, the first result is taken.
    """
    conflicts = [*_setting_conflicts(parts), *_shard_conflicts(parts)]
    recordings: list[PartRecording] = []
    doubled = 0
    for same in _same_recordings(parts):
        doubled += len(same) > 1
        if problem := _content_conflict(parts, same):
            conflicts.append(MergeConflict(ConflictKind.CONTENT, problem))
        elif not keep_first and (problem := _result_conflict(parts, same)):
            conflicts.append(MergeConflict(ConflictKind.RESULT, problem))
        recordings.append(_best(parts, same))
    return MergePlan(
        _merged_header(parts),
        tuple(recordings),
        tuple(conflicts),
        *_missing_shards(parts),
        doubled,
    )


# --- conflicts between runs


def _setting_conflicts(parts: Sequence[Part]) -> Iterator[MergeConflict]:
    """What differs from the first run: a merged run has one set of settings, and one endpoint."""
    first = parts[0]
    settings = first.index.saved.settings
    for part in parts[1:]:
        for name in (field.name for field in fields(settings)):
            one, other = getattr(settings, name), getattr(part.index.saved.settings, name)
            if one != other:
                values = f"{_shown(one)} in {first.name} and {_shown(other)} in {part.name}"
                yield MergeConflict(ConflictKind.SETTINGS, f"{name} is {values}")
    known = [(part, end) for part in parts if (end := part.index.saved.endpoint) is not None]
    for part, endpoint in known[1:]:
        if _server(endpoint) != _server(known[0][1]):
            begun = f"{known[0][0].name} streamed to {known[0][1].address}"
            reason = f"{begun} and {part.name} to {endpoint.address}"
            yield MergeConflict(ConflictKind.SETTINGS, reason)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{name}={text}" for name, text in value) or "empty"
    return str(getattr(value, "value", value))


def _server(endpoint: Endpoint) -> str:
    """What tells servers apart. Embedded engines have another address in each run."""
    return "" if endpoint.kind is EndpointKind.EMBEDDED else endpoint.url


def _shard_conflicts(parts: Sequence[Part]) -> Iterator[MergeConflict]:
    shards = [(part, shard) for part in parts for shard in part.shards]
    for part, shard in shards[1:]:
        first_part, first = shards[0]
        if shard.count != first.count:
            reason = f"{first_part.name} is {first}, but {part.name} is {shard}"
            yield MergeConflict(ConflictKind.SHARDS, reason)


def _missing_shards(parts: Sequence[Part]) -> tuple[tuple[Shard, ...], tuple[Shard, ...]]:
    """The shards that no run has, and those that no run has as a whole."""
    found = [one for part in parts for one in part.parts]
    shards = {one.shard for one in found if one.shard is not None}
    whole = {one.shard for one in found if one.is_listed}
    counts = sorted({shard.count for shard in shards})
    every = [Shard(number, count) for count in counts for number in range(1, count + 1)]
    return (
        tuple(shard for shard in every if shard not in shards),
        tuple(shard for shard in every if shard in shards and shard not in whole),
    )


# --- recordings that are in several runs


def _same_recordings(parts: Sequence[Part]) -> list[list[PartRecording]]:
    """The recordings in the order of the runs and their jobs; each with all runs that it is in."""
    found: list[list[PartRecording]] = []
    by_key: dict[object, list[PartRecording]] = {}
    for number, part in enumerate(parts):
        seen: Counter[object] = Counter()
        own: dict[object, list[PartRecording]] = {}
        for recording in _recordings_of(number, part):
            keys = []
            for key in _keys(recording, is_shard=bool(part.shards)):
                seen[key] += 1
                keys.append((key, seen[key]))  # a run may have a recording several times
            same = next((by_key[key] for key in keys if key in by_key), None)
            if same is None or same[-1].part == number:
                found.append(same := [])
            same.append(recording)
            own |= dict.fromkeys(keys, same)
        for key, same in own.items():
            by_key.setdefault(key, same)
    return found


def _recordings_of(number: int, part: Part) -> Iterator[PartRecording]:
    halves: dict[int, IndexJob] = {}
    for job in part.index.jobs:
        if job.half is None:
            yield PartRecording(number, (job,))
        elif (left := halves.pop(job.half.pair, None)) is None:
            halves[job.half.pair] = job
        else:
            yield PartRecording(number, (left, job))


def _keys(recording: PartRecording, *, is_shard: bool) -> Iterator[object]:
    """What identifies a recording: one equal key is enough."""
    job, conditions = recording.jobs[0].saved, recording.conditions
    yield "file", job.file, conditions
    below = job.relative_path or job.file
    if is_shard:
        yield "path in the list", below, conditions
    if recording.sha256:
        yield "content", below, recording.sha256, conditions


def _content_conflict(parts: Sequence[Part], same: Sequence[PartRecording]) -> str:
    hashed = [recording for recording in same if recording.sha256]
    for other in hashed[1:]:
        if other.sha256 != hashed[0].sha256:
            one, two = (parts[recording.part].name for recording in (hashed[0], other))
            hashes = " and ".join(r.sha256[:_HASH_CHARS] for r in (hashed[0], other))
            return f"{other.file} has different content in {one} and {two} (SHA-256 {hashes})"
    return ""


def _result_conflict(parts: Sequence[Part], same: Sequence[PartRecording]) -> str:
    done = [recording for recording in same if recording.is_done]
    for other in done[1:]:
        if _result(parts, other) != _result(parts, done[0]):
            one, two = (parts[recording.part].name for recording in (done[0], other))
            return f"{other.file} is done in {one} and in {two}"
    return ""


def _result(parts: Sequence[Part], recording: PartRecording) -> list[object]:
    """What tells the results of a recording apart. Runs that were merged before may share one."""
    heads: list[object] = []
    for job in recording.jobs:
        traces = trace_files(parts[recording.part].path, job.id)
        head = TraceReader(traces[-1][1]).head if traces else None
        heads.append(None if head is None else (head.wall, head.file, head.attempt))
    return heads


def _best(parts: Sequence[Part], same: Sequence[PartRecording]) -> PartRecording:
    """The one that is settled, or else came furthest; the first of equal ones."""
    highest = max(recording.rank for recording in same)
    best = [recording for recording in same if recording.rank == highest]
    if highest or len(best) == 1:
        return best[0]

    def position_ms(recording: PartRecording) -> int:
        path = parts[recording.part].path
        return sum(read_job_state(path, job).resume_point.at_ms for job in recording.jobs)

    return max(best, key=position_ms)


# --- the header


def _merged_header(parts: Sequence[Part]) -> JsonObject:
    """The properties that all jobs of the merged run share. It is no shard: its limits count for
    the machine that resumes it."""
    saved = [part.index.saved for part in parts]
    merged = [one for part in parts for one in part.parts]
    header: JsonObject = {
        "started": min((one.started for one in saved if one.started), default=""),
        "settings": codec.dump(saved[0].settings),
        "limits": codec.dump(saved[0].limits),
        "order": [],
        "parts": [codec.dump(part) for part in merged],
    }
    endpoint = next((part for part in parts if part.index.saved.endpoint is not None), None)
    if endpoint is not None:
        header["endpoint"] = endpoint.index.header["endpoint"]
    for name in ("versions", "host"):
        known = [value for part in merged if (value := getattr(part, name))]
        if known and all(value == known[0] for value in known):
            header[name] = dict(known[0])
    return header


def part_offsets(parts: Sequence[Part]) -> Mapping[int, int]:
    """How many parts of the merged run come before those of each run."""
    counts = [len(part.parts) for part in parts]
    return {number: sum(counts[:number]) for number in range(len(parts))}
