"""A backend that follows a script: it reports known words at known times, and injects faults.

Sessions, turns and limits work as in the ordinary server.
"""

import asyncio
import itertools
import math
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

from websockets.asyncio.server import ServerConnection

from workers.localserver.backend import Backend
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import (
    REPORT_INTERVAL_MS,
    Endpointing,
    Flushed,
    Hypothesis,
    Recognised,
    RecognisedWord,
    StreamId,
    StreamReport,
)
from workers.localserver.scripts.faulty_client_socket import FaultyClientSocket
from workers.localserver.scripts.script import PartialWord, ReportDelays, Script, SessionScript
from workers.localserver.scripts.session_times import SessionClock, append_times


class ScriptedBackend(Backend):
    """Assigns the next session of the script to each admitted session."""

    capacity = 1000
    backlog_s = 0.0

    def __init__(self, script: Script, times_path: Path | None = None) -> None:
        """``times_path``: a file that gets the `SessionTimes` of each session at its end."""
        self._script = script
        self._times_path = times_path
        self._session_numbers = itertools.count()
        self._task_socket: ContextVar[FaultyClientSocket] = ContextVar("task_socket")

    def wrap_socket(self, socket: ServerConnection) -> FaultyClientSocket:
        clock = None if self._times_path is None else SessionClock()
        faulty_socket = FaultyClientSocket(socket, clock)
        self._task_socket.set(faulty_socket)
        return faulty_socket

    @asynccontextmanager
    async def open_stream(self, parameters: Parameters) -> AsyncIterator["ScriptedStream"]:
        number = next(self._session_numbers)
        script = self._script.session(number)
        socket = self._task_socket.get()
        socket.follow_script(script, parameters.bytes_per_second)
        try:
            yield ScriptedStream(StreamId(number), script, parameters.bytes_per_second)
        finally:
            if self._times_path is not None and socket.clock is not None:
                append_times(self._times_path, socket.clock.times)


class ScriptedStream:
    """Reports the words of one session with the delays of the script.

    A word arrives with the chunk that contains its last sample. As with any recogniser, a turn
    is not reported before the previous one has ended.
    """

    def __init__(self, stream_id: StreamId, script: SessionScript, bytes_per_second: int) -> None:
        self._stream_id = stream_id
        self._bytes_per_second = bytes_per_second
        self._received_bytes = 0
        self._words = [word for turn in script.turns for word in turn.words]
        self._word_ends_ms = [word.end_ms for word in self._words]
        self._pending = deque(
            _PendingWord(word, partial, turn.delays, is_last=word is turn.words[-1])
            for turn in script.turns
            for word, partial in zip_longest(turn.words, turn.partial_words)
        )
        self._turn = _OpenTurn()
        self._delays = ReportDelays()  # delays of the last of these words
        self._received_at = 0.0  # arrival time of the last open word, on the loop's clock
        self._partial_timers: list[asyncio.TimerHandle] = []
        self._final_due_at = 0.0  # due time of the previous final turn
        self._reported_ms = 0  # position in the last report
        self._reports: asyncio.Queue[StreamReport] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    async def feed(self, data: bytes) -> None:
        self._received_bytes += len(data)
        has_new_words = False
        while self._pending and self._pending[0].shown_ms <= self._position_ms:
            pending = self._pending.popleft()
            self._delays = pending.delays
            self._received_at = self._loop.time()
            self._add_word(pending)
            has_new_words = not pending.is_last
            if pending.is_last:
                self._schedule_partial()
                self._schedule_final()
        if has_new_words:
            self._schedule_partial()
        if self._position_ms - self._reported_ms >= REPORT_INTERVAL_MS:
            self._report()

    async def configure(self, endpointing: Endpointing) -> None:
        """Has no effect: the script decides when turns end."""

    async def flush(self) -> None:
        if self._turn.words:
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
        turn = self._turn
        timer = self._loop.call_at(due, self._report_partial, turn, len(turn.words))
        self._partial_timers.append(timer)

    def _schedule_final(self) -> None:
        due = max(self._received_at + self._delays.final_after, _just_after(self._final_due_at))
        for partial in self._partial_timers:
            if partial.when() >= due:  # the final turn contains all of its words
                partial.cancel()
        words = tuple(self._turn.final_words)
        final = Hypothesis(words, len(words), end_of_turn=True, end_of_turn_confidence=1.0)
        self._loop.call_at(due, self._report, final)
        self._final_due_at = due
        self._partial_timers.clear()
        self._turn.final_due_at = due
        self._turn = _OpenTurn()

    def _add_word(self, pending: "_PendingWord") -> None:
        """Adds a word to the open turn, and plans its correction."""
        turn, index, partial = self._turn, len(self._turn.words), pending.partial
        turn.final_words.append(pending.word)
        if partial is None or not partial.first_text:
            turn.words.append(pending.word)
            return
        turn.words.append(replace(pending.word, text=partial.first_text))
        due = self._received_at + self._delays.partial_after + partial.corrected_after
        self._loop.call_at(due, self._correct, turn, index)

    def _correct(self, turn: "_OpenTurn", index: int) -> None:
        turn.words[index] = turn.final_words[index]
        if index < turn.shown_count and self._loop.time() < turn.final_due_at:
            self._report_partial(turn, turn.shown_count)

    def _report_partial(self, turn: "_OpenTurn", count: int) -> None:
        turn.shown_count = max(turn.shown_count, count)
        self._report(Hypothesis(tuple(turn.words[: turn.shown_count])))

    def _report(self, hypothesis: Hypothesis | None = None) -> None:
        position_ms = self._position_ms
        ended = bisect_right(self._word_ends_ms, position_ms)
        speaking = ended < len(self._words) and self._words[ended].start_ms < position_ms
        silence_start_ms = self._word_ends_ms[ended - 1] if ended else 0
        spoken = speaking or silence_start_ms > self._reported_ms
        self._reported_ms = position_ms
        self._reports.put_nowait(
            Recognised(
                self._stream_id,
                position_ms,
                hypothesis,
                silence_ms=0 if speaking else position_ms - silence_start_ms,
                speech_probability=1.0 if spoken else 0.0,
            )
        )


@dataclass(slots=True)
class _OpenTurn:
    """The received words of a turn."""

    words: list[RecognisedWord] = field(default_factory=list)  # as the next partial has them
    final_words: list[RecognisedWord] = field(default_factory=list)  # as the final has them
    shown_count: int = 0  # how many of them a partial has had
    final_due_at: float = math.inf  # on the loop's clock; infinite while the turn is open


@dataclass(frozen=True, slots=True)
class _PendingWord:
    """A word whose audio has not arrived yet."""

    word: RecognisedWord
    partial: PartialWord | None
    delays: ReportDelays
    is_last: bool

    @property
    def shown_ms(self) -> float:
        """The position of the audio at which it counts as received."""
        return self.word.end_ms - (1000 * self.partial.shown_before if self.partial else 0.0)


def _just_after(time: float) -> float:
    """The next instant of the loop's clock, as timers for the same instant run in any order."""
    return math.nextafter(time, math.inf)
