"""The folder of one run: its settings, its jobs and how they stand, one trace and log an attempt.

``run.json`` is replaced as a whole, so it is never half written. It never holds a key.
"""

import json
import os
import platform
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_state_path

from workers import events, trace
from workers.errors import RunFolderProblem
from workers.events import Connecting, Ended, Queued, Report
from workers.history import JobHistory, Status
from workers.jobs import JobId, Settings
from workers.speech import codec
from workers.speech.codec import Json, JsonObject
from workers.speech.endpoint import Endpoint

VERSION = 1
_INDEX = "run.json"
_PACKAGES = ("paceline", "numpy", "soundfile", "soxr", "websocket-client", "moonshine-voice")


class RunFolder:
    """A run being written. Not for several threads at once; the supervisor sees to that."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._head: JsonObject = {}
        self._jobs: dict[JobId, JsonObject] = {}
        self._unsaved = False

    @property
    def exports(self) -> Path:
        """Where exports of this run go when nothing else is said."""
        return self.path / "exports"

    def describe(self, endpoint: Endpoint, settings: Settings) -> None:
        """Notes what all jobs of the run have in common."""
        self._head = {
            "format": VERSION,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": _versions(),
            "host": {"system": platform.platform(), "python": sys.version.split()[0]},
            "endpoint": {"kind": endpoint.kind.value, "address": endpoint.address},
            "settings": codec.write(settings),
        }
        self._unsaved = True

    def files_of(self, job: JobId, attempt: int, file: str) -> tuple[Path, Path]:
        """The trace and the log of an attempt, named so that a folder listing reads well."""
        stem = "".join(c if c.isalnum() or c in "-_" else "_" for c in Path(file).stem)[:60]
        name = f"{job:04d}-{stem}.{attempt}"
        return self.path / f"{name}{trace.SUFFIX}", self.path / f"{name}.log"

    def record(self, report: Report) -> None:
        """Notes what a report says about a job's state."""
        job = self._jobs.setdefault(report.job, {"id": report.job, "file": report.file})
        match report.event:
            case Queued() as queued:
                job.update(codec.write(queued), status=Status.QUEUED.value)
                job["size"] = _size(report.file)
            case Connecting() as connecting:
                job.update(sha256=connecting.sha256, status=Status.CONNECTING.value)
            case Ended() as ended:
                job.update(status=Status.of(ended.outcome).value, ended=codec.write(ended))
            case _:
                return
        job["attempt"] = report.attempt
        self._unsaved = True

    def discard_if_unused(self) -> None:
        """Removes the folder again when no job ever came into it."""
        if not self._jobs:
            (self.path / "engine.log").unlink(missing_ok=True)
            (self.path / _INDEX).unlink(missing_ok=True)
            with suppress(OSError):  # somebody else put something there
                self.path.rmdir()

    def changes(self) -> str | None:
        """What ``run.json`` should hold now; None if that is what it was asked for last."""
        if not self._unsaved:
            return None
        self._unsaved = False
        record = {**self._head, "jobs": [self._jobs[id] for id in sorted(self._jobs)]}
        return json.dumps(record, ensure_ascii=False, indent=1)

    def save_again(self) -> None:
        """The last `save` failed, so there is something to be saved still."""
        self._unsaved = True

    def save(self, index: str, *, durable: bool) -> None:
        """Replaces ``run.json``; ``durable`` waits for the disk. Raises `OSError`."""
        _replace_file(self.path / _INDEX, index, durable=durable)


def create(path: Path | None) -> RunFolder:
    """A new run folder: at ``path``, or with a name of its own under the user's state folder.

    Raises `RunFolderProblem` when it cannot be made or holds a run already.
    """
    if path is None:
        stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        path = runs_path() / f"{stamp}_{secrets.token_hex(2)}"
    if (path / _INDEX).exists():
        raise RunFolderProblem(f"{path} holds a run already", "Name another folder with --out.")
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RunFolderProblem(
            f"the run folder {path} cannot be written ({error.strerror})",
            "Name another folder with --out.",
        ) from error
    return RunFolder(path)


def runs_path() -> Path:
    """The folder under which runs are kept when none is named."""
    return user_state_path("paceline") / "runs"


def histories(path: Path) -> list[JobHistory]:
    """Every job of a finished or broken run, replayed from its latest trace.

    Raises `RunFolderProblem` when it is no run folder, `Malformed` for a damaged trace.
    """
    return [_replayed(path, job) for job in _index(path)]


def _index(path: Path) -> list[Mapping[str, Json]]:
    try:
        record = json.loads((path / _INDEX).read_bytes())
        jobs = record["jobs"]
        return [job for job in jobs if isinstance(job["id"], int) and isinstance(job["file"], str)]
    except FileNotFoundError as error:
        raise RunFolderProblem(f"{path} is not a run folder", f"It holds no {_INDEX}.") from error
    except OSError as error:
        raise RunFolderProblem(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RunFolderProblem(f"{path / _INDEX} is damaged ({error!r})") from error


def _replayed(path: Path, record: Mapping[str, Json]) -> JobHistory:
    job, file, attempt = record["id"], record["file"], record.get("attempt")
    assert isinstance(job, int)
    assert isinstance(file, str)
    number = attempt if isinstance(attempt, int) else 1
    history = JobHistory(JobId(job), file)

    def happened(t: float, event: events.Event) -> None:
        history.apply(Report(JobId(job), number, file, t, event))

    if "seconds" in record:
        happened(0.0, codec.read(Queued, record, f"job {job}"))
    for file_of_attempt in path.glob(f"{job:04d}-*.{number}{trace.SUFFIX}"):
        for traced in trace.read(file_of_attempt):
            if not isinstance(traced.event, events.TRACE_ONLY):
                happened(traced.t, traced.event)
    if history.ended is None and isinstance(ended := record.get("ended"), dict):
        happened(0.0, codec.read(Ended, ended, f"job {job}"))
    return history


def _replace_file(path: Path, text: str, *, durable: bool) -> None:
    """Writes a file so that it is either the old one or the new one, never half of it.

    Only the loss of power needs ``durable``. While sessions stream it would hold up the file
    system, with that their traces, and with those their chunks.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _versions() -> JsonObject:
    from importlib.metadata import PackageNotFoundError, version  # slow to load, wanted once

    found: JsonObject = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _size(file: str) -> int | None:
    try:
        return os.path.getsize(file)
    except OSError:
        return None
