"""Server faults for `transcribing_server.transcribe`."""

import asyncio
import json
import socket
import struct
import threading
import time
from typing import Any

from tests.engine.support.scripted_server import TERMINATION
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.support.transcribing_server import ConnectionFinished, Fault, ServerSession

CLOSE_REASON = "See Error message for details"
CANCELLED = "Session Cancelled: An error occurred"
BUSY = "Unauthorized Connection: Too many concurrent sessions"


# --- it ends the session


def error_then_close(code: int, text: str = CANCELLED) -> Fault:
    """Sends an Error and the close that belongs to it."""

    async def fault(session: ServerSession) -> None:
        await session.connection.send({"type": "Error", "error_code": code, "error": text})
        await session.connection.socket.close(code, CLOSE_REASON)
        raise ConnectionFinished

    return fault


def error_without_close(code: int, text: str = CANCELLED) -> Fault:
    """Sends an Error and leaves the socket open."""

    async def fault(session: ServerSession) -> None:
        await session.connection.send({"type": "Error", "error_code": code, "error": text})
        await _wait_until_client_leaves(session)
        raise ConnectionFinished

    return fault


def close_without_error(code: int, reason: str = "") -> Fault:
    """Closes without an Error."""

    async def fault(session: ServerSession) -> None:
        await session.connection.socket.close(code, reason)
        raise ConnectionFinished

    return fault


async def drop_connection(session: ServerSession) -> None:
    """Drops the connection without a close frame."""
    session.connection.socket.transport.abort()
    raise ConnectionFinished


async def reset_connection(session: ServerSession) -> None:
    """Resets the connection (TCP RST)."""
    own = session.connection.socket.transport.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await drop_connection(session)


async def terminate_early(session: ServerSession) -> None:
    """Sends Termination before the client asked for it."""
    await session.connection.send(TERMINATION)
    await session.connection.socket.close(1000, "Session Ended")
    raise ConnectionFinished


def send_raw_bytes(data: bytes) -> Fault:
    """Sends bytes that are not a valid frame, then ends the connection."""

    async def fault(session: ServerSession) -> None:
        transport = session.connection.socket.transport
        transport.write(data)
        transport.write_eof()
        await _wait_until_client_leaves(session)
        raise ConnectionFinished

    return fault


async def _wait_until_client_leaves(session: ServerSession) -> None:
    """Reads until the client has gone: unread data would hide its departure."""
    async for _ in session.connection.socket:
        pass


# --- it does nothing any more


async def stop_answering(session: ServerSession) -> None:
    """Answers pings and reads, but sends nothing else."""
    async for message in session.connection.socket:
        if isinstance(message, str):
            session.connection.received.control_messages.append(json.loads(message))
    raise ConnectionFinished


def stop_reading(seconds: float = LONG_ENOUGH) -> Fault:
    """Neither reads nor answers for so long, or until the client has gone."""

    async def fault(session: ServerSession) -> None:
        transport = session.connection.socket.transport
        own = transport.get_extra_info("socket")
        transport.pause_reading()
        until = time.monotonic() + seconds
        while time.monotonic() < until and _is_established(own):  # noqa: ASYNC110  (no event tells)
            await asyncio.sleep(0.02)
        transport.resume_reading()

    return fault


def _is_established(own: socket.socket) -> bool:
    """Whether the client's system has not closed the connection (Linux: tcp_info.tcpi_state)."""
    return own.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1


def pause(seconds: float) -> Fault:
    """Does nothing for a while, but answers pings."""

    async def fault(session: ServerSession) -> None:
        await asyncio.sleep(seconds)

    return fault


class HoldPoint:
    """A fault that waits until the test lets it go on, and then may commit another fault."""

    def __init__(self) -> None:
        self.reached, self.released = threading.Event(), threading.Event()

    def hold_then(self, fault: Fault | None = None) -> Fault:
        async def hold(session: ServerSession) -> None:
            self.reached.set()
            await asyncio.to_thread(self.released.wait, LONG_ENOUGH)
            if fault is not None:
                await fault(session)

        return hold


# --- it says something strange, and goes on


def send_messages(*messages: dict[str, Any] | str | bytes) -> Fault:
    """Sends these messages."""

    async def fault(session: ServerSession) -> None:
        for message in messages:
            text = json.dumps(message) if isinstance(message, dict) else message
            await session.connection.socket.send(text)

    return fault


async def repeat_finals(session: ServerSession) -> None:
    """Repeats all finals, each with a partial that comes too late."""
    for turn in session.finals:
        await session.connection.send(
            turn, {**turn, "end_of_turn": False, "transcript": "too late"}
        )


async def send_empty_final(session: ServerSession) -> None:
    """Sends an empty final with a turn number of its own."""
    await session.end_turn()
    turn = {"type": "Turn", "turn_order": session.order, "end_of_turn": True}
    await session.connection.send({**turn, "transcript": "", "words": []})
    session.order += 1


UNEXPECTED_MESSAGES = send_messages(
    {"type": "Novelty", "of": [1, 2]},
    {"type": "Turn"},
    {"type": "Warning", "warning": "Beware", "warning_code": 7},
    {"type": "Heartbeat", "total_audio_received_ms": 1, "total_duration_ms": 1},
    {"type": "Turn", "turn_order": "first", "end_of_turn": True, "words": "none"},
    "{[",
    "",
    b"\x00\xff\xfe",
)
"""Sends unknown types, invalid fields, and text that is no message."""

INVALID_UTF8 = send_raw_bytes(b"\x81\x02\xff\xfe")
INVALID_FRAME = send_raw_bytes(b"\xff" * 64)
