"""What a server may answer to the upgrade, by the classes of RFC 9110, and what users are told."""

import select
import socket
from base64 import b64encode
from hashlib import sha1
from http import HTTPStatus

import pytest

from tests.support.raw_server import RawServer, Script, answer, http
from workers.protocol.connection import ConnectionLost
from workers.protocol.dialing import dial
from workers.protocol.messages import Unknown
from workers.protocol.unreachable import Recurrence, Unreachable

PASSING, LASTING = Recurrence.PASSING, Recurrence.LASTING
UNLESS_REACHED = Recurrence.UNLESS_REACHED
TRANSIENT = {408, 421, 425, 429, 500, 502, 503, 504, 506, 507, 508, 510, 520, 599}


def failure(script: Script) -> Unreachable:
    with RawServer(script) as server, pytest.raises(Unreachable) as caught:
        dial(f"ws://{server.address}/v3/ws?a=1", {"Authorization": "none"})
    assert len(server.requests) == 1
    assert server.requests[0].startswith(b"GET /v3/ws?a=1 HTTP/1.1\r\n")
    assert f"\r\nHost: {server.address}\r\n".encode() in server.requests[0]
    return caught.value


STATUSES = sorted({*(status.value for status in HTTPStatus), 420, 499, 520, 599} - set(range(200)))


def test_every_status_is_passing_or_lasting_by_its_class() -> None:
    """An unknown one counts as the first of its class (RFC 9110, section 15)."""
    for status in STATUSES:
        error = failure(http(f"{status} Some Phrase", "Because."))
        expected = PASSING if status in TRANSIENT else LASTING
        if status < 400 or status in (404, 511):
            expected = UNLESS_REACHED

        assert (status, error.recurrence) == (status, expected)
        assert error.status == status
        assert str(status) in error.reason
        assert error.hint


@pytest.mark.parametrize(
    ("script", "reason", "hint"),
    [
        (
            http("402 Payment Required", '{"error": "Your balance is 0"}'),
            "with HTTP 402 Payment Required: Your balance is 0",
            "API key",
        ),
        (http("403 Forbidden", '{"detail": "Region blocked"}'), "403 Forbidden: Region", "API key"),
        (
            http("200 OK", "<title>Hotel Wi-Fi</title>", Content_Type="text/html"),
            "a web page answers at",
            "login page or a proxy may stand between",
        ),
        (http("200 OK", "<title>Hotel Wi-Fi</title>"), "200 OK): Hotel Wi-Fi", "login page"),
        (http("204 No Content"), "not a WebSocket (HTTP 204", "login page"),
        (http("511 Login", "<title>Log in</title>"), "not a WebSocket (HTTP 511", "login page"),
        (
            http("302 Found", Location="https://login.corp/?next=secret"),
            "redirects to another address (HTTP 302 Found): https://login.corp/",
            "Use that address",
        ),
        (
            http("301 Moved Permanently"),
            "redirects to another address (HTTP 301",
            "Use that address",
        ),
        (http("407 Proxy Authentication Required"), "HTTP 407", "HTTPS_PROXY"),
        (http("404 Not Found"), "HTTP 404 Not Found", "v3 endpoint"),
        (http("503 Service Unavailable", "Busy"), "503 Service Unavailable: Busy", "retry later"),
    ],
)
def test_the_error_has_the_servers_reason_and_what_to_do(
    script: Script, reason: str, hint: str
) -> None:
    """Each in one sentence."""
    error = failure(script)

    assert reason in error.reason
    assert hint in error.hint
    assert "secret" not in str(error)


@pytest.mark.parametrize("status", [429, 500, 503, 413, 408])
def test_a_server_that_asks_to_wait_is_told_from_one_that_refuses(status: int) -> None:
    """In seconds; of client errors, only those that may pass."""
    error = failure(http(f"{status} X", Retry_After="8"))

    assert (error.retry_after_s, error.recurrence) == (8.0, PASSING)
    assert failure(http("404 X", Retry_After="8")).retry_after_s is None


UPGRADE = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    ("sent", "reason", "recurrence"),
    [
        (f"{UPGRADE}Sec-WebSocket-Accept: bm90IGl0\r\n\r\n", "not a WebSocket", UNLESS_REACHED),
        (f"{UPGRADE}\r\n", "not a WebSocket server's", UNLESS_REACHED),
        ("HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", "not a WebSocket", UNLESS_REACHED),
        ("", "closed the connection without an answer", PASSING),
        ("SSH-2.0-OpenSSH_9\r\n", "does not speak HTTP", UNLESS_REACHED),
        ("\x15\x03\x01\x00\x02\x02\x16", "only speaks TLS", LASTING),
    ],
)
def test_what_is_no_answer_of_a_websocket_is_told(
    sent: str, reason: str, recurrence: Recurrence
) -> None:
    """A cache may repeat an old answer; a port may belong to something else."""
    error = failure(answer(sent.encode("latin-1")))

    assert reason in error.reason
    assert error.recurrence is recurrence


def test_a_host_that_cannot_be_one_is_told() -> None:
    """Some are not even asked for."""
    for host in ("a..b", f"{'x' * 64}.example", "nowhere.invalid"):
        with pytest.raises(Unreachable, match="cannot be resolved"):
            dial(f"ws://{host}:8080/", {})


def test_compression_that_was_not_agreed_is_told() -> None:
    """Some servers announce it unasked. Without a compressed message, nothing is wrong."""

    def compress(line: socket.socket, request: bytes) -> None:
        nonce = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        accept = b64encode(sha1(nonce + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        extensions = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
        line.sendall(UPGRADE.encode() + extensions + b"Sec-WebSocket-Accept: " + accept)
        line.sendall(b"\r\n\r\n\x81\x02{}\xc1\x02\x2a\x01")
        line.recv(1)

    with RawServer(compress) as server, dial(f"ws://{server.address}/", {}) as connection:
        select.select([connection], [], [], 30)
        assert connection.receive() == Unknown("")
        with pytest.raises(ConnectionLost, match="an extension that was not agreed"):
            connection.receive()
