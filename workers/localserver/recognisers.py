"""The recogniser processes, as the server's event loop sees them: one for each core.

A session takes a stream; the pool gives it to the process with the fewest. A process that dies
takes its own sessions with it and is replaced.
"""

import asyncio
import itertools
import os
import pickle
import sys
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

from workers.errors import EngineMissing
from workers.localserver.backend import Source
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import (
    HEADER,
    Audio,
    Close,
    Configure,
    Endpointing,
    Flush,
    Heard,
    Lost,
    Open,
    Order,
    Ready,
    Report,
    StreamId,
    StreamReport,
    frame,
)
from workers.localserver.recognition.engines import engine_for
from workers.localserver.refusal import Refusal, cancelled

STREAMS_EACH = 4
"""Real-time streams that one process keeps up with, at the speed of an ordinary core. What a slower
one does with them shows in its backlog."""

MOST_PROCESSES = 4
RECENT = 5.0
"""Seconds without a report after which nothing can be late: nobody sends anything."""

FORGETS = 0.7
"""How much of the backlog is left after each reading that was in time."""

PATIENCE = 2.0
"""Seconds that a process gets to end by itself after its stdin was closed."""


class RecognisedStream:
    """One session's audio on its way to a recogniser, and the reports on it."""

    def __init__(self, number: StreamId, recogniser: "Recogniser") -> None:
        self.number = number
        self._recogniser = recogniser
        self._reports: asyncio.Queue[StreamReport] = asyncio.Queue()

    async def hear(self, data: bytes) -> None:
        await self._recogniser.send(Audio(self.number, data))

    async def configure(self, endpointing: Endpointing) -> None:
        await self._recogniser.send(Configure(self.number, endpointing))

    async def flush(self) -> None:
        await self._recogniser.send(Flush(self.number))

    async def report(self) -> StreamReport:
        return await self._reports.get()

    def tell(self, report: StreamReport) -> None:
        self._reports.put_nowait(report)


class Recogniser:
    """One recogniser process and its streams."""

    def __init__(self) -> None:
        self.streams: dict[StreamId, RecognisedStream] = {}
        self._process: asyncio.subprocess.Process | None = None
        self.loaded = asyncio.Event()
        """Also set when it is hopeless, so that nobody waits."""
        self.hopeless = False
        self._backlog = 0.0
        self._noted = 0.0

    @property
    def able(self) -> bool:
        """Whether its model is loaded."""
        return self.loaded.is_set() and not self.hopeless

    @property
    def backlog(self) -> float:
        """Seconds by which its readings are late, as of late."""
        return self._backlog if time.monotonic() - self._noted < RECENT else 0.0

    async def ready(self) -> None:
        """Returns when the model is loaded; raises `Refusal` when it never will be."""
        await self.loaded.wait()
        if self.hopeless:
            raise cancelled()

    async def send(self, order: Order) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise cancelled()
        if process.stdin.is_closing():  # its streams learn of its end from `_lose`
            raise cancelled()
        # Never waits for a recogniser, so that no client does; what can queue here is bounded by
        # how far ahead of time audio may come.
        process.stdin.write(frame(order))

    async def run(self) -> None:
        """Keeps a process alive until cancelled, or until one was never ready."""
        while not self.hopeless:
            try:
                await self._live()
            except Exception:  # too many open files, say; whoever waits for it must not wait on
                traceback.print_exc()
            self.hopeless = not self.loaded.is_set()
            if not self.hopeless:
                lost = len(self.streams)
                sys.stderr.write(f"A recogniser process ended ({lost} streams); another starts.\n")
            self._lose()
        self.loaded.set()

    async def _live(self) -> None:
        """One process, from its start to its end."""
        self._process = process = await _started()
        try:
            await self._read(process)
        finally:
            await _ended(process)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Passes reports on to their streams until the process ends."""
        assert process.stdout is not None
        while True:
            try:
                (length,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
                report: Report = pickle.loads(await process.stdout.readexactly(length))
            except asyncio.IncompleteReadError:
                return
            if isinstance(report, Ready):
                self.loaded.set()
            elif report.stream in self.streams:  # else its session is gone already
                self._note(report)
                self.streams[report.stream].tell(report)

    def _note(self, report: StreamReport) -> None:
        if isinstance(report, Heard):
            self._backlog = max(report.behind, self.backlog * FORGETS)
            self._noted = time.monotonic()

    def _lose(self) -> None:
        self._process = None
        self._backlog = 0.0
        if not self.hopeless:
            self.loaded.clear()
        for stream in self.streams.values():
            stream.tell(Lost(stream.number))
        self.streams.clear()


class Pool(Source):
    """All recogniser processes; an asynchronous context manager that ends them."""

    def __init__(self) -> None:
        self._recognisers = [Recogniser() for _ in range(min(_cores(), MOST_PROCESSES))]
        self._tasks: list[asyncio.Task[None]] = []
        self._numbers = itertools.count(1)

    @property
    def capacity(self) -> int:
        alive = sum(not each.hopeless for each in self._recognisers)
        return STREAMS_EACH * max(alive, 1)

    @property
    def backlog(self) -> float:
        """Of the process that would get the next stream."""
        least = self._least_busy()
        return least.backlog if least.streams else 0.0

    async def __aenter__(self) -> Self:
        """Returns when the processes are ready: a client that waits for Begin is impatient."""
        self._tasks = [asyncio.create_task(each.run()) for each in self._recognisers]
        try:
            await self._all_are_ready()
        except BaseException:  # who is cancelled while entering is never asked to exit
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._end()

    async def _all_are_ready(self) -> None:
        """Or will never be; raises `EngineMissing` when that is so of all of them."""
        for each in self._recognisers:  # they load side by side
            await each.loaded.wait()
        if not any(each.able for each in self._recognisers):
            raise EngineMissing("The recogniser could not be loaded")

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def stream(self, parameters: Parameters) -> AsyncIterator[RecognisedStream]:
        """A stream of the least busy process, as soon as its model is loaded."""
        recogniser = self._least_busy()
        stream = RecognisedStream(StreamId(next(self._numbers)), recogniser)
        recogniser.streams[stream.number] = stream  # before the wait, so that it counts
        try:
            await recogniser.ready()
            opened = Open(
                stream.number,
                parameters.sample_rate,
                parameters.encoding,
                parameters.endpointing,
                engine_for(parameters.model),
            )
            await recogniser.send(opened)
            yield stream
        finally:
            if recogniser.streams.pop(stream.number, None) is not None:
                with suppress(Refusal):  # its process is ending too; whatever ended us counts
                    await recogniser.send(Close(stream.number))

    def _least_busy(self) -> Recogniser:
        def rank(each: Recogniser) -> tuple[bool, bool, bool, int]:
            full = len(each.streams) >= STREAMS_EACH  # then rather one that is still loading
            return each.hopeless, full, not each.loaded.is_set(), len(each.streams)

        return min(self._recognisers, key=rank)


async def _started() -> asyncio.subprocess.Process:
    """A new process; never cancelled halfway, which would wait for its pipes for ever."""
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "workers.localserver.recognition.recogniser",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the server, which then closes our stdin
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _ended(await starting)
        raise


async def _ended(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()


def _cores() -> int:
    """Cores that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
