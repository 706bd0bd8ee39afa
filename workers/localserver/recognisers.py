"""Starts one recogniser process per core and distributes the sessions among them.

Runs in the server's event loop. A new stream goes to the process with the fewest streams. When a
process dies, its sessions end and another process replaces it.
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
from typing import Self

from workers.errors import EngineUnavailable
from workers.localserver.backend import Backend
from workers.localserver.capacity import (
    MAX_STREAMS_PER_PROCESS,
    process_count,
    session_capacity,
)
from workers.localserver.engine_registry import engine_name_for
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
from workers.localserver.refusal import Refusal, session_cancelled
from workers.secrecy import public_environment

BACKLOG_VALID_S = 5.0
"""If no report has come for this long, no audio is arriving, and the backlog counts as 0."""

BACKLOG_DECAY = 0.7
"""Factor by which the backlog shrinks with each report on time."""

RECOGNISER_EXIT_TIMEOUT_S = 2.0
"""A process that still runs this long after its stdin was closed is killed."""


class ProcessStream:
    """The `SpeechStream` of one session in a recogniser process."""

    def __init__(self, stream_id: StreamId, recogniser: "RecogniserProcess") -> None:
        self.stream_id = stream_id
        self.reports: asyncio.Queue[StreamReport] = asyncio.Queue()
        self._recogniser = recogniser

    async def feed(self, data: bytes) -> None:
        await self._recogniser.send(Audio(self.stream_id, data))

    async def configure(self, endpointing: Endpointing) -> None:
        await self._recogniser.send(Configure(self.stream_id, endpointing))

    async def flush(self) -> None:
        await self._recogniser.send(Flush(self.stream_id))

    async def next_report(self) -> StreamReport:
        return await self.reports.get()


class RecogniserProcess:
    """One recogniser process, which is restarted when it dies, and its streams."""

    def __init__(self) -> None:
        self.streams: dict[StreamId, ProcessStream] = {}
        self.loaded = asyncio.Event()
        """Set when the engine is loaded, or when no process can start; sessions wait for it."""
        self.failed = False
        self._process: asyncio.subprocess.Process | None = None
        self._backlog_s = 0.0
        self._backlog_updated_at = 0.0

    @property
    def backlog_s(self) -> float:
        """The time from the arrival of audio to its report, as recently measured, in seconds."""
        age_s = time.monotonic() - self._backlog_updated_at
        return self._backlog_s if age_s < BACKLOG_VALID_S else 0.0

    async def send(self, command: RecogniserCommand) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            raise session_cancelled()
        # Not drained, since clients must never wait for a recogniser. The queue stays short
        # because clients may send only a little faster than real time.
        process.stdin.write(pack_message(command))

    async def run(self) -> None:
        """Runs a process and restarts it until cancelled, or until one dies before it is ready."""
        while not self.failed:
            try:
                self._process = process = await _start_process()
                try:
                    await self._deliver_reports(process)
                finally:
                    await _stop_process(process)
            except Exception:  # for example too many open files; waiting sessions must continue
                traceback.print_exc()
            count = len(self.streams)
            for stream in self.streams.values():
                stream.reports.put_nowait(Lost(stream.stream_id))
            self.streams.clear()
            self._process = None
            self._backlog_s = 0.0
            self.failed = not self.loaded.is_set()
            if not self.failed:
                sys.stderr.write(f"A recogniser process ended with {count} streams; restarting.\n")
                self.loaded.clear()
        self.loaded.set()

    async def _deliver_reports(self, process: asyncio.subprocess.Process) -> None:
        """Delivers reports to their streams until the process ends."""
        assert process.stdout is not None
        read = process.stdout.readexactly
        while True:
            try:
                (length,) = MESSAGE_HEADER.unpack(await read(MESSAGE_HEADER.size))
                report: RecogniserReport = pickle.loads(await read(length))
            except asyncio.IncompleteReadError:
                return
            if isinstance(report, Ready):
                self.loaded.set()
            elif report.stream in self.streams:  # otherwise its session has ended
                if isinstance(report, Recognised):
                    self._backlog_s = max(report.lag_s, self.backlog_s * BACKLOG_DECAY)
                    self._backlog_updated_at = time.monotonic()
                self.streams[report.stream].reports.put_nowait(report)


class RecogniserPool(Backend):
    """All recogniser processes; leaving the context stops them."""

    def __init__(self, speed: float = 1.0) -> None:
        """``speed``: the seconds of audio per second at which sessions are expected to send."""
        self._speed = speed
        self._processes = [RecogniserProcess() for _ in range(process_count())]
        self._tasks: list[asyncio.Task[None]] = []
        self._stream_ids = itertools.count(1)

    @property
    def capacity(self) -> int:
        alive = sum(not process.failed for process in self._processes)
        return session_capacity(max(alive, 1), self._speed)

    @property
    def backlog_s(self) -> float:
        """The backlog of the process that would get the next stream."""
        process = self._least_busy()
        return process.backlog_s if process.streams else 0.0

    async def __aenter__(self) -> Self:
        """Waits until the models are loaded, so that no client waits long for Begin.

        Raises `EngineUnavailable` if no process could load its model.
        """
        self._tasks = [asyncio.create_task(process.run()) for process in self._processes]
        try:
            for process in self._processes:  # they load in parallel
                await process.loaded.wait()
            if all(process.failed for process in self._processes):
                raise EngineUnavailable("The recogniser could not be loaded")
        except BaseException:  # __aexit__ is not called when entering fails
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def open_stream(self, parameters: Parameters) -> AsyncIterator[ProcessStream]:
        """Opens a stream in the least busy process, once its model is loaded."""
        recogniser = self._least_busy()
        stream = ProcessStream(StreamId(next(self._stream_ids)), recogniser)
        recogniser.streams[stream.stream_id] = stream  # counts while it waits
        try:
            await recogniser.loaded.wait()
            if recogniser.failed:
                raise session_cancelled()
            rate, encoding = parameters.sample_rate, parameters.encoding
            engine = engine_name_for(parameters.speech_model)
            await recogniser.send(
                Open(stream.stream_id, rate, encoding, parameters.endpointing, engine)
            )
            yield stream
        finally:
            if recogniser.streams.pop(stream.stream_id, None) is not None:
                with suppress(Refusal):  # the process may have died
                    await recogniser.send(Close(stream.stream_id))

    def _least_busy(self) -> RecogniserProcess:
        def rank(process: RecogniserProcess) -> tuple[bool, bool, bool, int]:
            # A process that is still loading is better than a full one.
            full = len(process.streams) >= MAX_STREAMS_PER_PROCESS
            return process.failed, full, not process.loaded.is_set(), len(process.streams)

        return min(self._processes, key=rank)


async def _start_process() -> asyncio.subprocess.Process:
    """Starts a process. Shielded, since cancelling halfway would wait for its pipes forever."""
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "workers.localserver.recognition.recogniser"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=public_environment(os.environ),
            start_new_session=True,  # Ctrl-C goes to the server, which then closes the stdin
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
