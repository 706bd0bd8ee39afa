"""Answers that are not a session, read from real sockets."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from workers.protocol.http_answers import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    MAX_REASON_CHARS,
    MAX_RETRY_AFTER_S,
    HttpAnswer,
    NotHttp,
    http_date,
    read_answer,
    read_reason,
)

JSON = {"content-type": "application/json"}


@contextmanager
def sent(data: bytes, *, end: bool = True) -> Iterator[socket.socket]:
    """A socket on which this has arrived."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.sendall(data)
        if end:
            theirs.close()
        yield ours


def reason(body: bytes | str, headers: dict[str, str] | None = None) -> str:
    data = body.encode() if isinstance(body, str) else body
    with sent(data) as sock:
        return read_reason(sock, HttpAnswer(403, "", headers or {}))


def test_a_head_is_read_and_nothing_after_it() -> None:
    """The first frame may follow it."""
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX: 1\r\nx:  2 \r\n\r\n"
    with sent(head + b"\x81\x02hi") as sock:
        answer = read_answer(sock)

        assert (answer.status, answer.phrase) == (101, "Switching Protocols")
        assert answer.headers == {"upgrade": "websocket", "x": "1, 2"}
        assert sock.recv(100) == b"\x81\x02hi"


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
def test_a_head_may_come_in_pieces(newline: bytes) -> None:
    """Also if one ends within the empty line."""
    head = newline.join([b"HTTP/1.1 101 Switching Protocols", b"X: 1", b"", b""])
    for cut in range(1, len(head)):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(head[:cut])
            rest = threading.Thread(target=theirs.sendall, args=(head[cut:] + b"\x81",))
            rest.start()
            answer = read_answer(ours, time.monotonic() + 5)
            rest.join()

            assert {"x": "1"} == answer.headers
            assert b"\x81" == ours.recv(100)


def test_interim_answers_are_skipped() -> None:
    """Any number below ten of them (RFC 9110, section 15.2)."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    with sent(hints + b"HTTP/1.0 503\r\n\r\n") as sock:
        assert read_answer(sock).title == "503 Service Unavailable"
    with sent(hints * 20) as sock, pytest.raises(NotHttp):
        read_answer(sock)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HT",
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"\x15\x03\x01\x00\x02\x02\x50",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 99 No\r\n\r\n",
        b"HTTP/1.1 2000 No\r\n\r\n",
        b"HTTP/one 200 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES,
    ],
)
def test_what_is_not_http_is_not_read(data: bytes) -> None:
    """Nor an endless head."""
    with sent(data) as sock, pytest.raises(NotHttp):
        read_answer(sock)


def test_a_head_that_does_not_come_is_a_timeout() -> None:
    """The deadline counts, not the next byte."""
    with sent(b"HTTP/1.1 200 OK\r\n", end=False) as sock, pytest.raises(TimeoutError):
        read_answer(sock, time.monotonic() + 0.05)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": "No credit left."}, "No credit left"),
        ({"message": "no"}, "no"),
        ({"error": {"code": 7, "message": "no"}}, "no"),
        ({"detail": [{"loc": ["query"], "msg": "no"}]}, "no"),
        ({"errors": 1, "title": "no"}, "no"),
        ({"type": "about:blank", "title": "Out of Credit", "detail": "no"}, "no"),
        ({"code": 1}, ""),
        (["no"], "no"),
        ("no", "no"),
        (7, ""),
        (None, ""),
    ],
)
def test_a_reason_in_json_is_found(body: object, expected: str) -> None:
    """Where services and frameworks put it."""
    assert reason(json.dumps(body), JSON) == expected


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ("Not here.\n", {}, "Not here"),
        ("  two\r\n\tlines\x07 ", {"content-type": "text/plain"}, "two lines"),
        (
            "<!DOCTYPE html><TITLE a=b>Log&nbsp;in\n</TITLE>…",
            {"content-type": "text/html"},
            "Log in",
        ),
        ("<html>no title</html>", {}, ""),
        ("{broken", JSON, ""),
        ("[" * 5000, JSON, ""),
        (b"\xff\xfe", {}, "��"),
        ("", {}, ""),
        ("abcdef", {"content-length": "3"}, "abc"),
        ("abcdef", {"content-length": "-3"}, "abcdef"),
        (
            "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
            {"transfer-encoding": "chunked"},
            "hello world",
        ),
        ("5\r\nhello\r\n6\r\n wo", {"transfer-encoding": "chunked"}, "hello wo"),
        ("zz\r\nhello", {"transfer-encoding": "chunked"}, ""),
        ("a\u202eb\u200bc\x1b]0;x\x07", {}, "a b c ]0;x"),
    ],
)
def test_any_other_reason_is_one_clean_line(
    body: bytes | str, headers: dict[str, str], expected: str
) -> None:
    """Of a web page, only its title; in chunks or not."""
    assert reason(body, headers) == expected


def test_a_reason_may_be_in_a_header() -> None:
    """If the body has none."""
    header = {"dg-error": "Insufficient permissions", "content-length": "0"}

    assert reason("", header) == "Insufficient permissions"
    assert reason("Because.", {"dg-error": "No"}) == "Because"


def test_a_reason_is_bounded() -> None:
    """However much comes, and however slowly."""
    assert len(reason("x" * 2 * MAX_BODY_BYTES)) == MAX_REASON_CHARS
    with sent(b"so far", end=False) as sock:
        started = time.monotonic()
        assert read_reason(sock, HttpAnswer(500, "", {"content-length": "1000"})) == "so far"
        assert time.monotonic() - started < 4


DATE = "Sun, 29 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("8", 8.0),
        (" 8 ", 8.0),
        ("0", None),
        ("-8", None),
        ("8.5", None),
        ("soon", None),
        ("", None),
        ("99999999999999999999", MAX_RETRY_AFTER_S),
        ("Sun, 29 Nov 2026 10:00:08 GMT", 8.0),
        ("Sun, 29 Nov 2026 09:59:00 GMT", None),
        ("Mon, 30 Nov 2026 10:00:00 GMT", MAX_RETRY_AFTER_S),
        ("Sun, 99 Nov 2026 10:00:08 GMT", None),
        ("Sun, 29 Foo 2026 10:00:08 GMT", None),
    ],
)
def test_the_wait_that_a_server_asks_for_is_bounded(value: str, wait_s: float | None) -> None:
    """In seconds, or as a date by the server's own clock."""
    assert HttpAnswer(503, "", {"date": DATE, "retry-after": value}).retry_after_s == wait_s


def test_a_date_without_the_servers_time_counts_from_ours() -> None:
    """There is no other clock."""
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    wait_s = HttpAnswer(503, "", {"retry-after": later}).retry_after_s

    assert wait_s is not None
    assert 90 < wait_s <= 100
    assert http_date(DATE) == 1795946400.0


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://login.corp/start?token=abc#x", "https://login.corp/start"),
        ("https://me:pw@login.corp/", "https://login.corp/"),
        ("/login", "/login"),
        ("http://[bad", ""),
        ("", ""),
    ],
)
def test_a_redirect_is_told_without_secrets(location: str, shown: str) -> None:
    """Its query may hold some."""
    assert HttpAnswer(302, "", {"location": location}).location == shown
