"""Reads the answer to a request that is not meant to have one: a refused upgrade, a proxy's reply.

Everything is bounded, and nothing after the head of an answer is read, unless it is asked for: the
first frame of a WebSocket may follow.
"""

import json
import re
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from workers import secrecy

MAX_HEAD_BYTES = 32 * 1024
_HEAD_ENDS = b"\r\n\r\n", b"\n\n"
MAX_BODY_BYTES = 16 * 1024
BODY_TIMEOUT_S = 1.0
"""How long to wait for the body of a refusal, all in all."""
MAX_INTERIM_ANSWERS = 10
"""How many answers with a status below 200 may come before the final one (RFC 9110, 15.2)."""
MAX_RETRY_AFTER_S = 600.0
"""The longest wait that a server may ask for."""
MAX_REASON_CHARS = 200

_REASON_NAMES = (
    "error",
    "message",
    "detail",
    "details",
    "msg",
    "reason",
    "error_description",
    "description",
    "title",
)
"""Where services put the reason of a refusal in JSON; the first one that is there counts."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"\w+, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT")
"""The one form in which dates are sent (RFC 9110, section 5.6.7)."""


class NotHttp(Exception):
    """The answer does not begin as HTTP does; ``received`` is what came, up to a few bytes."""

    def __init__(self, received: bytes) -> None:
        super().__init__("not HTTP")
        self.received = received


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The head of an answer."""

    status: int
    phrase: str
    headers: dict[str, str] = field(default_factory=dict)
    """By name in lower case; values of a repeated header are joined by commas."""

    @property
    def title(self) -> str:
        """The status with its name, such as “404 Not Found”."""
        phrase = reason_text(self.phrase, MAX_REASON_CHARS // 4)
        with suppress(ValueError):
            phrase = phrase or HTTPStatus(self.status).phrase
        return f"{self.status} {phrase}".strip()

    @property
    def is_web_page(self) -> bool:
        """Whether its body is HTML."""
        return "html" in self.headers.get("content-type", "").lower()

    @property
    def has_body(self) -> bool:
        """Whether its headers announce a body."""
        length = self.headers.get("content-length", "0")
        return length != "0" or "transfer-encoding" in self.headers

    @property
    def location(self) -> str:
        """Where it redirects to, without the query, which may hold secrets; empty if unknown."""
        try:
            parts = urlsplit(self.headers.get("location", ""))
            host = parts.netloc.rpartition("@")[2]
            address = parts._replace(netloc=host, query="", fragment="").geturl()
        except ValueError:
            return ""
        return reason_text(address, MAX_REASON_CHARS)

    @property
    def date_s(self) -> float | None:
        """The server's time, in Unix time; None if it is not told."""
        return http_date(self.headers.get("date", ""))

    @property
    def retry_after_s(self) -> float | None:
        """How long the server asks to wait (RFC 9110, section 10.2.3); None if it does not say. A
        date counts from the server's own clock, if it tells its time."""
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            wait_s = float(value[:9])
        elif (until_s := http_date(value)) is not None:
            wait_s = until_s - (time.time() if self.date_s is None else self.date_s)
        else:
            return None
        return min(wait_s, MAX_RETRY_AFTER_S) if wait_s > 0 else None

    @property
    def authentication_schemes(self) -> list[str]:
        """The schemes by which a proxy wants to know its user."""
        challenges = self.headers.get("proxy-authenticate", "").split(",")
        names = (challenge.strip().partition(" ")[0] for challenge in challenges)
        return [name for name in names if re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,20}", name)]


def read_answer(sock: socket.socket, deadline: float | None = None) -> HttpAnswer:
    """Reads the head of the final answer. ``deadline`` is monotonic; None: only the socket's own
    timeout counts.

    Raises `NotHttp`, `TimeoutError` and `OSError`.
    """
    for _ in range(MAX_INTERIM_ANSWERS):
        answer = _parse_head(_read_head(sock, deadline))
        if answer.status >= 200 or answer.status == 101:
            return answer
    raise NotHttp(b"HTTP")


def read_reason(sock: socket.socket, answer: HttpAnswer) -> str:
    """Reads some of the body of a refusal, and returns the reason that it gives in one line; empty
    without one. Some servers put it into a header of their own."""
    errors = (value for name, value in answer.headers.items() if "error" in name)
    return _body_reason(sock, answer) or reason_text(next(errors, ""))


def _body_reason(sock: socket.socket, answer: HttpAnswer) -> str:
    text = _read_body(sock, answer).decode(errors="replace").strip()
    if answer.is_web_page or text.startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
        from html import unescape  # few sessions need it

        return reason_text(unescape(title[1]) if title else "")
    try:
        text = _json_reason(json.loads(text))
    except (ValueError, RecursionError):
        if "json" in answer.headers.get("content-type", "").lower():
            return ""
    return reason_text(text)


def reason_text(text: str, max_chars: int = MAX_REASON_CHARS) -> str:
    """Foreign text in one line of at most ``max_chars``, without secrets and control characters."""
    text = secrecy.redact(text)
    shown = "".join(char if char.isprintable() else " " for char in text[: 10 * max_chars])
    line = " ".join(shown.split()).rstrip(".")
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"


def limit(sock: socket.socket, deadline: float) -> None:
    """Limits the next read or write of a socket; raises `TimeoutError` if the time is over."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    sock.settimeout(left)


def http_date(text: str) -> float | None:
    """The Unix time of a date in a header; None if it is not one."""
    found = _DATE.fullmatch(text.strip())
    if found is None or found[2] not in _MONTHS:
        return None
    month = _MONTHS.index(found[2]) + 1
    numbers = [int(found[number]) for number in (3, 1, 4, 5, 6)]
    year, day, hour, minute, second = numbers
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _read_head(sock: socket.socket, deadline: float | None) -> bytes:
    """Reads up to the empty line and no further, since frames may follow it."""
    head = b""
    while not head.endswith(_HEAD_ENDS):
        if len(head) >= MAX_HEAD_BYTES or not b"HTTP/".startswith(head[:5]):
            raise NotHttp(head[:16])
        if deadline is not None:
            limit(sock, deadline)
        part = sock.recv(_bytes_of_head(sock, head))
        if not part:
            raise NotHttp(head[:16])
        head += part
    return head


def _bytes_of_head(sock: socket.socket, head: bytes) -> int:
    """How many bytes to read next: those that have arrived and belong to the head. With TLS, which
    cannot look ahead, one."""
    if isinstance(sock, ssl.SSLSocket):
        return 1
    known = head[-3:]
    arrived = known + sock.recv(MAX_HEAD_BYTES - len(head), socket.MSG_PEEK)
    ends = [at + len(end) for end in _HEAD_ENDS if (at := arrived.find(end)) >= 0]
    return max(1, min(ends, default=len(arrived)) - len(known))


def _parse_head(head: bytes) -> HttpAnswer:
    first, *lines = head.decode("latin-1").split("\n")
    found = re.fullmatch(r"HTTP/\d(?:\.\d)? ([1-9]\d\d)(?: (.*))?", first.rstrip())
    if found is None:
        raise NotHttp(head[:16])
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return HttpAnswer(int(found[1]), found[2] or "", headers)


def _read_body(sock: socket.socket, answer: HttpAnswer) -> bytes:
    """Reads as much of a body as comes soon."""
    body, wanted = bytearray(), MAX_BODY_BYTES
    length = answer.headers.get("content-length", "")
    if length.isascii() and length.isdigit():
        wanted = min(wanted, int(length[:9]))
    is_chunked = "chunked" in answer.headers.get("transfer-encoding", "").lower()
    deadline = time.monotonic() + BODY_TIMEOUT_S
    with suppress(OSError):
        while len(body) < wanted:
            limit(sock, deadline)
            block = sock.recv(wanted - len(body))
            if not block:
                break
            body += block
            if is_chunked and body.endswith(b"0\r\n\r\n"):
                break
    return _unchunked(bytes(body)) if is_chunked else bytes(body)


def _unchunked(body: bytes) -> bytes:
    """The content of a body in chunks (RFC 9112, section 7.1), as far as it has arrived."""
    content = b""
    while found := re.match(rb"([0-9A-Fa-f]{1,6})[^\r\n]*\r\n", body):
        size = int(found[1], 16)
        content += body[found.end() : found.end() + size]
        body = body[found.end() + size + 2 :]
        if not size:
            break
    return content


def _json_reason(value: object) -> str:
    """The first text in a JSON value where a reason may be."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return next(filter(None, map(_json_reason, value)), "")
    if isinstance(value, dict):
        named = (value[name] for name in _REASON_NAMES if name in value)
        return next(filter(None, map(_json_reason, named)), "")
    return ""
