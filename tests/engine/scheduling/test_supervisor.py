"""The queue and its processes: real ones, against scripted endpoints."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

import psutil
import pytest
from textual.app import App

from tests.engine.support.scripted_server import BEGIN, TERMINATION, Endpoint, Line, perfect, turn
from tests.engine.support.supervisor_harness import LONG_ENOUGH, SOON, Watched, supervised
from tests.support import audio_files
from workers.errors import EngineMissing
from workers.jobs.events import Began, Connecting, Ended, Outcome, Queued, TurnHeard
from workers.jobs.job import Settings
from workers.jobs.job_state import Status
from workers.processes import PRELOADED, START_METHOD
from workers.protocol.endpoint import custom
from workers.runs import reader, run_folder
from workers.scheduling.start_rate import Starts
from workers.scheduling.supervisor import Access, Supervisor


async def talkative(line: Line) -> None:
    """A turn that is heard at once, then whatever comes until Terminate."""
    await line.say(BEGIN, turn(0, "Heard before.", final=True))
    await line.listen()
    await line.say(turn(1, "Heard after.", final=True), TERMINATION)


@pytest.fixture
def short(tmp_path: Path) -> str:
    return audio_files.write(tmp_path / "short.wav", audio_files.counting(0.2))


@pytest.fixture
def long(tmp_path: Path) -> str:
    """Longer than any test lasts."""
    return audio_files.write(tmp_path / "long.wav", audio_files.counting(120.0))


def session_processes() -> list[psutil.Process]:
    """All descendants of this process that hold a socket: sessions, and nothing else does."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if process.net_connections():
                found.append(process)
    return found


def test_no_more_sessions_at_once_than_allowed(tmp_path: Path, short: str) -> None:
    """Five jobs, two places: never more than two connections are open."""
    open_now, most = [0], [0]

    async def counted(line: Line) -> None:
        open_now[0] += 1
        most[0] = max(most[0], open_now[0])
        await perfect(line)
        open_now[0] -= 1

    with (
        Endpoint(counted) as endpoint,
        supervised(endpoint.url, tmp_path / "run", sessions=2) as watched,
    ):
        watched.supervisor.add([short] * 5)
        watched.until_idle()

    assert [h.status for h in watched.histories.values()] == [Status.DONE] * 5
    assert most == [2]


def test_no_more_starts_a_minute_than_allowed(tmp_path: Path, short: str) -> None:
    """The third of three waits for its minute; the first two are done long before."""
    with (
        Endpoint() as endpoint,
        supervised(endpoint.url, tmp_path / "run", starts=Starts(2)) as watched,
    ):
        watched.supervisor.add([short] * 3)
        watched.until_said(Ended, job=1)
        watched.until_said(Ended, job=2)

        assert watched.said(Connecting, job=3) == []
        assert watched.histories[3].status is Status.QUEUED


def test_a_bad_file_does_not_stop_the_others(tmp_path: Path, short: str) -> None:
    """It ends in words before a process exists."""
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    with Endpoint() as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        watched.supervisor.add([str(broken), short, str(tmp_path / "gone.wav")])
        watched.until_idle()

    statuses = [watched.histories[n].status for n in (1, 2, 3)]
    assert statuses == [Status.FAILED, Status.DONE, Status.FAILED]
    assert len(endpoint.heard) == 1
    assert len(list((tmp_path / "run").glob("*.trace.jsonl"))) == 1


def test_cancelling_is_polite(tmp_path: Path, long: str) -> None:
    """Terminate is sent, the last words are waited for, and all of it is kept."""
    with Endpoint(talkative) as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        watched.supervisor.add([long])
        watched.until_said(TurnHeard)
        watched.supervisor.cancel(watched.reports[0].job)
        watched.until_idle()

    assert endpoint.heard[0].control == [{"type": "Terminate"}]
    assert watched.histories[1].status is Status.CANCELLED
    assert watched.histories[1].transcript.text == "Heard before.\nHeard after."


def test_cancelling_twice_is_by_force(tmp_path: Path, long: str) -> None:
    """When the server does not answer, the user need not wait."""

    async def deaf(line: Line) -> None:
        await line.say(BEGIN, turn(0, "Heard.", final=True))
        await line.listen()
        await line.listen()

    with Endpoint(deaf) as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        (job,) = watched.supervisor.add([long])
        watched.until_said(TurnHeard)
        watched.supervisor.cancel(job)
        watched.until(lambda: bool(endpoint.heard[0].control))
        watched.supervisor.cancel(job)
        watched.until_idle()

    assert watched.histories[1].status is Status.CANCELLED
    assert watched.histories[1].transcript.text == "Heard."


def test_leaving_does_not_hurry_what_was_just_cancelled(tmp_path: Path, long: str) -> None:
    """The user asked for either once: politely. What was cancelled stays so by force, too."""
    left = threading.Event()

    async def slow(line: Line) -> None:
        await line.say(BEGIN, turn(0, "Heard before.", final=True))
        await line.listen()
        await asyncio.to_thread(left.wait, LONG_ENOUGH)
        await line.say(turn(1, "Heard after.", final=True), TERMINATION)

    with Endpoint(slow) as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        (job,) = watched.supervisor.add([long])
        watched.until_said(TurnHeard)
        watched.supervisor.cancel(job)
        watched.supervisor.stop()
        left.set()
        watched.until_idle()

    assert watched.histories[1].status is Status.CANCELLED
    assert watched.histories[1].transcript.text == "Heard before.\nHeard after."


def test_a_job_in_the_queue_is_taken_out(tmp_path: Path, long: str, short: str) -> None:
    """It never connects."""
    with (
        Endpoint(talkative) as endpoint,
        supervised(endpoint.url, tmp_path / "run", sessions=1) as watched,
    ):
        _, waiting = watched.supervisor.add([long, short])
        watched.until_said(Began)
        watched.until_said(Queued, job=2)
        watched.supervisor.cancel(waiting)
        watched.until_said(Ended, job=2)

        assert watched.histories[2].status is Status.CANCELLED
        assert len(endpoint.heard) == 1


def test_a_retry_is_a_further_attempt(tmp_path: Path, short: str) -> None:
    """With a trace of its own; the first one stays as it was."""

    async def refuse(line: Line) -> None:
        await line.say({"type": "Error", "error_code": 3005, "error": "Session Cancelled"})

    with (
        Endpoint(refuse, perfect) as endpoint,
        supervised(endpoint.url, tmp_path / "run") as watched,
    ):
        (job,) = watched.supervisor.add([short])
        watched.until_said(Ended)
        first = next((tmp_path / "run").glob("*.1.trace.jsonl")).read_bytes()

        assert watched.supervisor.retry(job)
        assert not watched.supervisor.retry(job)
        watched.until_said(Ended, times=2)

    assert watched.histories[1].status is Status.DONE
    assert watched.histories[1].attempt == 2
    assert next((tmp_path / "run").glob("*.1.trace.jsonl")).read_bytes() == first
    assert len(list((tmp_path / "run").glob("*.2.trace.jsonl"))) == 1


def test_a_job_that_is_taken_out_and_asked_for_again_starts_once(
    tmp_path: Path, short: str
) -> None:
    """However slowly the engine comes up, or the file is probed, meanwhile."""
    asked, up = threading.Event(), threading.Event()
    with Endpoint() as endpoint:

        def access() -> Access:
            asked.set()
            assert up.wait(LONG_ENOUGH)
            return Access(custom(endpoint.url), None, 10)

        with (
            closing(run_folder.create(tmp_path / "run")) as folder,
            Supervisor(access, folder, Settings()) as supervisor,
        ):
            watched = Watched(supervisor)
            (job,) = supervisor.add([short])
            assert asked.wait(LONG_ENOUGH)
            supervisor.cancel(job)
            assert supervisor.retry(job)
            up.set()
            supervisor.add([short])  # behind whatever else is started
            watched.until_said(Ended, job=2)
            watched.until_idle()

    outcomes = [ended.outcome for ended in watched.said(Ended)]
    assert outcomes == [Outcome.CANCELLED, Outcome.DONE]
    assert len(endpoint.heard) == 2


def test_holding_stops_new_starts_alone(tmp_path: Path, long: str, short: str) -> None:
    """What streams goes on streaming; letting go starts the rest."""
    with (
        Endpoint(talkative, perfect) as endpoint,
        supervised(endpoint.url, tmp_path / "run") as watched,
    ):
        watched.supervisor.add([long])
        watched.until_said(Began)
        watched.supervisor.hold(True)
        watched.supervisor.add([short])
        watched.until_said(Queued, job=2)

        assert watched.histories[1].status is Status.STREAMING
        assert len(endpoint.heard) == 1
        watched.supervisor.hold(False)
        watched.until_said(Ended, job=2)


def test_a_killed_session_is_told_as_such(tmp_path: Path, long: str, short: str) -> None:
    """kill -9 of one leaves the others, and what it had heard is kept."""
    with Endpoint(talkative) as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        watched.supervisor.add([long])
        watched.until_said(TurnHeard)
        (victim,) = session_processes()
        assert victim.name() == "paceline 1.1"
        victim.kill()
        watched.until_said(Ended)
        watched.supervisor.add([short])
        watched.until_said(Ended, job=2)
    (ended,) = watched.said(Ended)

    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.CRASHED
    assert "signal 9" in ended.reason
    assert watched.histories[1].transcript.text == "Heard before."
    assert watched.histories[2].status is Status.DONE


def test_a_signal_ends_a_session_politely(tmp_path: Path, long: str) -> None:
    """SIGTERM is Terminate; Ctrl-C of the terminal is nothing to a session. Nobody has left, so the
    job goes on."""
    with (
        Endpoint(talkative) as endpoint,
        supervised(endpoint.url, tmp_path / "run", retries=SOON) as watched,
    ):
        watched.supervisor.add([long])
        watched.until_said(TurnHeard)
        (session,) = session_processes()
        session.send_signal(signal.SIGINT)
        session.send_signal(signal.SIGTERM)
        watched.until_said(Began, times=2)

    assert endpoint.heard[0].control == [{"type": "Terminate"}]
    assert [each.ended.outcome for each in watched.histories[1].earlier] == [Outcome.INTERRUPTED]


def test_leaving_ends_everything(tmp_path: Path, long: str) -> None:
    """Live and queued: no process is left, and each session was terminated."""
    with Endpoint(talkative) as endpoint:
        with supervised(endpoint.url, tmp_path / "run", sessions=2) as watched:
            watched.supervisor.add([long] * 4)
            watched.until_said(TurnHeard, job=1)
            watched.until_said(TurnHeard, job=2)
        watched.until_idle()

        assert session_processes() == []
        assert [heard.control for heard in endpoint.heard] == [[{"type": "Terminate"}]] * 2
    assert {h.status for h in watched.histories.values()} == {Status.INTERRUPTED}


def test_what_is_added_while_leaving_waits_for_nobody(tmp_path: Path, short: str) -> None:
    """Else everything would wait for a session that never starts."""
    with Endpoint() as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        watched.supervisor.stop()
        watched.supervisor.add([short])

        assert watched.supervisor.idle
        watched.until_idle()

    assert endpoint.heard == []
    assert watched.histories[1].ended is not None
    assert watched.histories[1].ended.outcome is Outcome.INTERRUPTED


ORPHANING = """
import sys, time
from pathlib import Path
from tests.engine.support.supervisor_harness import supervised
from workers.jobs.events import TurnHeard

if __name__ == "__main__":
    with supervised(sys.argv[1], Path(sys.argv[2])) as watched:
        watched.supervisor.add([sys.argv[3]])
        watched.until_said(TurnHeard)
        print("streaming", flush=True)
        time.sleep(600)
"""


def test_a_session_whose_program_is_killed_ends_politely(tmp_path: Path, long: str) -> None:
    """kill -9 of the parent: Terminate is sent, and the trace has the end. An orphan is billed."""
    script = tmp_path / "program.py"
    script.write_text(ORPHANING)
    root = Path(__file__).parents[3]
    with Endpoint(talkative) as endpoint:
        program = subprocess.Popen(
            [sys.executable, str(script), endpoint.url, str(tmp_path / "run"), long],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        assert program.stdout is not None
        assert program.stdout.readline() == b"streaming\n"
        family = psutil.Process(program.pid).children(recursive=True)
        program.kill()
        program.wait()
        program.stdout.close()
        _, alive = psutil.wait_procs(family, timeout=LONG_ENOUGH)

        assert alive == []
        assert endpoint.heard[0].control == [{"type": "Terminate"}]
    history = reader.histories(tmp_path / "run")[0]
    assert history.status is Status.INTERRUPTED
    assert history.transcript.text == "Heard before.\nHeard after."


def test_the_run_folder_tells_the_whole_run(tmp_path: Path, short: str) -> None:
    """Facts of each recording, where it streamed to, and how each job ended; replayed alike."""
    with Endpoint() as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        watched.supervisor.add([short, str(tmp_path / "gone.wav")])
        watched.until_idle()
    index = json.loads((tmp_path / "run" / "run.json").read_text())
    first, second = index["jobs"]

    assert index["endpoint"]["address"] == endpoint.url
    assert first["size"] == os.path.getsize(short)
    assert len(first["sha256"]) == 64
    assert (first["status"], second["status"]) == ("done", "failed")
    replayed = reader.histories(tmp_path / "run")
    for live, again in zip(watched.histories.values(), replayed, strict=True):
        assert again.transcript.text == live.transcript.text
        assert again.status is live.status
        assert again.ended == live.ended


def test_a_run_folder_is_never_used_twice(tmp_path: Path, short: str) -> None:
    """What an earlier run measured stays."""
    with Endpoint() as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        watched.supervisor.add([short])
        watched.until_idle()
    with pytest.raises(run_folder.RunFolderProblem, match="holds a run already"):
        run_folder.create(tmp_path / "run")


def test_sessions_start_from_inside_a_running_screen(tmp_path: Path, short: str) -> None:
    """The screen replaces the standard error; the machinery was started before that."""
    seen: list[Status] = []

    class Screen(App[None]):
        def on_mount(self) -> None:
            watched.supervisor.add([short])
            self.set_interval(0.05, self.look)

        def look(self) -> None:
            if watched.supervisor.idle:
                self.exit()

    with Endpoint() as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        Screen().run(headless=True)
        watched.until_idle()
        seen = [history.status for history in watched.histories.values()]

    assert seen == [Status.DONE]


@pytest.mark.skipif(START_METHOD != "forkserver", reason="there is no fork server here")
def test_a_session_process_has_loaded_no_screen() -> None:
    """And what sessions need was loaded before the fork, once for all of them."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.engine.support.preload_report"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        timeout=LONG_ENOUGH,
    )
    loaded = json.loads(result.stdout)

    assert set(PRELOADED) <= set(loaded["before"])
    assert not {"textual", "rich", "click", "websockets", "moonshine_voice"} & set(loaded["before"])


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """This process may open nothing: no file, no pipe, no socket."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_session_that_cannot_start_ends_in_words(tmp_path: Path, short: str) -> None:
    """The machine may have no room for it; the queue goes on, and a retry may work."""
    with Endpoint() as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        watched.supervisor.hold(True)
        (job,) = watched.supervisor.add([short])
        watched.until_said(Queued)
        with no_more_descriptors():
            watched.supervisor.hold(False)
            watched.until_said(Ended)
        assert watched.supervisor.retry(job)
        watched.until_said(Ended, times=2)
    first, second = watched.said(Ended)

    assert isinstance(first, Ended)
    assert first.outcome is Outcome.CRASHED
    assert "could not be started" in first.reason
    assert isinstance(second, Ended)
    assert second.outcome is Outcome.DONE


def test_an_engine_that_does_not_come_up_is_asked_again(tmp_path: Path, short: str) -> None:
    """It died while it was loading, say; a session that was never begun uses no number."""
    calls = count(1)
    with Endpoint() as endpoint:

        def access() -> Access:
            if next(calls) < 3:
                raise EngineMissing("The embedded engine ended before it was ready")
            return Access(custom(endpoint.url), None, 10)

        with (
            closing(run_folder.create(tmp_path / "run")) as folder,
            Supervisor(access, folder, Settings(), retries=SOON) as supervisor,
        ):
            watched = Watched(supervisor)
            supervisor.add([short])
            watched.until_idle()

    assert watched.histories[1].status is Status.DONE
    assert watched.histories[1].attempt == 1


def test_a_file_that_cannot_be_probed_ends_in_words(tmp_path: Path, short: str) -> None:
    """Also when it is the machine's fault and not the file's."""
    with Endpoint() as endpoint, supervised(endpoint.url, tmp_path / "run") as watched:
        with no_more_descriptors():
            (job,) = watched.supervisor.add([short])
            watched.until_said(Ended)
        assert watched.supervisor.retry(job)
        watched.until_said(Ended, times=2)
    first, second = watched.said(Ended)

    assert isinstance(first, Ended)
    assert "no process" in first.reason
    assert isinstance(second, Ended)
    assert second.outcome is Outcome.DONE
