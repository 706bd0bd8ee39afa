"""What a server does wrong: faults for `hearing.telling`."""

import asyncio
import json
import socket
import struct
import threading
import time
from typing import Any, cast

from tests.engine.support.scripted_server import TERMINATION
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.support.transcribing_server import Fault, Hearing, Over

DETAILS = "See Error message for details"
CANCELLED = "Session Cancelled: An error occurred"
BUSY = "Unauthorized Connection: Too many concurrent sessions"


# --- it ends the session


def error(code: int, text: str = CANCELLED) -> Fault:
    """An Error and the close that belongs to it."""

    async def said(hearing: Hearing) -> None:
        await hearing.line.say({"type": "Error", "error_code": code, "error": text})
        await hearing.line.socket.close(code, DETAILS)
        raise Over

    return said


def error_alone(code: int, text: str = CANCELLED) -> Fault:
    """An Error, and the socket stays open."""

    async def said(hearing: Hearing) -> None:
        await hearing.line.say({"type": "Error", "error_code": code, "error": text})
        await _gone(hearing)
        raise Over

    return said


def close(code: int, reason: str = "") -> Fault:
    """A close without an Error."""

    async def closed(hearing: Hearing) -> None:
        await hearing.line.socket.close(code, reason)
        raise Over

    return closed


async def cut(hearing: Hearing) -> None:
    """The connection ends without a word."""
    hearing.line.socket.transport.abort()
    raise Over


async def reset(hearing: Hearing) -> None:
    """The client's system is told that nobody is there any more."""
    own = hearing.line.socket.transport.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await cut(hearing)


async def ended_unasked(hearing: Hearing) -> None:
    """The session is over before all was sent, says the server."""
    await hearing.line.say(TERMINATION)
    await hearing.line.socket.close(1000, "Session Ended")
    raise Over


def raw(data: bytes) -> Fault:
    """Bytes that are no frame, or no good one; then the end of the connection."""

    async def written(hearing: Hearing) -> None:
        transport = cast(asyncio.Transport, hearing.line.socket.transport)
        transport.write(data)
        transport.write_eof()
        await _gone(hearing)
        raise Over

    return written


async def _gone(hearing: Hearing) -> None:
    """Until the client has gone; what it still sends has to be taken, else nobody sees it go."""
    async for _ in hearing.line.socket:
        pass


# --- it does nothing any more


async def mute(hearing: Hearing) -> None:
    """It answers pings, and takes what comes; nothing else."""
    async for message in hearing.line.socket:
        if isinstance(message, str):
            hearing.line.heard.control.append(json.loads(message))
    raise Over


def deaf(seconds: float = LONG_ENOUGH) -> Fault:
    """It reads nothing and answers nothing for so long, or until the client is gone."""

    async def stopped(hearing: Hearing) -> None:
        transport = cast(asyncio.Transport, hearing.line.socket.transport)
        own = transport.get_extra_info("socket")
        transport.pause_reading()
        until = time.monotonic() + seconds
        while time.monotonic() < until and _established(own):  # noqa: ASYNC110  (no event tells)
            await asyncio.sleep(0.02)
        transport.resume_reading()

    return stopped


def _established(own: socket.socket) -> bool:
    """Whether the client's system has not closed the connection (Linux: tcp_info.tcpi_state)."""
    return own.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1


def slow(seconds: float) -> Fault:
    """It does nothing for a while, but answers pings."""

    async def waited(hearing: Hearing) -> None:
        await asyncio.sleep(seconds)

    return waited


class Hold:
    """It waits for a test to see it, and to let it go on; then it may do something else wrong."""

    def __init__(self) -> None:
        self.reached, self.over = threading.Event(), threading.Event()

    def then(self, fault: Fault | None = None) -> Fault:
        async def held(hearing: Hearing) -> None:
            self.reached.set()
            await asyncio.to_thread(self.over.wait, LONG_ENOUGH)
            if fault is not None:
                await fault(hearing)

        return held


# --- it says something strange, and goes on


def says(*messages: dict[str, Any] | str | bytes) -> Fault:
    """Whatever is to be said."""

    async def said(hearing: Hearing) -> None:
        for message in messages:
            text = json.dumps(message) if isinstance(message, dict) else message
            await hearing.line.socket.send(text)

    return said


async def repeats(hearing: Hearing) -> None:
    """All ends of turns, once again, and a partial of each that comes too late."""
    for turn in hearing.finals:
        await hearing.line.say(turn, {**turn, "end_of_turn": False, "transcript": "too late"})


async def empty_final(hearing: Hearing) -> None:
    """An end of a turn that says nothing, with a number of its own."""
    await hearing.end_turn()
    turn = {"type": "Turn", "turn_order": hearing.order, "end_of_turn": True}
    await hearing.line.say({**turn, "transcript": "", "words": []})
    hearing.order += 1


STRANGE = says(
    {"type": "Novelty", "of": [1, 2]},
    {"type": "Turn"},
    {"type": "Warning", "warning": "Beware", "warning_code": 7},
    {"type": "Heartbeat", "total_audio_received_ms": 1, "total_duration_ms": 1},
    {"type": "Turn", "turn_order": "first", "end_of_turn": True, "transcript": "w00001"},
    "{[",
    "",
    b"\x00\xff\xfe",
)
"""Types that nobody knows, fields that cannot be, and what is no message at all."""

BAD_UTF8 = raw(b"\x81\x02\xff\xfe")
NO_FRAME = raw(b"\xff" * 64)
