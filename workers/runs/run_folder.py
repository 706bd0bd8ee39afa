"""The folder of a run in progress: its index, its lock, and the files of its attempts.

``run.json`` is replaced as a whole, so it is never half written. A program that is working on a run
holds a lock, which the system always releases when the program ends.
"""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from workers.audio.source import HIDDEN_URL, Source
from workers.errors import Malformed, RunFolderProblem, UsageProblem
from workers.jobs.events import Connecting, Ended, JobReport, Queued, Retrying
from workers.jobs.job import JobId, Limits, StreamSettings
from workers.jobs.job_state import JobState, JobStatus
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.protocol.endpoint import Endpoint
from workers.protocol.messages import UpdateConfiguration
from workers.runs import environment
from workers.runs.index import (
    INDEX_NAME,
    INDEX_VERSION,
    IndexJob,
    RunIndex,
    encode_json,
    index_text,
    read_index,
)
from workers.sources.spool import remove_spool, spool_name
from workers.traces.files import attempt_files

_LOCK_NAME = "run.lock"
_PRESERVED_KEYS = ("started", "limits", "versions", "host")
"""Keys that are kept from the header of a resumed run, unless they are set again."""


class RunFolder:
    """Keeps the index of a run up to date. Not thread-safe: callers must hold a lock.
    ``index``: the index of a resumed run."""

    def __init__(self, path: Path, lock: FileLock, index: RunIndex | None = None) -> None:
        self.path = path
        self._lock = lock
        self._resumed = index is not None
        self._header = index.header if index else {}
        self._jobs = {job.id: job.record for job in index.jobs} if index else {}
        self.needs_saving = False  # whether anything has changed since the last save
        self._header_saved = False
        self._saved_lines: dict[JobId, str] = {}
        """The encoded lines of jobs that have not changed since the last save."""

    def close(self) -> None:
        """Releases the lock; removes the folder if it never had a job."""
        for job, record in self._jobs.items():  # nothing continues these
            if record.get("status") in (JobStatus.DONE.value, JobStatus.CANCELLED.value):
                self.remove_spool(job)
        if not self._jobs:
            (self.path / "engine.log").unlink(missing_ok=True)
            (self.path / INDEX_NAME).unlink(missing_ok=True)
        self._lock.release()
        if not self._jobs:
            (self.path / _LOCK_NAME).unlink(missing_ok=True)
            with suppress(OSError):  # other files are in it
                self.path.rmdir()

    @property
    def is_saved(self) -> bool:
        """True if everything was saved."""
        return not self.needs_saving and (not self._jobs or (self.path / INDEX_NAME).exists())

    @property
    def faults_path(self) -> Path:
        """The log for internal errors of the program."""
        return self.path / "faults.log"

    def set_header(
        self, endpoint: Endpoint | None, settings: StreamSettings, limits: Limits | None = None
    ) -> None:
        """Records the properties that all jobs share.

        ``endpoint`` is None before the embedded engine has an address; without ``limits``, those
        of a resumed run are kept.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        header: JsonObject = {"format": INDEX_VERSION, "started": now, "limits": None}
        header |= {key: self._header[key] for key in _PRESERVED_KEYS if key in self._header}
        if self._resumed:
            header["resumed"] = now
        if endpoint is not None:
            header["endpoint"] = {"address": endpoint.address, **codec.dump(endpoint)}
        header["settings"] = codec.dump(settings)
        if limits is not None:
            header["limits"] = codec.dump(limits)
        self._header = {**header, "order": list[Json](self.order)}
        self.needs_saving = bool(self._jobs)  # a run without jobs is not saved
        self._header_saved = False

    def next_attempt(self, job: JobId, attempt: int, file: str) -> int:
        """The first number from ``attempt`` on that has no trace. A session that was killed right
        after its start leaves a trace without events."""
        while attempt_files(self.path, job, attempt, file)[0].exists():
            attempt += 1
        return attempt

    def add_job(self, job: JobId, source: Source) -> None:
        """Records a new job. The file's absolute path is recorded too, as the run may be resumed
        from another working directory."""
        file = path = source.file
        if source.is_local:
            with suppress(FileNotFoundError):  # the working directory was removed
                path = os.path.abspath(file)
        record: JsonObject = {"id": job, "file": file, "path": path}
        if source != Source(file):
            hidden = HIDDEN_URL if source.secret_url else ""
            record["source"] = codec.dump(replace(source, secret_url=hidden))
        self._jobs[job] = {**record, "status": JobStatus.QUEUED.value}
        self._mark_changed(job)

    def source_of(self, job: JobId) -> Source:
        """The recorded source. Raises `Malformed`: another part of the file must not be streamed
        instead."""
        record = self._jobs[job]
        return IndexJob(job, str(record["file"]), record).source

    def recording_path(self, job: JobId) -> str:
        """Where the recording of a job is; for one that is not a local file, its spool."""
        record = self._jobs[job]
        named, path = str(record["file"]), record.get("path")
        if not Source(named).is_local:
            return str(self.path / spool_name(job, named))
        return path if isinstance(path, str) and os.path.exists(path) else named

    def remove_spool(self, job: JobId) -> None:
        """Removes what was kept of a recording that is not a local file."""
        if not Source(str(self._jobs[job]["file"])).is_local:
            remove_spool(self.recording_path(job))

    def set_order(self, order: Iterable[JobId]) -> None:
        """Records the order in which jobs start, if that is not the order of their numbers."""
        self._header["order"] = list[Json](order)
        self.needs_saving = True

    @property
    def order(self) -> list[JobId]:
        """The recorded order; some of its jobs may have started."""
        order = self._header.get("order")
        jobs = order if isinstance(order, list) else []
        return [JobId(job) for job in jobs if isinstance(job, int)]

    def set_changes(self, job: JobId, changes: UpdateConfiguration) -> None:
        """Records the changes to a job's session configuration."""
        record, written = self._jobs[job], codec.dump(changes)
        if record.get("changes", {}) == written:
            return
        record["changes"] = written
        self._mark_changed(job)

    def changes_of(self, job: JobId) -> UpdateConfiguration:
        """The recorded changes; none if they cannot be read."""
        written = self._jobs[job].get("changes")
        with suppress(Malformed, RecursionError):
            if isinstance(written, dict):
                return codec.load(UpdateConfiguration, written, "changes")
        return UpdateConfiguration()

    def record(self, state: JobState, report: JobReport) -> None:
        """Records the state of a job after a report."""
        job = self._jobs[report.job]
        match report.event:
            case Queued() as queued:
                job |= {**codec.dump(queued), "size": None}
                with suppress(OSError):
                    job["size"] = os.path.getsize(self.recording_path(report.job))
            case Connecting():
                self._header |= environment.environment_info()
                job["sha256"] = state.sha256
            case Retrying() | Ended():
                pass
            case _:
                return
        retrying = isinstance(report.event, Retrying)  # after a refusal too, unlike `state.status`
        job["status"] = (JobStatus.RETRYING if retrying else state.status).value
        job["attempt"], number = state.attempt, str(state.attempt)
        self._mark_changed(report.job)
        attempts = job.get("attempts")
        if isinstance(report.event, Queued):
            return
        if state.ended is None:  # drop the end of a refused or failed start
            job.pop("ended", None)
            if isinstance(attempts, dict):
                attempts.pop(number, None)
            return
        ended = job["ended"] = codec.dump(state.ended)
        if not isinstance(attempts, dict):  # missing, or damaged
            attempts = job["attempts"] = {}
        attempts[number] = ended

    def _mark_changed(self, job: JobId) -> None:
        self._saved_lines.pop(job, None)
        self.needs_saving = True

    def is_job_saved(self, job: JobId) -> bool:
        """True if the index on disk is up to date for a job and for the run's header."""
        return self._header_saved and job in self._saved_lines

    def take_index_text(self) -> str | None:
        """Returns the text to save; None if nothing has changed since the last call."""
        if not self.needs_saving:
            return None
        self.needs_saving, self._header_saved = False, True
        for id, record in self._jobs.items():  # only changed jobs: all reports wait meanwhile
            if id not in self._saved_lines:
                self._saved_lines[id] = encode_json(record)
        return index_text(self._header, (self._saved_lines[id] for id in sorted(self._jobs)))

    def mark_unsaved(self) -> None:
        """Records that the last `save` failed."""
        self.needs_saving, self._header_saved = True, False

    def save(self, index_text: str, *, durable: bool) -> None:
        """Replaces ``run.json`` in one step, so that it is never half written. Raises `OSError`.

        ``durable`` waits for the disk, which only guards against a power failure. While sessions
        stream, that would block the file system, and so delay their traces and chunks.
        """
        draft = self.path / f".{INDEX_NAME}.{secrets.token_hex(4)}"
        try:
            with draft.open("w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(index_text)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            draft.replace(self.path / INDEX_NAME)
        finally:
            draft.unlink(missing_ok=True)


def create(path: Path | None) -> RunFolder:
    """Creates a run folder at ``path``, or under `runs_path` with the time as its name. Raises
    `UsageProblem` if ``path`` is not empty, `RunFolderProblem` if it cannot be written."""
    if path is None:
        stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        path = runs_path() / f"{stamp}_{secrets.token_hex(2)}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        if {entry.name for entry in path.iterdir()} - {_LOCK_NAME}:  # a killed start leaves a lock
            problem = "already contains a run" if (path / INDEX_NAME).exists() else "is not empty"
            raise UsageProblem(f"{path} {problem}", "Choose another folder with --out.")
        return RunFolder(path, _acquire_lock(path))
    except OSError as error:
        reason = f"the run folder {path} cannot be written ({error.strerror})"
        raise RunFolderProblem(reason, "Choose another folder with --out.") from error


def reopen(path: Path) -> RunFolder:
    """Opens the folder of a run to resume it; raises `RunFolderProblem`, also if it is running."""
    if not read_index(path).jobs:  # first, so that no lock is created in other folders
        raise RunFolderProblem(f"the run in {path} lists no recordings", "There is nothing to do.")
    try:
        lock = _acquire_lock(path)
    except OSError as error:
        reason = f"the run folder {path} cannot be written ({error.strerror})"
        raise RunFolderProblem(reason) from error
    try:
        return RunFolder(path, lock, read_index(path))  # read again now that it is locked
    except BaseException:
        lock.release()
        raise


def is_running(path: Path) -> bool:
    """Returns whether a program is working on that run."""
    try:
        if (path / _LOCK_NAME).exists():
            _acquire_lock(path).release()
    except RunFolderProblem:
        return True
    except OSError:  # a read-only folder
        pass
    return False


def _acquire_lock(path: Path) -> FileLock:
    lock = FileLock(path / _LOCK_NAME, blocking=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        reason = f"another program is working on {path}"
        raise RunFolderProblem(reason, "Wait until it finishes, or stop it.") from error
    return lock


def runs_path() -> Path:
    """The default parent folder of runs."""
    return user_state_path("paceline") / "runs"
