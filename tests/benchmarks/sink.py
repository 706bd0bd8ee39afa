"""The receiving side: a v3 endpoint that only notes when audio arrives.

It answers Begin at once and Termination to Terminate, in a process of its own and with the same
priority as the senders. The first thing done with bytes from a socket is to take the time; all
messages that one read completes get that time.
"""

import asyncio
import gc
import json
import subprocess
import sys
import time
from array import array
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from tests.benchmarks import ROOT


@dataclass(frozen=True, slots=True)
class Received:
    """What a sink has noted."""

    arrivals: list[list[float]]
    """For each session, the arrival of every audio message in seconds of the monotonic clock."""
    cpu_percent: float
    """Of one core, that the sink itself needed from the first audio to the last."""


class Sink:
    """A sink at work in its own process; leaving it ends the process."""

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
        """Ends the sink and gives back what it has noted."""
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


class _Session(asyncio.Protocol):
    def __init__(self, arrivals: "array[float]", usage: _Usage) -> None:
        self._arrivals = arrivals
        self._usage = usage
        self._protocol = ServerProtocol(max_size=None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._begin(event)
            elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                self._arrivals.append(now)
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._terminate()
        for out in self._protocol.data_to_send():
            if out:
                self._transport.write(out)
            else:
                self._transport.write_eof()

    def _begin(self, request: Request) -> None:
        self._protocol.send_response(self._protocol.accept(request))
        self._protocol.send_text(b'{"type":"Begin","id":"sink","expires_at":0}')
        self._usage.audio_began()

    def _terminate(self) -> None:
        """The only text a sender has to say."""
        self._usage.audio_ended()
        self._protocol.send_text(
            b'{"type":"Termination","audio_duration_seconds":0,"session_duration_seconds":0}'
        )
        self._protocol.send_close(1000)


async def _serve() -> None:
    sessions: list[array[float]] = []
    usage = _Usage()

    def session() -> _Session:
        sessions.append(array("d"))
        return _Session(sessions[-1], usage)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it closes the pipe, or dies
    print(json.dumps({"arrivals": [list(s) for s in sessions], "cpu_percent": usage.percent}))


if __name__ == "__main__":
    gc.disable()  # a collection would stand in the measurement; a run is short
    asyncio.run(_serve())
