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
from workers.localserver.scripts.faulty_wire import FaultyWire
from workers.localserver.scripts.script import Pace, Scene, Script

TELL_EVERY = 500
"""Ms of audio after which the position is told though there is nothing new to say."""


class Scripted(Source):
    """Gives each session the next scene of the script, in the order in which they are let in."""

    capacity = 1000
    backlog = 0.0

    def __init__(self, script: Script) -> None:
        self._script = script
        self._numbers = itertools.count()
        self._wire: ContextVar[FaultyWire] = ContextVar("wire")  # of the session of this task

    def wire(self, socket: ServerConnection) -> FaultyWire:
        wire = FaultyWire(socket)
        self._wire.set(wire)
        return wire

    @asynccontextmanager
    async def stream(self, parameters: Parameters) -> AsyncIterator["ScriptedStream"]:
        number = next(self._numbers)
        scene = self._script.scene(number)
        bytes_a_second = parameters.sample_rate * parameters.encoding.sample_bytes
        self._wire.get().perform(scene, bytes_a_second)
        yield ScriptedStream(StreamId(number), scene, bytes_a_second)


class ScriptedStream:
    """One session's words, told as late after their audio as the script says.

    A word is received with the chunk that holds its last sample. Nothing is told of a turn before
    the one before it is over, as with any recogniser.
    """

    def __init__(self, number: StreamId, scene: Scene, bytes_a_second: int) -> None:
        self._number = number
        self._bytes_a_second = bytes_a_second
        self._bytes = 0
        self._words = [word for turn in scene.turns for word in turn.words]
        self._ends = [word.end for word in self._words]
        self._to_come = deque(
            (word, turn.pace, word is turn.words[-1]) for turn in scene.turns for word in turn.words
        )
        self._open: list[HeardWord] = []
        """The words of the open turn that were received."""
        self._pace = Pace()
        self._received_at = 0.0
        """When the last of them was, on the loop's clock."""
        self._partials: list[asyncio.TimerHandle] = []
        self._over_at = 0.0
        """When the end of the turn before it is told."""
        self._told = 0
        """The position that was last told."""
        self._reports: asyncio.Queue[StreamReport] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    async def hear(self, data: bytes) -> None:
        self._bytes += len(data)
        heard = False
        while self._to_come and self._to_come[0][0].end <= self._position:
            word, self._pace, last = self._to_come.popleft()
            self._open.append(word)
            self._received_at = self._loop.time()
            heard = True
            if last:
                self._plan_partial()
                self._plan_end()
                heard = False
        if heard:
            self._plan_partial()
        if self._position - self._told >= TELL_EVERY:
            self._tell()

    async def configure(self, endpointing: Endpointing) -> None:
        """The script says when turns end."""

    async def flush(self) -> None:
        if self._open:
            self._plan_end()
        self._over_at = _later(max(self._over_at, self._loop.time()))
        self._loop.call_at(self._over_at, self._reports.put_nowait, Flushed(self._number))

    async def report(self) -> StreamReport:
        return await self._reports.get()

    @property
    def _position(self) -> int:
        return self._bytes * 1000 // self._bytes_a_second

    def _plan_partial(self) -> None:
        before = self._partials[-1].when() if self._partials else self._over_at
        due = max(self._received_at + self._pace.partial_after, _later(before))
        reading = Reading(tuple(self._open))
        self._partials.append(self._loop.call_at(due, self._tell, reading))

    def _plan_end(self) -> None:
        due = max(self._received_at + self._pace.final_after, _later(self._over_at))
        for partial in self._partials:
            if partial.when() >= due:  # it would tell nothing that the final has not told
                partial.cancel()
        words = tuple(self._open)
        reading = Reading(words, len(words), over=True, end_of_turn_confidence=1.0)
        self._loop.call_at(due, self._tell, reading)
        self._over_at = due
        self._partials.clear()
        self._open.clear()

    def _tell(self, reading: Reading | None = None) -> None:
        position = self._position
        ended = bisect_right(self._ends, position)
        speaking = ended < len(self._words) and self._words[ended].start < position
        silence_from = self._ends[ended - 1] if ended else 0
        heard = Heard(
            self._number,
            position,
            reading,
            silence=0 if speaking else position - silence_from,
            speech_probability=1.0 if speaking or silence_from > self._told else 0.0,
        )
        self._told = position
        self._reports.put_nowait(heard)


def _later(than: float) -> float:
    """The next moment of the loop's clock: what is due at the same one has no order."""
    return math.nextafter(than, math.inf)
