"""The folder of a run in progress: its index, its lock, and the files of its attempts.

Each change of the index is appended to ``run.changes.jsonl``; ``run.json`` is replaced as a whole
when the run ends, or when there are many changes, so it is never half written. A program that is
working on a run holds a lock, which the system always releases when the program ends.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from workers import files
from workers.audio.source import HIDDEN_URL, Source
from workers.errors import RunFolderProblem, UsageProblem
from workers.jobs.events import Connecting, Ended, JobReport
from workers.jobs.job import Half, JobId, Limits, StreamSettings
from workers.jobs.job_folders import JOBS_PER_FOLDER, folder_of_job
from workers.jobs.job_state import JobState, JobStatus
from workers.protocol import codec
from workers.protocol.codec import Json, JsonObject
from workers.protocol.endpoint import Endpoint
from workers.protocol.messages import UpdateConfiguration
from workers.runs import environment, run_lock
from workers.runs.index import (
    CHANGES_NAME,
    COMPLETE_VERSION,
    DIVIDED_VERSION,
    INDEX_NAME,
    JOBS_BEFORE_MSGSPEC,
    PARTIAL_VERSION,
    Extent,
    RunIndex,
    decode_job_fast,
    encode_job_fast,
    encode_json,
    header_change,
    index_lines,
    index_stamp,
    job_change,
    read_index,
)
from workers.runs.job_records import RECORDED, forget_words, record_report
from workers.runs.run_lock import RunLock
from workers.runs.saved_records import IndexJob, load_job
from workers.sources.shard import Shard
from workers.sources.spool import SPOOL_PATTERN, remove_spool, spool_name
from workers.traces.files import (
    COMPRESSED_SUFFIX,
    TRACE_SUFFIX,
    attempt_files,
    path_of_attempt,
)
from workers.user_folders import state_folder

_PRESERVED_KEYS = (
    "started",
    "limits",
    "shard",
    "is_listed",
    "shared_with_group",
    "versions",
    "host",
)
"""Keys that are kept from the header of a resumed run, unless they are set again."""

MAX_OPEN_RECORDS = 64
"""So many jobs are kept decoded at most: a save encodes them while all reports wait."""
MAX_CHANGES_BYTES = 4_000_000
"""The index is written as a whole when its changes are larger than this and than itself."""


@dataclass(frozen=True, slots=True)
class UnsavedIndex:
    """What `RunFolder.save` writes."""

    changes: list[str]  # lines
    changed_jobs: list[JobId]
    header: JsonObject
    version: int  # of the format
    jobs: list[str] | None
    """The objects of all jobs, to write the index as a whole; None: only the changes."""


class RunFolder:
    """Keeps the index of a run up to date. Not thread-safe: callers must hold a lock.
    ``index``: the index of a resumed run; ``for_group``: the group may read a new one."""

    def __init__(
        self,
        path: Path,
        lock: RunLock,
        index: RunIndex | None = None,
        *,
        for_group: bool = False,
    ) -> None:
        self.path = path
        self._lock = lock
        self._files = lock.folder
        self._resumed = index is not None
        self._header = index.header if index else {}
        if for_group:
            self._header["shared_with_group"] = True
        self._jobs = {job.id: job.text for job in index.jobs} if index else {}
        """The object of each job, encoded: a run may have many thousands. Those in `_open` are
        older here."""
        self._encode_job: Callable[[JsonObject], str] = encode_json
        self._decode_job: Callable[[str], JsonObject] = json.loads
        self._choose_codec()
        self._open: dict[JobId, JsonObject] = {}
        """The objects of the jobs that changed last, not encoded yet: most change again soon."""
        self.index = index
        """That of a resumed run as it was read, until `release_index`."""
        self._loaded = {job.id: job for job in index.jobs} if index else {}
        """The jobs of that index which have not changed since."""
        self._changed_jobs: dict[JobId, None] = {}
        """The jobs that changed since the last save, in the order of their changes."""
        self._last_job = max(self._jobs, default=0)
        self._header_changed = False
        self._refuses_earlier_programs = self._header.get("format") == DIVIDED_VERSION
        self._job_folders: set[str] = set()  # those that exist
        self._saved_version = 0
        """The format version of ``run.json`` as this program wrote it; 0: not yet."""
        self._whole_size = 0
        """Bytes of ``run.json`` as this program wrote it; 0: not yet."""
        self._changes_size = index.changes_size if index else 0

    def close(self) -> None:
        """Releases the lock; removes the folder if it never had a job. A shard that has none stays,
        so that a merged run knows that nothing is missing."""
        if any(self.path.glob(SPOOL_PATTERN)) or any(self.path.glob(f"jobs-*/{SPOOL_PATTERN}")):
            self._remove_settled_spools()
        if not self._is_kept:
            for name in ("engine.log", INDEX_NAME, CHANGES_NAME, run_lock.NAME):
                self._files.remove(name)
        self._lock.release()
        if not self._is_kept:
            with suppress(OSError):  # other files are in it
                self.path.rmdir()

    def release_index(self) -> None:
        """Frees the memory of `index`, except that of its jobs, see `release_job`."""
        self.index = None

    def release_job(self, job: JobId) -> None:
        """Frees the memory that a job of `index` takes; what is asked about it is read again."""
        self._loaded.pop(job, None)

    @property
    def needs_saving(self) -> bool:
        """Whether anything has changed since the last save. A run without jobs is not saved, unless
        it is a shard."""
        return self._is_kept and (self._header_changed or bool(self._changed_jobs))

    @property
    def is_saved(self) -> bool:
        """True if everything was saved."""
        return not self.needs_saving and (not self._is_kept or (self.path / INDEX_NAME).exists())

    @property
    def _is_kept(self) -> bool:
        is_empty_shard = "shard" in self._header and self._header.get("is_listed") is True
        return bool(self._jobs) or is_empty_shard or "parts" in self._header

    def complete_list(self) -> None:
        """Records that all recordings that the user named are in the run. Before that, a killed
        program may not have found all of them."""
        self._header["is_listed"] = True
        self._header_changed = True

    def take_file(self, job: JobId, name: str, path: Path, *, may_link: bool) -> int | None:
        """Takes a file of a job from another run, see `files.Folder.take`."""
        if not (folder := folder_of_job(job)):
            return self._files.take(name, path, may_link=may_link)
        with self._files.subfolder(folder) as opened:
            return opened.take(name, path, may_link=may_link)

    def fill(self, header: JsonObject, jobs: Mapping[JobId, str]) -> None:
        """Writes a complete index; ``jobs``: the object of each job. Raises `OSError`."""
        shared = {"shared_with_group": True} if self.is_shared_with_group else {}
        self._header, self._jobs = {**header, **shared}, dict(jobs)
        self._last_job = max(jobs, default=0)
        index = self.take_unsaved(whole=True)
        assert index is not None
        self.save(index, final=True)

    def move(self, path: Path) -> None:
        """Moves the folder to a place on the same file system where nothing is, or an empty folder.
        Raises `OSError`."""
        try:
            files.move_folder(self.path, path)
        finally:
            if not self.path.exists():  # also if only waiting for the disk failed
                self.path = path

    def discard(self) -> None:
        """Removes the folder with everything in it."""
        with suppress(OSError):
            self._files.remove_all()
            self.path.rmdir()
        self._lock.release()

    @property
    def has_index(self) -> bool:
        """Whether an index was ever written; without one, nothing can be resumed."""
        return self._files.has(INDEX_NAME)

    @property
    def is_shared_with_group(self) -> bool:
        """Whether the group may read the files of the run."""
        return self._header.get("shared_with_group") is True

    @property
    def _keeps_words(self) -> bool:
        settings = self._header.get("settings")
        return not isinstance(settings, dict) or settings.get("keep_words") is not False

    @property
    def faults_path(self) -> Path:
        """The log for internal errors of the program."""
        return self.path / "faults.log"

    def set_header(
        self,
        endpoint: Endpoint | None,
        settings: StreamSettings,
        limits: Limits | None = None,
        shard: Shard | None = None,
    ) -> None:
        """Records the properties that all jobs share.

        ``endpoint`` is None before the embedded engine has an address; without ``limits`` or
        ``shard``, those that were recorded are kept.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        header: JsonObject = {"format": COMPLETE_VERSION, "started": now, "limits": None}
        header |= {key: self._header[key] for key in _PRESERVED_KEYS if key in self._header}
        if self._resumed:
            header["resumed"] = now
        if endpoint is not None:
            header["endpoint"] = {"address": endpoint.address, **codec.dump(endpoint)}
        header["settings"] = codec.dump(settings)
        if limits is not None:
            header["limits"] = codec.dump(limits)
        if shard is not None:
            header["shard"] = codec.dump(shard)
        self._header = {**header, "order": list[Json](self.order)}
        self._header_changed = True

    def next_attempt(self, job: JobId, attempt: int, file: str) -> int:
        """The first number from ``attempt`` on that has no trace. A session that was killed right
        after its start leaves a trace without events."""
        while any(map(os.path.lexists, self._trace_paths(job, attempt, file))):
            attempt += 1
        return attempt

    def _trace_paths(self, job: JobId, attempt: int, file: str) -> Iterator[str]:
        """Where the trace of an attempt may be: earlier programs kept all in one folder."""
        trace = path_of_attempt(self.path, job, attempt, file) + TRACE_SUFFIX
        yield trace
        yield trace + COMPRESSED_SUFFIX
        if self._resumed and folder_of_job(job):
            earlier = f"{self.path}/{os.path.basename(trace)}"
            yield earlier
            yield earlier + COMPRESSED_SUFFIX

    def attempt_files(self, job: JobId, attempt: int, file: str) -> tuple[Path, Path]:
        """The paths of the trace and the log of an attempt, in a folder that exists. Raises
        `OSError` if that cannot be created, or if a link has its name."""
        self._make_folder_of(job)
        return attempt_files(self.path, job, attempt, file)

    def _make_folder_of(self, job: int) -> None:
        name = folder_of_job(job)
        if name and name not in self._job_folders:
            self._files.subfolder(name).close()
            self._job_folders.add(name)

    def add_job(self, job: JobId, source: Source, half: Half | None = None) -> str:
        """Records a new job; returns the path of its file. The absolute path is recorded too, as
        the run may be resumed from another working directory."""
        file = path = source.file
        if source.is_local:
            with suppress(FileNotFoundError):  # the working directory was removed
                path = os.path.abspath(file)
        record: JsonObject = {"id": job, "file": file, "path": path}
        if source.relative_path not in ("", file):
            record["relative_path"] = source.relative_path
        if source != Source(file):
            hidden = HIDDEN_URL if source.secret_url else ""
            written = codec.dump(replace(source, secret_url=hidden))
            record["source"] = {k: v for k, v in written.items() if k != "relative_path"}
        if half is not None:
            record["half"] = codec.dump(half)
        self._set_record(job, {**record, "status": JobStatus.QUEUED.value})
        if not source.is_local:
            with suppress(OSError):  # what receives the recording will say so
                self._make_folder_of(half.pair if half else job)
            return self.recording_path(job)
        return file if path == file else path

    def source_of(self, job: JobId) -> Source:
        """The recorded source. Raises `Malformed`: another part of the file must not be streamed
        instead."""
        return self._load(job).source

    def recording_path(self, job: JobId) -> str:
        """Where the recording of a job is; for one that is not a local file, its spool."""
        loaded = self._load(job)
        named, path = loaded.file, loaded.saved.path
        if not Source(named).is_local:
            number = loaded.half.pair if loaded.half else job
            name = spool_name(number, named)
            earlier = self.path / name  # earlier programs kept all in one folder
            return str(earlier if earlier.exists() else self.path / folder_of_job(number) / name)
        return path if path and os.path.exists(path) else named

    def _remove_settled_spools(self) -> None:
        """Removes the spools that no job continues to read; the halves of a pair share one."""
        settled = (JobStatus.DONE.value, JobStatus.CANCELLED.value)
        unsettled = {
            self.recording_path(job)
            for job in self._jobs
            if self._record(job).get("status") not in settled
        }
        for job in self._jobs:
            if self.recording_path(job) not in unsettled:
                self.remove_spool(job)

    def remove_spool(self, job: JobId) -> None:
        """Removes what was kept of a recording that is not a local file."""
        if not Source(str(self._record(job)["file"])).is_local:
            remove_spool(self.recording_path(job))

    def set_size(self, job: JobId, size: int) -> None:
        """Records the size of a job's file in bytes, when it is probed."""
        self._set_record(job, {**self._record(job), "size": size})

    def set_order(self, order: Iterable[JobId]) -> None:
        """Records the order in which jobs start, if that is not the order of their numbers."""
        self._header["order"] = list[Json](order)
        self._header_changed = True

    @property
    def order(self) -> list[JobId]:
        """The recorded order; some of its jobs may have started."""
        order = self._header.get("order")
        jobs = order if isinstance(order, list) else []
        return [JobId(job) for job in jobs if isinstance(job, int)]

    def set_changes(self, job: JobId, changes: UpdateConfiguration) -> None:
        """Records the changes to a job's session configuration."""
        record, written = self._record(job), codec.dump(changes)
        if record.get("changes", {}) != written:
            self._set_record(job, {**record, "changes": written})

    def changes_of(self, job: JobId) -> UpdateConfiguration:
        """The recorded changes to a job's session configuration."""
        return self._load(job).changes

    def record(self, state: JobState, report: JobReport) -> None:
        """Records the state of a job after a report."""
        if not isinstance(report.event, RECORDED):
            return
        if isinstance(report.event, Connecting):
            info = environment.environment_info()
            self._header_changed |= any(self._header.get(key) != info[key] for key in info)
            self._header |= info
        job = self._record(report.job)
        record_report(job, state, report, self._trace_bytes(report))
        if not self._keeps_words:
            forget_words(job)
        self._set_record(report.job, job)

    def record_ending(self, state: JobState) -> None:
        """Records how a job of a resumed run ended, if the earlier program was killed before it had
        done so: then only the traces tell."""
        ended, job = state.ended, state.job
        if ended is not None and self._load(job).status != state.status.value:
            at_s = state.last_report_s
            report = JobReport(job, state.attempt, state.file, at_s, ended, state.half)
            self.record(state, report)

    def _trace_bytes(self, report: JobReport) -> int | None:
        """The size of the trace of an attempt that has ended; None if there is none, or before."""
        if not isinstance(report.event, Ended):
            return None
        path = path_of_attempt(self.path, report.job, report.attempt, report.file)
        with suppress(OSError):
            return os.lstat(path + TRACE_SUFFIX).st_size
        return None

    def _load(self, job: JobId) -> IndexJob:
        return self._loaded.get(job) or load_job(self._record(job), with_traces=False)

    def _record(self, job: JobId) -> JsonObject:
        record = self._open.get(job)
        if record is None:
            record = self._decode_job(self._jobs[job])
        return record

    def _set_record(self, job: JobId, record: JsonObject) -> None:
        self._open[job] = record
        if job not in self._jobs:
            self._jobs[job] = ""  # in order
            self._choose_codec()
        if len(self._open) > MAX_OPEN_RECORDS:
            self._encode(next(iter(self._open)))
        self._changed_jobs[job] = None
        self._loaded.pop(job, None)
        self._last_job = max(self._last_job, job)

    def _choose_codec(self) -> None:
        if len(self._jobs) >= JOBS_BEFORE_MSGSPEC:
            self._encode_job, self._decode_job = encode_job_fast, decode_job_fast

    def _encode(self, job: JobId) -> str:
        """The object of a job, encoded; it is kept in this form from now on."""
        record = self._open.pop(job, None)
        if record is not None:
            self._jobs[job] = self._encode_job(record)
        return self._jobs[job]

    def is_job_saved(self, job: JobId) -> bool:
        """True if the index on disk is up to date for a job and for the run's header."""
        return not self._header_changed and job not in self._changed_jobs

    def take_unsaved(self, *, whole: bool = False) -> UnsavedIndex | None:
        """Returns what to save; None if nothing has changed since the last call. ``whole``: the
        whole index, even if nothing has changed. Cheap, because all reports wait meanwhile."""
        if not self._is_kept or not (whole or self.needs_saving):
            return None
        # An earlier program must refuse the run before there are files that it would not find.
        whole |= self._saved_version != self._version
        whole |= self._changes_size > max(MAX_CHANGES_BYTES, self._whole_size)
        changed = list(self._changed_jobs)
        for job in list(self._open):
            self._encode(job)
        header_lines = [header_change(self._header)] if self._header_changed else []
        self._changed_jobs, self._header_changed = {}, False
        return UnsavedIndex(
            header_lines + [job_change(self._jobs[job]) for job in changed],
            changed,
            dict(self._header),
            self._version,
            [self._jobs[job] for job in sorted(self._jobs)] if whole else None,
        )

    @property
    def _version(self) -> int:
        """The format version that the run needs."""
        is_known = self._last_job <= JOBS_PER_FOLDER and not self._refuses_earlier_programs
        return PARTIAL_VERSION if is_known else DIVIDED_VERSION

    def refuse_earlier_programs(self) -> None:
        """Gives the run another format at the next save: there will be files that earlier programs
        would not find."""
        self._refuses_earlier_programs = True

    def mark_unsaved(self, index: UnsavedIndex) -> None:
        """Records that `save` failed."""
        self._header_changed = True
        self._changed_jobs = {**dict.fromkeys(index.changed_jobs), **self._changed_jobs}

    def save(self, index: UnsavedIndex, *, final: bool = False) -> None:
        """Writes an index so that nothing is lost if the program is killed meanwhile. Raises
        `OSError`. Only one thread may call it; the lock is not needed.

        ``final``: the index is complete, so traces are waited for before it says so, which guards
        against a power failure. While sessions stream, waiting for each change would block the file
        system, and so delay their traces and chunks.
        """
        if final:
            self._files.sync_all()
        # The changes come first even if the whole index follows: if the program is killed before
        # they are removed, they are applied to the new index, and must not contain older states.
        if index.jobs is None or self._changes_size:
            self._append_changes("".join(index.changes))
        if index.jobs is not None:
            version = index.version
            if final and version == PARTIAL_VERSION:
                version = COMPLETE_VERSION
            header = {**index.header, "format": version, "complete": final}
            lines = index_lines(header, index.jobs)
            written = [line.encode(errors="backslashreplace") for line in lines]
            self._files.replace({INDEX_NAME: written})
            self._whole_size, self._saved_version = sum(map(len, written)), index.version
            self._files.remove(CHANGES_NAME)
            self._changes_size = 0

    def _append_changes(self, lines: str) -> None:
        written = lines.encode(errors="backslashreplace")
        self._files.append(CHANGES_NAME, written, self._changes_size)
        self._changes_size += len(written)


def create(path: Path | None, *, for_group: bool = False) -> RunFolder:
    """Creates a run folder at ``path``, or under `runs_path` with the time as its name. Raises
    `UsageProblem` if ``path`` is not empty, `RunFolderProblem` if it cannot be written.

    ``for_group``: the group may read it, and the folders above it that are created.
    """
    if path is None:
        stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        path = runs_path() / f"{stamp}_{secrets.token_hex(2)}"
    try:
        _make_folder(path, for_group=for_group)
        if {entry.name for entry in path.iterdir()} - {run_lock.NAME}:  # of a killed start
            problem = "is not empty"
            if os.path.lexists(path / INDEX_NAME):
                problem = "already contains a run"
            raise UsageProblem(f"{path} {problem}", "Choose another folder with --out.")
        return RunFolder(path, run_lock.acquire(path), for_group=for_group)
    except OSError as error:
        reason = f"the run folder {path} cannot be written ({error.strerror})"
        raise RunFolderProblem(reason, "Choose another folder with --out.") from error


def create_draft(path: Path, *, for_group: bool = False) -> RunFolder:
    """Creates a run folder that will be moved to its place. What a killed program has left in it is
    removed. Raises `OSError`, and `RunFolderProblem` if another program is working on it."""
    try:
        _make_folder(path, for_group=for_group)
        lock = run_lock.acquire(path)
        try:
            lock.folder.remove_all(but=run_lock.NAME)
        except BaseException:
            lock.release()
            raise
    except OSError:
        with suppress(OSError):
            path.rmdir()
        raise
    return RunFolder(path, lock, for_group=for_group)


def _make_folder(path: Path, *, for_group: bool) -> None:
    files.make_folders(path, files.GROUP_FOLDER_MODE if for_group else files.PRIVATE_FOLDER_MODE)
    if for_group:
        files.share_folder(path)  # before there is a lock in it, which is to be shared too


def reopen(path: Path) -> RunFolder:
    """Opens the folder of a run to resume it; raises `RunFolderProblem`, also if it is running."""
    # First, so that no lock is created in other folders.
    index = read_index(path, Extent.EVERYTHING)
    if not index.jobs:
        raise RunFolderProblem(f"the run in {path} lists no recordings", "There is nothing to do.")
    try:
        lock = run_lock.acquire(path)
    except OSError as error:
        reason = f"the run folder {path} cannot be written ({error.strerror})"
        raise RunFolderProblem(reason) from error
    try:
        lock.folder.remove_drafts()
        if index.stamp != index_stamp(path):  # another program has just changed it
            index = read_index(path, Extent.EVERYTHING)
        share_like_run(path, index)
        return RunFolder(path, lock, index)
    except BaseException:
        lock.release()
        raise


def share_like_run(path: Path, index: RunIndex) -> None:
    """Lets the group read what this process will create in a run folder, if it may read the run."""
    if index.saved.shared_with_group:
        files.share_new_files(path)


def runs_path() -> Path:
    """The default parent folder of runs; raises `NoHomeFolder`."""
    return state_folder() / "runs"
