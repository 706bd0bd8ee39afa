"""Hosts with several addresses, of which some do not answer, on real sockets."""

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from workers.protocol.happy_eyeballs import (
    ATTEMPT_DELAY_S,
    Address,
    alternated,
    open_connection,
    resolve,
)

V4, V6 = socket.AF_INET, socket.AF_INET6
UNREACHABLE: Address = (V4, ("255.255.255.255", 9))
"""An address to which no TCP connection can be made, on any machine."""


@contextmanager
def listening(backlog: int = 8) -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        yield V4, server.getsockname()


@contextmanager
def black_hole() -> Iterator[Address]:
    """An address that answers nothing: its queue of new connections is full."""
    with ExitStack() as stack:
        address = stack.enter_context(listening(backlog=0))
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address[1])
        yield address


@contextmanager
def refusing() -> Iterator[Address]:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        yield V4, unheard.getsockname()


def test_the_first_address_that_answers_is_used() -> None:
    """Refusals and addresses without a route cost no time."""
    with listening() as good, refusing() as bad:
        started = time.monotonic()
        with open_connection([bad, UNREACHABLE, bad, good, bad], 5.0) as sock:
            assert sock.getpeername() == good[1]
            assert sock.gettimeout() == 5.0
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert time.monotonic() - started < 1.0


def test_a_black_hole_costs_a_quarter_of_a_second() -> None:
    """The next address is tried meanwhile."""
    with listening() as good, black_hole() as hole:
        started = time.monotonic()
        with open_connection([hole, hole, good], 5.0) as sock:
            assert sock.getpeername() == good[1]
        assert 2 * ATTEMPT_DELAY_S <= time.monotonic() - started < 3.0


def test_all_black_holes_are_a_timeout() -> None:
    """After the limit, not after one limit each."""
    with black_hole() as hole:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            open_connection([hole, hole], 0.4)
        assert 0.4 <= time.monotonic() - started < 2.0


def test_the_error_is_that_of_an_address_that_was_reached() -> None:
    """That this machine has no IPv6 is not worth telling if IPv4 was refused."""
    with refusing() as bad, pytest.raises(OSError) as caught:  # noqa: PT011  (any kind of it)
        open_connection([UNREACHABLE, bad], 5.0)

    assert caught.value.errno == errno.ECONNREFUSED
    with pytest.raises(OSError, match=r"unreachable|denied|available"):
        open_connection([UNREACHABLE], 5.0)
    with pytest.raises(OSError, match="address"):
        open_connection([], 5.0)


def test_families_take_turns() -> None:
    """The system's first choice stays first (RFC 8305, section 4)."""
    a, b, c = ((V6, (f"::{number}", 1)) for number in (1, 2, 3))
    x, y = ((V4, (f"127.0.0.{number}", 1)) for number in (1, 2))

    assert alternated([a, b, c, x, y]) == [a, x, b, y, c]
    assert alternated([x, a, b]) == [x, a, b]
    assert alternated([]) == []


def test_a_name_gives_all_its_addresses() -> None:
    """An address is itself."""
    assert resolve("127.0.0.1", 443) == [(V4, ("127.0.0.1", 443))]
    assert (V6, ("::1", 443, 0, 0)) in resolve("::1", 443)
