"""One conversation with a client, from the accepted socket to the close.

Two tasks share it: `_listen` takes what the client sends, `_speak` what the recogniser reports.
"""

import asyncio
import time
import uuid
from enum import Enum, auto
from typing import assert_never

from websockets.asyncio.server import ServerConnection

from workers.errors import Malformed
from workers.localserver.lines import Flushed, Heard, Lost
from workers.localserver.parameters import Parameters
from workers.localserver.recognisers import Pool, Stream
from workers.localserver.refusal import (
    REASON,
    CloseCode,
    Refusal,
    cancelled,
    expired,
    invalid,
    too_fast,
    wrong_duration,
)
from workers.localserver.turns import Turns
from workers.speech import messages
from workers.speech.messages import (
    Begin,
    Error,
    ForceEndpoint,
    KeepAlive,
    ServerMessage,
    Terminate,
    Termination,
    Unknown,
    UpdateConfiguration,
)

LONGEST_SESSION = 3 * 3600
SHORTEST_CHUNK, LONGEST_CHUNK = 50, 1000
"""Ms of audio in one message."""

AHEAD = 300
AHEAD_RATE = 1.25
"""Seconds of audio that may be received beyond this many times the elapsed ones; inferred from
errors of the service that people quote. It also bounds what waits for the recogniser."""

API_VERSION = "2025-05-12"


class Reply(Enum):
    """What a flush of the stream is for."""

    ENDPOINT = auto()
    TERMINATION = auto()


async def refuse(socket: ServerConnection, refusal: Refusal) -> None:
    """The Error frame, then the close with the same code."""
    await socket.send(messages.encode(Error(refusal.words, refusal.code)))
    await socket.close(refusal.code, REASON)


async def converse(socket: ServerConnection, parameters: Parameters, pool: Pool) -> None:
    """A whole session; raises `Refusal` when it ends otherwise than by `Terminate`."""
    async with pool.stream(parameters.sample_rate, parameters.encoding) as stream:
        session = Session(socket, parameters, stream)
        try:
            async with asyncio.timeout(LONGEST_SESSION):
                await session.run()
        except TimeoutError:
            raise expired() from None


class Received:
    """The client's audio, counted and held against the protocol's limits."""

    def __init__(self, parameters: Parameters, now: float) -> None:
        self._bytes_a_second = parameters.sample_rate * parameters.encoding.sample_bytes
        self._began = now
        self._short: float | None = None
        self.seconds = 0.0

    def take(self, data: bytes, now: float) -> None:
        """Raises `Refusal` for a chunk that breaks a limit; ``now`` is of the monotonic clock.

        A short chunk is forgiven if it is the last, so it is refused when another one follows.
        """
        if self._short is not None:
            raise wrong_duration(self._short)
        duration = len(data) / self._bytes_a_second
        milliseconds = duration * 1000
        if milliseconds > LONGEST_CHUNK:
            raise wrong_duration(milliseconds)
        if milliseconds < SHORTEST_CHUNK:
            self._short = milliseconds
        self.seconds += duration
        elapsed = now - self._began
        if self.seconds > AHEAD + AHEAD_RATE * elapsed:
            raise too_fast(self.seconds, elapsed)


class Session:
    """The state that the two tasks share."""

    def __init__(self, socket: ServerConnection, parameters: Parameters, stream: Stream) -> None:
        self._socket = socket
        self._parameters = parameters
        self._stream = stream
        self._turns = Turns(parameters)
        self._began = time.monotonic()
        self._received = Received(parameters, self._began)
        self._replies: list[Reply] = []  # what the flushes under way are for, oldest first

    async def run(self) -> None:
        await self._send(self._begin())
        listening = asyncio.create_task(self._listen())
        speaking = asyncio.create_task(self._speak())
        try:
            await asyncio.wait({listening, speaking}, return_when=asyncio.FIRST_COMPLETED)
            if not speaking.done():
                await listening  # raises why it ended; else the client is waiting for the rest
            await speaking
        finally:
            listening.cancel()
            speaking.cancel()
            await asyncio.gather(listening, speaking, return_exceptions=True)

    async def _listen(self) -> None:
        """Takes messages until the client terminates; raises `ConnectionClosed` if it leaves."""
        while Reply.TERMINATION not in self._replies:
            frame = await self._next()
            if isinstance(frame, bytes):
                self._received.take(frame, time.monotonic())
                await self._stream.hear(frame)
            else:
                await self._obey(frame)

    async def _next(self) -> str | bytes:
        limit = self._parameters.inactivity_timeout
        try:
            async with asyncio.timeout(limit):
                return await self._socket.recv()
        except TimeoutError:
            raise invalid(
                f"Session terminated due to inactivity: No messages received for {limit} seconds"
            ) from None

    async def _obey(self, frame: str) -> None:
        match _message(frame):
            case Terminate():
                await self._flush(Reply.TERMINATION)
            case ForceEndpoint():
                await self._flush(Reply.ENDPOINT)
            case UpdateConfiguration() as change:
                self._parameters = self._parameters.updated(change)
                self._turns.parameters = self._parameters
            case KeepAlive():
                pass
            case Unknown(type=kind):
                raise invalid(f"Invalid Message Type: {kind}")
            case other:
                assert_never(other)

    async def _flush(self, reply: Reply) -> None:
        self._replies.append(reply)
        await self._stream.flush()

    async def _speak(self) -> None:
        """Tells the client what is heard, until its termination has been answered."""
        while True:
            match await self._stream.report():
                case Heard() as report:
                    await self._send(*self._turns.heard(report))
                case Flushed():
                    await self._send(*self._turns.end())
                    if self._replies[0] is Reply.TERMINATION:
                        break
                    del self._replies[0]
                case Lost():
                    raise cancelled()
        await self._send(self._termination())
        await self._socket.close(CloseCode.ENDED, "Session Ended")

    async def _send(self, *sent: ServerMessage) -> None:
        for message in sent:
            await self._socket.send(messages.encode(message))

    def _begin(self) -> Begin:
        return Begin(
            id=str(uuid.uuid4()),
            expires_at=int(time.time()) + LONGEST_SESSION,
            configuration={
                "model": self._parameters.model,
                "mode": "balanced",
                "api_version": API_VERSION,
                "speaker_labels": False,
                "redact_pii": False,
                "filter_profanity": False,
                "domain": None,
                "voice_focus": None,
            },
        )

    def _termination(self) -> Termination:
        return Termination(
            audio_duration_seconds=round(self._received.seconds),
            session_duration_seconds=round(time.monotonic() - self._began),
        )


def _message(frame: str) -> messages.ClientMessage:
    try:
        return messages.decode_from_client(frame)
    except Malformed as problem:
        # Two texts of the protocol: what is no JSON at all, and what is not a message.
        kind = "JSON" if isinstance(problem.__cause__, ValueError) else "Message"
        raise invalid(f"Invalid {kind}: {problem.reason}") from None
