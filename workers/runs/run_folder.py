"""The folder of one run: its settings, its jobs and how they stand, one trace and log an attempt.

``run.json`` is replaced as a whole, so it is never half written. It never holds a key. While a
program works on a run it holds a lock, which the system takes back whatever becomes of it.
"""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from workers.errors import Malformed, RunFolderProblem, UsageProblem
from workers.jobs.events import Connecting, Ended, JobReport, Queued, Retrying
from workers.jobs.job import JobId, Limits, StreamSettings
from workers.jobs.job_state import JobState, JobStatus
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.protocol.endpoint import Endpoint
from workers.protocol.messages import UpdateConfiguration
from workers.runs import environment
from workers.runs.index import INDEX_NAME, INDEX_VERSION, RunIndex, index_text, job_line, read_index
from workers.traces import files

_LOCK_NAME = "run.lock"
_PRESERVED_KEYS = ("started", "limits", "versions", "host")
"""Of a run that goes on, unless this program knows better."""


class RunFolder:
    """A run being written. Not for several threads at once; the supervisor sees to that."""

    def __init__(self, path: Path, lock: FileLock, index: RunIndex | None = None) -> None:
        """``index``: of a run that goes on."""
        self.path = path
        self._lock = lock
        self._resumed = index is not None
        self._header = index.header if index else {}
        self._jobs = {job.id: job.record for job in index.jobs} if index else {}
        self.needs_saving = False
        """Whether there is something to be saved."""
        self._header_saved = False
        self._saved_lines: dict[JobId, str] = {}
        """Jobs as the index on disk has them; without those that have changed since."""

    def close(self) -> None:
        """Lets other programs work on it; one that nothing ever came into is removed."""
        if not self._jobs:
            (self.path / "engine.log").unlink(missing_ok=True)
            (self.path / INDEX_NAME).unlink(missing_ok=True)
        self._lock.release()
        if not self._jobs:
            (self.path / _LOCK_NAME).unlink(missing_ok=True)
            with suppress(OSError):  # somebody else put something there
                self.path.rmdir()

    @property
    def is_saved(self) -> bool:
        """Whether all that was to be saved could be."""
        return not self.needs_saving and (not self._jobs or (self.path / INDEX_NAME).exists())

    @property
    def exports_path(self) -> Path:
        """Where exports of this run go when nothing else is said."""
        return self.path / "exports"

    @property
    def faults_path(self) -> Path:
        """Where faults of the program itself are noted."""
        return self.path / "faults.log"

    def set_header(
        self, endpoint: Endpoint | None, settings: StreamSettings, limits: Limits | None = None
    ) -> None:
        """Notes what all jobs of the run have in common.

        ``endpoint``: None when it has no address yet, because the embedded engine comes up first;
        ``limits``: None leaves them as they are noted.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        again: JsonObject = {"resumed": now} if self._resumed else {}
        to: JsonObject = {}
        if endpoint is not None:
            to["endpoint"] = {"address": endpoint.address, **codec.dump(endpoint)}
        kept = {key: self._header[key] for key in _PRESERVED_KEYS if key in self._header}
        self._header = {
            "format": INDEX_VERSION,
            "started": now,
            "limits": None,
            **kept,
            **again,
            **to,
            "settings": codec.dump(settings),
            **({"limits": codec.dump(limits)} if limits else {}),
            "order": list[Json](self.order),
        }
        self.needs_saving = bool(self._jobs)  # a run of nothing is none
        self._header_saved = False

    def attempt_files(self, job: JobId, attempt: int, file: str) -> tuple[Path, Path]:
        """The trace and the log of an attempt."""
        return files.attempt_files(self.path, job, attempt, file)

    def next_attempt(self, job: JobId, attempt: int, file: str) -> int:
        """The number of the next attempt: the first from ``attempt`` on that has no trace.

        A session that was killed as soon as it was made left one in which there is no event.
        """
        while self.attempt_files(job, attempt, file)[0].exists():
            attempt += 1
        return attempt

    def set_aside(self, job: JobId, attempt: int, file: str) -> None:
        """Renames the files of a session that was refused, so that its number can be used again."""
        files.set_aside(self.path, job, attempt, file)

    def add_job(self, job: JobId, file: str) -> None:
        """Notes a job of which nothing is known yet.

        ``file`` is as it was named, from where the program works; another may go on elsewhere.
        """
        path = file
        with suppress(FileNotFoundError):  # the folder that the program works in is gone
            path = os.path.abspath(file)
        self._jobs[job] = {"id": job, "file": file, "path": path, "status": JobStatus.QUEUED.value}
        self._mark_changed(job)

    def recording_path(self, job: JobId) -> str:
        """Where a job's recording is."""
        record = self._jobs[job]
        named, path = str(record["file"]), record.get("path")
        return path if isinstance(path, str) and os.path.exists(path) else named

    def set_order(self, order: Iterable[JobId]) -> None:
        """Notes in which order jobs are to start, where that is not the order of their numbers."""
        self._header["order"] = list[Json](order)
        self.needs_saving = True

    @property
    def order(self) -> list[JobId]:
        """As it was noted last; jobs that have begun since may be in it."""
        order = self._header.get("order")
        jobs = order if isinstance(order, list) else []
        return [JobId(job) for job in jobs if isinstance(job, int)]

    def set_changes(self, job: JobId, changes: UpdateConfiguration) -> None:
        """Notes what was changed while a job streamed, all of it."""
        record, written = self._jobs[job], codec.dump(changes)
        if record.get("changes", {}) == written:
            return
        record["changes"] = written
        self._mark_changed(job)

    def changes_of(self, job: JobId) -> UpdateConfiguration:
        """What was noted; nothing if it cannot be read."""
        written = self._jobs[job].get("changes")
        with suppress(Malformed, RecursionError):
            if isinstance(written, dict):
                return codec.load(UpdateConfiguration, written, "changes")
        return UpdateConfiguration()

    def record(self, state: JobState, report: JobReport) -> None:
        """Notes how a job stands after a report."""
        job = self._jobs[report.job]
        match report.event:
            case Queued() as queued:
                job |= codec.dump(queued)
                job["size"] = _file_size(self.recording_path(report.job))
            case Connecting():
                self._header |= environment.environment_info()
                job["sha256"] = state.sha256
            case Retrying() | Ended():
                pass
            case _:
                return
        waits = isinstance(report.event, Retrying)  # for a place too, which a state calls queued
        job["status"] = (JobStatus.RETRYING if waits else state.status).value
        if not isinstance(report.event, Queued):
            self._record_ending(job, state)
        job["attempt"] = state.attempt
        self._mark_changed(report.job)

    def _record_ending(self, job: JsonObject, state: JobState) -> None:
        """Notes how the latest attempt ended. A number that comes again has no ending yet: a
        refusal had it, or an attempt that never started."""
        attempts = job.get("attempts")
        if state.ended is None:
            job.pop("ended", None)
            if isinstance(attempts, dict):
                attempts.pop(str(state.attempt), None)
            return
        ended = job["ended"] = codec.dump(state.ended)
        if not isinstance(attempts, dict):  # there was none, or it is damaged
            attempts = job["attempts"] = {}
        attempts[str(state.attempt)] = ended

    def _mark_changed(self, job: JobId) -> None:
        self._saved_lines.pop(job, None)
        self.needs_saving = True

    def is_job_saved(self, job: JobId) -> bool:
        """Whether the index on disk has all that is known of a job, and of the run."""
        return self._header_saved and job in self._saved_lines

    def take_index_text(self) -> str | None:
        """What ``run.json`` should hold now; None if that is what it was asked for last."""
        if not self.needs_saving:
            return None
        self.needs_saving, self._header_saved = False, True
        for id, record in self._jobs.items():  # only what has changed: all sessions' reports wait
            if id not in self._saved_lines:
                self._saved_lines[id] = job_line(record)
        return index_text(self._header, (self._saved_lines[id] for id in sorted(self._jobs)))

    def mark_unsaved(self) -> None:
        """The last `save` failed, so there is something to be saved still."""
        self.needs_saving, self._header_saved = True, False

    def save(self, index_text: str, *, durable: bool) -> None:
        """Replaces ``run.json``; ``durable`` waits for the disk. Raises `OSError`."""
        _replace_file(self.path / INDEX_NAME, index_text, durable=durable)


def create(path: Path | None) -> RunFolder:
    """A new run folder: at ``path``, or with a name of its own under the user's state folder.

    Raises `UsageProblem` when ``path`` is not empty, `RunFolderProblem` when it cannot be written.
    """
    if path is None:
        stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        path = runs_path() / f"{stamp}_{secrets.token_hex(2)}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        if {entry.name for entry in path.iterdir()} - {_LOCK_NAME}:  # a killed start leaves a lock
            holds_run = (path / INDEX_NAME).exists()
            problem = "holds a run already" if holds_run else "is not empty"
            raise UsageProblem(f"{path} {problem}", "Name another folder with --out.")
        return RunFolder(path, _acquire_lock(path))
    except OSError as error:
        raise RunFolderProblem(
            f"the run folder {path} cannot be written ({error.strerror})",
            "Name another folder with --out.",
        ) from error


def reopen(path: Path) -> RunFolder:
    """The folder of a run that is to go on; raises `RunFolderProblem`, also while it is at work."""
    if not read_index(path).jobs:  # nothing is locked in what is no run folder
        raise RunFolderProblem(f"the run in {path} names no recordings", "There is nothing to do.")
    try:
        lock = _acquire_lock(path)
    except OSError as error:
        raise RunFolderProblem(
            f"the run folder {path} cannot be written ({error.strerror})"
        ) from error
    try:
        return RunFolder(path, lock, read_index(path))  # again: another program may just have left
    except BaseException:
        lock.release()
        raise


def is_running(path: Path) -> bool:
    """Whether some program works on that run now."""
    if not (path / _LOCK_NAME).exists():
        return False
    try:
        _acquire_lock(path).release()
    except RunFolderProblem:
        return True
    except OSError:  # not ours to write, so nobody's here to work on
        return False
    return False


def _acquire_lock(path: Path) -> FileLock:
    lock = FileLock(path / _LOCK_NAME, blocking=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise RunFolderProblem(
            f"another program is at work on {path}", "Wait for it, or end it."
        ) from error
    return lock


def runs_path() -> Path:
    """The folder under which runs are kept when none is named."""
    return user_state_path("paceline") / "runs"


def _replace_file(path: Path, text: str, *, durable: bool) -> None:
    """Writes a file so that it is either the old one or the new one, never half of it.

    Only the loss of power needs ``durable``. While sessions stream it would hold up the file
    system, with that their traces, and with those their chunks.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _file_size(file: str) -> int | None:
    try:
        return os.path.getsize(file)
    except OSError:
        return None
