"""One conversation with a client, from Begin to Termination.

Three tasks share it: `_listen` takes what the client sends, `_speak` tells what the recogniser
reports, `_beat` tells that all is well.
"""

import asyncio
import time
from enum import Enum, auto
from typing import assert_never

from workers.errors import Malformed
from workers.localserver.chunks import Received
from workers.localserver.client_socket import Wire
from workers.localserver.heartbeat import HEARTBEAT, Pulse, Silences
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import Flushed, Heard, Lost, Stream
from workers.localserver.refusal import cancelled, expired, idle, invalid
from workers.localserver.turns import Turns
from workers.protocol import messages
from workers.protocol.messages import (
    Begin,
    ForceEndpoint,
    KeepAlive,
    ServerMessage,
    Terminate,
    Termination,
    Turn,
    Unknown,
    UpdateConfiguration,
)

LONGEST_TEXT = 100_000
"""Characters of a text frame; over twice the largest message that makes sense."""


class Reply(Enum):
    """What a flush of the stream is for."""

    ENDPOINT = auto()
    TERMINATION = auto()


class Session:
    """The state that the tasks share."""

    def __init__(
        self, wire: Wire, begin: Begin, parameters: Parameters, stream: Stream, came: float
    ) -> None:
        """``begin`` is what the client is told first; its ``expires_at`` is not watched here.

        ``came``: when its socket was open, on the monotonic clock; a session lasts from then on.
        """
        self._wire = wire
        self._begin = begin
        self._parameters = parameters
        self._stream = stream
        self._came = came
        self._received = Received(parameters, came)
        self._turns = Turns(parameters)
        self._pulse = Pulse(came)
        self._silences = Silences()
        self._replies: list[Reply] = []  # what the flushes under way are for, oldest first
        self._terminated = False
        self.turns = 0
        """How many were told to their end."""

    @property
    def audio_seconds(self) -> float:
        """How much was received."""
        return self._received.seconds

    async def run(self, longest: float) -> None:
        """Returns when the client was told the termination that it asked for.

        Raises `Refusal` when it has to end otherwise, after ``longest`` seconds at the latest, and
        `ConnectionClosed` when the client leaves before its end.
        """
        try:
            async with asyncio.timeout(longest) as limit:
                await self._wire.say(self._begin, *self._parameters.warnings)
                await self._converse()
        except TimeoutError:
            if limit.expired():
                raise expired() from None
            raise

    async def _converse(self) -> None:
        """Until the termination was said, or one of the tasks raises why it cannot come to it."""
        speaking = asyncio.create_task(self._speak())
        others = [asyncio.create_task(each) for each in (self._listen(), self._beat())]
        try:
            await asyncio.wait([speaking, *others], return_when=asyncio.FIRST_COMPLETED)
            for task in (speaking, *others):
                if task.done():
                    return task.result()
        finally:
            for task in (speaking, *others):
                task.cancel()
            await asyncio.gather(speaking, *others, return_exceptions=True)

    # --- what the client sends

    async def _listen(self) -> None:
        """Never returns; raises `ConnectionClosed` when the client leaves."""
        while Reply.TERMINATION not in self._replies:
            frame = await self._next()
            if isinstance(frame, bytes):
                self._received.take(frame, time.monotonic())
                if frame:
                    await self._stream.hear(frame)
            else:
                await self._obey(understood(frame))
        while True:  # what follows a Terminate is dropped, but a client that leaves is noticed
            await self._wire.receive()

    async def _next(self) -> str | bytes:
        limit = self._parameters.inactivity_timeout
        if limit is None:
            return await self._wire.receive()
        try:
            async with asyncio.timeout(limit):
                return await self._wire.receive()
        except TimeoutError:
            raise idle(limit) from None

    async def _obey(self, message: messages.ClientMessage) -> None:
        match message:
            case Terminate():
                await self._flush(Reply.TERMINATION)
            case ForceEndpoint():
                await self._flush(Reply.ENDPOINT)
            case UpdateConfiguration():
                await self._change(self._parameters.updated(message))
            case KeepAlive():
                pass
            case Unknown(type=kind):
                raise invalid(f"Invalid Message Type: {kind}")
            case other:
                assert_never(other)

    async def _change(self, parameters: Parameters) -> None:
        if parameters.endpointing != self._parameters.endpointing:
            await self._stream.configure(parameters.endpointing)
        self._parameters = self._turns.parameters = parameters
        await self._say(*parameters.warnings)

    async def _flush(self, reply: Reply) -> None:
        self._replies.append(reply)
        await self._stream.flush()

    # --- what the client is told

    async def _speak(self) -> None:
        """Tells the client what is heard, until its termination has been answered."""
        while True:
            match await self._stream.report():
                case Heard() as report:
                    await self._say(*self._told(report))
                case Flushed():
                    if self._replies.pop(0) is Reply.TERMINATION:
                        break
                case Lost():
                    raise cancelled()
        self._terminated = True
        await self._wire.say(self._termination())

    def _told(self, report: Heard) -> list[ServerMessage]:
        self._pulse.heard(report)
        told = self._turns.heard(report)
        self._silences.spoken(told)
        if self._parameters.acknowledge_silence:
            told += self._silences.heard(report)
        else:
            self._silences.skip(report)
        return told

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            heartbeat = self._pulse.beat(self.audio_seconds, time.monotonic())
            if self._parameters.session_heartbeat:
                await self._say(heartbeat)

    async def _say(self, *said: ServerMessage) -> None:
        """Nothing follows a termination, whichever task would still have something to say."""
        if said and not self._terminated:
            ends = [turn.turn_order for turn in said if isinstance(turn, Turn) and turn.end_of_turn]
            self.turns = max([self.turns, *(order + 1 for order in ends)])
            await self._wire.say(*said)

    def _termination(self) -> Termination:
        return Termination(
            audio_duration_seconds=round(self.audio_seconds),
            session_duration_seconds=round(time.monotonic() - self._came),
        )


def understood(frame: str) -> messages.ClientMessage:
    """The message of a text frame; raises `Refusal` for whatever is none."""
    if len(frame) > LONGEST_TEXT:  # to parse it would hold up everybody else
        raise invalid(f"Invalid Message: longer than {LONGEST_TEXT} characters")
    try:
        return messages.decode_from_client(frame)
    except Malformed as problem:
        # Two texts of the protocol: what is no JSON at all, and what is not a message.
        kind = "JSON" if isinstance(problem.__cause__, ValueError | RecursionError) else "Message"
        raise invalid(f"Invalid {kind}: {problem.reason}") from None
    except OverflowError:  # a number of hundreds of digits
        raise invalid("Invalid Message: a number is out of every range") from None
