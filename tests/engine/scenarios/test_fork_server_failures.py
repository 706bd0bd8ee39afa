"""The process that starts all others, struck from outside: nobody waits for it, and no job pays."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import psutil
import pytest

from tests.engine.scenarios.test_process_signals import (
    CHAOS,
    all_transcript_errors,
    wait_for_audio,
    wait_until,
)
from tests.engine.support import server_faults
from tests.engine.support.ground_truth import write_numbered_recording
from tests.engine.support.process_tree import ProcessTree, send_signal
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.support.transcribing_server import DEFAULT_STYLE, transcribe
from workers import processes
from workers.audio.recording import Recording
from workers.jobs.events import JobReport
from workers.jobs.job import Job, JobId, StreamSettings
from workers.processes import GROUP_SIGNALS, START_METHOD
from workers.protocol.endpoint import custom_endpoint
from workers.runs import reader
from workers.session.assignment import Assignment, StopCommand
from workers.session.local_launcher import LocalLauncher

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(START_METHOD != "forkserver", reason="there is none here"),
]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer(transcribe()) as endpoint:
        yield endpoint


def young(tree: ProcessTree) -> psutil.Process:
    """The fork server in its first moments: it still loads its modules."""
    found: list[psutil.Process] = []

    def look() -> bool:
        found.extend(tree.fork_servers())
        return bool(found)

    wait_until(look)
    return found[0]


@pytest.mark.parametrize("numbers", [[*GROUP_SIGNALS], [signal.SIGKILL], [signal.SIGSTOP]])
def test_a_young_fork_server_that_is_struck_costs_no_attempt(
    endpoint: ScriptedServer, tmp_path: Path, numbers: list[signal.Signals]
) -> None:
    """It is deaf to what is meant for the program; one that is killed or stopped is replaced before
    the first file is probed."""
    truth, folder = write_numbered_recording(tmp_path, 1), tmp_path / "run"
    with ProcessTree(
        "-m", "tui", "run", "--endpoint", endpoint.url, "--out", folder, truth.path
    ) as tree:
        server = young(tree)
        for number in numbers:
            server.send_signal(number)
        left = tree.program.wait(LONG_ENOUGH)
        tree.wait_until_gone()
    (job_state,) = reader.read_job_states(folder)

    assert left == 0
    assert job_state.attempt == 1
    assert all_transcript_errors([truth], [job_state]) == []
    assert not (folder / "faults.log").exists()


def test_a_stopped_fork_server_is_replaced_while_sessions_go_on(tmp_path: Path) -> None:
    """The exits of its children are noticed, and further attempts start."""
    hold, folder = server_faults.HoldPoint(), tmp_path / "run"
    truths = [write_numbered_recording(tmp_path, 5, job) for job in range(2)]
    scripts = (
        transcribe(DEFAULT_STYLE, hold.hold_then(server_faults.drop_connection), 4),
        transcribe(),
    )
    with (
        ScriptedServer(*scripts) as endpoint,
        ProcessTree(*CHAOS, endpoint.url, folder, 10, *[truth.path for truth in truths]) as tree,
    ):
        assert hold.reached.wait(LONG_ENOUGH)
        wait_for_audio(endpoint, 0.2, sessions=2)
        assert send_signal(tree.fork_servers(), signal.SIGSTOP) == 1
        hold.released.set()
        tree.wait_until_gone()

    assert tree.program.returncode == 0
    assert all_transcript_errors(truths, reader.read_job_states(folder)) == []


def test_a_session_that_is_twice_asked_to_end_before_it_is_there_is_killed(tmp_path: Path) -> None:
    """It would never end politely, because its file is a pipe without a writer."""
    os.mkfifo(tmp_path / "a.wav")
    recording = Recording(str(tmp_path / "a.wav"), 1.0, 8000, 1, 8000, "WAV PCM_16", 16_044)
    assignment = Assignment(
        job=Job(JobId(1), recording.path, recording, StreamSettings()),
        attempt=1,
        endpoint=custom_endpoint("ws://127.0.0.1:1"),
        trace_path=str(tmp_path / "a.trace.jsonl"),
        log_path=str(tmp_path / "a.log"),
    )
    processes.warm_up(processes.mp_context())
    session = LocalLauncher().create(assignment, None)
    reports: list[JobReport] = []
    exits: SimpleQueue[str] = SimpleQueue()
    session.send(StopCommand.CANCEL)
    session.kill()
    session.start(reports.append, exits.put)

    assert exits.get(timeout=LONG_ENOUGH) == "was killed (signal 9)"
    assert reports == []
    session.close()
