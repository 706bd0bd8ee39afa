"""Sending chunks while there is nothing else to do."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from multiprocessing import Pipe
from pathlib import Path

import pytest
import websocket

from tests.unit.session.recorder_harness import RECORDING, CollectedReports, open_recorder
from workers.jobs.job import StreamSettings
from workers.jobs.resume_point import RECORDING_START
from workers.pacing.schedule import MAX_CATCH_UP_S
from workers.protocol.connection import Connection, audio_frame
from workers.session.assignment import ControlMessage, StopCommand, Timeouts
from workers.session.control import ControlChannel
from workers.session.loop import SessionLoop
from workers.session.progress import SendProgress
from workers.session.session_queue import SessionQueue
from workers.session.session_state import SessionState

FRAME = audio_frame(bytes(3200))


class Session:
    """A loop whose timers have just been looked at, with the server's end of its socket."""

    def __init__(self, folder: Path) -> None:
        ours, self.server = socket.socketpair()
        ws = websocket.WebSocket()
        ws.sock, ws.connected = ours, True
        self.control = SessionQueue[ControlMessage](*Pipe(duplex=False))
        self._recording = open_recorder(folder, CollectedReports())
        recorder = self._recording.__enter__()
        progress = SendProgress(RECORDING, StreamSettings(), 0, recorder)
        state = SessionState(recorder, RECORDING_START)
        channel = ControlChannel(self.control)
        self.loop = SessionLoop(Connection(ws), state, progress, channel, recorder, Timeouts(), 1.0)
        self.loop.run_until(0.0, lambda: False)

    def send(self, *due_in_s: float) -> list[float]:
        """The lags of the frames that were sent undisturbed."""
        now, lags_s = time.monotonic(), list[float]()
        self.loop.send_undisturbed([(FRAME, now + pause_s) for pause_s in due_in_s], lags_s)
        return lags_s

    def close(self) -> None:
        self.control.close()
        self.server.close()
        self.loop.connection.close()
        self._recording.__exit__(None, None, None)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with closing(Session(tmp_path)) as opened:
        yield opened


def test_frames_leave_when_they_are_due(session: Session) -> None:
    """None leaves early, and the lag of each is counted from when it was due."""
    began = time.monotonic()
    lags_s = session.send(0.0, 0.02, 0.04)

    assert 3 == len(lags_s)
    assert min(lags_s) >= 0.0
    assert time.monotonic() - began >= 0.04
    assert 3 * len(FRAME) == len(session.server.recv(1 << 16))


def test_it_stops_for_a_message_and_for_a_command(session: Session) -> None:
    """Whoever called it handles them first."""
    session.server.sendall(b"\x81")
    assert [] == session.send(0.0)

    assert b"" == session.loop.connection._socket.recv(1)[1:]
    assert 1 == len(session.send(0.0))

    session.control.put(StopCommand.CANCEL)
    assert [] == session.send(0.0)


def test_it_stops_when_a_timer_is_due_before_the_next_frame(session: Session) -> None:
    """Timers are not looked at here."""
    assert 1 == len(session.send(0.0, 3600.0))


def test_it_stops_at_a_frame_that_is_much_too_late(session: Session) -> None:
    """That is a slip, which moves the schedule."""
    assert 1 == len(session.send(-MAX_CATCH_UP_S + 1.0, -MAX_CATCH_UP_S - 1.0))


def test_it_stops_when_the_server_takes_no_more(session: Session) -> None:
    """The rest of a frame has to be sent before the next one."""
    frames = 1000
    lags_s = session.send(*[0.0] * frames)

    assert 0 < len(lags_s) < frames
    assert session.loop.connection.has_unsent
    assert [] == session.send(0.0)
