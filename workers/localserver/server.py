"""The endpoint: a socket on this machine that speaks the protocol."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from websockets.asyncio.server import serve as listen

from workers.localserver.answers import PROTOCOL_PATH
from workers.localserver.backend import Backend
from workers.localserver.connection_handler import ConnectionHandler, SessionListener
from workers.localserver.server_policy import ServerPolicy

HOST = "127.0.0.1"
MAX_CLIENT_MESSAGE_BYTES = 8 * 1024 * 1024
"""Bytes; far over the longest chunk, so that a client that sends too much learns it by an Error."""

AnnounceLine = Callable[[str], object]
BackendContext = AbstractAsyncContextManager[Backend]


async def run_server(
    port: int,
    policy: ServerPolicy,
    backend_context: BackendContext,
    announce: AnnounceLine,
    stop: asyncio.Event,
    on_session: SessionListener = lambda visit: None,
) -> None:
    """Serves until ``stop`` is set, or until cancelled. ``port`` 0 takes a free one.

    ``announce`` gets two lines as soon as clients may connect: the address, and ``capacity N``.
    ``on_session`` gets the record of each client that has gone.
    """
    async with backend_context as source:
        reception = ConnectionHandler(policy, source, on_session)
        async with listen(
            reception.handle,
            HOST,
            port,
            process_request=reception.process_request,
            compression=None,  # a loopback is faster than any deflate
            max_size=MAX_CLIENT_MESSAGE_BYTES,
            ping_interval=None,  # a peer on this machine that dies closes its socket
            open_timeout=5,  # seconds for a handshake that needs milliseconds
            close_timeout=1,  # seconds that a client gets to answer a close
            server_header=None,
        ) as server:
            address = server.sockets[0].getsockname()
            announce(f"ws://{HOST}:{address[1]}{PROTOCOL_PATH}")
            announce(f"capacity {reception.session_limit}")
            await stop.wait()
