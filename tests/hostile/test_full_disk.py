"""A disk that is full, over quota or broken at each single change that a run makes."""

import errno
import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.engine.scenarios.test_process_signals import all_transcript_errors, in_order
from tests.engine.support.ground_truth import write_numbered_recording
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import resume_supervisor
from tests.engine.support.transcribing_server import transcribe
from tests.support.recorded_disk import DiskFault, RecordedDisk
from workers.errors import RunFolderProblem
from workers.jobs.job_state import JobStatus
from workers.runs import reader

TENTHS = 8
"""Of a second that each recording lasts."""
AT_ONCE = 4
"""Runs at the same time; most of them wait."""
FOR_EVER = 1_000_000
OTHER_ERRORS = 4
"""Changes that fail with each of the other errors."""


@dataclass(frozen=True)
class FaultyRun:
    """A run whose disk failed, and what was wrong with it."""

    fault: DiskFault
    code: int
    output: str
    problems: tuple[str, ...]


class DiskSweep:
    """Runs of the same two recordings."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url
        self.truths = [write_numbered_recording(folder, TENTHS, job) for job in range(2)]

    def run(self, name: str, fault: DiskFault | None) -> tuple[RecordedDisk, int, str]:
        """Runs the program until all its processes have ended."""
        disk = RecordedDisk(self._folder / name / "run", self._folder / name / "log")
        (self._folder / name).mkdir()
        with ProcessTree(
            *("-m", "tui", "run", "--endpoint", self._url, "--out", disk.folder),
            *("--attempts", "2", *[truth.path for truth in self.truths]),
            output=subprocess.PIPE,
            environment=disk.environment(fault),
        ) as tree:
            output, errors = tree.program.communicate(timeout=60)
            tree.wait_until_gone()
        return disk, tree.program.returncode, output + errors

    def try_fault(self, fault: DiskFault) -> FaultyRun:
        """Runs with a fault, then resumes with a disk that works."""
        disk, code, output = self.run(fault.name.replace(" ", "-"), fault)
        problems = list(self._problems(disk, fault, code, output))
        return FaultyRun(fault, code, output, tuple(problems))

    def _problems(
        self, disk: RecordedDisk, fault: DiskFault, code: int, output: str
    ) -> Iterator[str]:
        if "Traceback" in output or "internal error" in output:
            yield "it crashed"
        if code != 0 and "not be written" not in output and "cannot be written" not in output:
            yield f"it does not say why it ended with code {code}"
        try:
            job_states = reader.read_job_states(disk.folder)
        except RunFolderProblem as problem:
            if any(change.path.endswith("trace.jsonl") for change in disk.changes):
                yield f"a session has run, and the run cannot be read: {problem}"
            if code == 0:
                yield "it claims to be done, and there is no run"
            return
        if code == 0:
            yield from all_transcript_errors(self.truths, job_states)
        unharmed = [state for state in job_states if state.status is JobStatus.DONE]
        if fault.first == fault.last and len(unharmed) < len(self.truths) - 1:
            yield "one change that failed harmed both recordings"
        with resume_supervisor(self._url, disk.folder) as resumed:
            resumed.wait_until_idle()
        yield from (
            f"resumed: {one}" for one in all_transcript_errors(self.truths, in_order(resumed))
        )
        again = reader.read_job_states(disk.folder)
        yield from (f"reread: {one}" for one in all_transcript_errors(self.truths, again))


def faults_of(count: int, chance: random.Random) -> list[DiskFault]:
    """A fault at each of the changes. Every other one lasts, as on a full disk, and there is one
    change that fails alone, as on a bad one; some fail with another error."""
    last = chance.randrange(2)
    faults = [DiskFault(at, FOR_EVER if at % 2 == last else at) for at in range(1, count + 1)]
    for error in (errno.EDQUOT, errno.EIO, errno.EROFS):
        for at in chance.sample(range(1, count + 1), OTHER_ERRORS):
            faults.append(DiskFault(at, chance.choice((at, FOR_EVER)), error))
    return faults


def test_a_disk_may_fail_at_each_single_change(tmp_path: Path) -> None:
    """The program says so and ends all its processes. What it calls done is complete, and the other
    recording is not harmed by a change that fails alone. Resuming completes the run."""
    with ScriptedServer(transcribe()) as endpoint, ThreadPoolExecutor(AT_ONCE) as pool:
        sweep = DiskSweep(tmp_path, endpoint.url)
        disk, code, _ = sweep.run("sound", None)
        assert code == 0
        chance = random.Random(int(os.environ.get("SEED", "1")))
        faults = faults_of(len(disk.changes), chance)
        runs = list(pool.map(sweep.try_fault, faults))
    for run in runs:
        if run.problems:
            print(f"{run.fault.name}: code {run.code}", *run.problems, run.output, sep="\n   ")
    codes = Counter(run.code for run in runs)
    print(f"{len(disk.changes)} changes, {len(runs)} faults; exit codes: {dict(codes)}")

    assert [run for run in runs if run.problems] == []
