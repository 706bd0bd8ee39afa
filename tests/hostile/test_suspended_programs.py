"""Programs and sessions that are suspended for longer than may be caught up with."""

import signal
import time
from pathlib import Path

from tests.engine.scenarios.test_process_signals import all_transcript_errors, wait_for_audio
from tests.engine.support.ground_truth import RATE, write_numbered_recording
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import ReceivedSession, ScriptedServer
from tests.engine.support.transcribing_server import transcribe
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
