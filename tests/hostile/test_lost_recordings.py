"""Recordings, disks and run folders that change or vanish while sessions stream."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.engine.scenarios.test_process_signals import wait_for_audio
from tests.engine.support.ground_truth import (
    GroundTruth,
    transcript_errors,
    write_numbered_recording,
)
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.support.transcribing_server import transcribe
from tests.hostile.faulty_file_system import faulty_mount, needs_fuse
from workers.jobs.events import Outcome
from workers.jobs.job_state import JobState, JobStatus
from workers.runs import reader
from workers.session.recording_file import FileChange

VICTIM, OTHER = 0, 1


@dataclass
class StreamedRun:
    """A run of two recordings, one of which is struck when both stream."""

    truths: list[GroundTruth]
    folder: Path
    code: int = 0
    output: str = ""

    @property
    def states(self) -> list[JobState]:
        return reader.read_job_states(self.folder)

    def assert_other_is_whole(self) -> None:
        assert transcript_errors(self.truths[OTHER], self.states[OTHER]) == []


@contextmanager
def streamed(tmp_path: Path, mount: str, *options: str) -> Iterator[StreamedRun]:
    """Enters when two recordings stream; ends when the program does. One of them is in the folder
    ``disk`` below ``tmp_path``, and read at ``mount``."""
    victim = write_numbered_recording(tmp_path / "disk", 80, VICTIM)
    victim = replace(victim, path=victim.path.replace("/disk/", f"/{mount}/"))
    truths = [victim, write_numbered_recording(tmp_path, 40, OTHER)]
    run = StreamedRun(truths, tmp_path / "run")
    with (
        ScriptedServer(transcribe()) as endpoint,
        (tmp_path / "output").open("w+") as output,
        ProcessTree(
            *("-m", "tui", "run", "--endpoint", endpoint.url, "--out", run.folder, *options),
            *[truth.path for truth in truths],
            output=output.fileno(),
        ) as tree,
    ):
        wait_for_audio(endpoint, 1.0, sessions=2)
        yield run
        run.code = tree.program.wait(2 * LONG_ENOUGH)
        output.seek(0)
        run.output = output.read()


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    path.write_bytes(path.read_bytes()[::-1])


def exchange(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"something else")
    other.replace(path)


@pytest.mark.parametrize(
    ("act", "change", "status"),
    [
        (cut, FileChange.CUT, JobStatus.FAILED),
        (overwrite, FileChange.OVERWRITTEN, JobStatus.FAILED),
        (exchange, FileChange.REPLACED, JobStatus.DONE),
        (Path.unlink, FileChange.DELETED, JobStatus.DONE),
    ],
)
def test_a_recording_that_changes_is_noticed_at_once(
    tmp_path: Path, act: Callable[[Path], None], change: FileChange, status: JobStatus
) -> None:
    """In the row, in the result and in the certificate. What is still open is sent to its end."""
    (tmp_path / "disk").mkdir()
    with streamed(tmp_path, "disk") as run:
        act(Path(run.truths[VICTIM].path))
    victim = run.states[VICTIM]

    assert change.notice in run.output
    assert change.notice in victim.recording_faults
    assert victim.status is status
    assert victim.ended is not None
    assert victim.ended.certificate is not None
    assert victim.ended.certificate.has_audio_fault
    if status is JobStatus.DONE:
        assert victim.transcript.text.split() == run.truths[VICTIM].texts
    run.assert_other_is_whole()


@pytest.mark.parametrize("act", [shutil.rmtree, lambda folder: folder.rename(f"{folder}-2")])
def test_a_run_folder_that_is_gone_is_said_at_once(
    tmp_path: Path, act: Callable[[Path], object]
) -> None:
    """Its sessions end, because nobody could find what they record."""
    (tmp_path / "disk").mkdir()
    with streamed(tmp_path, "disk") as run:
        act(run.folder)

    assert run.code == 3
    assert "unwritable: the run folder was deleted or moved" in run.output
    assert "paceline export" not in run.output


@needs_fuse
def test_a_disk_that_fails_ends_one_attempt(tmp_path: Path) -> None:
    """Nothing says that all was sent; what was heard is kept, and the others go on."""
    (tmp_path / "disk").mkdir()
    with (
        faulty_mount(tmp_path / "disk", tmp_path / "mount"),
        streamed(tmp_path, "mount", "--attempts", "2") as run,
    ):
        (tmp_path / "disk" / "fails").touch()
    victim = run.states[VICTIM]

    assert run.code == 3
    assert victim.latest_outcome is Outcome.LOST
    assert "the file cannot be read (Input/output error)" in run.output
    assert victim.transcript.text
    run.assert_other_is_whole()


@needs_fuse
def test_a_file_system_that_does_not_answer_is_named(tmp_path: Path) -> None:
    """It blocks for longer than a session may be silent. Not even a process that cannot be killed
    keeps the program from ending; it ends when its file system answers."""
    (tmp_path / "disk").mkdir()
    with (
        faulty_mount(tmp_path / "disk", tmp_path / "mount"),
        streamed(tmp_path, "mount", "--attempts", "1") as run,
    ):
        (tmp_path / "disk" / "blocks").touch()
    victim = run.states[VICTIM]

    assert run.code == 3
    assert victim.latest_outcome is Outcome.CRASHED
    assert "the disk or file system of the recording did not answer" in run.output, run.output
    assert victim.transcript.text
    run.assert_other_is_whole()
