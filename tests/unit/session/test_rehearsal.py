"""The session that the fork server runs before it forks any."""

import os
import tempfile
import threading
from pathlib import Path

import pytest

from workers.pacing.schedule import Schedule
from workers.protocol.connection import Connection
from workers.session.conversation import Conversation
from workers.session.rehearsal import rehearse
from workers.traces.writer import TraceWriter


def test_a_rehearsal_streams_chunks_and_receives_turns() -> None:
    """It executes what every session executes, from the first chunk to the trace."""
    executed = rehearse()

    for function in (
        Conversation.run,
        Connection.send_audio,
        Connection.receive,
        Schedule.due,
        TraceWriter.write,
    ):
        assert function.__code__ in executed


def test_a_rehearsal_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread, no open file, no temporary file, and no lower priority, which forks inherit."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rehearse()
    threads, files, priority = threading.active_count(), os.listdir("/proc/self/fd"), os.nice(0)

    rehearse()

    assert threads == threading.active_count()
    assert len(files) == len(os.listdir("/proc/self/fd"))
    assert priority == os.nice(0)
    assert [] == os.listdir(tmp_path)


def test_without_a_folder_for_temporary_files_there_is_no_rehearsal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fork server then starts as it did before."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))

    assert set() == rehearse()
