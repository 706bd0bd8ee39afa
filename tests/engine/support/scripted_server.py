"""A v3 endpoint that plays a test's scripts, on a free loopback port, in a thread of the test."""

import asyncio
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

BEGIN = {"type": "Begin", "id": "7a1d", "expires_at": 0, "configuration": {"model": "m"}}
TERMINATION = {"type": "Termination", "audio_duration_seconds": 1, "session_duration_seconds": 1}


@dataclass
class ReceivedSession:
    """What the server received on one connection."""

    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    audio: list[tuple[float, bytes]] = field(default_factory=list)
    """Each chunk and when it arrived, on the monotonic clock."""
    control_messages: list[dict[str, Any]] = field(default_factory=list)
    begin_sent_at: float = 0.0
    """Just before Begin was sent: no schedule can have started earlier."""
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def pcm(self) -> bytes:
        return b"".join(chunk for _, chunk in self.audio)


class ServerConnectionScript:
    """One connection as a script sees it."""

    def __init__(self, socket: ServerConnection, received: ReceivedSession) -> None:
        self.socket = socket
        self.received = received

    async def send(self, *messages: dict[str, Any] | str | bytes) -> None:
        for message in messages:
            if message is BEGIN:
                self.received.begin_sent_at = time.monotonic()
            await self.socket.send(json.dumps(message) if isinstance(message, dict) else message)

    async def receive(self, *, chunks: int | None = None) -> None:
        """Receives until Terminate, or until so many chunks came."""
        async for message in self.socket:
            if isinstance(message, bytes):
                self.received.audio.append((time.monotonic(), message))
                if chunks is not None and len(self.received.audio) >= chunks:
                    return
            else:
                self.received.control_messages.append(json.loads(message))
                if self.received.control_messages[-1].get("type") == "Terminate":
                    return


ConnectionScript = Callable[[ServerConnectionScript], Awaitable[None]]


async def serve_normally(line: ServerConnectionScript) -> None:
    """A normal session: Begin, one turn after the first chunk, Termination."""
    await line.send(BEGIN)
    await line.receive(chunks=1)
    await line.send(turn_message(0, "hello wor"), turn_message(0, "Hello world.", final=True))
    await line.receive()
    await line.send(TERMINATION)
    await line.socket.close(1000, "Session Ended")


def turn_message(order: int, text: str, *, final: bool = False) -> dict[str, Any]:
    words = [
        {"text": word, "start": 100 * i, "end": 100 * i + 90, "word_is_final": final}
        for i, word in enumerate(text.split())
    ]
    return {
        "type": "Turn",
        "turn_order": order,
        "end_of_turn": final,
        "transcript": text,
        "words": words,
    }


class ScriptedServer:
    """Plays one of ``scripts`` for each connection, and the last of them for all later ones.

    Before that, one client is refused for each of ``http_statuses``. With ``small_buffers`` the
    system holds hardly any bytes, so a client soon notices when the server stops reading. ``host``:
    the address where it listens.
    """

    def __init__(
        self,
        *scripts: ConnectionScript,
        statuses: Iterable[int] = (),
        narrow: bool = False,
        host: str = "127.0.0.1",
    ) -> None:
        self._host = host
        self._scripts = scripts or (serve_normally,)
        self.http_statuses = deque(statuses)
        self._small_buffers = narrow
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.received_sessions: list[ReceivedSession] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        door = _bound_socket(self._host, narrow=self._small_buffers)
        async with serve(
            self._handle_connection,
            sock=door,
            compression=None,
            close_timeout=1,
            process_request=self._reject_handshake,
        ) as server:
            self.url = f"ws://{self._host}:{door.getsockname()[1]}/v3/ws"
            self._ready.set()
            await self._done.wait()
            server.close(close_connections=True)

    def _reject_handshake(self, socket: ServerConnection, request: Request) -> Response | None:
        if not self.http_statuses:
            return None
        return socket.respond(self.http_statuses.popleft(), "Not here.")

    async def _handle_connection(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        received = ReceivedSession(socket.request.path, dict(socket.request.headers.raw_items()))
        self.received_sessions.append(received)
        script = self._scripts[min(len(self.received_sessions), len(self._scripts)) - 1]
        try:
            await script(ServerConnectionScript(socket, received))
        except ConnectionClosed:
            pass
        finally:
            received.closed.set()


def _bound_socket(host: str, *, narrow: bool) -> socket.socket:
    """Binds a free port without listening; connections inherit its buffer sizes."""
    door = socket.socket()
    if narrow:  # small segments too: the client's own buffer is measured by them
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    door.bind((host, 0))
    return door
