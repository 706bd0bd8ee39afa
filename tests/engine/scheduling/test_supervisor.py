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

from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ScriptedServer,
    ServerConnectionScript,
    serve_normally,
    turn_message,
)
from tests.engine.support.supervisor_harness import (
    FAST_RETRIES,
    LONG_ENOUGH,
    ObservedSupervisor,
    run_supervisor,
)
from tests.support import audio_files
from workers.errors import EngineUnavailable, UsageProblem
from workers.jobs.events import Began, Connecting, Ended, Outcome, Queued, TurnReceived
from workers.jobs.job import StreamSettings
from workers.jobs.job_state import JobStatus
from workers.processes import PRELOAD_MODULES, START_METHOD
from workers.protocol.endpoint import custom_endpoint
from workers.runs import reader, run_folder
from workers.scheduling.start_rate import StartRateLimiter
from workers.scheduling.supervisor import SessionTarget, Supervisor


async def talkative(line: ServerConnectionScript) -> None:
    """Sends a turn at once, and another after Terminate."""
    await line.send(BEGIN, turn_message(0, "Heard before.", final=True))
    await line.receive()
    await line.send(turn_message(1, "Heard after.", final=True), TERMINATION)


@pytest.fixture
def short(tmp_path: Path) -> str:
    return audio_files.write_recording(tmp_path / "short.wav", audio_files.distinct_samples(0.2))


@pytest.fixture
def long(tmp_path: Path) -> str:
    """A recording that is longer than any test."""
    return audio_files.write_recording(tmp_path / "long.wav", audio_files.distinct_samples(120.0))


def session_processes() -> list[psutil.Process]:
    """The descendants of this process that hold a socket, which are the sessions."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if process.net_connections():
                found.append(process)
    return found


def test_no_more_sessions_at_once_than_allowed(tmp_path: Path, short: str) -> None:
    """Five jobs and a limit of two: never more than two connections are open."""
    open_now, most = [0], [0]

    async def counted(line: ServerConnectionScript) -> None:
        open_now[0] += 1
        most[0] = max(most[0], open_now[0])
        await serve_normally(line)
        open_now[0] -= 1

    with (
        ScriptedServer(counted) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", sessions=2) as observed,
    ):
        observed.supervisor.add([short] * 5)
        observed.wait_until_idle()

    assert [h.status for h in observed.job_states.values()] == [JobStatus.DONE] * 5
    assert most == [2]


def test_no_more_starts_a_minute_than_allowed(tmp_path: Path, short: str) -> None:
    """The third of three jobs waits for the next minute, long after the first two."""
    with (
        ScriptedServer() as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", starts=StartRateLimiter(2)) as observed,
    ):
        observed.supervisor.add([short] * 3)
        observed.wait_for_event(Ended, job=1)
        observed.wait_for_event(Ended, job=2)

        assert observed.events_of(Connecting, job=3) == []
        assert observed.job_states[3].status is JobStatus.QUEUED


def test_a_bad_file_does_not_stop_the_others(tmp_path: Path, short: str) -> None:
    """It ends with a reason, before it has a process."""
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    with ScriptedServer() as endpoint, run_supervisor(endpoint.url, tmp_path / "run") as observed:
        observed.supervisor.add([str(broken), short, str(tmp_path / "gone.wav")])
        observed.wait_until_idle()

    statuses = [observed.job_states[n].status for n in (1, 2, 3)]
    assert statuses == [JobStatus.FAILED, JobStatus.DONE, JobStatus.FAILED]
    assert len(endpoint.received_sessions) == 1
    assert len(list((tmp_path / "run").glob("*.trace.jsonl"))) == 1


def test_cancelling_is_polite(tmp_path: Path, long: str) -> None:
    """The session sends Terminate, waits for the last turns, and keeps them all."""
    with (
        ScriptedServer(talkative) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([long])
        observed.wait_for_event(TurnReceived)
        observed.supervisor.cancel(observed.reports[0].job)
        observed.wait_until_idle()

    assert endpoint.received_sessions[0].control_messages == [{"type": "Terminate"}]
    assert observed.job_states[1].status is JobStatus.CANCELLED
    assert observed.job_states[1].transcript.text == "Heard before.\nHeard after."


def test_cancelling_twice_is_by_force(tmp_path: Path, long: str) -> None:
    """The user need not wait for a server that does not answer."""

    async def deaf(line: ServerConnectionScript) -> None:
        await line.send(BEGIN, turn_message(0, "Heard.", final=True))
        await line.receive()
        await line.receive()

    with (
        ScriptedServer(deaf) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        (job,) = observed.supervisor.add([long])
        observed.wait_for_event(TurnReceived)
        observed.supervisor.cancel(job)
        observed.wait_until(lambda: bool(endpoint.received_sessions[0].control_messages))
        observed.supervisor.cancel(job)
        observed.wait_until_idle()

    assert observed.job_states[1].status is JobStatus.CANCELLED
    assert observed.job_states[1].transcript.text == "Heard."


def test_leaving_does_not_hurry_what_was_just_cancelled(tmp_path: Path, long: str) -> None:
    """Each command came once, so nothing is killed, and the job counts as cancelled."""
    left = threading.Event()

    async def slow(line: ServerConnectionScript) -> None:
        await line.send(BEGIN, turn_message(0, "Heard before.", final=True))
        await line.receive()
        await asyncio.to_thread(left.wait, LONG_ENOUGH)
        await line.send(turn_message(1, "Heard after.", final=True), TERMINATION)

    with (
        ScriptedServer(slow) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        (job,) = observed.supervisor.add([long])
        observed.wait_for_event(TurnReceived)
        observed.supervisor.cancel(job)
        observed.supervisor.stop()
        left.set()
        observed.wait_until_idle()

    assert observed.job_states[1].status is JobStatus.CANCELLED
    assert observed.job_states[1].transcript.text == "Heard before.\nHeard after."


def test_a_job_in_the_queue_is_taken_out(tmp_path: Path, long: str, short: str) -> None:
    """It never connects."""
    with (
        ScriptedServer(talkative) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", sessions=1) as observed,
    ):
        _, waiting = observed.supervisor.add([long, short])
        observed.wait_for_event(Began)
        observed.wait_for_event(Queued, job=2)
        observed.supervisor.cancel(waiting)
        observed.wait_for_event(Ended, job=2)

        assert observed.job_states[2].status is JobStatus.CANCELLED
        assert len(endpoint.received_sessions) == 1


def test_a_retry_is_a_further_attempt(tmp_path: Path, short: str) -> None:
    """It has its own trace; the first trace does not change."""

    async def refuse(line: ServerConnectionScript) -> None:
        await line.send({"type": "Error", "error_code": 3005, "error": "Session Cancelled"})

    with (
        ScriptedServer(refuse, serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        (job,) = observed.supervisor.add([short])
        observed.wait_for_event(Ended)
        first = next((tmp_path / "run").glob("*.1.trace.jsonl")).read_bytes()

        assert observed.supervisor.retry(job)
        assert not observed.supervisor.retry(job)
        observed.wait_for_event(Ended, times=2)

    assert observed.job_states[1].status is JobStatus.DONE
    assert observed.job_states[1].attempt == 2
    assert next((tmp_path / "run").glob("*.1.trace.jsonl")).read_bytes() == first
    assert len(list((tmp_path / "run").glob("*.2.trace.jsonl"))) == 1


def test_a_job_that_is_taken_out_and_asked_for_again_starts_once(
    tmp_path: Path, short: str
) -> None:
    """This holds however slowly the engine starts, or the file is probed."""
    called, up = threading.Event(), threading.Event()
    with ScriptedServer() as endpoint:

        def access() -> SessionTarget:
            called.set()
            assert up.wait(LONG_ENOUGH)
            return SessionTarget(custom_endpoint(endpoint.url), None, 10)

        with (
            closing(run_folder.create(tmp_path / "run")) as folder,
            Supervisor(access, folder, StreamSettings()) as supervisor,
        ):
            observed = ObservedSupervisor(supervisor)
            (job,) = supervisor.add([short])
            assert called.wait(LONG_ENOUGH)
            supervisor.cancel(job)
            assert supervisor.retry(job)
            up.set()
            supervisor.add([short])  # after anything else that starts
            observed.wait_for_event(Ended, job=2)
            observed.wait_until_idle()

    outcomes = [ended.outcome for ended in observed.events_of(Ended)]
    assert outcomes == [Outcome.CANCELLED, Outcome.DONE]
    assert len(endpoint.received_sessions) == 2


def test_holding_stops_new_starts_alone(tmp_path: Path, long: str, short: str) -> None:
    """Live sessions continue; releasing the hold starts the others."""
    with (
        ScriptedServer(talkative, serve_normally) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([long])
        observed.wait_for_event(Began)
        observed.supervisor.hold(True)
        observed.supervisor.add([short])
        observed.wait_for_event(Queued, job=2)

        assert observed.job_states[1].status is JobStatus.STREAMING
        assert len(endpoint.received_sessions) == 1
        observed.supervisor.hold(False)
        observed.wait_for_event(Ended, job=2)


def test_a_killed_session_is_told_as_such(tmp_path: Path, long: str, short: str) -> None:
    """kill -9 of one session leaves the others, and its transcript is kept."""
    with (
        ScriptedServer(talkative) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run") as observed,
    ):
        observed.supervisor.add([long])
        observed.wait_for_event(TurnReceived)
        (victim,) = session_processes()
        assert victim.name() == "paceline 1.1"
        victim.kill()
        observed.wait_for_event(Ended)
        observed.supervisor.add([short])
        observed.wait_for_event(Ended, job=2)
    (ended,) = observed.events_of(Ended)

    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.CRASHED
    assert "signal 9" in ended.reason
    assert observed.job_states[1].transcript.text == "Heard before."
    assert observed.job_states[2].status is JobStatus.DONE


def test_a_signal_ends_a_session_politely(tmp_path: Path, long: str) -> None:
    """On SIGTERM it sends Terminate; it ignores Ctrl-C. The program still runs, so the job
    continues."""
    with (
        ScriptedServer(talkative) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", retry_policy=FAST_RETRIES) as observed,
    ):
        observed.supervisor.add([long])
        observed.wait_for_event(TurnReceived)
        (session,) = session_processes()
        session.send_signal(signal.SIGINT)
        session.send_signal(signal.SIGTERM)
        observed.wait_for_event(Began, times=2)

    assert endpoint.received_sessions[0].control_messages == [{"type": "Terminate"}]
    assert [each.ended.outcome for each in observed.job_states[1].earlier_attempts] == [
        Outcome.INTERRUPTED
    ]


def test_leaving_ends_everything(tmp_path: Path, long: str) -> None:
    """No process is left of live or queued jobs, and each session sent Terminate."""
    with ScriptedServer(talkative) as endpoint:
        with run_supervisor(endpoint.url, tmp_path / "run", sessions=2) as observed:
            observed.supervisor.add([long] * 4)
            observed.wait_for_event(TurnReceived, job=1)
            observed.wait_for_event(TurnReceived, job=2)
        observed.wait_until_idle()

        assert session_processes() == []
        assert [heard.control_messages for heard in endpoint.received_sessions] == [
            [{"type": "Terminate"}]
        ] * 2
    assert {h.status for h in observed.job_states.values()} == {JobStatus.INTERRUPTED}


def test_what_is_added_while_leaving_waits_for_nobody(tmp_path: Path, short: str) -> None:
    """Otherwise the program would wait for a session that never starts."""
    with ScriptedServer() as endpoint, run_supervisor(endpoint.url, tmp_path / "run") as observed:
        observed.supervisor.stop()
        observed.supervisor.add([short])

        assert observed.supervisor.is_idle
        observed.wait_until_idle()

    assert endpoint.received_sessions == []
    assert observed.job_states[1].ended is not None
    assert observed.job_states[1].ended.outcome is Outcome.INTERRUPTED


ORPHANING = """
import sys, time
from pathlib import Path
from tests.engine.support.supervisor_harness import run_supervisor
from workers.jobs.events import TurnReceived

if __name__ == "__main__":
    with run_supervisor(sys.argv[1], Path(sys.argv[2])) as observed:
        observed.supervisor.add([sys.argv[3]])
        observed.wait_for_event(TurnReceived)
        print("streaming", flush=True)
        time.sleep(600)
"""


def test_a_session_whose_program_is_killed_ends_politely(tmp_path: Path, long: str) -> None:
    """After kill -9 of the parent, it sends Terminate and ends its trace, as open sessions cost."""
    script = tmp_path / "program.py"
    script.write_text(ORPHANING)
    root = Path(__file__).parents[3]
    with ScriptedServer(talkative) as endpoint:
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
        assert endpoint.received_sessions[0].control_messages == [{"type": "Terminate"}]
    job_state = reader.read_job_states(tmp_path / "run")[0]
    assert job_state.status is JobStatus.INTERRUPTED
    assert job_state.transcript.text == "Heard before.\nHeard after."


def test_the_run_folder_tells_the_whole_run(tmp_path: Path, short: str) -> None:
    """It has each recording's properties, the server and each ending; a replay equals the run."""
    with ScriptedServer() as endpoint, run_supervisor(endpoint.url, tmp_path / "run") as observed:
        observed.supervisor.add([short, str(tmp_path / "gone.wav")])
        observed.wait_until_idle()
    index = json.loads((tmp_path / "run" / "run.json").read_text())
    first, second = index["jobs"]

    assert index["endpoint"]["address"] == endpoint.url
    assert first["size"] == os.path.getsize(short)
    assert len(first["sha256"]) == 64
    assert (first["status"], second["status"]) == ("done", "failed")
    replayed = reader.read_job_states(tmp_path / "run")
    for live, again in zip(observed.job_states.values(), replayed, strict=True):
        assert again.transcript.text == live.transcript.text
        assert again.status is live.status
        assert again.ended == live.ended


def test_a_run_folder_is_never_used_twice(tmp_path: Path, short: str) -> None:
    """The measurements of an earlier run are kept."""
    with ScriptedServer() as endpoint, run_supervisor(endpoint.url, tmp_path / "run") as observed:
        observed.supervisor.add([short])
        observed.wait_until_idle()
    with pytest.raises(UsageProblem, match="already contains a run"):
        run_folder.create(tmp_path / "run")


def test_sessions_start_from_inside_a_running_screen(tmp_path: Path, short: str) -> None:
    """The screen replaces standard error, so the fork server starts before it."""
    seen: list[JobStatus] = []

    class Screen(App[None]):
        def on_mount(self) -> None:
            observed.supervisor.add([short])
            self.set_interval(0.05, self.look)

        def look(self) -> None:
            if observed.supervisor.is_idle:
                self.exit()

    with ScriptedServer() as endpoint, run_supervisor(endpoint.url, tmp_path / "run") as observed:
        Screen().run(headless=True)
        observed.wait_until_idle()
        seen = [job_state.status for job_state in observed.job_states.values()]

    assert seen == [JobStatus.DONE]


@pytest.mark.skipif(START_METHOD != "forkserver", reason="there is no fork server here")
def test_a_session_process_has_loaded_no_screen() -> None:
    """The modules of sessions are loaded once, before the fork. A tool that traces this test would
    load others."""
    untraced = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    result = subprocess.run(
        [sys.executable, "-m", "tests.engine.support.preload_report"],
        env=untraced,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        timeout=LONG_ENOUGH,
    )
    loaded = json.loads(result.stdout)

    unwanted = {"textual", "rich", "click", "websockets", "moonshine_voice", "av"}
    unwanted |= {"workers.evaluation", "rapidfuzz", "matplotlib", "whisper_normalizer", "pyarrow"}
    unwanted |= {"socksio", "python_socks", "html", "http.client", "email"}

    assert set(PRELOAD_MODULES) <= set(loaded["before"])
    assert not unwanted & set(loaded["before"])


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Keeps this process from opening files, pipes or sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_session_that_cannot_start_ends_in_words(tmp_path: Path, short: str) -> None:
    """The machine may be out of resources; the queue continues, and a retry may work."""
    with ScriptedServer() as endpoint, run_supervisor(endpoint.url, tmp_path / "run") as observed:
        observed.supervisor.hold(True)
        (job,) = observed.supervisor.add([short])
        observed.wait_for_event(Queued)
        with no_more_descriptors():
            observed.supervisor.hold(False)
            observed.wait_for_event(Ended)
        assert observed.supervisor.retry(job)
        observed.wait_for_event(Ended, times=2)
    first, second = observed.events_of(Ended)

    assert isinstance(first, Ended)
    assert first.outcome is Outcome.BUSY  # it waits, and no attempt is used up
    assert "open files is reached (ulimit -n)" in first.reason
    assert isinstance(second, Ended)
    assert second.outcome is Outcome.DONE


def test_an_engine_that_does_not_come_up_is_asked_again(tmp_path: Path, short: str) -> None:
    """It may have died while loading; a session that never started uses no attempt number."""
    calls = count(1)
    with ScriptedServer() as endpoint:

        def access() -> SessionTarget:
            if next(calls) < 3:
                raise EngineUnavailable("The embedded engine exited before it was ready")
            return SessionTarget(custom_endpoint(endpoint.url), None, 10)

        with (
            closing(run_folder.create(tmp_path / "run")) as folder,
            Supervisor(access, folder, StreamSettings(), retry_policy=FAST_RETRIES) as supervisor,
        ):
            observed = ObservedSupervisor(supervisor)
            supervisor.add([short])
            observed.wait_until_idle()

    assert observed.job_states[1].status is JobStatus.DONE
    assert observed.job_states[1].attempt == 1


@pytest.mark.slow
def test_a_file_that_cannot_be_probed_ends_in_words(tmp_path: Path, short: str) -> None:
    """This also holds if the machine is at fault and not the file."""
    with ScriptedServer() as endpoint, run_supervisor(endpoint.url, tmp_path / "run") as observed:
        with no_more_descriptors():
            (job,) = observed.supervisor.add([short])
            observed.wait_for_event(Ended)
        assert observed.supervisor.retry(job)
        observed.wait_for_event(Ended, times=2)
    first, second = observed.events_of(Ended)

    assert isinstance(first, Ended)
    assert "no process" in first.reason
    assert isinstance(second, Ended)
    assert second.outcome is Outcome.DONE
