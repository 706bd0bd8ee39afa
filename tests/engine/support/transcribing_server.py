"""A server that hears recordings of the truth, tells their words in turns, and fails where asked.

It is built on `scripted.Endpoint`: `telling` makes the script of one connection.
"""

import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from tests.engine.support.ground_truth import TENTH_MS, Ear, Spoken
from tests.engine.support.scripted_server import BEGIN, TERMINATION, Line, Script


@dataclass(frozen=True)
class Manner:
    """How a server tells what it hears."""

    word_by_word: bool = False
    """As Universal-Streaming: words are final one after the other, an end of turn comes twice. Else
    as u3: a partial may say anything, and the end of the turn something else."""
    words: int = 4
    """To a turn; a tenth of silence ends one too."""
    partial_every: int = 2
    padding_ms: int = 0
    """Added to the end of each turn's last word."""
    wordless: bool = False
    """Ends of turns have no words, so that nobody knows their times."""
    lifetime: int | None = None
    """Seconds that a session lasts; None if the server does not tell."""
    expires_at: int = 0
    """Unix time to tell instead."""


PLAIN = Manner()


class Moment(Enum):
    """When something goes wrong, if not after so many tenths of a second of audio."""

    CONNECT = "connect"
    BEGIN = "begin"
    FINAL = "final"
    """Behind the first end of a turn."""
    TERMINATE = "terminate"


class Over(Exception):
    """The server has done with this connection."""


class Hearing:
    """One session as its server sees it."""

    def __init__(self, line: Line, manner: Manner) -> None:
        self.line = line
        self.manner = manner
        self._ear = Ear(int(parse_qs(urlsplit(line.heard.path).query)["sample_rate"][0]))
        self.words: list[Spoken] = []
        """Of the open turn."""
        self.order = 0
        self.finals: list[dict[str, Any]] = []
        """Every end of a turn that was said."""

    @property
    def tenths(self) -> int:
        """How many tenths of a second have been received."""
        return int(self._ear.heard_ms / TENTH_MS)

    async def begin(self) -> None:
        begin = dict(BEGIN, expires_at=self.manner.expires_at)
        if self.manner.lifetime is not None:
            begin["expires_at"] = int(time.time()) + self.manner.lifetime
        self.line.heard.began = time.monotonic()
        await self.line.say(begin)

    async def take(self, pcm: bytes) -> None:
        """Audio: tells what is new in it."""
        self.line.heard.audio.append((time.monotonic(), pcm))
        for word in self._ear.hear(pcm):
            self.words.append(word)
            if len(self.words) >= self.manner.words:
                await self.end_turn()
            elif len(self.words) % self.manner.partial_every == 0:
                await self.line.say(self._turn(final=False))
        if self.words and not self._ear.in_a_word:
            silence = self._ear.heard_ms - self.words[-1].end
            if silence > TENTH_MS:
                await self.end_turn()

    async def end_turn(self) -> None:
        """Says that the open turn is over, if there is one."""
        if self.words:
            turn = self._turn(final=True)
            self.finals.append(turn)
            await self.line.say(turn)
            if self.manner.word_by_word:
                await self.line.say({**turn, "turn_is_formatted": True})
            self.words, self.order = [], self.order + 1

    async def end(self) -> None:
        """Terminate was received."""
        self.words += self._ear.rest()
        await self.end_turn()
        await self.line.say(TERMINATION)
        await self.line.socket.close(1000, "Session Ended")

    def _turn(self, *, final: bool) -> dict[str, Any]:
        words = [_word(word) for word in self.words]
        if not final and self.manner.word_by_word:  # the last may still grow
            words[-1] |= {"text": words[-1]["text"][:3], "word_is_final": False}
        elif not final:  # all of it may be revised
            words = [word | {"text": "like", "word_is_final": False} for word in words]
        told = words if final or not self.manner.word_by_word else words[:-1]
        if final:
            words[-1]["end"] += self.manner.padding_ms
        return {
            "type": "Turn",
            "turn_order": self.order,
            "end_of_turn": final,
            "transcript": " ".join(word["text"] for word in told),
            "words": [] if final and self.manner.wordless else words,
        }


def _word(word: Spoken) -> dict[str, Any]:
    return {"text": word.text, "start": word.start, "end": word.end, "word_is_final": True}


Fault: TypeAlias = Callable[[Hearing], Awaitable[None]]
"""Something that a server does wrong; raises `Over` when the connection ends with it."""


def telling(
    manner: Manner = PLAIN, fault: Fault | None = None, at: Moment | int = Moment.BEGIN
) -> Script:
    """A script that hears and tells, with at most one fault at a moment."""

    async def script(line: Line) -> None:
        hearing = Hearing(line, manner)
        strikes = _strikes(hearing, fault, at)
        await strikes(Moment.CONNECT)
        await hearing.begin()
        await strikes(Moment.BEGIN)
        async for message in line.socket:
            if isinstance(message, bytes):
                await hearing.take(message)
                await strikes(hearing.tenths)
                if hearing.finals:
                    await strikes(Moment.FINAL)
            else:
                line.heard.control.append(json.loads(message))
                await strikes(Moment.TERMINATE)
                await hearing.end()
                return

    async def until_over(line: Line) -> None:
        with suppress(Over):
            await script(line)

    return until_over


def _strikes(
    hearing: Hearing, fault: Fault | None, at: Moment | int
) -> Callable[[Moment | int], Awaitable[None]]:
    struck = False

    async def strikes(now: Moment | int) -> None:
        nonlocal struck
        if fault is not None and now == at and not struck:
            struck = True
            await fault(hearing)

    return strikes
