"""A client's socket on which the faults of a script happen."""

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import replace
from typing import assert_never

from websockets.asyncio.server import ServerConnection

from workers.errors import Malformed
from workers.localserver.client_socket import PATIENCE, Wire
from workers.localserver.refusal import Refusal
from workers.localserver.scripts.faults import Fault, Moment, What
from workers.localserver.scripts.script import Scene
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

GONE = 1006
"""Never on the wire: what a client says of a connection that ended without a close."""

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time. Such a socket is not closed but reset."""


class Struck(Refusal):
    """A fault that ends the session. How, the wire knows that is asked to refuse it."""

    def __init__(self, fault: Fault) -> None:
        code = fault.code or GONE
        words = fault.text or f"{fault.what.value}, as the script says"
        super().__init__(code, words)
        self.fault = fault


class FaultyWire(Wire):
    """The socket of one client. Nothing is wrong with it until it is told what to perform."""

    def __init__(self, connection: ServerConnection) -> None:
        super().__init__(connection)
        self._scene = Scene()
        self._bytes_a_second = 1
        self._bytes = 0
        self._to_come: list[Fault] = []
        self._armed: list[What] = []
        """Faults whose time has come, and which wait for the message that they are about."""
        self._mute = False
        self._next_order = 0
        self._extra_turns = 0

    def perform(self, scene: Scene, bytes_a_second: int) -> None:
        """From now on the scene's faults happen, by audio of so many bytes a second."""
        self._scene = scene
        self._bytes_a_second = bytes_a_second
        self._to_come = list(scene.faults)

    async def receive(self) -> str | bytes:
        frame = await super().receive()
        if isinstance(frame, bytes):
            self._bytes += len(frame)
            await self._strike(self._bytes / self._bytes_a_second)
        elif _is_terminate(frame):
            await self._strike(Moment.TERMINATE)
        return frame

    async def say(self, *said: ServerMessage) -> None:
        for message in self._distorted(said):
            match message:
                case Begin():
                    await self._wait(self._scene.begin_after)
                    await self._strike(Moment.CONNECT)
                    await self._tell(message)
                    await self._strike(Moment.BEGIN)
                case Termination():
                    await self._wait(self._scene.termination_after)
                    await self._tell(message)
                case _:
                    await self._tell(message)

    async def refuse(self, refusal: Refusal) -> None:
        match refusal.fault if isinstance(refusal, Struck) else None:
            case Fault(What.CLOSE_WITHOUT_ERROR, code=code, text=reason):
                await super().close(code, reason)
            case Fault(What.CUT):
                await self._cut()
            case Fault(What.RESET):
                with suppress(OSError):  # the client was quicker
                    self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                self._socket.transport.abort()
            case _:
                await super().refuse(refusal)

    async def close(self, code: int, reason: str) -> None:
        leaves_it_open = {What.NO_TERMINATION, What.TERMINATION_WITHOUT_CLOSE}
        if self._mute or not leaves_it_open.isdisjoint(self._armed):
            await self._drop()  # until the client closes
        else:
            await super().close(code, reason)

    @property
    def _raw(self) -> socket.socket:
        raw: socket.socket = self._socket.transport.get_extra_info("socket")
        return raw

    async def _cut(self) -> None:
        # Closing a socket with unread audio in it would be a reset, and take with it what the
        # client has not read yet.
        with suppress(OSError):  # the client was quicker
            self._raw.shutdown(socket.SHUT_WR)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._drop()
        self._socket.transport.abort()

    async def _tell(self, message: ServerMessage) -> None:
        if not self._mute:
            await super().say(message)

    async def _wait(self, seconds: float | None) -> None:
        """For so long, or until the client has left."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._socket.wait_closed()

    # --- messages that come otherwise than they should

    def _distorted(self, said: tuple[ServerMessage, ...]) -> list[ServerMessage]:
        told: list[ServerMessage] = []
        end: int | None = None  # of the last turn that is over, or of all that is said
        for message in said:
            match message:
                case Turn():
                    turn = replace(message, turn_order=message.turn_order + self._extra_turns)
                    self._next_order = turn.turn_order + 1
                    told.append(turn)
                    if turn.end_of_turn:
                        told += [turn] if self._disarm(What.DUPLICATE_FINAL) else []
                        end = len(told)
                case Termination():
                    end = len(told)
                    told += [message] if What.NO_TERMINATION not in self._armed else []
                case _:
                    told.append(message)
        if end is not None and self._disarm(What.EXTRA_EMPTY_FINAL):
            told.insert(end, self._extra_final())
        return told

    def _extra_final(self) -> Turn:
        """A turn of its own, after which the others count on."""
        self._extra_turns += 1
        return Turn(self._next_order, end_of_turn=True, transcript="")

    def _disarm(self, what: What) -> bool:
        """Whether such a fault has been waiting for this; then it has happened."""
        if what not in self._armed:
            return False
        self._armed.remove(what)
        return True

    # --- what goes wrong by itself

    async def _strike(self, now: Moment | float) -> None:
        due = [fault for fault in self._to_come if fault.strikes(now)]
        self._to_come = [fault for fault in self._to_come if fault not in due]
        for fault in due:
            await self._happen(fault)

    async def _happen(self, fault: Fault) -> None:
        match fault.what:
            case (
                What.REFUSE
                | What.BUSY
                | What.ERROR
                | What.CLOSE_WITHOUT_ERROR
                | What.CUT
                | What.RESET
            ):
                raise Struck(fault)
            case What.ERROR_WITHOUT_CLOSE:
                await self._tell(Error(fault.text, fault.code))
                self._mute = True
            case What.SILENCE | What.NO_BEGIN:
                self._mute = True
            case What.STALL_READING:
                await self._wait(fault.seconds)
            case What.UNKNOWN_TYPE:
                await self._tell(Unknown(fault.text))
            case What.WARNING:
                await self._tell(Warning(fault.text, fault.code))
            case What.GARBAGE:
                if not self._mute:
                    await self._socket.send(fault.text)
            case (
                What.DUPLICATE_FINAL
                | What.EXTRA_EMPTY_FINAL
                | What.NO_TERMINATION
                | What.TERMINATION_WITHOUT_CLOSE
            ):
                self._armed.append(fault.what)
            case _:
                assert_never(fault.what)


def _is_terminate(frame: str) -> bool:
    if Terminate.type not in frame:  # however long it is
        return False
    with suppress(Malformed):
        return isinstance(messages.decode_from_client(frame), Terminate)
    return False
