"""The receiving side: a v3 endpoint that only records when audio arrives.

It answers Begin at once and Termination to Terminate, in a process of its own and with the same
priority as the senders. The arrival of a message is the kernel's own time stamp of the segment that
completed it (``SO_TIMESTAMPNS``, see socket(7)), not the moment at which this process
reads it, which on a busy machine would add the sink's own delay to every sender's.
"""

import asyncio
import gc
import json
import socket
import struct
import subprocess
import sys
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from tests.benchmarks import ROOT

_SO_TIMESTAMPNS = 35
"""Linux, in asm-generic/socket.h; Python's socket module has no name for it."""

_WALL_CLOCK_OFFSET_S = time.time() - time.monotonic()
"""A run is too short for a step of the wall clock."""


@dataclass(frozen=True, slots=True)
class Received:
    """What a sink received."""

    arrivals: list[list[float]]
    """For each session, the arrival of every audio message, in seconds of the monotonic clock."""
    cpu_percent: float
    """Of one core, that the sink itself needed from the first audio to the last."""


class Sink:
    """Runs a sink in a process of its own; leaving the block ends the process."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.sink"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"ws://127.0.0.1:{int(self._process.stdout.readline())}/v3/ws"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def received(self) -> Received:
        """Ends the sink and returns what it received."""
        out, _ = self._process.communicate(timeout=30)
        return Received(**json.loads(out))


class _Usage:
    """The processor time of this process between two moments."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._last = (0.0, 0.0)

    def audio_began(self) -> None:
        self._first = self._first or (time.monotonic(), time.process_time())

    def audio_ended(self) -> None:
        self._last = (time.monotonic(), time.process_time())

    @property
    def percent(self) -> float:
        if self._first is None:
            return 0.0
        return 100 * (self._last[1] - self._first[1]) / (self._last[0] - self._first[0])


class _Session:
    """One client's socket."""

    def __init__(self, client: socket.socket, arrivals: "array[float]", usage: _Usage) -> None:
        self._client = client
        self._arrivals = arrivals
        self._usage = usage
        self._protocol = ServerProtocol(max_size=None)

    def read(self) -> bool:
        """Reads what has arrived; False at the end of the stream."""
        data, notes, _, _ = self._client.recvmsg(1 << 16, 64)
        arrived = _receive_timestamp(notes)
        self._protocol.receive_data(data) if data else self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._begin(event)
            elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                self._arrivals.append(arrived)
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._terminate()
        with suppress(OSError):  # a sender may be gone before it was answered
            for out in self._protocol.data_to_send():
                self._client.sendall(out) if out else self._client.shutdown(socket.SHUT_WR)
        return bool(data)

    def _begin(self, request: Request) -> None:
        self._protocol.send_response(self._protocol.accept(request))
        self._protocol.send_text(b'{"type":"Begin","id":"sink","expires_at":0}')
        self._usage.audio_began()

    def _terminate(self) -> None:
        """Answers Terminate, the only text that a sender sends."""
        self._usage.audio_ended()
        self._protocol.send_text(
            b'{"type":"Termination","audio_duration_seconds":0,"session_duration_seconds":0}'
        )
        self._protocol.send_close(1000)


def _receive_timestamp(notes: list[tuple[int, int, bytes]]) -> float:
    """When the kernel had the data. It tells the wall clock; this is on the monotonic clock."""
    for level, kind, value in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("@ll", value)
            return float(seconds) + nanoseconds / 1e9 - _WALL_CLOCK_OFFSET_S
    return time.monotonic()  # before the first data, and at the end


async def _serve() -> None:
    sessions: list[array[float]] = []
    usage = _Usage()
    loop = asyncio.get_running_loop()

    def accept() -> None:
        client, _ = listener.accept()
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sessions.append(array("d"))
        session = _Session(client, sessions[-1], usage)
        loop.add_reader(client, read, session, client)

    def read(session: _Session, client: socket.socket) -> None:
        try:
            more = session.read()
        except OSError:
            more = False
        if not more:
            loop.remove_reader(client)
            client.close()

    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        listener.setblocking(False)
        loop.add_reader(listener, accept)
        print(listener.getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until whoever started it closes it, or dies
        print(json.dumps({"arrivals": [list(s) for s in sessions], "cpu_percent": usage.percent}))


if __name__ == "__main__":
    gc.disable()  # a collection would stand in the measurement; a run is short
    asyncio.run(_serve())
