"""Makes one run of several: those of the shards of a list, or of machines that shared the work.

Nothing is copied that need not be. The files of sessions never change once they are closed, so on
one file system the merged run gives them a second name, a hard link; it stays whole if the merged
runs are deleted, and needs no space of its own. Where that is not possible, a file is copied by a
call that lets the file system share its blocks. Only the index is rewritten, because jobs get
other numbers.

The merged run is made beside its place and moved there at the end, so it appears as a whole or not
at all, even if the program is killed.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workers import files
from workers.audio.source import Source
from workers.errors import RunFolderProblem, UsageProblem
from workers.jobs.job import JobId
from workers.jobs.job_folders import folder_of_job
from workers.jobs.job_state import JobStatus
from workers.protocol.codec import JsonObject
from workers.runs import run_folder, run_lock
from workers.runs.index import Extent, encode_json, read_index
from workers.runs.merge_plan import (
    MergeConflict,
    MergePlan,
    Part,
    PartRecording,
    part_offsets,
    plan_merge,
)
from workers.runs.run_folder import RunFolder
from workers.runs.saved_records import IndexJob
from workers.sources.shard import Shard
from workers.sources.spool import is_complete, marker_of, spool_name
from workers.traces.files import COMPRESSED_SUFFIX, files_by_job

MAX_CONFLICTS = 20
"""How many conflicts are listed at once."""


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What was merged, and how."""

    statuses: Counter[str]
    """How many recordings have each status."""
    linked_files: int
    copied_files: int
    copied_bytes: int
    doubled: int
    """How many recordings were in several runs."""
    missing_shards: tuple[Shard, ...]
    unlisted_shards: tuple[Shard, ...]
    """Those whose program ended before it had found all of its recordings."""
    warnings: tuple[str, ...]
    """What is damaged in the indexes of the runs."""


def merge_runs(
    paths: Sequence[Path], into: Path, *, keep_first: bool = False, for_group: bool = False
) -> MergeResult:
    """Makes a new run at ``into`` of several runs, which stay as they are.

    Raises `UsageProblem` for what cannot be merged, naming each conflict, and `RunFolderProblem`
    for a run that is damaged or in progress, or if the new one cannot be written.
    """
    _check_places(paths, into)
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(run_lock.reading(path))
        parts = [Part(path, read_index(path, Extent.EVERYTHING)) for path in paths]
        plan = plan_merge(parts, keep_first=keep_first)
        if plan.conflicts:
            raise _problem(plan.conflicts)
        try:
            with _draft_of(into, for_group=for_group) as folder:
                writer = _Writer(folder, parts)
                writer.write(plan)
                folder.move(into.resolve())
        except OSError as error:
            reason = f"the merged run {into} cannot be written ({error.strerror or error})"
            hint = "Nothing was changed. Check the disk, or choose another folder with --into."
            raise RunFolderProblem(reason, hint) from error
    return MergeResult(
        read_index(into).status_counts,
        writer.linked_files,
        writer.copied_files,
        writer.copied_bytes,
        plan.doubled,
        plan.missing_shards,
        plan.unlisted_shards,
        tuple(warning for part in parts for warning in part.index.warnings),
    )


def _check_places(paths: Sequence[Path], into: Path) -> None:
    real = [path.resolve() for path in paths]
    target = into.resolve()
    for path, one in zip(paths, real, strict=True):
        if real.count(one) > 1:
            raise UsageProblem(f"{path} is named twice", "Name each run once.")
        if one == target or one in target.parents:
            reason = f"{into} is in {path}, which is one of the runs to be merged"
            raise UsageProblem(reason, "Choose another folder with --into.")


def _problem(conflicts: Sequence[MergeConflict]) -> UsageProblem:
    """All conflicts, one a line, and what to do about each kind of them."""
    listed = [conflict.reason for conflict in conflicts[:MAX_CONFLICTS]]
    if (more := len(conflicts) - MAX_CONFLICTS) > 0:
        listed.append(f"and {more:,} more conflicts")
    hints = dict.fromkeys(conflict.kind.value for conflict in conflicts)
    return UsageProblem("\n".join(["the runs cannot be merged:", *listed]), " ".join(hints))


@contextmanager
def _draft_of(into: Path, *, for_group: bool) -> Iterator[RunFolder]:
    """A new run folder beside ``into``, which is removed unless it was moved there."""
    target = into.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageProblem(f"{into} is not empty", "Choose another folder with --into.")
    mode = files.GROUP_FOLDER_MODE if for_group else files.PRIVATE_FOLDER_MODE
    files.make_folders(target.parent, mode)
    path = target.with_name(f".{target.name}.merging")
    folder = run_folder.create_draft(path, for_group=for_group)
    try:
        yield folder
    except BaseException:
        folder.discard()
        raise
    folder.close()


class _Writer:
    """Writes the files and the index of a merged run."""

    def __init__(self, folder: RunFolder, parts: Sequence[Part]) -> None:
        self._folder = folder
        self._parts = parts
        self._offsets = part_offsets(parts)
        self._files = [files_by_job(part.path) for part in parts]
        self._last_id = 0
        self.linked_files = self.copied_files = self.copied_bytes = 0

    def write(self, plan: MergePlan) -> None:
        """Writes everything; the index comes last."""
        jobs: dict[JobId, str] = {}
        for recording in plan.recordings:
            pair = self._new_id() if len(recording.jobs) > 1 else None
            for job in recording.jobs:
                number = self._new_id()
                jobs[number] = encode_json(self._record(recording.part, job, number, pair))
                for file in self._files[recording.part].get(job.id, ()):
                    self._take_attempt_file(file, number)
            self._take_spool(recording, pair or number)
        merged = datetime.now(UTC).isoformat(timespec="seconds")
        self._folder.fill({**plan.header, "merged": merged}, jobs)

    def _new_id(self) -> JobId:
        self._last_id += 1
        return JobId(self._last_id)

    def _record(self, part: int, job: IndexJob, number: JobId, pair: JobId | None) -> JsonObject:
        """The object of a job with its number in the merged run."""
        record: JsonObject = json.loads(job.text)
        record["id"] = number
        if not self._parts[part].index.is_complete:  # its traces may lack what was not on the disk
            record.pop("summary", None)
        record["part"] = self._offsets[part] + max(job.saved.part, 1)
        half = record.pop("half", None)
        if pair is not None and isinstance(half, dict):
            record["half"] = {**half, "pair": pair}
        return record

    def _take_attempt_file(self, path: Path, number: JobId) -> None:
        """Takes a trace, or a log unless it is empty, with the job's new number in its name."""
        if path.suffix == ".log" and not path.stat().st_size:
            return
        if path.suffix == COMPRESSED_SUFFIX:
            self._folder.refuse_earlier_programs()
        name = f"{number:04d}-{path.name.split('-', 1)[1]}"
        self._take(path, number, name)

    def _take_spool(self, recording: PartRecording, number: JobId) -> None:
        """Takes what was kept of a recording that is not a local file, if it is still needed."""
        settled = (JobStatus.DONE.value, JobStatus.CANCELLED.value)
        file, job = recording.file, recording.jobs[0]
        if Source(file).is_local or all(one.status in settled for one in recording.jobs):
            return
        before, part = job.half.pair if job.half else job.id, self._parts[recording.part].path
        name = spool_name(before, file)
        places = (part / name, part / folder_of_job(before) / name)
        spool = next((place for place in places if files.is_own_file(place)), None)
        if spool is None:
            return
        # What is still arriving will be appended to.
        whole = is_complete(spool)
        self._take(spool, number, spool_name(number, file), may_link=whole)
        if not whole:
            marker = marker_of(spool_name(number, file)).name
            self._take(marker_of(spool), number, marker, may_link=False)

    def _take(self, path: Path, number: JobId, name: str, *, may_link: bool = True) -> None:
        copied = self._folder.take_file(number, name, path, may_link=may_link)
        if copied is None:
            self.linked_files += 1
        else:
            self.copied_files += 1
            self.copied_bytes += copied
