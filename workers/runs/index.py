"""The index of a run: the header that all jobs share, and an object for each job.

``run.json`` is the whole index. While a run lasts, what has changed since it was written is in
``run.changes.jsonl``, one object per line, so that a change costs the same in a run of any size.
Resume, replay and export read both; only `RunFolder` writes them. They never contain a key.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from workers import files
from workers.audio.source import Source
from workers.errors import RunFolderProblem
from workers.jobs.events import Ended, Outcome, Queued
from workers.jobs.job import Half, JobId, Limits, StreamSettings
from workers.jobs.job_state import JobStatus
from workers.jobs.pair import STATUSES_WORST_FIRST
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.protocol.endpoint import Endpoint

INDEX_NAME = "run.json"
CHANGES_NAME = "run.changes.jsonl"

COMPLETE_VERSION = 1
"""The format version of an index that stands alone."""
PARTIAL_VERSION = 2
"""The version of an index that may have changes beside it, which older programs would overlook."""

_MAX_READS = 5
"""How often an index is read again because it was written meanwhile."""

T = TypeVar("T")

encode_json = json.JSONEncoder(ensure_ascii=False).encode
"""Without `indent`, which is not in the C encoder: a thousand jobs would take a quarter of a
second, and the reports of all sessions would wait for the lock."""


@dataclass(frozen=True, slots=True)
class IndexJob:
    """One job of the index. Properties raise `Malformed` if they cannot be read."""

    id: JobId
    file: str  # the recording, as the user named it
    record: JsonObject  # the job's object as written

    @property
    def status(self) -> str:
        """A value of `JobStatus`, or any other text that the index contains instead."""
        ended = self.record.get("ended")
        if isinstance(ended, dict) and ended.get("outcome") == Outcome.INTERRUPTED.value:
            return JobStatus.INTERRUPTED.value
        return str(self.record.get("status", JobStatus.QUEUED.value))

    @property
    def source(self) -> Source:
        """What the job streams."""
        written = self.record.get("source")
        if isinstance(written, dict):
            return codec.load(Source, written, f"job {self.id}")
        return Source(self.file)

    @property
    def queued(self) -> Queued | None:
        """The recording's properties; None if it was never probed."""
        probed = "seconds" in self.record
        return codec.load(Queued, self.record, f"job {self.id}") if probed else None

    @property
    def half(self) -> Half | None:
        """Which half of a pair it is; None if it is a job of its own."""
        half = self.record.get("half")
        return codec.load(Half, half, f"job {self.id}") if isinstance(half, dict) else None

    @property
    def attempt(self) -> int:
        """The latest attempt, started or announced; 0 if there was none."""
        attempt = self.record.get("attempt")
        return attempt if isinstance(attempt, int) else 0

    def ending_of(self, attempt: int) -> Ended | None:
        """How an attempt ended, as the supervisor saw it. The trace of a killed one has no end."""
        endings = self.record.get("attempts")
        ended = endings.get(str(attempt)) if isinstance(endings, dict) else None
        return codec.load(Ended, ended, f"job {self.id}") if isinstance(ended, dict) else None


@dataclass(frozen=True, slots=True)
class RunIndex:
    """The index of a run. Properties raise `Malformed` if they cannot be read."""

    header: JsonObject  # the properties that all jobs share
    jobs: list[IndexJob]
    changes_size: int = 0
    """Bytes of ``run.changes.jsonl`` that were read; what follows them is torn."""

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

    @property
    def endpoint(self) -> Endpoint | None:
        """The server that the run streams to; None if no session ever started."""
        return self._section(Endpoint, "endpoint")

    @property
    def settings(self) -> StreamSettings:
        return self._section(StreamSettings, "settings") or StreamSettings()

    @property
    def limits(self) -> Limits:
        return self._section(Limits, "limits") or Limits()

    def _section(self, kind: type[T], key: str) -> T | None:
        record = self.header.get(key)
        return codec.load(kind, record, key) if isinstance(record, dict) else None


def read_index(path: Path) -> RunIndex:
    """The index of the run in folder ``path``, which may be in progress; raises
    `RunFolderProblem`."""
    for _ in range(_MAX_READS):
        header, records, version = _read_whole_index(path)
        changes_size = _apply_changes(path, header, records)
        if version == _file_version(path):  # otherwise the changes may belong to a newer index
            break
    try:
        jobs = [
            IndexJob(JobId(number), job["file"], job)
            for number, job in sorted(records.items())
            if isinstance(job["file"], str)
        ]
    except KeyError as error:
        raise RunFolderProblem(f"{path / INDEX_NAME} is damaged ({error!r})") from error
    return RunIndex(header, jobs, changes_size)


def _read_whole_index(path: Path) -> tuple[JsonObject, dict[int, JsonObject], object]:
    """The header, the records of jobs by number, and the version of ``run.json`` as a file."""
    try:
        version = _file_version(path)
        header: JsonObject = json.loads(files.read_bytes(path / INDEX_NAME))
        listed: list[JsonObject] = header.pop("jobs")  # type: ignore[assignment]  # checked below
        records = {job["id"]: job for job in listed if type(job["id"]) is int}
    except FileNotFoundError as error:
        hint = f"It does not contain {INDEX_NAME}."
        raise RunFolderProblem(f"{path} is not a run folder", hint) from error
    except OSError as error:
        raise RunFolderProblem(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunFolderProblem(f"{path / INDEX_NAME} is damaged ({error!r})") from error
    if (format := header.get("format", COMPLETE_VERSION)) not in (
        COMPLETE_VERSION,
        PARTIAL_VERSION,
    ):
        reason = f"{path / INDEX_NAME} has format version {format}"
        raise RunFolderProblem(reason, f"This program reads versions up to {PARTIAL_VERSION}.")
    return header, records, version


def _file_version(path: Path) -> object:
    """A value that differs after ``run.json`` was replaced."""
    status = os.lstat(path / INDEX_NAME)
    return status.st_ino, status.st_mtime_ns, status.st_size


def _apply_changes(path: Path, header: JsonObject, records: dict[int, JsonObject]) -> int:
    """Applies ``run.changes.jsonl``; returns how many of its bytes can be read. A program that was
    killed may leave a torn line, and nothing is read from such a line on."""
    size = 0
    try:
        with files.open_to_read(path / CHANGES_NAME) as file:
            for line in file:
                change = json.loads(line) if line.endswith(b"\n") else None
                if not isinstance(change, dict):
                    break
                if isinstance(job := change.get("job"), dict) and type(job.get("id")) is int:
                    records[job["id"]] = job
                if isinstance(changed := change.get("header"), dict):
                    header.clear()
                    header.update(changed)
                size += len(line)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise RunFolderProblem(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError):  # a torn line
        pass
    return size


def index_lines(header: Mapping[str, Json], jobs: Iterable[str]) -> Iterator[str]:
    """The text of ``run.json``, in pieces; ``jobs``: the object of each job."""
    yield encode_json({**header, "jobs": []}).removesuffix("]}")
    separator = "\n"
    for job in jobs:
        yield separator
        yield job
        separator = ",\n"
    yield "\n]}\n"


def job_change(job: str) -> str:
    """A line of ``run.changes.jsonl`` with the object of a job, which replaces its former one."""
    return f'{{"job": {job}}}\n'


def header_change(header: Mapping[str, Json]) -> str:
    """The same for the header."""
    return f'{{"header": {encode_json(header)}}}\n'


def list_runs(folder: Path) -> list[Path]:
    """The run folders directly in a folder, the oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{INDEX_NAME}"))
