"""Processes that are killed or stopped from outside: nothing is left behind, and nothing lost."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.engine import faults
from tests.engine.hearing import PLAIN, Fault, Hearing, Moment, telling
from tests.engine.running import LONG_ENOUGH, SOON, Watched, resumed, supervised
from tests.engine.scripted import Endpoint, Heard
from tests.engine.test_supervisor import session_processes
from tests.engine.tree import Tree, send
from tests.engine.truth import Truth, complaints, record
from workers import past, run_folder, trace
from workers.errors import RunFolderProblem
from workers.events import Ended, Outcome, Report, TurnHeard
from workers.history import JobHistory, Status

CHAOS = ("-m", "tests.chaos.program")
ZOMBIE = 5.0
"""Seconds that a session may stay open at a server behind the end of its program."""


def until(there: object, seconds: float = LONG_ENOUGH) -> None:
    """Waits until it is so."""
    assert callable(there)
    deadline = time.monotonic() + seconds
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


def finished(truths: Sequence[Truth], folder: Path) -> None:
    """A further run over the same folder finds nothing amiss that it cannot mend."""
    with Endpoint(telling()) as endpoint, resumed(endpoint.url, folder) as again:
        again.until_idle()

    assert every_complaint(truths, [again.histories[job] for job in sorted(again.histories)]) == []
    assert every_complaint(truths, past.histories(folder)) == []


def attempts(watched: Watched) -> list[int]:
    return [watched.histories[job].attempt for job in sorted(watched.histories)]


# --- one process --------------------------------------------------------------------------------


def test_a_session_that_is_killed_again_and_again_goes_on(tmp_path: Path) -> None:
    """What had arrived is in a trace, and only what had not is sent again."""
    truths = [record(tmp_path, 20, job) for job in range(3)]
    with (
        Endpoint(telling()) as endpoint,
        supervised(endpoint.url, tmp_path / "run", retries=SOON) as watched,
    ):
        watched.supervisor.add([truth.path for truth in truths])
        for job, times in ((1, 1), (2, 2), (3, 3)):
            watched.until_said(TurnHeard, job=job, times=times * 2)
            for victim in session_processes():
                victim.kill()
            watched.until(lambda: watched.supervisor.idle or not session_processes())
        watched.until_idle()

    assert every_complaint(truths, [watched.histories[job] for job in (1, 2, 3)]) == []
    assert every_complaint(truths, past.histories(tmp_path / "run")) == []
    assert sum(attempts(watched)) > len(truths)
    assert untraced(watched, tmp_path / "run") == []


def untraced(watched: Watched, folder: Path) -> list[Report]:
    """Turns that were reported and stand in no trace."""
    traced = [each.event for file in folder.glob("*.trace.jsonl") for each in trace.read(file)]
    return [r for r in watched.reports if isinstance(r.event, TurnHeard) and r.event not in traced]


def test_a_session_that_is_stopped_is_found_and_goes_on(tmp_path: Path) -> None:
    """Within seconds; the other one is not touched."""
    truths = [record(tmp_path, 12, job) for job in range(2)]
    with (
        Endpoint(telling()) as endpoint,
        supervised(endpoint.url, tmp_path / "run", retries=SOON) as watched,
    ):
        watched.supervisor.add([truth.path for truth in truths])
        watched.until(lambda: len(session_processes()) == 2)
        session_processes()[0].suspend()
        watched.until_idle()
    ends = [ended for job in (1, 2) for ended in watched.said(Ended, job)]

    assert every_complaint(truths, [watched.histories[job] for job in (1, 2)]) == []
    assert sorted(attempts(watched)) == [1, 2]
    assert ["stood still" in ended.reason for ended in ends].count(True) == 1
    assert session_processes() == []


def test_a_full_disk_ends_the_sessions_that_meet_it(tmp_path: Path) -> None:
    """In words, and no other; when there is room again, a further run has it all."""
    truths = [record(tmp_path, 14, job) for job in range(3)]
    with (
        Endpoint(telling()) as endpoint,
        supervised(endpoint.url, tmp_path / "run", retries=SOON) as watched,
    ):
        watched.supervisor.add([truth.path for truth in truths])
        for job in (1, 2, 3):
            watched.until_said(TurnHeard, job, times=2)
        session_processes()[0].rlimit(psutil.RLIMIT_FSIZE, (1, 1))
        watched.until_idle()
    ends = [watched.said(Ended, job)[-1] for job in (1, 2, 3)]

    assert sorted(ended.outcome.value for ended in ends) == ["done", "done", "unwritable"]
    (full,) = [ended for ended in ends if ended.outcome is Outcome.UNWRITABLE]
    assert "could not be written" in full.reason
    assert "Make room" in full.hint
    finished(truths, tmp_path / "run")


# --- the whole program --------------------------------------------------------------------------


def closed_in_time(sessions: Sequence[Heard], since: float) -> bool:
    return all(each.closed.wait(max(0.0, since + ZOMBIE - time.monotonic())) for each in sessions)


def test_a_program_that_is_killed_leaves_nothing_open_and_loses_nothing(tmp_path: Path) -> None:
    """Alone or with everything it has started; its folder is free at once."""
    truths = [record(tmp_path, 16, job) for job in range(3)]
    paths = [truth.path for truth in truths]
    folders = [tmp_path / name for name in ("alone", "with all")]
    with (
        Endpoint(telling()) as endpoint,
        Tree(*CHAOS, endpoint.url, folders[0], 10, *paths) as alone,
        Tree(*CHAOS, endpoint.url, folders[1], 10, *paths) as with_all,
    ):
        spoken(endpoint, 0.9, sessions=6)
        with pytest.raises(RunFolderProblem, match="another program is at work"):
            run_folder.reopen(folders[0])
        alone.program.kill()
        killed_at = time.monotonic()
        alone.program.wait()
        run_folder.reopen(folders[0]).close()
        send(with_all.family(), signal.SIGKILL)

        assert closed_in_time(endpoint.heard, killed_at)
        alone.until_gone()
        with_all.until_gone()
        assert len([heard for heard in endpoint.heard if heard.control]) == 3  # those left alone
    for folder in folders:
        finished(truths, folder)


@pytest.mark.parametrize("everybody", [True, False], ids=["everybody", "the program"])
def test_a_signal_ends_everything_politely(tmp_path: Path, everybody: bool) -> None:
    """Whether a terminal sends it to all processes, or somebody to one of them."""
    truths = [record(tmp_path, 16, job) for job in range(2)]
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    folders = [tmp_path / number.name for number in numbers]
    with Endpoint(telling()) as endpoint:
        arguments = ["-m", "tui", "run", "--endpoint", endpoint.url]
        arguments += [truth.path for truth in truths]
        trees = [Tree(*arguments, "--out", folder) for folder in folders]
        spoken(endpoint, 0.7, sessions=6)
        for tree, number in zip(trees, numbers, strict=True):
            if everybody:
                tree.signal_all(number)
            else:
                tree.program.send_signal(number)
        sent_at = time.monotonic()

        assert closed_in_time(endpoint.heard, sent_at)
        assert [heard.control for heard in endpoint.heard] == [[{"type": "Terminate"}]] * 6
        for tree in trees:
            with tree:
                tree.until_gone()
    for folder in folders:
        finished(truths, folder)


def test_helpers_that_are_killed_are_not_missed(tmp_path: Path) -> None:
    """The fork server, then the resource tracker too: sessions go on, and further ones start."""
    truths = [record(tmp_path, 12, job) for job in range(3)]
    with (
        Endpoint(telling(), telling(PLAIN, faults.cut, 8), telling()) as endpoint,
        Tree(*CHAOS, endpoint.url, tmp_path / "run", 10, *[truth.path for truth in truths]) as tree,
    ):
        spoken(endpoint, 0.4, sessions=3)
        assert send(tree.fork_servers(), signal.SIGKILL) == 1
        until(lambda: len(endpoint.heard) == 4)
        helpers = [*tree.fork_servers(), *tree.resource_trackers()]
        assert send(helpers, signal.SIGKILL) == 2
        tree.until_gone()

    assert tree.program.returncode == 0
    assert every_complaint(truths, past.histories(tmp_path / "run")) == []


# --- everything stands still for a while --------------------------------------------------------


class Hold:
    """A fault that waits for the test: until it has seen it, and lets it go."""

    def __init__(self) -> None:
        self.reached, self.over = threading.Event(), threading.Event()

    def then(self, fault: Fault | None = None) -> Fault:
        async def held(hearing: Hearing) -> None:
            self.reached.set()
            await asyncio.to_thread(self.over.wait)
            if fault is not None:
                await fault(hearing)

        return held


def test_a_program_that_is_stopped_and_continued_loses_no_session(tmp_path: Path) -> None:
    """Though more time went by than is waited for anything: what had come by then counts."""
    holds = [Hold() for _ in range(3)]
    scripts = [
        telling(PLAIN, holds[0].then(), Moment.CONNECT),
        telling(PLAIN, holds[1].then(), Moment.TERMINATE),
        telling(PLAIN, holds[2].then(faults.cut), 9),
        telling(),
    ]
    truths = [record(tmp_path, 10, job) for job in range(len(scripts))]
    with (
        Endpoint(*scripts) as endpoint,
        Tree(*CHAOS, endpoint.url, tmp_path / "run", 10, *[truth.path for truth in truths]) as tree,
    ):
        for hold in holds:
            assert hold.reached.wait(LONG_ENOUGH)
        everybody = tree.family()
        tree.signal_all(signal.SIGSTOP)
        for hold in holds:
            hold.over.set()
        time.sleep(2.2)  # as long as the program waits for a server that says nothing
        tree.signal_all(signal.SIGCONT)
        assert all(each.is_running() for each in everybody)
        tree.until_gone()
    histories = past.histories(tmp_path / "run")

    assert every_complaint(truths, histories) == []
    assert sorted(history.attempt for history in histories) == [1, 1, 1, 2]


# --- the index ----------------------------------------------------------------------------------


def test_the_index_is_whole_whenever_the_program_is_killed(tmp_path: Path) -> None:
    """While jobs end all the time; and the next program takes it over at once."""
    truths = [record(tmp_path, 1, job) for job in range(12)]
    folder = tmp_path / "run"
    with Endpoint(telling(PLAIN, faults.error(3005), Moment.BEGIN)) as endpoint:
        arguments: list[str | Path] = [truth.path for truth in truths]
        for calls in (20, 31, 43):
            endpoint.heard.clear()
            with Tree(*CHAOS, endpoint.url, folder, 12, *arguments) as tree:
                until(lambda calls=calls: len(endpoint.heard) >= calls)
                os.kill(tree.program.pid, signal.SIGKILL)
                tree.program.wait()
                index = past.index(folder)
                tree.until_gone()
            assert [job["id"] for job in index.jobs] == list(range(1, 13))
            arguments = []
    finished(truths, folder)


def test_an_index_that_cannot_be_written_is_written_later(tmp_path: Path) -> None:
    """A disk that is full for a while is no reason to stop, nor to forget."""
    hold = Hold()
    truth = record(tmp_path, 3)
    with (
        Endpoint(telling(PLAIN, hold.then(), 2)) as endpoint,
        Tree(*CHAOS, endpoint.url, tmp_path / "run", 10, truth.path) as tree,
    ):
        assert hold.reached.wait(LONG_ENOUGH)
        program = psutil.Process(tree.program.pid)
        program.rlimit(psutil.RLIMIT_FSIZE, (1, psutil.RLIM_INFINITY))
        hold.over.set()
        until(lambda: not tree.sessions())
        assert past.index(tmp_path / "run").jobs[0]["status"] != Status.DONE.value
        program.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        tree.until_gone()

    assert past.index(tmp_path / "run").jobs[0]["status"] == Status.DONE.value
