"""Runs one session in the fork server, before it forks any: silence, to a server in a thread.

CPython writes to memory while it runs: it remembers where it found attributes, numbers types and
the keys of dictionaries, and binds the functions of libraries. A session that did all this itself
would get its own copy of every page that it writes to. What was written before, it shares.
"""

import os
import socket
import sys
import tempfile
import threading
import wave
from contextlib import closing, suppress
from multiprocessing import Pipe
from types import CodeType, FrameType

from workers import threads
from workers.audio.recording import Recording
from workers.jobs.events import JobReport
from workers.jobs.job import Job, JobId, StreamSettings
from workers.protocol import messages
from workers.protocol.dialing import websocket_accept
from workers.protocol.endpoint import Endpoint, EndpointKind
from workers.protocol.messages import Begin, ServerMessage, Termination, Turn, Word
from workers.session.assignment import Assignment, ControlMessage
from workers.session.control import ControlChannel
from workers.session.main import run_attempt
from workers.session.session_queue import SessionQueue

_SECONDS = 2.0
"""The length of the recording; the server ends the session before all of it is sent."""
_SETTINGS = StreamSettings(chunk_ms=50, speed=20.0)
"""A chunk every 2.5 ms."""
_RATE_HZ = 16_000
_TURNS = 3
_MESSAGES_PER_TURN = 3
_TIMEOUT_S = 2.0
"""For the server, should the session not come or not go on."""


def rehearse() -> set[CodeType]:
    """Runs the session. Returns the code that it executed; nothing if it could not run, because
    this machine has no loopback or no folder for temporary files. Sessions only need more memory
    then."""
    executed: dict[int, CodeType] = {}  # by identity: comparing code compares all of its content

    def note(frame: FrameType, event: str, argument: object) -> None:
        executed[id(frame.f_code)] = frame.f_code

    with suppress(OSError), tempfile.TemporaryDirectory(prefix="paceline-") as folder:
        threading.setprofile(note)  # the session dials in a thread
        sys.setprofile(note)
        try:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                server = threads.start_thread(lambda: _serve(listener), "rehearsal")
                _run_session(folder, listener.getsockname()[1])
                server.join(_TIMEOUT_S)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    return set(executed.values())


def _run_session(folder: str, port: int) -> None:
    assignment = Assignment(
        job=Job(JobId(1), "silence.wav", _write_silence(folder), _SETTINGS),
        attempt=1,
        endpoint=Endpoint(EndpointKind.CUSTOM, f"ws://127.0.0.1:{port}/", "rehearsal"),
        trace_path=os.path.join(folder, "trace"),
        log_path=os.path.join(folder, "log"),
    )
    reports = SessionQueue[JobReport](*Pipe(duplex=False))
    control = SessionQueue[ControlMessage](*Pipe(duplex=False))
    with closing(reports), closing(control):
        reports.close_reader()
        run_attempt(assignment, None, reports, ControlChannel(control))


def _write_silence(folder: str) -> Recording:
    path, frames = os.path.join(folder, "silence.wav"), round(_SECONDS * _RATE_HZ)
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, _RATE_HZ, 0, "NONE", ""))
        file.writeframes(bytes(2 * frames))
    size = os.path.getsize(path)
    return Recording(path, _SECONDS, _RATE_HZ, 1, frames, "WAV PCM_16", size)


# --- the server's side ----------------------------------------------------------------------------


def _serve(listener: socket.socket) -> None:
    """Accepts one session, answers each chunk with a turn, and ends the session."""
    listener.settimeout(_TIMEOUT_S)
    with suppress(OSError):
        client, _ = listener.accept()
        with client:
            client.settimeout(_TIMEOUT_S)
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += client.recv(1 << 16) or b"\r\n\r\n"
            client.sendall(_upgrade(request) + _frame(Begin(id="rehearsal")))
            for number in range(_TURNS * _MESSAGES_PER_TURN):
                client.recv(1 << 16)
                client.sendall(_frame(_turn(number)))
            client.sendall(_frame(Termination()) + b"\x88\x02" + (1000).to_bytes(2, "big"))
            while client.recv(1 << 16):
                pass


def _upgrade(request: bytes) -> bytes:
    """The answer to the opening handshake (RFC 6455, section 4.2.2)."""
    lines = dict(line.partition(b": ")[::2] for line in request.splitlines())
    accept = websocket_accept(lines.get(b"Sec-WebSocket-Key", b""))
    head = "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"
    return "\r\n".join([*head, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode()


def _turn(number: int) -> Turn:
    turn, part = divmod(number, _MESSAGES_PER_TURN)
    word = Word(text="silence", start=0, end=10, confidence=1.0, word_is_final=True)
    is_final = part == _MESSAGES_PER_TURN - 1
    return Turn(turn_order=turn, end_of_turn=is_final, transcript=word.text, words=(word,))


def _frame(message: ServerMessage) -> bytes:
    """A text frame, as a server sends it (RFC 6455, section 5.2)."""
    payload = messages.encode(message).encode()
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload
