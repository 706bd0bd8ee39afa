"""A source that performs a script: known words at known times, and faults on request.

The rules of the protocol are not its business: sessions, turns and limits are those of the engine.
"""

import asyncio
import itertools
import math
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from websockets.asyncio.server import ServerConnection

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
from workers.localserver.scripts.faulty_wire import FaultyClientSocket
from workers.localserver.scripts.script import ReportDelays, Script, SessionScript

REPORT_INTERVAL_MS = 500
"""Ms of audio after which the position is told though there is nothing new to say."""


class ScriptedBackend(Backend):
    """Gives each session the next scene of the script, in the order in which they are let in."""

    capacity = 1000
    backlog_s = 0.0

    def __init__(self, script: Script) -> None:
        self._script = script
        self._session_numbers = itertools.count()
        self._socket: ContextVar[FaultyClientSocket] = ContextVar(
            "wire"
        )  # of the session of this task

    def wrap_socket(self, socket: ServerConnection) -> FaultyClientSocket:
        wire = FaultyClientSocket(socket)
        self._socket.set(wire)
        return wire

    @asynccontextmanager
    async def open_stream(self, parameters: Parameters) -> AsyncIterator["ScriptedStream"]:
        number = next(self._session_numbers)
        scene = self._script.session(number)
        bytes_a_second = parameters.sample_rate * parameters.encoding.bytes_per_sample
        self._socket.get().follow_script(scene, bytes_a_second)
        yield ScriptedStream(StreamId(number), scene, bytes_a_second)


class ScriptedStream:
    """One session's words, told as late after their audio as the script says.

    A word is received with the chunk that holds its last sample. Nothing is told of a turn before
    the one before it is over, as with any recogniser.
    """

    def __init__(self, stream_id: StreamId, script: SessionScript, bytes_per_second: int) -> None:
        self._stream_id = stream_id
        self._bytes_per_second = bytes_per_second
        self._received_bytes = 0
        self._words = [word for turn in script.turns for word in turn.words]
        self._word_ends_ms = [word.end_ms for word in self._words]
        self._pending = deque(
            (word, turn.delays, word is turn.words[-1])
            for turn in script.turns
            for word in turn.words
        )
        self._open_words: list[RecognisedWord] = []
        """The words of the open turn that were received."""
        self._delays = ReportDelays()
        self._received_at = 0.0
        """When the last of them was, on the loop's clock."""
        self._partial_timers: list[asyncio.TimerHandle] = []
        self._final_due_at = 0.0
        """When the end of the turn before it is told."""
        self._reported_ms = 0
        """The position that was last told."""
        self._reports: asyncio.Queue[StreamReport] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    async def feed(self, data: bytes) -> None:
        self._received_bytes += len(data)
        heard = False
        while self._pending and self._pending[0][0].end_ms <= self._position_ms:
            word, self._delays, last = self._pending.popleft()
            self._open_words.append(word)
            self._received_at = self._loop.time()
            heard = True
            if last:
                self._schedule_partial()
                self._schedule_final()
                heard = False
        if heard:
            self._schedule_partial()
        if self._position_ms - self._reported_ms >= REPORT_INTERVAL_MS:
            self._report()

    async def configure(self, endpointing: Endpointing) -> None:
        """The script says when turns end."""

    async def flush(self) -> None:
        if self._open_words:
            self._schedule_final()
        self._final_due_at = _just_after(max(self._final_due_at, self._loop.time()))
        self._loop.call_at(self._final_due_at, self._reports.put_nowait, Flushed(self._stream_id))

    async def next_report(self) -> StreamReport:
        return await self._reports.get()

    @property
    def _position_ms(self) -> int:
        return self._received_bytes * 1000 // self._bytes_per_second

    def _schedule_partial(self) -> None:
        before = self._partial_timers[-1].when() if self._partial_timers else self._final_due_at
        due = max(self._received_at + self._delays.partial_after, _just_after(before))
        reading = Hypothesis(tuple(self._open_words))
        self._partial_timers.append(self._loop.call_at(due, self._report, reading))

    def _schedule_final(self) -> None:
        due = max(self._received_at + self._delays.final_after, _just_after(self._final_due_at))
        for partial in self._partial_timers:
            if partial.when() >= due:  # it would tell nothing that the final has not told
                partial.cancel()
        words = tuple(self._open_words)
        reading = Hypothesis(words, len(words), end_of_turn=True, end_of_turn_confidence=1.0)
        self._loop.call_at(due, self._report, reading)
        self._final_due_at = due
        self._partial_timers.clear()
        self._open_words.clear()

    def _report(self, hypothesis: Hypothesis | None = None) -> None:
        position = self._position_ms
        ended = bisect_right(self._word_ends_ms, position)
        speaking = ended < len(self._words) and self._words[ended].start_ms < position
        silence_from = self._word_ends_ms[ended - 1] if ended else 0
        heard = Recognised(
            self._stream_id,
            position,
            hypothesis,
            silence_ms=0 if speaking else position - silence_from,
            speech_probability=1.0 if speaking or silence_from > self._reported_ms else 0.0,
        )
        self._reported_ms = position
        self._reports.put_nowait(heard)


def _just_after(time: float) -> float:
    """The next moment of the loop's clock: what is due at the same one has no order."""
    return math.nextafter(time, math.inf)
