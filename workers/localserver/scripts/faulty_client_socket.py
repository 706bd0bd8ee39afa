"""A client socket that injects the faults of a script."""

import asyncio
import socket
import struct
import time
from contextlib import suppress
from dataclasses import replace
from typing import assert_never

from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode

from workers.errors import Malformed
from workers.localserver.client_socket import SOCKET_CLOSE_TIMEOUT_S, ClientSocket
from workers.localserver.refusal import Refusal
from workers.localserver.scripts.script import Fault, FaultKind, FaultPoint, SessionScript
from workers.localserver.scripts.session_times import SessionClock
from workers.protocol import messages
from workers.protocol.messages import (
    Begin,
    Error,
    ForceEndpoint,
    ServerMessage,
    Terminate,
    Termination,
    Turn,
    Unknown,
    Warning,
)

_LINGER_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with a timeout of 0: closing the socket resets the connection."""


class FaultTriggered(Refusal):
    """A fault that ends the session; `FaultyClientSocket.refuse` implements it."""

    def __init__(self, fault: Fault) -> None:
        code = fault.code or CloseCode.ABNORMAL_CLOSURE
        super().__init__(code, fault.text or f"{fault.kind.value}, as set in the script")
        self.fault = fault


class FaultyClientSocket(ClientSocket):
    """The socket of one client, without faults until `follow_script` is called."""

    def __init__(self, connection: ServerConnection, clock: SessionClock | None = None) -> None:
        """``clock`` notes when frames are received and turns are sent."""
        super().__init__(connection)
        self.clock = clock
        self._script = SessionScript()
        self._bytes_per_second = 1
        self._received_bytes = 0
        self._pending: list[Fault] = []
        self._armed: list[FaultKind] = []  # due; each waits for the message that it changes
        self._muted = False
        self._next_turn_order = 0
        self._extra_turns = 0

    def follow_script(self, script: SessionScript, bytes_per_second: int) -> None:
        """Starts to inject the faults of a session."""
        self._script = script
        self._bytes_per_second = bytes_per_second
        self._pending = list(script.faults)

    async def receive(self) -> str | bytes:
        frame = await super().receive()
        at_s = time.monotonic()
        if isinstance(frame, bytes):
            self._received_bytes += len(frame)
            position_s = self._received_bytes / self._bytes_per_second
            if self.clock is not None:
                self.clock.add_chunk(position_s, at_s)
            await self._trigger_due(position_s)
        elif (request := _end_request(frame)) is not None:
            if self.clock is not None:
                self.clock.add_request(request, at_s)
            if request == Terminate.type:
                await self._trigger_due(FaultPoint.TERMINATE)
        return frame

    async def send(self, *outgoing: ServerMessage) -> None:
        for message in self._apply_faults(outgoing):
            if isinstance(message, Begin):
                await self._wait_or_closed(self._script.begin_after)
                await self._trigger_due(FaultPoint.CONNECT)
            elif isinstance(message, Termination):
                await self._wait_or_closed(self._script.termination_after)
            await self._send_unless_muted(message)
            if isinstance(message, Begin):
                await self._trigger_due(FaultPoint.BEGIN)

    async def refuse(self, refusal: Refusal) -> None:
        raw_socket: socket.socket = self._socket.transport.get_extra_info("socket")
        match refusal.fault if isinstance(refusal, FaultTriggered) else None:
            case Fault(FaultKind.CLOSE_WITHOUT_ERROR, code=code, text=reason):
                await super().close(code, reason)
            case Fault(FaultKind.CUT):
                # Closing a socket with unread audio would reset the connection and discard what the
                # client has not read yet.
                with suppress(OSError):  # the client has gone
                    raw_socket.shutdown(socket.SHUT_WR)
                with suppress(TimeoutError):
                    async with asyncio.timeout(SOCKET_CLOSE_TIMEOUT_S):
                        await self._discard_incoming()
                self._socket.transport.abort()
            case Fault(FaultKind.RESET):
                with suppress(OSError):  # the client has gone
                    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
                self._socket.transport.abort()
            case _:
                await super().refuse(refusal)

    async def close(self, code: int, reason: str) -> None:
        without_close = {FaultKind.NO_TERMINATION, FaultKind.TERMINATION_WITHOUT_CLOSE}
        if self._muted or not without_close.isdisjoint(self._armed):
            await self._discard_incoming()  # returns when the client closes
        else:
            await super().close(code, reason)

    async def _send_unless_muted(self, message: ServerMessage) -> None:
        if self._muted:
            return
        text = messages.encode(message)
        if self.clock is not None:
            self.clock.add_message(message, time.monotonic())
        await self._socket.send(text)

    async def _wait_or_closed(self, timeout_s: float | None) -> None:
        """Waits for the timeout, or until the client has left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._socket.wait_closed()

    def _apply_faults(self, outgoing: tuple[ServerMessage, ...]) -> list[ServerMessage]:
        """Applies the armed faults to messages that are about to be sent."""
        changed: list[ServerMessage] = []
        final_end: int | None = None  # index after the last final, or before Termination
        for message in outgoing:
            match message:
                case Turn():
                    turn = replace(message, turn_order=message.turn_order + self._extra_turns)
                    self._next_turn_order = turn.turn_order + 1
                    changed.append(turn)
                    if turn.end_of_turn:
                        changed += [turn] if self._disarm(FaultKind.DUPLICATE_FINAL) else []
                        final_end = len(changed)
                case Termination():
                    final_end = len(changed)
                    changed += [message] if FaultKind.NO_TERMINATION not in self._armed else []
                case _:
                    changed.append(message)
        if final_end is not None and self._disarm(FaultKind.EXTRA_EMPTY_FINAL):
            self._extra_turns += 1  # its own turn_order shifts all later ones
            extra = Turn(self._next_turn_order, end_of_turn=True, transcript="")
            changed.insert(final_end, extra)
        return changed

    def _disarm(self, kind: FaultKind) -> bool:
        """Disarms one armed fault of this kind; returns False if there is none."""
        if kind not in self._armed:
            return False
        self._armed.remove(kind)
        return True

    async def _trigger_due(self, now: FaultPoint | float) -> None:
        due = [fault for fault in self._pending if fault.is_due(now)]
        self._pending = [fault for fault in self._pending if fault not in due]
        for fault in due:
            await self._trigger(fault)

    async def _trigger(self, fault: Fault) -> None:
        match fault.kind:
            case (
                FaultKind.REFUSE
                | FaultKind.BUSY
                | FaultKind.ERROR
                | FaultKind.CLOSE_WITHOUT_ERROR
                | FaultKind.CUT
                | FaultKind.RESET
            ):
                raise FaultTriggered(fault)
            case FaultKind.ERROR_WITHOUT_CLOSE:
                await self._send_unless_muted(Error(fault.text, fault.code))
                self._muted = True
            case FaultKind.SILENCE | FaultKind.NO_BEGIN:
                self._muted = True
            case FaultKind.STALL_READING:
                await self._wait_or_closed(fault.seconds)
            case FaultKind.UNKNOWN_TYPE:
                await self._send_unless_muted(Unknown(fault.text))
            case FaultKind.WARNING:
                await self._send_unless_muted(Warning(fault.text, fault.code))
            case FaultKind.GARBAGE:
                if not self._muted:
                    await self._socket.send(fault.text)
            case (
                FaultKind.DUPLICATE_FINAL
                | FaultKind.EXTRA_EMPTY_FINAL
                | FaultKind.NO_TERMINATION
                | FaultKind.TERMINATION_WITHOUT_CLOSE
            ):
                self._armed.append(fault.kind)
            case _:
                assert_never(fault.kind)


def _end_request(frame: str) -> str | None:
    """The type of a message that asks to end the session or the turn; None for any other."""
    if not any(kind.type in frame for kind in (Terminate, ForceEndpoint)):  # cheap for long frames
        return None
    with suppress(Malformed):
        message = messages.decode_from_client(frame)
        if isinstance(message, Terminate | ForceEndpoint):
            return message.type
    return None
