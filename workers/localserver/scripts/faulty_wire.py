"""A client's socket on which the faults of a script happen."""

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import replace
from typing import assert_never

from websockets.asyncio.server import ServerConnection

from workers.errors import Malformed
from workers.localserver.client_socket import SOCKET_CLOSE_TIMEOUT_S, ClientSocket
from workers.localserver.refusal import Refusal
from workers.localserver.scripts.faults import Fault, FaultKind, FaultPoint
from workers.localserver.scripts.script import SessionScript
from workers.protocol import messages
from workers.protocol.messages import (
    Begin,
    Error,
    ServerMessage,
    Terminate,
    Termination,
    Turn,
    Unknown,
    Warning,
)

ABNORMAL_CLOSURE = 1006
"""Never on the wire: what a client says of a connection that ended without a close."""

_LINGER_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time. Such a socket is not closed but reset."""


class FaultTriggered(Refusal):
    """A fault that ends the session. How, the wire knows that is asked to refuse it."""

    def __init__(self, fault: Fault) -> None:
        code = fault.code or ABNORMAL_CLOSURE
        words = fault.text or f"{fault.kind.value}, as the script says"
        super().__init__(code, words)
        self.fault = fault


class FaultyClientSocket(ClientSocket):
    """The socket of one client. Nothing is wrong with it until it is told what to perform."""

    def __init__(self, connection: ServerConnection) -> None:
        super().__init__(connection)
        self._script = SessionScript()
        self._bytes_per_second = 1
        self._received_bytes = 0
        self._pending: list[Fault] = []
        self._armed: list[FaultKind] = []
        """Faults whose time has come, and which wait for the message that they are about."""
        self._muted = False
        self._next_turn_order = 0
        self._extra_turns = 0

    def follow_script(self, script: SessionScript, bytes_per_second: int) -> None:
        """From now on the scene's faults happen, by audio of so many bytes a second."""
        self._script = script
        self._bytes_per_second = bytes_per_second
        self._pending = list(script.faults)

    async def receive(self) -> str | bytes:
        frame = await super().receive()
        if isinstance(frame, bytes):
            self._received_bytes += len(frame)
            await self._trigger_due(self._received_bytes / self._bytes_per_second)
        elif _is_terminate(frame):
            await self._trigger_due(FaultPoint.TERMINATE)
        return frame

    async def send(self, *outgoing: ServerMessage) -> None:
        for message in self._apply_faults(outgoing):
            match message:
                case Begin():
                    await self._wait_or_closed(self._script.begin_after)
                    await self._trigger_due(FaultPoint.CONNECT)
                    await self._send_unless_muted(message)
                    await self._trigger_due(FaultPoint.BEGIN)
                case Termination():
                    await self._wait_or_closed(self._script.termination_after)
                    await self._send_unless_muted(message)
                case _:
                    await self._send_unless_muted(message)

    async def refuse(self, refusal: Refusal) -> None:
        match refusal.fault if isinstance(refusal, FaultTriggered) else None:
            case Fault(FaultKind.CLOSE_WITHOUT_ERROR, code=code, text=reason):
                await super().close(code, reason)
            case Fault(FaultKind.CUT):
                await self._cut_connection()
            case Fault(FaultKind.RESET):
                with suppress(OSError):  # the client was quicker
                    self._raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
                self._socket.transport.abort()
            case _:
                await super().refuse(refusal)

    async def close(self, code: int, reason: str) -> None:
        leaves_it_open = {FaultKind.NO_TERMINATION, FaultKind.TERMINATION_WITHOUT_CLOSE}
        if self._muted or not leaves_it_open.isdisjoint(self._armed):
            await self._discard_incoming()  # until the client closes
        else:
            await super().close(code, reason)

    @property
    def _raw_socket(self) -> socket.socket:
        raw: socket.socket = self._socket.transport.get_extra_info("socket")
        return raw

    async def _cut_connection(self) -> None:
        # Closing a socket with unread audio in it would be a reset, and take with it what the
        # client has not read yet.
        with suppress(OSError):  # the client was quicker
            self._raw_socket.shutdown(socket.SHUT_WR)
        with suppress(TimeoutError):
            async with asyncio.timeout(SOCKET_CLOSE_TIMEOUT_S):
                await self._discard_incoming()
        self._socket.transport.abort()

    async def _send_unless_muted(self, message: ServerMessage) -> None:
        if not self._muted:
            await super().send(message)

    async def _wait_or_closed(self, timeout_s: float | None) -> None:
        """For so long, or until the client has left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._socket.wait_closed()

    # --- messages that come otherwise than they should

    def _apply_faults(self, outgoing: tuple[ServerMessage, ...]) -> list[ServerMessage]:
        told: list[ServerMessage] = []
        end: int | None = None  # of the last turn that is over, or of all that is said
        for message in outgoing:
            match message:
                case Turn():
                    turn = replace(message, turn_order=message.turn_order + self._extra_turns)
                    self._next_turn_order = turn.turn_order + 1
                    told.append(turn)
                    if turn.end_of_turn:
                        told += [turn] if self._disarm(FaultKind.DUPLICATE_FINAL) else []
                        end = len(told)
                case Termination():
                    end = len(told)
                    told += [message] if FaultKind.NO_TERMINATION not in self._armed else []
                case _:
                    told.append(message)
        if end is not None and self._disarm(FaultKind.EXTRA_EMPTY_FINAL):
            told.insert(end, self._extra_final())
        return told

    def _extra_final(self) -> Turn:
        """A turn of its own, after which the others count on."""
        self._extra_turns += 1
        return Turn(self._next_turn_order, end_of_turn=True, transcript="")

    def _disarm(self, kind: FaultKind) -> bool:
        """Whether such a fault has been waiting for this; then it has happened."""
        if kind not in self._armed:
            return False
        self._armed.remove(kind)
        return True

    # --- what goes wrong by itself

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
                assert_never(fault.what)


def _is_terminate(frame: str) -> bool:
    if Terminate.type not in frame:  # however long it is
        return False
    with suppress(Malformed):
        return isinstance(messages.decode_from_client(frame), Terminate)
    return False
