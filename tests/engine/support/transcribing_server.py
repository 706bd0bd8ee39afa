"""A server that transcribes numbered recordings and commits faults at given moments.

`transcribe` makes the script of one connection for a `ScriptedServer`.
"""

import json
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from tests.engine.support import untrue_messages
from tests.engine.support.ground_truth import TENTH_MS, DetectedWord, WordDetector
from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ConnectionScript,
    ServerConnectionScript,
)


@dataclass(frozen=True)
class TranscriptionStyle:
    """How a server reports the words."""

    word_by_word: bool = False
    """Like Universal-Streaming: words become final one by one, and a final comes twice. Otherwise
    like u3: a partial may say anything, and the final something else."""
    words_per_turn: int = 4
    """Words a turn; a tenth of a second of silence ends a turn, too."""
    partial_every: int = 2
    padding_ms: int = 0
    """Added to the end of each turn's last word."""
    wordless: bool = False
    """Finals have no words, and therefore no times."""
    lifetime: int | None = None
    """Seconds until the session expires; None if the server does not say."""
    expires_at: int = 0
    """A Unix time to report instead."""
    delay_tenths: int = 0
    """How much later everything between Begin and Termination is sent, in tenths of a second of
    audio."""
    lies: tuple[str, ...] = ()
    """Lies that the server tells, from `untrue_messages.LIES`."""
    lie_seed: int = 0


DEFAULT_STYLE = TranscriptionStyle()


class FaultMoment(Enum):
    """When a fault happens, if not after some tenths of a second of audio."""

    CONNECT = "connect"
    BEGIN = "begin"
    FINAL = "final"
    """After the first final."""
    TERMINATE = "terminate"


class ConnectionFinished(Exception):
    """Raised when the server is done with a connection."""


class ServerSession:
    """The server's side of one session."""

    def __init__(
        self,
        line: ServerConnectionScript,
        manner: TranscriptionStyle,
        told: Counter[str] | None = None,
    ) -> None:
        """``told`` counts the lies that are told."""
        self.connection = line
        self.style = manner
        self._word_detector = WordDetector(
            int(parse_qs(urlsplit(line.received.path).query)["sample_rate"][0])
        )
        self.words: list[DetectedWord] = []
        """The words of the open turn."""
        self.order = 0
        self.finals: list[dict[str, Any]] = []
        """Every final that was sent."""
        self._lie = untrue_messages.lies_of(manner.lies, Random(manner.lie_seed), told)
        self._delayed: deque[tuple[int, dict[str, Any]]] = deque()
        """Messages, each with the tenth of a second at which it is due."""

    @property
    def received_tenths(self) -> int:
        """How many tenths of a second have been received."""
        return int(self._word_detector.heard_ms / TENTH_MS)

    async def begin(self) -> None:
        begin = dict(BEGIN, expires_at=self.style.expires_at)
        if self.style.lifetime is not None:
            begin["expires_at"] = int(time.time()) + self.style.lifetime
        self.connection.received.begin_sent_at = time.monotonic()
        await self.say(begin)

    async def say(self, message: dict[str, Any]) -> None:
        """Sends a message, or what a lie makes of it."""
        await self.connection.send(*self._lie(message))

    async def _say_later(self, message: dict[str, Any]) -> None:
        self._delayed.append((self.received_tenths + self.style.delay_tenths, message))
        await self._say_due()

    async def _say_due(self) -> None:
        while self._delayed and self._delayed[0][0] <= self.received_tenths:
            await self.say(self._delayed.popleft()[1])

    async def receive_audio(self, pcm: bytes) -> None:
        """Takes audio in and reports the new words."""
        self.connection.received.audio.append((time.monotonic(), pcm))
        for word in self._word_detector.feed(pcm):
            self.words.append(word)
            if len(self.words) >= self.style.words_per_turn:
                await self.end_turn()
            elif len(self.words) % self.style.partial_every == 0:
                await self._say_later(self._turn(final=False))
        if self.words and not self._word_detector.is_inside_word:
            silence = self._word_detector.heard_ms - self.words[-1].end
            if silence > TENTH_MS:
                await self.end_turn()
        await self._say_due()

    async def end_turn(self) -> None:
        """Sends the final of the open turn, if there is one."""
        if self.words:
            turn = self._turn(final=True)
            self.finals.append(turn)
            await self._say_later(turn)
            if self.style.word_by_word:
                await self._say_later({**turn, "turn_is_formatted": True})
            self.words, self.order = [], self.order + 1

    async def end(self) -> None:
        """Ends the session after Terminate."""
        await self.say_last_words()
        await self.connection.socket.close(1000, "Session Ended")

    async def say_last_words(self) -> None:
        """Sends everything up to Termination."""
        await self.say(untrue_messages.TERMINATING)
        self.words += self._word_detector.flush()
        await self.end_turn()
        for _, message in self._delayed:
            await self.say(message)
        await self.say(TERMINATION)

    def _turn(self, *, final: bool) -> dict[str, Any]:
        words = [_word_json(word) for word in self.words]
        if not final and self.style.word_by_word:  # the last may still grow
            words[-1] |= {"text": words[-1]["text"][:3], "word_is_final": False}
        elif not final:  # all of it may be revised
            words = [word | {"text": "like", "word_is_final": False} for word in words]
        reported = words if final or not self.style.word_by_word else words[:-1]
        if final:
            words[-1]["end"] += self.style.padding_ms
        return {
            "type": "Turn",
            "turn_order": self.order,
            "end_of_turn": final,
            "transcript": " ".join(word["text"] for word in reported),
            "words": [] if final and self.style.wordless else words,
        }


def _word_json(word: DetectedWord) -> dict[str, Any]:
    return {"text": word.text, "start": word.start, "end": word.end, "word_is_final": True}


Fault: TypeAlias = Callable[[ServerSession], Awaitable[None]]
"""A fault; raises `ConnectionFinished` when it ends the connection."""


def transcribe(
    manner: TranscriptionStyle = DEFAULT_STYLE,
    fault: Fault | None = None,
    at: FaultMoment | int = FaultMoment.BEGIN,
    told: Counter[str] | None = None,
) -> ConnectionScript:
    """A connection script that transcribes, with at most one fault. ``told`` counts its lies."""

    async def script(line: ServerConnectionScript) -> None:
        session = ServerSession(line, manner, told)
        strikes = _fault_trigger(session, fault, at)
        await strikes(FaultMoment.CONNECT)
        await session.begin()
        await strikes(FaultMoment.BEGIN)
        async for message in line.socket:
            if isinstance(message, bytes):
                await session.receive_audio(message)
                await strikes(session.received_tenths)
                if session.finals:
                    await strikes(FaultMoment.FINAL)
            else:
                line.received.control_messages.append(json.loads(message))
                await strikes(FaultMoment.TERMINATE)
                await session.end()
                return

    async def until_over(line: ServerConnectionScript) -> None:
        with suppress(ConnectionFinished):
            await script(line)

    return until_over


def _fault_trigger(
    session: ServerSession, fault: Fault | None, at: FaultMoment | int
) -> Callable[[FaultMoment | int], Awaitable[None]]:
    struck = False

    async def strikes(now: FaultMoment | int) -> None:
        nonlocal struck
        if fault is not None and now == at and not struck:
            struck = True
            await fault(session)

    return strikes
