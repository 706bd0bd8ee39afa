"""Programs and sessions that are suspended for longer than may be caught up with, and clocks that
are set while they stream. Suspension is measured by `MAX_CATCH_UP_S`: a longer one is no different.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from glob import glob
from pathlib import Path

import psutil
import pytest

from tests.engine.scenarios.test_process_signals import all_transcript_errors, wait_for_audio
from tests.engine.support.ground_truth import RATE, write_numbered_recording
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import ReceivedSession, ScriptedServer
from tests.engine.support.transcribing_server import TranscriptionStyle, transcribe
from workers.pacing.certificate import Verdict
from workers.pacing.schedule import MAX_CATCH_UP_S
from workers.runs import reader


def largest_burst_s(session: ReceivedSession) -> float:
    """How many seconds of audio came faster than at the speed of speech, at most."""
    sent_s, ahead_s, lowest_s, burst_s = 0.0, 0.0, 0.0, 0.0
    began_at = session.audio[0][0]
    for at, chunk in session.audio:
        lowest_s = min(lowest_s, sent_s - (at - began_at))
        sent_s += len(chunk) / 2 / RATE
        ahead_s = sent_s - (at - began_at)
        burst_s = max(burst_s, ahead_s - lowest_s)
    return burst_s


def test_a_program_that_slept_sends_nothing_early(tmp_path: Path) -> None:
    """All its processes are stopped for longer than may be caught up with. Each session goes on
    with a moved schedule, says so, and its words are all there."""
    truths = [write_numbered_recording(tmp_path, 25, job) for job in range(3)]
    folder = tmp_path / "run"
    with (
        ScriptedServer(transcribe()) as endpoint,
        ProcessTree(
            *("-m", "tui", "run", "--endpoint", endpoint.url, "--out", folder),
            *[truth.path for truth in truths],
        ) as tree,
    ):
        wait_for_audio(endpoint, 0.7, sessions=3)
        tree.signal_all(signal.SIGSTOP)
        time.sleep(MAX_CATCH_UP_S + 1.0)
        tree.signal_all(signal.SIGCONT)
        tree.wait_until_gone()
    job_states = reader.read_job_states(folder)

    assert tree.program.returncode == 0
    assert all_transcript_errors(truths, job_states) == []
    for job_state, session in zip(job_states, endpoint.received_sessions, strict=True):
        assert job_state.ended is not None
        assert job_state.ended.certificate is not None
        assert job_state.ended.certificate.verdict is Verdict.SLIPPED
        assert largest_burst_s(session) < MAX_CATCH_UP_S / 2


def test_a_session_that_slept_is_continued_at_its_seam(tmp_path: Path) -> None:
    """One session is stopped for longer than may be caught up with, the program is not. Another
    attempt continues at the speed of speech, and the other session is unharmed."""
    truths = [write_numbered_recording(tmp_path, 40, job) for job in range(2)]
    folder = tmp_path / "run"
    with (
        ScriptedServer(transcribe()) as endpoint,
        ProcessTree(
            *("-m", "tui", "run", "--endpoint", endpoint.url, "--out", folder),
            *[truth.path for truth in truths],
        ) as tree,
    ):
        wait_for_audio(endpoint, 0.7, sessions=2)
        victim = tree.session_processes()[0]
        victim.send_signal(signal.SIGSTOP)
        time.sleep(MAX_CATCH_UP_S + 1.0)
        with suppress(psutil.NoSuchProcess):
            victim.send_signal(signal.SIGCONT)
        tree.wait_until_gone()
    job_states = reader.read_job_states(folder)

    assert tree.program.returncode == 0
    assert all_transcript_errors(truths, job_states) == []
    assert sorted(state.attempt for state in job_states) == [1, 2]
    assert all(
        largest_burst_s(session) < MAX_CATCH_UP_S / 2 for session in endpoint.received_sessions
    )


def test_a_parent_that_slept_stops_no_session(tmp_path: Path) -> None:
    """Only the program itself is stopped. Its sessions stream on, on time."""
    truths = [write_numbered_recording(tmp_path, 60, job) for job in range(2)]
    folder = tmp_path / "run"
    with (
        ScriptedServer(transcribe()) as endpoint,
        ProcessTree(
            *("-m", "tui", "run", "--endpoint", endpoint.url, "--out", folder),
            *[truth.path for truth in truths],
        ) as tree,
    ):
        wait_for_audio(endpoint, 0.7, sessions=2)
        tree.program.send_signal(signal.SIGSTOP)
        time.sleep(MAX_CATCH_UP_S + 1.0)
        tree.program.send_signal(signal.SIGCONT)
        tree.wait_until_gone()
    job_states = reader.read_job_states(folder)

    assert tree.program.returncode == 0
    assert all_transcript_errors(truths, job_states) == []
    assert [state.attempt for state in job_states] == [1, 1]
    for state in job_states:
        assert state.ended is not None
        assert state.ended.certificate is not None
        assert state.ended.certificate.slips == 0


def test_a_short_stall_is_caught_up_and_shows(tmp_path: Path) -> None:
    """All processes are stopped for less than the bound: what is late leaves at once, and the
    certificate has the lag."""
    truth, folder = write_numbered_recording(tmp_path, 40), tmp_path / "run"
    with (
        ScriptedServer(transcribe()) as endpoint,
        ProcessTree(
            "-m", "tui", "run", "--endpoint", endpoint.url, "--out", folder, truth.path
        ) as tree,
    ):
        wait_for_audio(endpoint, 0.7, sessions=1)
        tree.signal_all(signal.SIGSTOP)
        time.sleep(2.0)
        tree.signal_all(signal.SIGCONT)
        tree.wait_until_gone()
    (state,) = reader.read_job_states(folder)

    assert all_transcript_errors([truth], [state]) == []
    assert state.ended is not None
    assert state.ended.certificate is not None
    assert state.ended.certificate.verdict is Verdict.LATE
    assert state.ended.certificate.lag_ms.max > 1500


FAKE_CLOCKS = glob("/usr/lib/*/faketime/libfaketimeMT.so.1")


@pytest.mark.skipif(not FAKE_CLOCKS, reason="needs the package faketime")
@pytest.mark.parametrize("step", ["+3600", "-3600"])
def test_a_clock_that_is_set_changes_nothing(tmp_path: Path, step: str) -> None:
    """The wall clock is set by an hour while sessions stream, and the server says when they expire.
    Only the monotonic clock paces and ends them."""
    truths = [write_numbered_recording(tmp_path, 50, job) for job in range(2)]
    folder, clock = tmp_path / "run", tmp_path / "clock"
    clock.write_text("+0")
    environment = {
        **os.environ,
        "LD_PRELOAD": FAKE_CLOCKS[0],
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    style = TranscriptionStyle(lifetime=3600)
    with (
        ScriptedServer(transcribe(style)) as endpoint,
        ProcessTree(
            *("-m", "tui", "run", "--endpoint", endpoint.url, "--out", folder),
            *[truth.path for truth in truths],
            environment=environment,
        ) as tree,
    ):
        wait_for_audio(endpoint, 1.0, sessions=2)
        clock.write_text(step)
        now = subprocess.check_output(
            [sys.executable, "-c", "import time; print(time.time())"], env=environment
        )
        assert abs(float(now) - time.time() - float(step)) < 300
        tree.wait_until_gone()
    job_states = reader.read_job_states(folder)

    assert tree.program.returncode == 0
    assert all_transcript_errors(truths, job_states) == []
    assert [state.attempt for state in job_states] == [1, 1]
    assert len(endpoint.received_sessions) == 2
    for state in job_states:
        assert state.ended is not None
        assert state.ended.certificate is not None
        assert state.ended.certificate.slips == 0
        assert 4.9 < state.ended.open_seconds < 60
