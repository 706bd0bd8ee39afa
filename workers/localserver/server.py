"""The WebSocket server: a loopback port that speaks the v3 protocol."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from websockets.asyncio.server import serve

from workers.localserver.backend import Backend
from workers.localserver.connection_handler import ConnectionHandler, SessionListener
from workers.localserver.server_policy import ServerPolicy
from workers.log import Logger
from workers.protocol.endpoint import PROTOCOL_PATH

_log = Logger("paceline.server")

HOST = "127.0.0.1"
MAX_CLIENT_MESSAGE_BYTES = 8 * 1024 * 1024
"""Far above the longest chunk, so that a chunk that is too long gets the protocol's Error."""

AnnounceLine = Callable[[str], object]
BackendContext = AbstractAsyncContextManager[Backend]


async def run_server(
    port: int,
    policy: ServerPolicy,
    backend_context: BackendContext,
    announce: AnnounceLine,
    stop: asyncio.Event,
    on_session: SessionListener = lambda record: None,
) -> None:
    """Serves until ``stop`` is set or the task is cancelled. Port 0 picks a free one.

    ``announce`` receives two lines once clients can connect: the address, and ``capacity N``.
    ``on_session`` receives the record of each connection that has ended.
    """
    async with backend_context as backend:
        handler = ConnectionHandler(policy, backend, on_session)
        async with serve(
            handler.handle,
            HOST,
            port,
            process_request=handler.process_request,
            compression=None,  # a loopback is faster than any deflate
            max_size=MAX_CLIENT_MESSAGE_BYTES,
            ping_interval=None,  # a peer on this machine that dies closes its socket
            open_timeout=5,  # seconds for a handshake that needs milliseconds
            close_timeout=1,  # seconds for a client to answer a close
            server_header=None,
        ) as server:
            address = server.sockets[0].getsockname()
            announce(f"ws://{HOST}:{address[1]}{PROTOCOL_PATH}")
            announce(f"capacity {handler.session_limit}")
            _log.info("serving at port %s, capacity %s", address[1], handler.session_limit)
            await stop.wait()
