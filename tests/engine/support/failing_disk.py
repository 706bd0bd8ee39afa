"""Runs whose disk fails, or whose power does, and what is wrong with them afterwards."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.engine.scenarios.test_process_signals import all_transcript_errors, in_order
from tests.engine.support.ground_truth import GroundTruth, write_numbered_recording
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.supervisor_harness import LONG_ENOUGH, resume_supervisor
from tests.support.recorded_disk import DiskChange, DiskFault, RecordedDisk
from tui.model.transcript_cache import restore_turns
from workers.errors import RunFolderProblem
from workers.exports.files import write_exports
from workers.jobs.job_state import JobStatus
from workers.runs import reader
from workers.runs.index import INDEX_NAME
from workers.runs.job_timeline import BEFORE_START_S
from workers.runs.timeline import RunTimeline


@dataclass(frozen=True)
class FaultyRun:
    """A run whose disk failed, and what was wrong with it."""

    fault: DiskFault
    code: int
    output: str
    problems: tuple[str, ...]


class DiskSweep:
    """Runs of the same recordings, each of so many tenths of a second."""

    def __init__(self, folder: Path, url: str, tenths: int, jobs: int = 2) -> None:
        self._folder, self._url = folder, url
        self.truths = [write_numbered_recording(folder, tenths, job) for job in range(jobs)]

    def disk(self, name: str) -> RecordedDisk:
        """A new folder for a run."""
        (self._folder / name).mkdir()
        return RecordedDisk(self._folder / name / "run", self._folder / name / "log")

    def run(self, disk: RecordedDisk, fault: DiskFault | None = None) -> tuple[int, str]:
        """Streams the recordings."""
        endpoint = ("--endpoint", self._url, "--out", disk.folder, "--attempts", "2")
        return run_on(disk, fault, "run", *endpoint, *[truth.path for truth in self.truths])

    def try_fault(self, fault: DiskFault) -> FaultyRun:
        """Runs with a fault, then resumes with a disk that works."""
        disk = self.disk(fault.name.replace(" ", "-"))
        code, output = self.run(disk, fault)
        problems = list(self.problems(disk.folder, code, output))
        if fault.first == fault.last and disk.folder.exists():
            done = [line for line in output.splitlines() if ": done, " in line]
            if len(done) < len(self.truths) - 1:
                problems.append("one change that failed harmed both recordings")
        return FaultyRun(fault, code, output, tuple(problems))

    def problems(self, folder: Path, code: int, output: str) -> Iterator[str]:
        """What is wrong with a run on a bad disk, and after it was resumed on a good one."""
        if "Traceback" in output or "internal error" in output:
            yield "it crashed"
        if code != 0 and "not be written" not in output and "cannot be written" not in output:
            yield f"it does not say why it ended with code {code}"
        try:
            job_states = reader.read_job_states(folder)
        except RunFolderProblem as problem:
            if list(folder.glob("*.trace.jsonl")):
                yield f"a session has run, and the run cannot be read: {problem}"
            if code == 0:
                yield "it claims to be done, and there is no run"
            return
        if code == 0:
            yield from all_transcript_errors(self.truths, job_states)
        yield from self.resume_problems(folder)

    def resume_problems(self, folder: Path) -> Iterator[str]:
        """What is still wrong after a run was resumed."""
        with resume_supervisor(self._url, folder) as resumed:
            resumed.wait_until_idle()
        for when, states in (
            ("resumed", in_order(resumed)),
            ("read again", reader.read_job_states(folder)),
        ):
            for problem in all_transcript_errors(self.truths, states):
                yield f"{when}: {problem}"


def run_on(disk: RecordedDisk, fault: DiskFault | None, *arguments: object) -> tuple[int, str]:
    """Runs a command until all its processes have ended; returns its exit code and its output."""
    with ProcessTree(
        *("-m", "tui", *arguments),
        output=subprocess.PIPE,
        environment=disk.environment(fault),
    ) as tree:
        output, errors = tree.program.communicate(timeout=LONG_ENOUGH)
        tree.wait_until_gone()
    return tree.program.returncode, output + errors


def durable_from(changes: Sequence[DiskChange]) -> int:
    """After how many changes the run must be readable: its first index was waited for."""
    names = [(change.name, change.to or change.path) for change in changes]
    return names.index(("fsync", "."), names.index(("rename", INDEX_NAME))) + 1


def image_problems(folder: Path, truths: Sequence[GroundTruth], *, durable: bool) -> Iterator[str]:
    """What is wrong with a run folder after a failure."""
    try:
        job_states = reader.read_job_states(folder)
    except RunFolderProblem as problem:
        if durable:
            yield str(problem)
        return
    timeline = RunTimeline(folder, running=False)
    timeline.reports_between(BEFORE_START_S, timeline.duration_s)
    for job_state in job_states:
        if job_state.status is JobStatus.DONE:
            yield from all_transcript_errors([truths[job_state.job - 1]], [job_state])
        with TemporaryDirectory() as exports:
            write_exports(job_state, ("txt", "srt", "json"), Path(exports))
    for job_state in reader.read_run(folder).jobs:
        if job_state.status is JobStatus.DONE and not restore_turns(folder, job_state):
            yield f"{job_state.file} would not be streamed again, and its words are lost"
