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

from workers.errors import EngineUnavailable
from workers.localserver.backend import Backend
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import (
    MESSAGE_HEADER,
    Audio,
    Close,
    Configure,
    Endpointing,
    Flush,
    Lost,
    Open,
    Ready,
    Recognised,
    RecogniserCommand,
    RecogniserReport,
    StreamId,
    StreamReport,
    pack_message,
)
from workers.localserver.recognition.engines import engine_name_for
from workers.localserver.refusal import Refusal, session_cancelled

MAX_STREAMS_PER_PROCESS = 4
"""Real-time streams that one process keeps up with, at the speed of an ordinary core. What a slower
one does with them shows in its backlog."""

MAX_RECOGNISER_PROCESSES = 4
BACKLOG_VALID_S = 5.0
"""Seconds without a report after which nothing can be late: nobody sends anything."""

BACKLOG_DECAY = 0.7
"""How much of the backlog is left after each reading that was in time."""

RECOGNISER_EXIT_TIMEOUT_S = 2.0
"""Seconds that a process gets to end by itself after its stdin was closed."""


class ProcessStream:
    """One session's audio on its way to a recogniser, and the reports on it."""

    def __init__(self, stream_id: StreamId, recogniser: "RecogniserProcess") -> None:
        self.stream_id = stream_id
        self._recogniser = recogniser
        self._reports: asyncio.Queue[StreamReport] = asyncio.Queue()

    async def feed(self, data: bytes) -> None:
        await self._recogniser.send(Audio(self.stream_id, data))

    async def configure(self, endpointing: Endpointing) -> None:
        await self._recogniser.send(Configure(self.stream_id, endpointing))

    async def flush(self) -> None:
        await self._recogniser.send(Flush(self.stream_id))

    async def next_report(self) -> StreamReport:
        return await self._reports.get()

    def deliver(self, report: StreamReport) -> None:
        self._reports.put_nowait(report)


class RecogniserProcess:
    """One recogniser process and its streams."""

    def __init__(self) -> None:
        self.streams: dict[StreamId, ProcessStream] = {}
        self._process: asyncio.subprocess.Process | None = None
        self.loaded = asyncio.Event()
        """Also set when it is hopeless, so that nobody waits."""
        self.failed = False
        self._backlog_s = 0.0
        self._backlog_updated_at = 0.0

    @property
    def is_usable(self) -> bool:
        """Whether its model is loaded."""
        return self.loaded.is_set() and not self.failed

    @property
    def backlog_s(self) -> float:
        """Seconds by which its readings are late, as of late."""
        return (
            self._backlog_s
            if time.monotonic() - self._backlog_updated_at < BACKLOG_VALID_S
            else 0.0
        )

    async def wait_until_ready(self) -> None:
        """Returns when the model is loaded; raises `Refusal` when it never will be."""
        await self.loaded.wait()
        if self.failed:
            raise session_cancelled()

    async def send(self, command: RecogniserCommand) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise session_cancelled()
        if process.stdin.is_closing():  # its streams learn of its end from `_drop_streams`
            raise session_cancelled()
        # Never waits for a recogniser, so that no client does; what can queue here is bounded by
        # how far ahead of time audio may come.
        process.stdin.write(pack_message(command))

    async def run(self) -> None:
        """Keeps a process alive until cancelled, or until one was never ready."""
        while not self.failed:
            try:
                await self._run_process()
            except Exception:  # too many open files, say; whoever waits for it must not wait on
                traceback.print_exc()
            self.failed = not self.loaded.is_set()
            if not self.failed:
                lost = len(self.streams)
                sys.stderr.write(f"A recogniser process ended ({lost} streams); another starts.\n")
            self._drop_streams()
        self.loaded.set()

    async def _run_process(self) -> None:
        """One process, from its start to its end."""
        self._process = process = await _start_process()
        try:
            await self._deliver_reports(process)
        finally:
            await _stop_process(process)

    async def _deliver_reports(self, process: asyncio.subprocess.Process) -> None:
        """Passes reports on to their streams until the process ends."""
        assert process.stdout is not None
        while True:
            try:
                (length,) = MESSAGE_HEADER.unpack(
                    await process.stdout.readexactly(MESSAGE_HEADER.size)
                )
                report: RecogniserReport = pickle.loads(await process.stdout.readexactly(length))
            except asyncio.IncompleteReadError:
                return
            if isinstance(report, Ready):
                self.loaded.set()
            elif report.stream in self.streams:  # else its session is gone already
                self._update_backlog(report)
                self.streams[report.stream].deliver(report)

    def _update_backlog(self, report: StreamReport) -> None:
        if isinstance(report, Recognised):
            self._backlog_s = max(report.lag_s, self.backlog_s * BACKLOG_DECAY)
            self._backlog_updated_at = time.monotonic()

    def _drop_streams(self) -> None:
        self._process = None
        self._backlog_s = 0.0
        if not self.failed:
            self.loaded.clear()
        for stream in self.streams.values():
            stream.deliver(Lost(stream.stream_id))
        self.streams.clear()


class RecogniserPool(Backend):
    """All recogniser processes; an asynchronous context manager that ends them."""

    def __init__(self) -> None:
        self._processes = [
            RecogniserProcess() for _ in range(min(_available_cores(), MAX_RECOGNISER_PROCESSES))
        ]
        self._tasks: list[asyncio.Task[None]] = []
        self._stream_ids = itertools.count(1)

    @property
    def capacity(self) -> int:
        alive = sum(not each.failed for each in self._processes)
        return MAX_STREAMS_PER_PROCESS * max(alive, 1)

    @property
    def backlog_s(self) -> float:
        """Of the process that would get the next stream."""
        least = self._least_busy()
        return least.backlog_s if least.streams else 0.0

    async def __aenter__(self) -> Self:
        """Returns when the processes are ready: a client that waits for Begin is impatient."""
        self._tasks = [asyncio.create_task(each.run()) for each in self._processes]
        try:
            await self._wait_until_ready()
        except BaseException:  # who is cancelled while entering is never asked to exit
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _wait_until_ready(self) -> None:
        """Or will never be; raises `EngineUnavailable` when that is so of all of them."""
        for each in self._processes:  # they load side by side
            await each.loaded.wait()
        if not any(each.is_usable for each in self._processes):
            raise EngineUnavailable("The recogniser could not be loaded")

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def open_stream(self, parameters: Parameters) -> AsyncIterator[ProcessStream]:
        """A stream of the least busy process, as soon as its model is loaded."""
        recogniser = self._least_busy()
        stream = ProcessStream(StreamId(next(self._stream_ids)), recogniser)
        recogniser.streams[stream.stream_id] = stream  # before the wait, so that it counts
        try:
            await recogniser.wait_until_ready()
            opened = Open(
                stream.stream_id,
                parameters.sample_rate,
                parameters.encoding,
                parameters.endpointing,
                engine_name_for(parameters.model),
            )
            await recogniser.send(opened)
            yield stream
        finally:
            if recogniser.streams.pop(stream.stream_id, None) is not None:
                with suppress(Refusal):  # its process is ending too; whatever ended us counts
                    await recogniser.send(Close(stream.stream_id))

    def _least_busy(self) -> RecogniserProcess:
        def rank(each: RecogniserProcess) -> tuple[bool, bool, bool, int]:
            full = (
                len(each.streams) >= MAX_STREAMS_PER_PROCESS
            )  # then rather one that is still loading
            return each.failed, full, not each.loaded.is_set(), len(each.streams)

        return min(self._processes, key=rank)


async def _start_process() -> asyncio.subprocess.Process:
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
        await _stop_process(await starting)
        raise


async def _stop_process(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), RECOGNISER_EXIT_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _available_cores() -> int:
    """Cores that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
