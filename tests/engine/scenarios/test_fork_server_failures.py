"""The process that starts all others, struck from outside: nobody waits for it, and no job pays."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.engine.scenarios.test_process_signals import CHAOS, every_complaint, spoken, until
from tests.engine.support import server_faults
from tests.engine.support.ground_truth import record
from tests.engine.support.process_tree import Tree, send
from tests.engine.support.scripted_server import Endpoint
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.support.transcribing_server import PLAIN, telling
from workers import processes
from workers.audio.recording import Recording
from workers.jobs.events import Outcome
from workers.jobs.job import Job, JobId, Settings
from workers.processes import SENT_TO_ALL, START_METHOD
from workers.protocol.endpoint import custom
from workers.runs import reader
from workers.session.assignment import Assignment, Order
from workers.session.child import SessionChild

pytestmark = pytest.mark.skipif(START_METHOD != "forkserver", reason="there is none here")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(telling()) as endpoint:
        yield endpoint


def young(tree: Tree) -> psutil.Process:
    """The fork server in its first moments: it still loads its modules."""
    found: list[psutil.Process] = []
    until(lambda: bool(found.extend(tree.fork_servers()) or found))
    return found[0]


@pytest.mark.parametrize("numbers", [[*SENT_TO_ALL], [signal.SIGKILL], [signal.SIGSTOP]])
def test_a_young_fork_server_that_is_struck_costs_no_attempt(
    endpoint: Endpoint, tmp_path: Path, numbers: list[signal.Signals]
) -> None:
    """It is deaf to what is meant for the program; one that is killed or stopped is replaced before
    the first file is probed."""
    truth, folder = record(tmp_path, 1), tmp_path / "run"
    with Tree("-m", "tui", "run", "--endpoint", endpoint.url, "--out", folder, truth.path) as tree:
        server = young(tree)
        for number in numbers:
            server.send_signal(number)
        left = tree.program.wait(LONG_ENOUGH)
        tree.until_gone()
    (history,) = reader.histories(folder)

    assert left == 0
    assert history.attempt == 1
    assert every_complaint([truth], [history]) == []
    assert not (folder / "faults.log").exists()


def test_a_stopped_fork_server_is_replaced_while_sessions_go_on(tmp_path: Path) -> None:
    """The ends of those that it made are told, and further attempts start."""
    hold, folder = server_faults.Hold(), tmp_path / "run"
    truths = [record(tmp_path, 5, job) for job in range(2)]
    scripts = telling(PLAIN, hold.then(server_faults.cut), 4), telling()
    with (
        Endpoint(*scripts) as endpoint,
        Tree(*CHAOS, endpoint.url, folder, 10, *[truth.path for truth in truths]) as tree,
    ):
        assert hold.reached.wait(LONG_ENOUGH)
        spoken(endpoint, 0.2, sessions=2)
        assert send(tree.fork_servers(), signal.SIGSTOP) == 1
        hold.over.set()
        tree.until_gone()

    assert tree.program.returncode == 0
    assert every_complaint(truths, reader.histories(folder)) == []


def test_a_session_that_is_twice_asked_to_end_before_it_is_there_is_killed(tmp_path: Path) -> None:
    """Politely it would never end: its file is a pipe into which nobody writes."""
    os.mkfifo(tmp_path / "a.wav")
    recording = Recording(str(tmp_path / "a.wav"), 1.0, 8000, 1, 8000, "WAV PCM_16", 16_044)
    assignment = Assignment(
        job=Job(JobId(1), recording.path, recording, Settings()),
        attempt=1,
        endpoint=custom("ws://127.0.0.1:1"),
        trace=str(tmp_path / "a.trace.jsonl"),
        log=str(tmp_path / "a.log"),
    )
    context = processes.context()
    processes.warm_up(context)
    child = SessionChild(context, assignment, None)
    child.ask(Order.CANCEL)
    child.ask(Order.CANCEL)
    child.start()

    assert list(child.reports()) == []
    assert child.unsaid().outcome is Outcome.CANCELLED
    child.close()
