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
from tests.engine.support.ground_truth import Truth, complaints, record
from tests.engine.support.process_tree import Tree, send
from tests.engine.support.scripted_server import Endpoint, Heard
from tests.engine.support.supervisor_harness import LONG_ENOUGH, Watched, resumed, supervised
from tests.engine.support.transcribing_server import PLAIN, Moment, telling
from workers.errors import RunFolderProblem
from workers.jobs.events import Ended
from workers.jobs.job_state import JobHistory
from workers.runs import reader, run_folder

CHAOS = ("-m", "tests.chaos.target_program")
ZOMBIE = 5.0
"""Seconds that a session may stay open at a server behind the end of its program."""


def until(there: Callable[[], bool]) -> None:
    """Waits until it is so."""
    deadline = time.monotonic() + LONG_ENOUGH
    while not there():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def spoken(endpoint: Endpoint, seconds: float, sessions: int) -> None:
    """Waits until so many sessions have each brought so much audio."""
    chunks = round(seconds * 10)
    until(lambda: sum(len(heard.audio) >= chunks for heard in endpoint.heard) >= sessions)


def every_complaint(truths: Sequence[Truth], histories: Sequence[JobHistory]) -> list[str]:
    found = []
    for truth, history in zip(truths, histories, strict=True):
        found += [f"job {history.job}: {wrong}" for wrong in complaints(truth, history)]
    return found


def finished(truths: Sequence[Truth], *folders: Path) -> None:
    """Further runs over the same folders have it all in the end."""
    with Endpoint(telling()) as endpoint, ExitStack() as stack:
        runs = [stack.enter_context(resumed(endpoint.url, folder)) for folder in folders]
        for run in runs:
            run.until_idle()
    for run, folder in zip(runs, folders, strict=True):
        assert every_complaint(truths, in_order(run)) == []
        assert every_complaint(truths, reader.histories(folder)) == []


def in_order(watched: Watched) -> list[JobHistory]:
    return [watched.histories[job] for job in sorted(watched.histories)]


def closed_in_time(sessions: Sequence[Heard], since: float) -> bool:
    return all(each.closed.wait(max(0.0, since + ZOMBIE - time.monotonic())) for each in sessions)


def killed(tmp_path: Path) -> None:
    truths = [record(tmp_path, 16, job) for job in range(3)]
    paths = [truth.path for truth in truths]
    folders = [tmp_path / name for name in ("alone", "with all")]
    with (
        Endpoint(telling()) as left,
        Endpoint(telling()) as cut,
        Tree(*CHAOS, left.url, folders[0], 10, *paths) as alone,
        Tree(*CHAOS, cut.url, folders[1], 10, *paths) as with_all,
    ):
        spoken(left, 0.9, sessions=3)
        with pytest.raises(RunFolderProblem, match="another program is at work"):
            run_folder.reopen(folders[0])
        alone.program.kill()
        alone.program.wait()
        killed_at = time.monotonic()
        run_folder.reopen(folders[0]).close()
        assert closed_in_time(left.heard, killed_at)
        assert [heard.control for heard in left.heard] == [[{"type": "Terminate"}]] * 3

        spoken(cut, 0.9, sessions=3)
        send(with_all.family(), signal.SIGKILL)
        assert closed_in_time(cut.heard, time.monotonic())
        alone.until_gone()
        with_all.until_gone()
    finished(truths, *folders)


def signalled(tmp_path: Path) -> None:
    truths = [record(tmp_path, 14, job) for job in range(2)]
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    folders = [tmp_path / number.name for number in numbers]
    with Endpoint(telling()) as endpoint:
        arguments = ["-m", "tui", "run", "--endpoint", endpoint.url]
        arguments += [truth.path for truth in truths]
        trees = [Tree(*arguments, "--out", folder) for folder in folders]
        spoken(endpoint, 0.7, sessions=6)
        for tree, number in zip(trees, numbers, strict=True):
            tree.signal_all(number)
        sent_at = time.monotonic()

        assert closed_in_time(endpoint.heard, sent_at)
        assert [heard.control for heard in endpoint.heard] == [[{"type": "Terminate"}]] * 6
        for tree in trees:
            with tree:
                tree.until_gone()
    finished(truths, *folders)


def without_helpers(tmp_path: Path) -> None:
    hold = server_faults.Hold()
    truths = [record(tmp_path, 12, job) for job in range(3)]
    scripts = [
        telling(PLAIN, hold.then(server_faults.cut), Moment.TERMINATE),
        telling(PLAIN, server_faults.cut, 8),
    ]
    with (
        Endpoint(*scripts, telling()) as endpoint,
        Tree(*CHAOS, endpoint.url, tmp_path / "run", 10, *[truth.path for truth in truths]) as tree,
    ):
        spoken(endpoint, 0.4, sessions=3)
        assert send(tree.fork_servers(), signal.SIGKILL) == 1
        until(lambda: len(endpoint.heard) >= 4)
        assert send([*tree.fork_servers(), *tree.resource_trackers()], signal.SIGKILL) == 2
        hold.over.set()
        tree.until_gone()

    assert tree.program.returncode == 0
    assert every_complaint(truths, reader.histories(tmp_path / "run")) == []


def stopped_and_continued(tmp_path: Path) -> None:
    holds = [server_faults.Hold() for _ in range(3)]
    scripts = [
        telling(PLAIN, holds[0].then(), Moment.CONNECT),
        telling(PLAIN, holds[1].then(), Moment.TERMINATE),
        telling(PLAIN, holds[2].then(server_faults.cut), 9),
        telling(),
    ]
    truths = [record(tmp_path, 10, job) for job in range(len(scripts))]
    with (
        Endpoint(*scripts) as endpoint,
        Tree(*CHAOS, endpoint.url, tmp_path / "run", 10, *[truth.path for truth in truths]) as tree,
    ):
        for hold in holds:
            assert hold.reached.wait(LONG_ENOUGH)
        tree.signal_all(signal.SIGSTOP)
        for hold in holds:
            hold.over.set()
        time.sleep(2.2)  # as long as the program waits for a server that says nothing
        tree.signal_all(signal.SIGCONT)
        tree.until_gone()
    histories = reader.histories(tmp_path / "run")

    assert every_complaint(truths, histories) == []
    assert sorted(history.attempt for history in histories) == [1, 1, 1, 2]


def killed_while_jobs_end(tmp_path: Path) -> None:
    truths = [record(tmp_path, 1, job) for job in range(12)]
    folder = tmp_path / "run"
    arguments: list[str] = [truth.path for truth in truths]
    with Endpoint(telling(PLAIN, server_faults.error(3005), Moment.BEGIN)) as endpoint:
        for _ in range(2):
            endpoint.heard.clear()
            with Tree(*CHAOS, endpoint.url, folder, 12, *arguments) as tree:
                kill_between_saves(tree, endpoint, folder / reader.INDEX)
                index = reader.index(folder)
                tree.until_gone()
            assert [job["id"] for job in index.jobs] == list(range(1, 13))
            arguments = []
    finished(truths, folder)


def kill_between_saves(tree: Tree, endpoint: Endpoint, index: Path) -> None:
    """When jobs have ended; no file was written over meanwhile."""
    until(lambda: len(endpoint.heard) >= 4 and index.exists())
    with index.open() as old:
        before = old.read()
        until(lambda: len(endpoint.heard) >= 25 and index.read_text() != before)
        os.kill(tree.program.pid, signal.SIGKILL)
        tree.program.wait()
        old.seek(0)
        assert old.read() == before


def with_an_index_that_fails(tmp_path: Path) -> None:
    last, hold, folder = server_faults.Hold(), server_faults.Hold(), tmp_path / "run"
    ends = hold.then(server_faults.error(1008, "Invalid API key"))
    index = folder / reader.INDEX
    scripts = telling(PLAIN, last.then(), Moment.TERMINATE), telling(PLAIN, ends, 2)
    with (
        Endpoint(*scripts) as endpoint,
        supervised(endpoint.url, folder) as watched,
    ):
        watched.supervisor.add([record(tmp_path, 5).path])
        spoken(endpoint, 0.1, sessions=1)  # else the two may call in either order
        watched.supervisor.add([record(tmp_path, 100, 1).path])
        assert last.reached.wait(LONG_ENOUGH)
        assert hold.reached.wait(LONG_ENOUGH)
        index.unlink()
        index.mkdir()  # as a full disk does, it makes writing fail
        last.over.set()
        watched.until_said(Ended)
        time.sleep(0.5)  # time enough to have failed
        index.rmdir()
        until(index.exists)
        first, second = reader.index(folder).jobs
        assert (first["status"], second["status"]) == ("done", "connecting")
        hold.over.set()
        watched.until_idle()


# --- all of it ----------------------------------------------------------------------------------

ACTS = (
    killed,
    signalled,
    without_helpers,
    stopped_and_continued,
    killed_while_jobs_end,
    with_an_index_that_fails,
)
"""They mostly wait, so some are at work at the same time; each test is about one of them."""


@pytest.fixture(scope="module")
def acts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Future[None]]]:
    with ThreadPoolExecutor(3) as pool:
        yield {
            act.__name__: pool.submit(act, tmp_path_factory.mktemp(act.__name__)) for act in ACTS
        }


def test_a_program_that_is_killed_leaves_nothing_open_and_loses_nothing(
    acts: Mapping[str, Future[None]],
) -> None:
    """Alone or with everything it has started; its folder is free at once."""
    acts["killed"].result()


def test_a_signal_to_all_processes_ends_them_politely(
    acts: Mapping[str, Future[None]],
) -> None:
    """As a terminal sends it, or a service manager: each session does what its program says."""
    acts["signalled"].result()


def test_helpers_that_are_killed_are_not_missed(
    acts: Mapping[str, Future[None]],
) -> None:
    """The fork server, then the resource tracker too: sessions go on, and further ones start."""
    acts["without_helpers"].result()


def test_a_program_that_is_stopped_and_continued_loses_no_session(
    acts: Mapping[str, Future[None]],
) -> None:
    """Though more time went by than is waited for anything: what had come by then counts."""
    acts["stopped_and_continued"].result()


def test_the_index_is_whole_whenever_the_program_is_killed(
    acts: Mapping[str, Future[None]],
) -> None:
    """While jobs end all the time; and the next program takes it over at once."""
    acts["killed_while_jobs_end"].result()


def test_an_index_that_cannot_be_written_is_written_later(
    acts: Mapping[str, Future[None]],
) -> None:
    """A disk that is full for a while is no reason to stop, nor to forget."""
    acts["with_an_index_that_fails"].result()
