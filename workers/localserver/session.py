"""One conversation with a client, from Begin to Termination.

Three tasks share it: `_listen` takes what the client sends, `_report_loop` tells what the
recogniser reports, `_heartbeat_loop` tells that all is well.
"""

import asyncio
import time
from enum import Enum, auto
from typing import assert_never

from workers.errors import Malformed
from workers.localserver.chunks import ReceivedAudio
from workers.localserver.client_socket import ClientSocket
from workers.localserver.heartbeat import HEARTBEAT_INTERVAL_S, HeartbeatMeter, SilenceTracker
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import Flushed, Lost, Recognised, SpeechStream
from workers.localserver.refusal import (
    invalid_input,
    session_cancelled,
    session_expired,
    session_idle,
)
from workers.localserver.turns import TurnBuilder
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

MAX_TEXT_FRAME_CHARS = 100_000
"""Characters of a text frame; over twice the largest message that makes sense."""


class FlushReason(Enum):
    """What a flush of the stream is for."""

    ENDPOINT = auto()
    TERMINATION = auto()


class Session:
    """The state that the tasks share."""

    def __init__(
        self,
        socket: ClientSocket,
        begin: Begin,
        parameters: Parameters,
        stream: SpeechStream,
        connected_at: float,
    ) -> None:
        """``begin`` is what the client is told first; its ``expires_at`` is not watched here.

        ``connected_at``: when its socket was open, on the monotonic clock; a session lasts from
        then on.
        """
        self._socket = socket
        self._begin = begin
        self._parameters = parameters
        self._stream = stream
        self._connected_at = connected_at
        self._audio = ReceivedAudio(parameters, connected_at)
        self._turn_builder = TurnBuilder(parameters)
        self._heartbeat = HeartbeatMeter(connected_at)
        self._silence_tracker = SilenceTracker()
        self._pending_flushes: list[
            FlushReason
        ] = []  # what the flushes under way are for, oldest first
        self._terminated = False
        self.turn_count = 0
        """How many were told to their end."""

    @property
    def audio_seconds(self) -> float:
        """How much was received."""
        return self._audio.duration_s

    async def run(self, max_session_s: float) -> None:
        """Returns when the client was told the termination that it asked for.

        Raises `Refusal` when it has to end otherwise, after ``max_session_s`` seconds at the
        latest, and `ConnectionClosed` when the client leaves before its end.
        """
        try:
            async with asyncio.timeout(max_session_s) as limit:
                await self._socket.send(self._begin, *self._parameters.warnings)
                await self._run_tasks()
        except TimeoutError:
            if limit.expired():
                raise session_expired() from None
            raise

    async def _run_tasks(self) -> None:
        """Until the termination was said, or one of the tasks raises why it cannot come to it."""
        speaking = asyncio.create_task(self._report_loop())
        others = [
            asyncio.create_task(each) for each in (self._receive_loop(), self._heartbeat_loop())
        ]
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

    async def _receive_loop(self) -> None:
        """Never returns; raises `ConnectionClosed` when the client leaves."""
        while FlushReason.TERMINATION not in self._pending_flushes:
            frame = await self._receive_frame()
            if isinstance(frame, bytes):
                self._audio.add_chunk(frame, time.monotonic())
                if frame:
                    await self._stream.feed(frame)
            else:
                await self._apply_message(decode_message(frame))
        while True:  # what follows a Terminate is dropped, but a client that leaves is noticed
            await self._socket.receive()

    async def _receive_frame(self) -> str | bytes:
        limit = self._parameters.inactivity_timeout
        if limit is None:
            return await self._socket.receive()
        try:
            async with asyncio.timeout(limit):
                return await self._socket.receive()
        except TimeoutError:
            raise session_idle(limit) from None

    async def _apply_message(self, message: messages.ClientMessage) -> None:
        match message:
            case Terminate():
                await self._flush(FlushReason.TERMINATION)
            case ForceEndpoint():
                await self._flush(FlushReason.ENDPOINT)
            case UpdateConfiguration():
                await self._reconfigure(self._parameters.with_update(message))
            case KeepAlive():
                pass
            case Unknown(type=kind):
                raise invalid_input(f"Invalid Message Type: {kind}")
            case other:
                assert_never(other)

    async def _reconfigure(self, parameters: Parameters) -> None:
        if parameters.endpointing != self._parameters.endpointing:
            await self._stream.configure(parameters.endpointing)
        self._parameters = self._turn_builder.parameters = parameters
        await self._send(*parameters.warnings)

    async def _flush(self, reason: FlushReason) -> None:
        self._pending_flushes.append(reason)
        await self._stream.flush()

    # --- what the client is told

    async def _report_loop(self) -> None:
        """Tells the client what is heard, until its termination has been answered."""
        while True:
            match await self._stream.next_report():
                case Recognised() as report:
                    await self._send(*self._messages_for(report))
                case Flushed():
                    if self._pending_flushes.pop(0) is FlushReason.TERMINATION:
                        break
                case Lost():
                    raise session_cancelled()
        self._terminated = True
        await self._socket.send(self._termination())

    def _messages_for(self, report: Recognised) -> list[ServerMessage]:
        self._heartbeat.update(report)
        told = self._turn_builder.build_messages(report)
        self._silence_tracker.mark_spoken(told)
        if self._parameters.acknowledge_silence:
            told += self._silence_tracker.take_silences(report)
        else:
            self._silence_tracker.skip(report)
        return told

    async def _heartbeat_loop(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_INTERVAL_S)
            heartbeat = self._heartbeat.take_heartbeat(self.audio_seconds, time.monotonic())
            if self._parameters.session_heartbeat:
                await self._send(heartbeat)

    async def _send(self, *outgoing: ServerMessage) -> None:
        """Nothing follows a termination, whichever task would still have something to say."""
        if outgoing and not self._terminated:
            ends = [
                turn.turn_order for turn in outgoing if isinstance(turn, Turn) and turn.end_of_turn
            ]
            self.turn_count = max([self.turn_count, *(order + 1 for order in ends)])
            await self._socket.send(*outgoing)

    def _termination(self) -> Termination:
        return Termination(
            audio_duration_seconds=round(self.audio_seconds),
            session_duration_seconds=round(time.monotonic() - self._connected_at),
        )


def decode_message(frame: str) -> messages.ClientMessage:
    """The message of a text frame; raises `Refusal` for whatever is none."""
    if len(frame) > MAX_TEXT_FRAME_CHARS:  # to parse it would hold up everybody else
        raise invalid_input(f"Invalid Message: longer than {MAX_TEXT_FRAME_CHARS} characters")
    try:
        return messages.decode_from_client(frame)
    except Malformed as problem:
        # Two texts of the protocol: what is no JSON at all, and what is not a message.
        kind = "JSON" if isinstance(problem.__cause__, ValueError | RecursionError) else "Message"
        raise invalid_input(f"Invalid {kind}: {problem.reason}") from None
    except OverflowError:  # a number of hundreds of digits
        raise invalid_input("Invalid Message: a number is out of every range") from None
