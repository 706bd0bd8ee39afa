"""The embedded endpoint's real server on a real socket, with ears that hear what a test tells them
to hear, and a client without any wisdom.
"""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from workers.localserver.backend import Source
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import (
    Endpointing,
    Flushed,
    Heard,
    HeardWord,
    Reading,
    StreamId,
    StreamReport,
)
from workers.localserver.server import Streams, run
from workers.localserver.server_policy import House, Visit

LONG_ENOUGH = 30.0
"""Seconds after which what should have happened never will. No test waits for it to pass."""

KEY = "sesame"
NUMBER = StreamId(1)
CHUNK = bytes(3200)
"""100 ms of the default rate and encoding."""

TERMINATE = '{"type":"Terminate"}'
KEEP_ALIVE = '{"type":"KeepAlive"}'


class Ears:
    """A stream that reports what it is told to."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.heard = bytearray()
        self.configured: list[Endpointing] = []
        self._reports: asyncio.Queue[StreamReport | Exception] = asyncio.Queue()
        self._open = ""

    async def hear(self, data: bytes) -> None:
        self.heard += data

    async def configure(self, endpointing: Endpointing) -> None:
        self.configured.append(endpointing)

    async def flush(self) -> None:
        if self._open:
            self.tell(self._open, over=True)
        self._reports.put_nowait(Flushed(NUMBER))

    async def report(self) -> StreamReport:
        report = await self._reports.get()
        if isinstance(report, Exception):
            raise report
        return report

    def tell(self, text: str, *, over: bool = False) -> None:
        """A reading of the open turn, words of 100 ms."""
        self._open = "" if over else text
        words = tuple(
            HeardWord(word, 100 * index, 100 * index + 100)
            for index, word in enumerate(text.split())
        )
        reading = Reading(words, settled=len(words), over=over)
        self.report_next(Heard(NUMBER, 100 * len(words), reading, speech_probability=0.8))

    def report_next(self, report: StreamReport | Exception) -> None:
        self._reports.put_nowait(report)


class Room(Source):
    """A source of `Ears`, in the order in which sessions were let in."""

    capacity = 2
    backlog = 0.0

    def __init__(self) -> None:
        self.ears: list[Ears] = []

    @asynccontextmanager
    async def stream(self, parameters: Parameters) -> AsyncIterator[Ears]:
        self.ears.append(Ears(parameters))
        yield self.ears[-1]


class Client:
    """A client without any wisdom."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.got: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(LONG_ENOUGH):
            self.got.append(json.loads(await self.socket.recv()))
        return self.got[-1]

    async def until(self, kind: str) -> dict[str, Any]:
        while (await self.next())["type"] != kind:
            pass
        return self.got[-1]

    async def rest(self) -> list[dict[str, Any]]:
        """Everything until the server closes."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            return self.got

    async def refused(self) -> tuple[int, str]:
        """Code and words of the Error that ended the session, whose close must match."""
        error = (await self.rest())[-1]
        assert "Error" == error["type"]
        assert (error["error_code"], "See Error message for details") == self.closed
        return error["error_code"], error["error"]

    @property
    def closed(self) -> tuple[int | None, str | None]:
        return self.socket.close_code, self.socket.close_reason


class Endpoint:
    """The server of one test."""

    def __init__(self, house: House, streams: Streams | None = None) -> None:
        self.house = house
        self.room = Room()
        self._streams = streams or nullcontext(self.room)
        self.visits: asyncio.Queue[Visit] = asyncio.Queue()
        self.lines: list[str] = []
        self._stack = AsyncExitStack()
        self._stop = asyncio.Event()
        self._said = asyncio.Event()

    async def __aenter__(self) -> "Endpoint":
        self._running = asyncio.create_task(
            run(0, self.house, self._streams, self._say, self._stop, self.visits.put_nowait)
        )
        await asyncio.wait_for(self._said.wait(), LONG_ENOUGH)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()
        await self._stack.aclose()

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.wait_for(self._running, LONG_ENOUGH)

    async def client(self, query: str = "", key: str | None = KEY, **headers: str) -> Client:
        given = {**headers} if key is None else {"Authorization": key, **headers}
        dial = connect(
            f"{self.lines[0]}?{query}",
            additional_headers={name.replace("_", "-"): value for name, value in given.items()},
            proxy=None,
        )
        return Client(await self._stack.enter_async_context(dial))

    async def session(self, query: str = "", key: str | None = KEY) -> tuple[Client, Ears]:
        """A client that was told Begin."""
        client = await self.client(query, key)
        await client.until("Begin")
        return client, self.room.ears[-1]

    async def visit(self) -> Visit:
        return await asyncio.wait_for(self.visits.get(), LONG_ENOUGH)

    async def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and body of a plain request."""
        address = self.lines[0].replace("ws:", "http:").removesuffix("/v3/ws")
        return await asyncio.to_thread(
            _asked, urllib.request.Request(address + path, headers=headers)
        )

    def _say(self, line: str) -> None:
        self.lines.append(line)
        if len(self.lines) == 2:
            self._said.set()


def _asked(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=LONG_ENOUGH) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
