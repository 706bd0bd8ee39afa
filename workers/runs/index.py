"""The index of a run: the header that all jobs share, and an object for each job.

``run.json`` is the whole index. While a run lasts, what has changed since it was written is in
``run.changes.jsonl``, one object per line, so that a change costs the same in a run of any size.
Resume, replay and export read both; only `RunFolder` writes them. They never contain a key.
"""

import gc
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Annotated, BinaryIO

from workers import files
from workers.errors import Malformed, RunFolderProblem
from workers.jobs.pair import STATUSES_WORST_FIRST
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.ranges import JOB_NUMBER, shown
from workers.runs.saved_records import (
    IndexJob,
    JobDecoder,
    SavedHeader,
    check_links,
    load_header,
    load_job,
)

INDEX_NAME = "run.json"
CHANGES_NAME = "run.changes.jsonl"

COMPLETE_VERSION = 1
"""The format version of an index that stands alone."""
PARTIAL_VERSION = 2
"""The version of an index that may have changes beside it, which older programs would overlook."""
DIVIDED_VERSION = 3
"""The version of a run with files that older programs would not find: divided among folders, or
compressed."""
_VERSIONS = (COMPLETE_VERSION, PARTIAL_VERSION, DIVIDED_VERSION)

MAX_INDEX_BYTES = 512 << 20
"""The largest index, and the longest line of its changes, that is read: a million jobs."""
MAX_INDEX_DEPTH = 50
JOBS_BEFORE_MSGSPEC = 200
"""After so many jobs, msgspec saves more time than it takes to load."""

_JOBS_FOLLOW = b'"jobs": [\n'
_JOB_CHANGE = '{"job": '
"""How a line begins that changes a job."""
_DAMAGE_HINT = "The file is damaged, or another program changed it. Correct it to go on."
_MAX_READS = 5
"""How often an index is read again because it was written meanwhile."""

encode_json = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
"""Without `indent`, which is not in the C encoder: a thousand jobs would take a quarter of a
second, and the reports of all sessions would wait for the lock. What is encoded has no cycles."""


class Extent(Enum):
    """How much of an index is read: a run may have many thousands of jobs."""

    OUTCOMES = "outcomes"  # without what the sessions left
    SUMMARIES = "summaries"
    EVERYTHING = "everything"  # the object of each job as text too


@dataclass(frozen=True, slots=True)
class RunIndex:
    """The index of a run."""

    header: JsonObject  # the properties that all jobs share, as written
    saved: SavedHeader  # the same, read
    jobs: list[IndexJob]
    changes_size: int = 0
    """Bytes of ``run.changes.jsonl`` that were read; what follows them is torn."""
    warnings: tuple[str, ...] = ()
    """What was left out because it is damaged; each a sentence."""
    stamp: object = None
    """The `index_stamp` before it was read."""

    @property
    def is_complete(self) -> bool:
        """Whether the run ended properly, so that all of its traces were on the disk."""
        return self.header.get("complete") is True and not self.changes_size

    @property
    def status_counts(self) -> Counter[str]:
        """How many jobs have each status. A pair counts once, with the worse one of its halves."""
        ranks = {status.value: rank for rank, status in enumerate(STATUSES_WORST_FIRST)}
        statuses: dict[int, str] = {}
        for job in self.jobs:
            number = job.half.pair if job.half is not None else job.id
            both = (job.status, statuses.get(number, job.status))
            statuses[number] = min(both, key=lambda status: ranks.get(status, -1))
        return Counter(statuses.values())


@dataclass(frozen=True, slots=True)
class _DamagedJob:
    """What is wrong with the object of a job. A later change may replace it."""

    problem: RunFolderProblem


@dataclass(slots=True)
class _Records:
    """What the files of an index contain."""

    header: JsonObject
    header_place: str
    """Where the header stands."""
    extent: Extent
    jobs: dict[int, "IndexJob | _DamagedJob"] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    decoder: JobDecoder | None = None
    """For large indexes."""

    def decode(self, text: str) -> IndexJob | None:
        """The job with this object, if it can be read fast."""
        if len(self.jobs) < JOBS_BEFORE_MSGSPEC:
            return None
        if self.decoder is None:
            self.decoder = JobDecoder(
                with_traces=self.extent is not Extent.OUTCOMES,
                with_text=self.extent is Extent.EVERYTHING,
            )
        is_deep = text.count("{") + text.count("[") > MAX_INDEX_DEPTH
        return None if is_deep else self.decoder.decode(text)


def read_index(path: Path, extent: Extent = Extent.OUTCOMES) -> RunIndex:
    """The index of the run in folder ``path``, which may be in progress. Raises `RunFolderProblem`
    with the file, the field and its value if anything in the ``extent`` cannot be."""
    with garbage_collection_paused():
        return _read_index(path, extent)


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """For code that makes a million objects and no garbage: looking for it takes three times as
    long. What it has made is left out of later searches too."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()


def _read_index(path: Path, extent: Extent) -> RunIndex:
    for _ in range(_MAX_READS):
        version, stamp = _file_version(path), index_stamp(path)
        records = _read_whole_index(path, extent)
        changes_size = _apply_changes(path, records)
        if version == _file_version(path):  # otherwise the changes may belong to a newer index
            break
    with _naming(records.header_place):
        saved = load_header(records.header)
    jobs: dict[int, IndexJob] = {}
    for number, job in sorted(records.jobs.items()):
        if isinstance(job, _DamagedJob):
            raise job.problem
        jobs[number] = job
    with _naming(f"{path / INDEX_NAME}: "):
        check_links(jobs)
    for number, job in jobs.items():
        if job.half is not None and not jobs.keys() >= set(job.half.jobs):
            # Its record was lost in a power failure; the audio of this half is all the same.
            records.warnings.append(f"job {number} is half of a call whose other half is missing")
            jobs[number] = replace(job, half=None)
    warnings = tuple(records.warnings)
    return RunIndex(records.header, saved, list(jobs.values()), changes_size, warnings, stamp)


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Raises `RunFolderProblem` for what is wrong, with its place."""
    try:
        yield
    except (Malformed, RecursionError) as error:
        raise _problem(place, error) from None


def _problem(place: str, error: Malformed | RecursionError) -> RunFolderProblem:
    if isinstance(error, RecursionError):
        reason = f"{place.rstrip(':. ')} is nested too deeply"
    else:
        reason = f"{place}{error.reason}".replace(".it lacks", " lacks")
    return RunFolderProblem(reason, _DAMAGE_HINT)


def _read_whole_index(path: Path, extent: Extent) -> _Records:
    file = path / INDEX_NAME
    try:
        with _open_bounded(file) as lines:
            if (records := _read_lines(lines, file, extent)) is not None:
                return records
            lines.seek(0)
            text = lines.read()  # `read(n)` would first allocate n bytes
        header = codec.parse_object(text, str(file), MAX_INDEX_DEPTH, quoting=True)
    except FileNotFoundError as error:
        hint = f"It does not contain {INDEX_NAME}."
        raise RunFolderProblem(f"{path} is not a run folder", hint) from error
    except OSError as error:
        hint = "Put the file itself there." if isinstance(error, files.NotOwnFile) else ""
        raise RunFolderProblem(f"{file} cannot be read ({error.strerror})", hint) from error
    except Malformed as error:
        raise RunFolderProblem(error.reason, _DAMAGE_HINT) from error
    _check_format(file, header.get("format", COMPLETE_VERSION))
    listed = header.pop("jobs", None)
    if not isinstance(listed, list):
        reason = f"{file}: jobs is {shown(listed)}; it must be a list"
        raise RunFolderProblem(reason, _DAMAGE_HINT)
    records = _Records(header, f"{file}: ", extent)
    for position, job in enumerate(listed):
        place = f"{file}: jobs[{position}]"
        _check_added(records, _add_job(records, job, place, None), position, place)
    return records


def _read_lines(lines: BinaryIO, file: Path, extent: Extent) -> _Records | None:
    """Reads an index with one job on each line, as `index_lines` writes it, without having all of
    it in memory; None if the file is not like that."""
    first = lines.readline(MAX_INDEX_BYTES)
    if not first.endswith(_JOBS_FOLLOW):
        return None
    try:
        header = codec.parse_object(first + b"]}", str(file), MAX_INDEX_DEPTH)
        del header["jobs"]
        _check_format(file, header.get("format", COMPLETE_VERSION))
        records = _Records(header, f"{file}: ", extent)
        for position in count():
            line = lines.readline(MAX_INDEX_BYTES)
            is_last = not line.endswith(b",\n")
            if line == b"]}\n" and not position:
                break
            text = line.removesuffix(b"\n").removesuffix(b"" if is_last else b",").decode()
            place = f"{file}: jobs[{position}]"
            _check_added(records, _add_text(records, text, place), position, place)
            if is_last:
                if lines.readline(MAX_INDEX_BYTES) != b"]}\n":
                    return None
                break
    except (Malformed, UnicodeDecodeError):
        return None
    return None if lines.read(1) else records


def _check_added(records: _Records, number: int, position: int, place: str) -> None:
    if len(records.jobs) <= position:
        raise RunFolderProblem(f"{place}.id is {number}, as that of another job", _DAMAGE_HINT)


def _check_format(file: Path, version: Json) -> None:
    if version in _VERSIONS and not isinstance(version, bool):
        return
    if isinstance(version, int) and version > max(_VERSIONS):
        reason = f"{file} has format version {shown(version)}"
        raise RunFolderProblem(reason, f"This program reads versions up to {max(_VERSIONS)}.")
    known = f"from {min(_VERSIONS)} to {max(_VERSIONS)}"
    reason = f"{file}: format is {shown(version)}; it must be {known}"
    raise RunFolderProblem(reason, _DAMAGE_HINT)


def _add_text(records: _Records, text: str, place: str) -> int:
    """Adds a job by the text of its object, or replaces it; returns its number."""
    if (job := records.decode(text)) is None:
        return _add_job(records, codec.parse_object(text, place, MAX_INDEX_DEPTH), place, text)
    records.jobs[job.id] = job
    return job.id


def _add_job(records: _Records, job: Json, place: str, text: str | None) -> int:
    """Adds a job, or replaces it; returns its number. ``text``: its object as it was written."""
    if not isinstance(job, dict):
        raise _problem(f"{place} ", Malformed(f"is {shown(job)}; it must be an object"))
    try:
        number = codec.load(_JobNumber, job).id
    except Malformed as error:
        raise _problem(f"{place}.", error) from None
    try:
        loaded = load_job(job, with_traces=records.extent is not Extent.OUTCOMES)
    except (Malformed, RecursionError) as error:
        records.jobs[number] = _DamagedJob(_problem(f"{place}.", error))
        return number
    if records.extent is Extent.EVERYTHING:
        loaded = replace(loaded, text=encode_json(job) if text is None else text)
    records.jobs[number] = loaded
    return number


@dataclass(frozen=True, slots=True)
class _JobNumber:
    id: Annotated[int, JOB_NUMBER]


def _open_bounded(path: Path) -> BinaryIO:
    file = files.open_to_read(path)
    if os.fstat(file.fileno()).st_size > MAX_INDEX_BYTES:
        file.close()
        raise Malformed(f"{path} is larger than {MAX_INDEX_BYTES >> 20} MB")
    return file


def index_stamp(path: Path) -> object:
    """A value that differs after the index of a run was changed."""
    return _file_version(path), _file_version(path, CHANGES_NAME)


def _file_version(path: Path, name: str = INDEX_NAME) -> object:
    """A value that differs after a file was replaced or has grown; None without one."""
    try:
        status = os.lstat(path / name)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _apply_changes(path: Path, records: _Records) -> int:
    """Applies ``run.changes.jsonl``; returns how many of its bytes can be read.

    A program that was killed, or a machine that lost power, may leave anything at the end of the
    file, and that is ignored. A damaged line before a whole one is skipped with a warning: each
    line stands for itself, and the traces have everything.
    """
    file, offset, size = path / CHANGES_NAME, 0, 0
    damaged: list[int] = []
    try:
        with files.open_to_read(file) as lines:
            for number in count(1):
                if not (line := lines.readline(MAX_INDEX_BYTES)):
                    break
                offset += len(line)
                if not _apply_change(records, line, f"{file}, line {number}: "):
                    damaged.append(number)
                    continue
                size = offset
                records.warnings += [f"{file}, line {one} is damaged" for one in damaged]
                damaged.clear()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise RunFolderProblem(f"{file} cannot be read ({error.strerror})") from error
    return size


def _apply_change(records: _Records, line: bytes, place: str) -> bool:
    """Applies a line of ``run.changes.jsonl``; returns whether it is whole."""
    if not line.endswith(b"\n"):
        return False
    try:
        text = line.decode()
        if text.startswith(_JOB_CHANGE) and text.endswith("}\n"):
            decoded = records.decode(text.removeprefix(_JOB_CHANGE).removesuffix("}\n"))
            if decoded is not None:
                records.jobs[decoded.id] = decoded
                return True
        change = codec.parse_object(text, "", max_depth=MAX_INDEX_DEPTH)
    except (Malformed, UnicodeDecodeError):
        return False
    if (job := change.get("job")) is not None:
        _add_job(records, job, f"{place}job", None)
    if (header := change.get("header")) is not None:
        if not isinstance(header, dict):
            reason = f"{place}header is {shown(header)}; it must be an object"
            raise RunFolderProblem(reason, _DAMAGE_HINT)
        records.header, records.header_place = header, f"{place}header."
    return True


def index_lines(header: Mapping[str, Json], jobs: Iterable[str]) -> Iterator[str]:
    """The text of ``run.json``, in pieces; ``jobs``: the object of each job."""
    yield encode_json({**header, "jobs": []}).removesuffix("]}")
    separator = "\n"
    for job in jobs:
        yield separator
        yield job
        separator = ",\n"
    yield "\n]}\n"


def encode_job_fast(record: JsonObject) -> str:
    """The object of a job as text, like `encode_json`, but several times as fast."""
    import msgspec  # adds 11 ms to the start of a command

    try:
        return msgspec.json.encode(record).decode()
    except UnicodeError:  # the name of a file that is no text
        return encode_json(record)


def decode_job_fast(text: str) -> JsonObject:
    """The object of a job from text that `json` reads too, but several times as fast."""
    import msgspec

    try:
        record: JsonObject = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        record = json.loads(text)
    return record


def job_change(job: str) -> str:
    """A line of ``run.changes.jsonl`` with the object of a job, which replaces its former one."""
    return f"{_JOB_CHANGE}{job}}}\n"


def header_change(header: Mapping[str, Json]) -> str:
    """The same for the header."""
    return f'{{"header": {encode_json(header)}}}\n'


def is_run(folder: Path) -> bool:
    """Whether a folder has an index, so that it is a run."""
    return os.path.lexists(folder / INDEX_NAME)


def list_runs(folder: Path) -> list[Path]:
    """The run folders directly in a folder, the oldest first; links to others do not count."""
    paths = (path.parent for path in folder.glob(f"*/{INDEX_NAME}"))
    return sorted(path for path in paths if not path.is_symlink())
