"""Sessions that nobody wants any more before they have begun: none is opened for nobody."""

import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import TERMINATION, ScriptedServer, ServerConnectionScript
from tests.engine.support.supervisor_harness import LONG_ENOUGH, run_supervisor
from tests.support import audio_files
from workers.jobs.events import Connecting, Ended, Outcome
from workers.jobs.job import JobId
from workers.runs import reader
from workers.session.assignment import Timeouts
from workers.traces import files

ZOMBIE = 5.0
"""Seconds that anything may stay behind the end of its program."""

HUGE = 3_900_000_000
"""Bytes, which take several seconds to be read."""


def huge(path: Path) -> str:
    """A recording that takes no room on a disk, but its time to be read."""
    wave = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    with path.open("wb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", HUGE + 36, b"WAVE") + wave)
        file.write(struct.pack("<4sI", b"data", HUGE))
        file.truncate(HUGE + 44)
    return str(path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_who_still_reads_its_file_calls_nobody(tmp_path: Path, number: signal.Signals) -> None:
    """Whether the program is asked to end or has died; and it stops reading the file."""
    run = tmp_path / "run"
    arguments = ("run", "--out", run, huge(tmp_path / "huge.wav"))
    with (
        ScriptedServer() as endpoint,
        ProcessTree("-m", "tui", *arguments, "--endpoint", endpoint.url) as tree,
    ):
        deadline = time.monotonic() + LONG_ENOUGH
        while not list(run.glob(f"*{files.TRACE_SUFFIX}")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        tree.program.send_signal(number)
        sent_at = time.monotonic()
        tree.wait_until_gone()

        assert time.monotonic() < sent_at + ZOMBIE
        assert endpoint.received_sessions == []
    if number is signal.SIGINT:
        assert tree.program.returncode == 130
        (job_state,) = reader.read_job_states(run)
        assert job_state.ended is not None
        assert job_state.ended.outcome is Outcome.INTERRUPTED
        assert not job_state.is_settled


@contextmanager
def dumb() -> Iterator[tuple[socket.socket, str]]:
    """A server that takes calls and says nothing, and its address without the scheme."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(LONG_ENOUGH)
        yield door, "{}:{}".format(*door.getsockname())


@pytest.mark.slow
def test_nobody_waits_long_for_an_answer_to_a_call(tmp_path: Path) -> None:
    """Whichever process gets the signal; the job counts as interrupted and can be resumed."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
    trees, calls = [], []
    with dumb() as (door, address):
        for number in numbers:
            where = ("--endpoint", f"ws://{address}", "--out", tmp_path / number.name)
            trees.append(ProcessTree("-m", "tui", "run", *where, path))
            calls.append(door.accept()[0])
        for tree, number in zip(trees, numbers, strict=True):
            if number is signal.SIGKILL:
                tree.program.kill()
            else:
                tree.signal_all(number)
        sent_at = time.monotonic()
        for tree in trees:
            with tree:
                tree.wait_until_gone()
        took = time.monotonic() - sent_at
        for call in calls:
            call.close()

    assert took < ZOMBIE
    assert [tree.program.returncode for tree in trees] == [130, 130, 130, -signal.SIGKILL]
    for number in numbers[:3]:
        (job_state,) = reader.read_job_states(tmp_path / number.name)
        assert job_state.ended is not None
        assert job_state.ended.outcome is Outcome.INTERRUPTED


def test_who_has_not_asked_for_a_session_leaves_at_once(tmp_path: Path) -> None:
    """Before the TLS handshake is done, no session was requested that would have to be ended."""
    timeouts = Timeouts(dial_s=2 * LONG_ENOUGH, shutdown_s=2 * LONG_ENOUGH)
    with (
        dumb() as (door, address),
        run_supervisor(f"wss://{address}", tmp_path / "run", timeouts=timeouts) as observed,
    ):
        observed.supervisor.add(
            [audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))]
        )
        with closing(door.accept()[0]) as call:
            observed.supervisor.cancel(JobId(1))
            cancelled_at = time.monotonic()
            observed.wait_for_event(Ended)
            assert time.monotonic() < cancelled_at + ZOMBIE
            told = b"".join(iter(lambda: call.recv(4096), b""))
    (ended,) = observed.events_of(Ended)

    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.CANCELLED
    assert b"GET" not in told


def answer_late(door: socket.socket, asked: threading.Event, late: threading.Event) -> list[bytes]:
    """The upgrade, when it is time; and what is said then, up to the close."""
    protocol, said = ServerProtocol(), list[bytes]()
    with closing(door.accept()[0]) as caller:
        while not (requests := protocol.events_received()):
            protocol.receive_data(caller.recv(65_536))
        asked.set()
        assert isinstance(requests[0], Request)
        assert late.wait(LONG_ENOUGH)
        protocol.send_response(protocol.accept(requests[0]))
        while True:
            caller.sendall(b"".join(protocol.data_to_send()))
            heard = caller.recv(65_536)
            if not heard:
                return said
            protocol.receive_data(heard)
            for event in protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    said.append(bytes(event.data))
                    protocol.send_close(1000)


def test_a_session_that_opens_too_late_is_terminated(tmp_path: Path) -> None:
    """It was requested before it was cancelled, so Begin may be on its way."""
    asked, late, said = threading.Event(), threading.Event(), list[bytes]()
    with (
        dumb() as (door, address),
        run_supervisor(f"ws://{address}", tmp_path / "run") as observed,
    ):
        server = threading.Thread(target=lambda: said.extend(answer_late(door, asked, late)))
        server.start()
        observed.supervisor.add(
            [audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))]
        )
        assert asked.wait(LONG_ENOUGH)
        observed.supervisor.cancel(JobId(1))
        late.set()
        observed.wait_for_event(Ended)
        server.join()
    (ended,) = observed.events_of(Ended)

    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.CANCELLED
    assert said == [b'{"type":"Terminate"}']


@pytest.mark.parametrize("given_up", [False, True])
def test_a_session_that_has_not_begun_is_terminated(tmp_path: Path, given_up: bool) -> None:
    """Whether it was cancelled or the server took too long."""
    opened = threading.Event()

    async def slow(line: ServerConnectionScript) -> None:
        opened.set()
        await line.receive()
        await line.send(TERMINATION)

    timeouts = Timeouts(begin_s=0.2 if given_up else LONG_ENOUGH)
    with (
        ScriptedServer(slow) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", timeouts=timeouts) as observed,
    ):
        observed.supervisor.add(
            [audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(1.0))]
        )
        assert opened.wait(LONG_ENOUGH)
        if not given_up:
            observed.supervisor.cancel(JobId(1))
        observed.wait_until_idle()
    (ended,) = observed.events_of(Ended)

    assert endpoint.received_sessions[0].control_messages == [{"type": "Terminate"}]
    assert isinstance(ended, Ended)
    assert ended.outcome is (Outcome.UNREACHABLE if given_up else Outcome.CANCELLED)
    assert len(observed.events_of(Connecting)) == 1
