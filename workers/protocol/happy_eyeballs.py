"""Opens a TCP connection to a host that may have several addresses: Happy Eyeballs (RFC 8305).

The families of addresses alternate. Each further address is tried `ATTEMPT_DELAY_S` after the one
before, or at once if that has failed; the first one that answers is used.
"""

import errno
import os
import select
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import chain, zip_longest
from queue import Empty, SimpleQueue

from websocket._socket import DEFAULT_SOCKET_OPTION

from workers import threads

ATTEMPT_DELAY_S = 0.25
"""The delay that RFC 8305 recommends in section 5."""

MAX_IPV6_DELAY_S = 0.5
"""How long the IPv6 addresses of a host are awaited when its IPv4 addresses are known."""

_NO_ROUTE = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
)
"""What this machine says of addresses that it cannot reach, such as IPv6 without a network for it.
Another address's error tells more."""

Address = tuple[socket.AddressFamily, tuple[object, ...]]
"""A family and what `socket.connect` takes."""


def resolve(host: str, port: int) -> list[Address]:
    """All addresses of a host, in the system's order of preference (RFC 6724).

    Some resolvers never answer what the IPv6 addresses are, and the system asks for a quarter of a
    minute. So the IPv4 addresses are asked for separately, and used if the rest comes much later
    (RFC 8305, section 3). Raises `OSError`, or `UnicodeError` for a name that cannot be one.
    """
    with suppress(socket.gaierror):
        return _look_up(host, port, flags=socket.AI_NUMERICHOST)
    results: SimpleQueue[tuple[bool, list[Address] | Exception]] = SimpleQueue()

    def look_up(family: socket.AddressFamily) -> None:
        try:
            found: list[Address] | Exception = _look_up(host, port, family)
        except Exception as error:
            found = error
        results.put((family == socket.AF_UNSPEC, found))

    try:
        for family in (socket.AF_UNSPEC, socket.AF_INET):
            threads.start_thread(partial(look_up, family), "resolver")
    except RuntimeError:  # the system has no room for another thread
        return _look_up(host, port)
    has_all, found = results.get()
    if not has_all:
        with suppress(Empty):
            found = results.get(timeout=None if isinstance(found, Exception) else MAX_IPV6_DELAY_S)[
                1
            ]
    if isinstance(found, Exception):
        raise found
    return found


def _look_up(
    host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC, flags: int = 0
) -> list[Address]:
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, socket.IPPROTO_TCP, flags)
    return [(family, address) for family, _, _, _, address in found]


def open_connection(addresses: Iterable[Address], timeout_s: float) -> socket.socket:
    """Connects to the first address that answers. The socket has a timeout of ``timeout_s``.

    Raises `OSError`: `TimeoutError` if none answers in time.
    """
    waiting = alternated(addresses)
    waiting.reverse()
    pending: list[socket.socket] = []
    errors: list[OSError] = []
    next_at = time.monotonic()
    deadline = next_at + timeout_s
    try:
        while waiting or pending:
            now = time.monotonic()
            if now >= deadline:
                raise TimeoutError("timed out")
            if waiting and (now >= next_at or not pending):
                next_at = now + ATTEMPT_DELAY_S
                try:
                    pending.append(_start(*waiting.pop()))
                except OSError as error:
                    errors.append(error)
                    next_at = now
                continue
            pause = min(deadline, next_at if waiting else deadline) - now
            for sock in select.select([], pending, [], pause)[1]:
                pending.remove(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    sock.settimeout(timeout_s)
                    return sock
                sock.close()
                errors.append(OSError(code, os.strerror(code)))
                next_at = now  # the next address need not wait
    finally:
        for sock in pending:
            sock.close()
    told = [error for error in errors if error.errno not in _NO_ROUTE]
    raise (told or errors or [OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))])[0]


def alternated(addresses: Iterable[Address]) -> list[Address]:
    """The addresses, with the families in turn, that of the first one first (section 4)."""
    by_family: dict[socket.AddressFamily, list[Address]] = {}
    for address in addresses:
        by_family.setdefault(address[0], []).append(address)
    return [one for one in chain.from_iterable(zip_longest(*by_family.values())) if one is not None]


def _start(family: socket.AddressFamily, address: tuple[object, ...]) -> socket.socket:
    """Begins to connect; the socket becomes writable when that has succeeded or failed."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in DEFAULT_SOCKET_OPTION:  # no delay for small frames; keepalive
            sock.setsockopt(*option)
        sock.setblocking(False)
        code = sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            raise OSError(code, os.strerror(code))
    except OSError:
        sock.close()
        raise
    return sock
