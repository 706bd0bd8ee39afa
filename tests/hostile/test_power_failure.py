"""The power fails, or all processes are killed, after each single change that a run makes."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.engine.scenarios.test_process_signals import all_transcript_errors
from tests.engine.support.ground_truth import GroundTruth, write_numbered_recording
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import transcribe
from tests.support.recorded_disk import DiskChange, Loss, RecordedDisk, write_image
from workers.errors import RunFolderProblem
from workers.exports.files import write_exports
from workers.jobs.job_state import JobStatus
from workers.runs import reader
from workers.runs.index import INDEX_NAME
from workers.runs.job_timeline import BEFORE_START_S
from workers.runs.timeline import RunTimeline


def record_run(folder: Path, url: str, truths: Sequence[GroundTruth]) -> RecordedDisk:
    """The changes of a run with two recordings."""
    disk = RecordedDisk(folder / "run", folder / "log")
    with ProcessTree(
        *("-m", "tui", "run", "--endpoint", url, "--out", disk.folder),
        *[truth.path for truth in truths],
        output=subprocess.DEVNULL,
        environment=disk.environment(),
    ) as tree:
        tree.wait_until_gone()
    assert tree.program.returncode == 0
    return disk


def durable_from(changes: Sequence[DiskChange]) -> int:
    """After how many changes the run must be readable: its first index was waited for."""
    names = [(change.name, change.to) for change in changes]
    return (
        next(
            at
            for at in range(names.index(("rename", INDEX_NAME)), len(names))
            if names[at][0] == "fsync"
        )
        + 1
    )


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


def test_a_run_can_be_read_after_a_failure_at_any_moment(tmp_path: Path) -> None:
    truths = [write_numbered_recording(tmp_path, 8, job) for job in range(2)]
    with ScriptedServer(transcribe()) as endpoint:
        changes = record_run(tmp_path, endpoint.url, truths).changes
    found = []
    durable = durable_from(changes)
    for loss in Loss:
        for count in range(len(changes) + 1):
            folder = tmp_path / f"{loss.name}-{count}"
            write_image(changes[:count], loss, folder)
            for problem in image_problems(folder, truths, durable=count >= durable):
                found.append(f"{loss.value} after change {count}: {problem}")
        assert all_transcript_errors(truths, reader.read_job_states(folder)) == []
    print(*found, sep="\n")
    assert found == []
