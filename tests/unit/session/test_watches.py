"""What a session notices around it, once a second."""

import os
import shutil
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import pytest

from tests.unit.session.recorder_harness import RECORDING, CollectedReports, open_recorder
from workers.jobs.events import Outcome, Slipped, Warned
from workers.jobs.job import StreamSettings
from workers.jobs.resume_point import ResumePoint
from workers.protocol.messages import Begin
from workers.session.progress import SendProgress
from workers.session.recorder import Recorder
from workers.session.recording_file import FileChange, RecordingFile
from workers.session.session_state import SessionState
from workers.session.watches import FileWatch, SleepWatch


@pytest.fixture
def reports() -> CollectedReports:
    return CollectedReports()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.fixture
def recorder(folder: Path, reports: CollectedReports) -> Iterator[Recorder]:
    with open_recorder(folder, reports) as opened:
        yield opened


def test_a_sleep_of_the_machine_is_a_slip(recorder: Recorder, reports: CollectedReports) -> None:
    """The clock that chunks are paced by stands still, so only another clock tells. Reading that
    may fail, and it may be a little off."""
    asleep_s = chain([100.0, 100.001, None, 3700.001], repeat(3700.0))
    progress = SendProgress(RECORDING, StreamSettings(), 0, recorder)
    watch = SleepWatch(progress, lambda: next(asleep_s))
    for second in range(6):
        watch.tick(1000.0 + second)

    assert reports.events == [Slipped(0.0, 3600000.0)]


def test_this_machine_has_not_slept(recorder: Recorder, reports: CollectedReports) -> None:
    """Its two clocks go alike."""
    watch = SleepWatch(SendProgress(RECORDING, StreamSettings(), 0, recorder))
    pauses = [watch.tick(float(second)) for second in range(5)]

    assert pauses == [1.0] * 5
    assert reports.events == []


def test_a_change_of_the_file_is_said_when_it_happens(
    recorder: Recorder, reports: CollectedReports, tmp_path: Path
) -> None:
    """Once, and with the position that was reached."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"before")
    state = SessionState(recorder, ResumePoint())
    state.apply(Begin(id="1", expires_at=0))
    state.publish_pending_warnings(0.0)
    progress = SendProgress(RECORDING, StreamSettings(), 10 * 8000, recorder)
    with RecordingFile(str(path)) as file:
        watch = FileWatch(file, recorder, state, progress)
        watch.tick(0.0)
        path.unlink()
        for now in (0.5, 1.0, 2.0):
            watch.tick(now)

    assert reports.events == [Warned(FileChange.DELETED.notice, at_seconds=10.0)]


@pytest.mark.parametrize("act", [shutil.rmtree, lambda folder: os.rename(folder, f"{folder}-2")])
def test_a_session_whose_run_folder_is_gone_ends(recorder: Recorder, folder: Path, act) -> None:
    """Deleted or moved: nobody would find what it writes."""
    recorder.check_trace()
    assert recorder.failure is None
    act(folder)
    recorder.check_trace()

    assert recorder.failure is not None
    assert recorder.failure.outcome is Outcome.UNWRITABLE
    assert "deleted or moved" in recorder.failure.reason
