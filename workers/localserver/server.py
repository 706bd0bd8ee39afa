"""The endpoint: accepts sockets on this machine, and lets in who holds the token.

As the service does, it judges key and parameters only after the upgrade, by an Error frame and a
close: an open socket is not yet an accepted session.
"""

import asyncio
import hmac
import ipaddress
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from workers.localserver import parameters
from workers.localserver.recognisers import Pool
from workers.localserver.refusal import Refusal, unauthorized
from workers.localserver.session import converse, refuse

HOST = "127.0.0.1"
PATH = "/v3/ws"
HEALTH = "/v3/ws/health"
LARGEST_MESSAGE = 8 * 1024 * 1024
"""Bytes; far over the longest chunk, so that a client that sends too much learns it by an Error."""

Announce = Callable[[str], object]


def serve(port: int, token: str | None, on_line: Announce = print) -> None:
    """Serves until Ctrl-C. ``port`` 0 takes a free one; without ``token`` any key is let in.

    ``on_line`` gets two lines as soon as clients may connect: the address, and ``capacity N``.
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(run(port, token, on_line, asyncio.Event()))


async def run(port: int, token: str | None, on_line: Announce, stop: asyncio.Event) -> None:
    """Serves until ``stop`` is set, or until cancelled."""
    async with (
        Pool() as pool,
        listen(
            partial(_welcome, token=token, pool=pool),
            HOST,
            port,
            process_request=_answer,
            compression=None,  # a loopback is faster than any deflate
            max_size=LARGEST_MESSAGE,
            ping_interval=None,  # a peer on this machine that dies closes its socket
            close_timeout=1,  # seconds that a client gets to answer a close
            server_header=None,
        ) as server,
    ):
        address = server.sockets[0].getsockname()
        on_line(f"ws://{HOST}:{address[1]}{PATH}")
        on_line(f"capacity {pool.capacity}")
        await stop.wait()


async def _welcome(socket: ServerConnection, token: str | None, pool: Pool) -> None:
    assert socket.request is not None
    query = urlsplit(socket.request.path).query
    with suppress(ConnectionClosed):  # the client left: there is nobody to tell
        try:
            _authorize(socket.request, query, token)
            await converse(socket, parameters.read(query), pool)
        except Refusal as refusal:
            await refuse(socket, refusal)


def _authorize(request: Request, query: str, token: str | None) -> None:
    """The raw key, without "Bearer", in the header, or as ``token`` in the query."""
    if token is None:
        return
    given = request.headers.get_all("Authorization") or parse_qs(query).get("token", [])
    if not given:
        raise unauthorized("Missing Authorization header")
    if not hmac.compare_digest(given[-1].encode(), token.encode()):
        raise unauthorized("Invalid API key")


def _answer(socket: ServerConnection, request: Request) -> Response | None:
    """What is answered before any upgrade; None lets the upgrade happen."""
    path = urlsplit(request.path).path
    if path == HEALTH:
        return socket.respond(HTTPStatus.OK, "ok\n")
    if path != PATH:
        return socket.respond(HTTPStatus.NOT_FOUND, f"only {PATH} is served here\n")
    if any(not _is_loopback(origin) for origin in request.headers.get_all("Origin")):
        # A page on the internet must not reach the engine through the browser of this machine.
        return socket.respond(HTTPStatus.FORBIDDEN, "this origin is not allowed\n")
    return None


def _is_loopback(origin: str) -> bool:
    host = urlsplit(origin).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
