"""Processes that are killed or stopped from outside: nothing is left behind, and nothing lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import (
    GroundTruth,
    transcript_errors,
    write_numbered_recording,
)
from tests.engine.support.process_tree import ProcessTree, send_signal
from tests.engine.support.scripted_server import ReceivedSession, ScriptedServer
from tests.engine.support.supervisor_harness import (
    LONG_ENOUGH,
    ObservedSupervisor,
    resume_supervisor,
    run_supervisor,
)
from tests.engine.support.transcribing_server import DEFAULT_STYLE, FaultMoment, transcribe
from workers.errors import RunFolderProblem
from workers.jobs.events import Ended
from workers.jobs.job_state import JobState
from workers.processes import START_METHOD
from workers.runs import reader, run_folder
from workers.runs.index import CHANGES_NAME, read_index

pytestmark = pytest.mark.slow

CHAOS = ("-m", "tests.chaos.target_program")
ZOMBIE = 5.0
"""Seconds that a session may stay open at a server behind the end of its program."""


def wait_until(there: Callable[[], bool]) -> None:
    """Waits until it is so."""
    deadline = time.monotonic() + LONG_ENOUGH
    while not there():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def wait_for_audio(endpoint: ScriptedServer, seconds: float, sessions: int) -> None:
    """Waits until so many sessions have each brought so much audio."""
    chunks = round(seconds * 10)
    wait_until(
        lambda: sum(len(heard.audio) >= chunks for heard in endpoint.received_sessions) >= sessions
    )


def all_transcript_errors(
    truths: Sequence[GroundTruth], job_states: Sequence[JobState]
) -> list[str]:
    found = []
    for truth, job_state in zip(truths, job_states, strict=True):
        found += [f"job {job_state.job}: {wrong}" for wrong in transcript_errors(truth, job_state)]
    return found


def assert_resumes_to_completion(truths: Sequence[GroundTruth], *folders: Path) -> None:
    """Further runs over the same folders have it all in the end."""
    with ScriptedServer(transcribe()) as endpoint, ExitStack() as stack:
        runs = [stack.enter_context(resume_supervisor(endpoint.url, folder)) for folder in folders]
        for run in runs:
            run.wait_until_idle()
    for run, folder in zip(runs, folders, strict=True):
        assert all_transcript_errors(truths, in_order(run)) == []
        assert all_transcript_errors(truths, reader.read_job_states(folder)) == []


def in_order(observed: ObservedSupervisor) -> list[JobState]:
    return [observed.job_states[job] for job in sorted(observed.job_states)]


def closed_in_time(sessions: Sequence[ReceivedSession], since: float) -> bool:
    return all(each.closed.wait(max(0.0, since + ZOMBIE - time.monotonic())) for each in sessions)


def killed(tmp_path: Path) -> None:
    truths = [write_numbered_recording(tmp_path, 16, job) for job in range(3)]
    paths = [truth.path for truth in truths]
    folders = [tmp_path / name for name in ("alone", "with all")]
    with (
        ScriptedServer(transcribe()) as left,
        ScriptedServer(transcribe()) as cut,
        ProcessTree(*CHAOS, left.url, folders[0], 10, *paths) as alone,
        ProcessTree(*CHAOS, cut.url, folders[1], 10, *paths) as with_all,
    ):
        wait_for_audio(left, 0.9, sessions=3)
        with pytest.raises(RunFolderProblem, match="another program is working"):
            run_folder.reopen(folders[0])
        alone.program.kill()
        alone.program.wait()
        killed_at = time.monotonic()
        run_folder.reopen(folders[0]).close()
        assert closed_in_time(left.received_sessions, killed_at)
        assert [heard.control_messages for heard in left.received_sessions] == [
            [{"type": "Terminate"}]
        ] * 3

        wait_for_audio(cut, 0.9, sessions=3)
        send_signal(with_all.processes(), signal.SIGKILL)
        assert closed_in_time(cut.received_sessions, time.monotonic())
        alone.wait_until_gone()
        with_all.wait_until_gone()
    assert_resumes_to_completion(truths, *folders)


def signalled(tmp_path: Path) -> None:
    truths = [write_numbered_recording(tmp_path, 14, job) for job in range(2)]
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    folders = [tmp_path / number.name for number in numbers]
    with ScriptedServer(transcribe()) as endpoint:
        arguments = ["-m", "tui", "run", "--endpoint", endpoint.url]
        arguments += [truth.path for truth in truths]
        trees = [ProcessTree(*arguments, "--out", folder) for folder in folders]
        wait_for_audio(endpoint, 0.7, sessions=6)
        for tree, number in zip(trees, numbers, strict=True):
            tree.signal_all(number)
        sent_at = time.monotonic()

        assert closed_in_time(endpoint.received_sessions, sent_at)
        assert [heard.control_messages for heard in endpoint.received_sessions] == [
            [{"type": "Terminate"}]
        ] * 6
        for tree in trees:
            with tree:
                tree.wait_until_gone()
    assert_resumes_to_completion(truths, *folders)


def without_helpers(tmp_path: Path) -> None:
    hold = server_faults.HoldPoint()
    truths = [write_numbered_recording(tmp_path, 12, job) for job in range(3)]
    scripts = [
        transcribe(
            DEFAULT_STYLE, hold.hold_then(server_faults.drop_connection), FaultMoment.TERMINATE
        ),
        transcribe(DEFAULT_STYLE, server_faults.drop_connection, 8),
    ]
    with (
        ScriptedServer(*scripts, transcribe()) as endpoint,
        ProcessTree(
            *CHAOS, endpoint.url, tmp_path / "run", 10, *[truth.path for truth in truths]
        ) as tree,
    ):
        wait_for_audio(endpoint, 0.4, sessions=3)
        fork_servers = 1 if START_METHOD == "forkserver" else 0
        assert send_signal(tree.fork_servers(), signal.SIGKILL) == fork_servers
        wait_until(
            lambda: (
                len(endpoint.received_sessions) >= 4 and len(tree.fork_servers()) == fork_servers
            )
        )
        helpers = [*tree.fork_servers(), *tree.resource_trackers()]
        assert send_signal(helpers, signal.SIGKILL) == fork_servers + 1
        hold.released.set()
        tree.wait_until_gone()

    assert tree.program.returncode == 0
    assert all_transcript_errors(truths, reader.read_job_states(tmp_path / "run")) == []


def stopped_and_continued(tmp_path: Path) -> None:
    holds = [server_faults.HoldPoint() for _ in range(3)]
    scripts = [
        transcribe(DEFAULT_STYLE, holds[0].hold_then(), FaultMoment.CONNECT),
        transcribe(DEFAULT_STYLE, holds[1].hold_then(), FaultMoment.TERMINATE),
        transcribe(DEFAULT_STYLE, holds[2].hold_then(server_faults.drop_connection), 9),
        transcribe(),
    ]
    truths = [write_numbered_recording(tmp_path, 10, job) for job in range(len(scripts))]
    with (
        ScriptedServer(*scripts) as endpoint,
        ProcessTree(
            *CHAOS, endpoint.url, tmp_path / "run", 10, *[truth.path for truth in truths]
        ) as tree,
    ):
        for hold in holds:
            assert hold.reached.wait(LONG_ENOUGH)
        tree.signal_all(signal.SIGSTOP)
        for hold in holds:
            hold.released.set()
        time.sleep(2.2)  # as long as the program waits for a server that says nothing
        tree.signal_all(signal.SIGCONT)
        tree.wait_until_gone()
    job_states = reader.read_job_states(tmp_path / "run")

    assert all_transcript_errors(truths, job_states) == []
    assert sorted(job_state.attempt for job_state in job_states) == [1, 1, 1, 2]


def killed_while_jobs_end(tmp_path: Path) -> None:
    truths = [write_numbered_recording(tmp_path, 1, job) for job in range(12)]
    folder = tmp_path / "run"
    arguments: list[str] = [truth.path for truth in truths]
    with ScriptedServer(
        transcribe(DEFAULT_STYLE, server_faults.error_then_close(3005), FaultMoment.BEGIN)
    ) as endpoint:
        for _ in range(2):
            endpoint.received_sessions.clear()
            with ProcessTree(*CHAOS, endpoint.url, folder, 12, *arguments) as tree:
                kill_between_saves(tree, endpoint, folder / CHANGES_NAME)
                index = read_index(folder)
                tree.wait_until_gone()
            assert [job.id for job in index.jobs] == list(range(1, 13))
            arguments = []
    assert_resumes_to_completion(truths, folder)


def kill_between_saves(tree: ProcessTree, endpoint: ScriptedServer, changes: Path) -> None:
    """When jobs have ended; nothing that was written before was changed."""
    wait_until(lambda: len(endpoint.received_sessions) >= 4 and changes.exists())
    before = changes.read_bytes()
    wait_until(lambda: len(endpoint.received_sessions) >= 25 and changes.read_bytes() != before)
    os.kill(tree.program.pid, signal.SIGKILL)
    tree.program.wait()

    assert changes.read_bytes().startswith(before)


def with_an_index_that_fails(tmp_path: Path) -> None:
    last, hold, folder = server_faults.HoldPoint(), server_faults.HoldPoint(), tmp_path / "run"
    ends = hold.hold_then(server_faults.error_then_close(1008, "Invalid API key"))
    changes, aside = folder / CHANGES_NAME, folder / "aside"
    scripts = (
        transcribe(DEFAULT_STYLE, last.hold_then(), FaultMoment.TERMINATE),
        transcribe(DEFAULT_STYLE, ends, 2),
    )
    with (
        ScriptedServer(*scripts) as endpoint,
        run_supervisor(endpoint.url, folder) as observed,
    ):
        observed.supervisor.add([write_numbered_recording(tmp_path, 5).path])
        wait_for_audio(endpoint, 0.1, sessions=1)  # else the two may call in either order
        observed.supervisor.add([write_numbered_recording(tmp_path, 100, 1).path])
        assert last.reached.wait(LONG_ENOUGH)
        assert hold.reached.wait(LONG_ENOUGH)
        changes.rename(aside)
        changes.mkdir()  # as a full disk does, it makes writing fail
        last.released.set()
        observed.wait_for_event(Ended)
        time.sleep(0.5)  # time enough to have failed
        changes.rmdir()
        aside.rename(changes)
        wait_until(lambda: read_index(folder).jobs[0].status == "done")
        first, second = read_index(folder).jobs
        assert (first.status, second.status) == ("done", "connecting")
        hold.released.set()
        observed.wait_until_idle()


# --- all of it ----------------------------------------------------------------------------------

SCENARIOS = (
    killed,
    signalled,
    without_helpers,
    stopped_and_continued,
    killed_while_jobs_end,
    with_an_index_that_fails,
)
"""They mostly wait, so some are at work at the same time; each test is about one of them."""


@pytest.fixture(scope="module")
def running_scenarios(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mapping[str, Future[None]]]:
    with ThreadPoolExecutor(3) as pool:
        yield {
            act.__name__: pool.submit(act, tmp_path_factory.mktemp(act.__name__))
            for act in SCENARIOS
        }


def test_a_program_that_is_killed_leaves_nothing_open_and_loses_nothing(
    running_scenarios: Mapping[str, Future[None]],
) -> None:
    """Alone or with everything it has started; its folder is free at once."""
    running_scenarios["killed"].result()


def test_a_signal_to_all_processes_ends_them_politely(
    running_scenarios: Mapping[str, Future[None]],
) -> None:
    """As a terminal sends it, or a service manager: each session does what its program says."""
    running_scenarios["signalled"].result()


def test_helpers_that_are_killed_are_not_missed(
    running_scenarios: Mapping[str, Future[None]],
) -> None:
    """The fork server, then the resource tracker too: sessions go on, and further ones start."""
    running_scenarios["without_helpers"].result()


def test_a_program_that_is_stopped_and_continued_loses_no_session(
    running_scenarios: Mapping[str, Future[None]],
) -> None:
    """Though more time went by than is waited for anything: what had come by then counts."""
    running_scenarios["stopped_and_continued"].result()


def test_the_index_is_whole_whenever_the_program_is_killed(
    running_scenarios: Mapping[str, Future[None]],
) -> None:
    """While jobs end all the time; and the next program takes it over at once."""
    running_scenarios["killed_while_jobs_end"].result()


def test_an_index_that_cannot_be_written_is_written_later(
    running_scenarios: Mapping[str, Future[None]],
) -> None:
    """A disk that is full for a while is no reason to stop, nor to forget."""
    running_scenarios["with_an_index_that_fails"].result()
