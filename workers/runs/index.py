"""The index of a run, ``run.json``: the header that all jobs share, and an object for each job.

Resume, replay and export read it; only `RunFolder` writes it. It never contains a key.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from workers.audio.source import Source
from workers.errors import RunFolderProblem
from workers.jobs.events import Ended, Outcome, Queued
from workers.jobs.job import JobId, Limits, StreamSettings
from workers.jobs.job_state import JobStatus
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.protocol.endpoint import Endpoint

INDEX_VERSION = 1
INDEX_NAME = "run.json"

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
    """The content of ``run.json``. Properties raise `Malformed` if they cannot be read."""

    header: JsonObject  # the properties that all jobs share
    jobs: list[IndexJob]

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
    """The index of the run in folder ``path``; raises `RunFolderProblem`."""
    try:
        header = json.loads((path / INDEX_NAME).read_bytes())
        jobs = [
            IndexJob(JobId(job["id"]), job["file"], job)
            for job in header.pop("jobs")
            if type(job["id"]) is int and isinstance(job["file"], str)
        ]
    except FileNotFoundError as error:
        hint = f"It does not contain {INDEX_NAME}."
        raise RunFolderProblem(f"{path} is not a run folder", hint) from error
    except OSError as error:
        raise RunFolderProblem(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunFolderProblem(f"{path / INDEX_NAME} is damaged ({error!r})") from error
    if header.get("format", INDEX_VERSION) != INDEX_VERSION:
        reason = f"{path / INDEX_NAME} has format version {header['format']}"
        raise RunFolderProblem(reason, f"This program reads version {INDEX_VERSION}.")
    return RunIndex(header, jobs)


def index_text(header: Mapping[str, Json], job_lines: Iterable[str]) -> str:
    head = encode_json({**header, "jobs": []}).removesuffix("]}")
    jobs = ",\n".join(job_lines)
    return f"{head}\n{jobs}\n]}}\n"


def list_runs(folder: Path) -> list[Path]:
    """The run folders directly in a folder, the oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{INDEX_NAME}"))
