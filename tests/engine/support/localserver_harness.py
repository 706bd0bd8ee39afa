"""The embedded server on a real socket, with a recogniser that the test controls, and a client that
knows no protocol.
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

from workers.localserver.admission import ServerPolicy
from workers.localserver.backend import Backend
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import (
    Endpointing,
    Flushed,
    Hypothesis,
    Recognised,
    RecognisedWord,
    StreamId,
    StreamReport,
)
from workers.localserver.server import BackendContext, SessionRecord, run_server

LONG_ENOUGH = 30.0
"""Seconds after which what should have happened never will. No test waits for it to pass."""

ACCESS_KEY = "sesame"
STREAM_ID = StreamId(1)
CHUNK = bytes(3200)
"""100 ms of the default rate and encoding."""

TERMINATE = '{"type":"Terminate"}'
KEEP_ALIVE = '{"type":"KeepAlive"}'


class FakeStream:
    """A recogniser stream that reports what the test queues."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.received = bytearray()
        self.configured: list[Endpointing] = []
        self._reports: asyncio.Queue[StreamReport | Exception] = asyncio.Queue()
        self._open = ""

    async def feed(self, data: bytes) -> None:
        self.received += data

    async def configure(self, endpointing: Endpointing) -> None:
        self.configured.append(endpointing)

    async def flush(self) -> None:
        if self._open:
            self.queue_reading(self._open, ended=True)
        self._reports.put_nowait(Flushed(STREAM_ID))

    async def next_report(self) -> StreamReport:
        report = await self._reports.get()
        if isinstance(report, Exception):
            raise report
        return report

    def queue_reading(self, text: str, *, ended: bool = False) -> None:
        """Queues a reading of the open turn, with words of 100 ms."""
        self._open = "" if ended else text
        words = tuple(
            RecognisedWord(word, 100 * index, 100 * index + 100)
            for index, word in enumerate(text.split())
        )
        reading = Hypothesis(words, settled_count=len(words), end_of_turn=ended)
        self.queue_report(Recognised(STREAM_ID, 100 * len(words), reading, speech_probability=0.8))

    def queue_report(self, report: StreamReport | Exception) -> None:
        self._reports.put_nowait(report)


class FakeBackend(Backend):
    """Opens a `FakeStream` for each session and keeps them in order."""

    capacity = 2
    backlog_s = 0.0

    def __init__(self) -> None:
        self.streams: list[FakeStream] = []

    @asynccontextmanager
    async def open_stream(self, parameters: Parameters) -> AsyncIterator[FakeStream]:
        self.streams.append(FakeStream(parameters))
        yield self.streams[-1]


class WireClient:
    """A client that sends and receives frames and knows no protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.received: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(LONG_ENOUGH):
            self.received.append(json.loads(await self.socket.recv()))
        return self.received[-1]

    async def receive_until(self, kind: str) -> dict[str, Any]:
        while (await self.next())["type"] != kind:
            pass
        return self.received[-1]

    async def receive_rest(self) -> list[dict[str, Any]]:
        """Receives until the server closes."""
        try:
            while True:
                await self.next()
        except ConnectionClosed:
            return self.received

    async def expect_refusal(self) -> tuple[int, str]:
        """The code and text of the Error that ended the session; checks that the close matches."""
        error = (await self.receive_rest())[-1]
        assert "Error" == error["type"]
        assert (error["error_code"], "See Error message for details") == self.closed
        return error["error_code"], error["error"]

    @property
    def closed(self) -> tuple[int | None, str | None]:
        return self.socket.close_code, self.socket.close_reason


class ServerHarness:
    """The server of one test, and how to reach it."""

    def __init__(self, house: ServerPolicy, streams: BackendContext | None = None) -> None:
        self.policy = house
        self.backend = FakeBackend()
        self._streams = streams or nullcontext(self.backend)
        self.session_records: asyncio.Queue[SessionRecord] = asyncio.Queue()
        self.lines: list[str] = []
        self._stack = AsyncExitStack()
        self._stop = asyncio.Event()
        self._announced = asyncio.Event()

    async def __aenter__(self) -> "ServerHarness":
        self._running = asyncio.create_task(
            run_server(
                0,
                self.policy,
                self._streams,
                self._on_announcement,
                self._stop,
                self.session_records.put_nowait,
            )
        )
        await asyncio.wait_for(self._announced.wait(), LONG_ENOUGH)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()
        await self._stack.aclose()

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.wait_for(self._running, LONG_ENOUGH)

    async def client(
        self, query: str = "", key: str | None = ACCESS_KEY, **headers: str
    ) -> WireClient:
        given = {**headers} if key is None else {"Authorization": key, **headers}
        dial = connect(
            f"{self.lines[0]}?{query}",
            additional_headers={name.replace("_", "-"): value for name, value in given.items()},
            proxy=None,
        )
        return WireClient(await self._stack.enter_async_context(dial))

    async def session(
        self, query: str = "", key: str | None = ACCESS_KEY
    ) -> tuple[WireClient, FakeStream]:
        """Connects a client and waits for Begin."""
        client = await self.client(query, key)
        await client.receive_until("Begin")
        return client, self.backend.streams[-1]

    async def next_session_record(self) -> SessionRecord:
        return await asyncio.wait_for(self.session_records.get(), LONG_ENOUGH)

    async def http_get(self, path: str, **headers: str) -> tuple[int, str]:
        """The status and body of a plain HTTP request."""
        address = self.lines[0].replace("ws:", "http:").removesuffix("/v3/ws")
        return await asyncio.to_thread(
            _http_request, urllib.request.Request(address + path, headers=headers)
        )

    def _on_announcement(self, line: str) -> None:
        self.lines.append(line)
        if len(self.lines) == 2:
            self._announced.set()


def _http_request(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=LONG_ENOUGH) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
