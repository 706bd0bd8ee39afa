"""One conversation with a client, from Begin to Termination.

A session runs three tasks: `_receive_loop` handles what the client sends, `_report_loop` sends what
the recogniser reports, and `_heartbeat_loop` sends heartbeats.
"""

import asyncio
import time
from typing import assert_never

from workers.errors import Malformed
from workers.localserver.admission import ServerPolicy
from workers.localserver.audio_meters import (
    HEARTBEAT_INTERVAL_S,
    HeartbeatMeter,
    ReceivedAudio,
    SilenceTracker,
)
from workers.localserver.backend import SpeechStream
from workers.localserver.client_socket import ClientSocket
from workers.localserver.features import warnings_about
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import Flushed, Lost, Recognised
from workers.localserver.refusal import (
    invalid_input,
    session_cancelled,
    session_expired,
    session_idle,
)
from workers.localserver.turns import TurnBuilder
from workers.log import Logger
from workers.protocol.messages import (
    Begin,
    ClientMessage,
    ForceEndpoint,
    KeepAlive,
    ServerMessage,
    Terminate,
    Termination,
    Turn,
    Unknown,
    UpdateConfiguration,
    Warning,
    decode_from_client,
)

MAX_TEXT_FRAME_CHARS = 100_000
"""More than twice the length of the largest useful message."""

_log = Logger("paceline.server")


class ServerSession:
    """One session; times are in seconds on the monotonic clock."""

    def __init__(
        self,
        socket: ClientSocket,
        begin: Begin,
        parameters: Parameters,
        stream: SpeechStream,
        connected_at: float,
        policy: ServerPolicy,
    ) -> None:
        """``begin`` is sent first; ``connected_at`` is when the socket opened."""
        self._socket = socket
        self._begin = begin
        self._stream = stream
        self._connected_at = connected_at
        self._policy = policy
        self._turn_builder = TurnBuilder(parameters)
        self._heartbeat = HeartbeatMeter(connected_at)
        self._silence_tracker = SilenceTracker()
        self._pending_flushes: list[type[Terminate | ForceEndpoint]] = []  # oldest first
        self._terminated = False
        self.parameters = parameters
        self.audio = ReceivedAudio(parameters, connected_at, policy.speed_limit)
        self.turn_count = 0  # number of turns that were sent as final
        self.unapplied = dict.fromkeys(parameters.unapplied)  # all names so far, in order

    async def run(self, max_session_s: float, *warnings: Warning) -> None:
        """Runs the session until the Termination that the client requested has been sent.

        ``warnings`` are about the session as a whole; those about its parameters are added. Raises
        `Refusal` if the session must end for another reason, at the latest after
        ``max_session_s``, and `ConnectionClosed` if the client leaves early.
        """
        try:
            async with asyncio.timeout(max_session_s) as limit:
                await self._socket.send(self._begin)
                await self._warn(*warnings_about(self.parameters.unapplied), *warnings)
                await self._run_tasks()
        except TimeoutError:
            if limit.expired():
                raise session_expired() from None
            raise

    async def _run_tasks(self) -> None:
        """Runs the tasks until `_report_loop` returns; raises the error of the first failure."""
        loops = (self._report_loop(), self._receive_loop(), self._heartbeat_loop())
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:  # reports first: a Termination counts even if the client left
                if task.done():
                    return task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive_loop(self) -> None:
        """Handles frames. Never returns: raises `ConnectionClosed` when the client leaves."""
        while Terminate not in self._pending_flushes:
            timeout_s = self.parameters.inactivity_timeout
            try:
                async with asyncio.timeout(timeout_s):
                    frame = await self._socket.receive()
            except TimeoutError:
                assert timeout_s is not None
                raise session_idle(timeout_s) from None
            if isinstance(frame, bytes):
                self.audio.add_chunk(frame, time.monotonic())
                if frame:
                    await self._stream.feed(frame)
            else:
                await self._apply_message(decode_message(frame))
        while True:  # discard frames after a Terminate, but notice when the client leaves
            await self._socket.receive()

    async def _apply_message(self, message: ClientMessage) -> None:
        match message:
            case Terminate() | ForceEndpoint():
                self._pending_flushes.append(type(message))
                await self._stream.flush()
            case UpdateConfiguration():
                parameters = self.parameters.with_update(message)
                if parameters.endpointing != self.parameters.endpointing:
                    await self._stream.configure(parameters.endpointing)
                self.parameters = self._turn_builder.parameters = parameters
                self.unapplied |= dict.fromkeys(parameters.unapplied)
                await self._warn(*warnings_about(parameters.unapplied))
            case KeepAlive():
                pass
            case Unknown(type=kind):
                raise invalid_input(f"Invalid Message Type: {kind}")
            case other:
                assert_never(other)

    async def _report_loop(self) -> None:
        """Sends the recognised turns; returns after the Termination."""
        while True:
            match await self._stream.next_report():
                case Recognised() as report:
                    self._heartbeat.update(report)
                    outgoing = self._turn_builder.build_messages(report)
                    self._silence_tracker.mark_spoken(outgoing)
                    if self.parameters.acknowledge_silence:
                        outgoing += self._silence_tracker.take_silences(report)
                    else:
                        self._silence_tracker.skip(report)
                    await self._send(*outgoing)
                case Flushed():
                    if self._pending_flushes.pop(0) is Terminate:
                        break
                case Lost():
                    raise session_cancelled()
        self._terminated = True
        termination = Termination(
            audio_duration_seconds=round(self.audio.duration_s),
            session_duration_seconds=round(time.monotonic() - self._connected_at),
        )
        await self._socket.send(termination)

    async def _heartbeat_loop(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_INTERVAL_S)
            heartbeat = self._heartbeat.take_heartbeat(self.audio.duration_s, time.monotonic())
            if self.parameters.session_heartbeat:
                await self._send(heartbeat)

    async def _warn(self, *warnings: Warning) -> None:
        """Logs warnings, and sends them to a client that should get them."""
        for warning in warnings:
            _log.warning("session %s: %s", self._begin.id, warning.warning)
        if self._policy.send_warnings:
            await self._send(*warnings)

    async def _send(self, *outgoing: ServerMessage) -> None:
        """Sends messages for any task; sends nothing after the Termination."""
        if outgoing and not self._terminated:
            finals = [turn for turn in outgoing if isinstance(turn, Turn) and turn.end_of_turn]
            self.turn_count = max([self.turn_count, *(turn.turn_order + 1 for turn in finals)])
            await self._socket.send(*outgoing)


def decode_message(frame: str) -> ClientMessage:
    """Decodes a text frame; raises `Refusal` if it is not a message of the protocol."""
    if len(frame) > MAX_TEXT_FRAME_CHARS:  # parsing it would block all other sessions
        raise invalid_input(f"Invalid Message: longer than {MAX_TEXT_FRAME_CHARS} characters")
    try:
        return decode_from_client(frame)
    except Malformed as problem:
        # The protocol has one text for invalid JSON and another for an invalid message.
        kind = "JSON" if isinstance(problem.__cause__, ValueError | RecursionError) else "Message"
        raise invalid_input(f"Invalid {kind}: {problem.reason}") from None
    except OverflowError:  # a number of hundreds of digits
        raise invalid_input("Invalid Message: a number is out of range") from None
