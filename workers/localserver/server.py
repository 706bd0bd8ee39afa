"""The endpoint: a socket on this machine that speaks the protocol."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from websockets.asyncio.server import serve as listen

from workers.localserver.answers import PATH
from workers.localserver.backend import Source
from workers.localserver.connection_handler import Attendance, Reception
from workers.localserver.server_policy import House

HOST = "127.0.0.1"
LARGEST_MESSAGE = 8 * 1024 * 1024
"""Bytes; far over the longest chunk, so that a client that sends too much learns it by an Error."""

Announce = Callable[[str], object]
Streams = AbstractAsyncContextManager[Source]


async def run(
    port: int,
    house: House,
    streams: Streams,
    on_line: Announce,
    stop: asyncio.Event,
    on_session: Attendance = lambda visit: None,
) -> None:
    """Serves until ``stop`` is set, or until cancelled. ``port`` 0 takes a free one.

    ``on_line`` gets two lines as soon as clients may connect: the address, and ``capacity N``.
    ``on_session`` gets the record of each client that has gone.
    """
    async with streams as source:
        reception = Reception(house, source, on_session)
        async with listen(
            reception.attend,
            HOST,
            port,
            process_request=reception.answers,
            compression=None,  # a loopback is faster than any deflate
            max_size=LARGEST_MESSAGE,
            ping_interval=None,  # a peer on this machine that dies closes its socket
            open_timeout=5,  # seconds for a handshake that needs milliseconds
            close_timeout=1,  # seconds that a client gets to answer a close
            server_header=None,
        ) as server:
            address = server.sockets[0].getsockname()
            on_line(f"ws://{HOST}:{address[1]}{PATH}")
            on_line(f"capacity {reception.capacity}")
            await stop.wait()
