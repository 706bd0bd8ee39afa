"""Tries to reach an endpoint without a key or a session: the address, the connection and TLS.

One plain HTTP request is sent, to read the server's clock from its answer.
"""

import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from workers.protocol.dialing import open_socket, start_tls
from workers.protocol.endpoint import host_and_port
from workers.protocol.happy_eyeballs import resolve
from workers.protocol.http_answers import NotHttp, read_answer
from workers.protocol.proxies import find_proxy


@dataclass(frozen=True, slots=True)
class EndpointTrial:
    """What reaching an endpoint took, in ms."""

    addresses: tuple[str, ...]
    """Those of its host; empty if a proxy looks them up."""
    resolve_ms: float
    connect_ms: float
    tls: str
    """The version of TLS; empty without it."""
    tls_ms: float
    skew_s: float | None
    """How far this machine's clock is ahead of the server's; None if the server tells no time.
    It has whole seconds only."""


def try_endpoint(url: str, ca_file: str | None = None) -> EndpointTrial:
    """Connects to the host of ``url``; raises `Unreachable` if that does not work, as a session
    would."""
    parts = urlsplit(url)
    is_encrypted = parts.scheme == "wss"
    port = parts.port or (443 if is_encrypted else 80)
    began = time.monotonic()
    addresses: tuple[str, ...] = ()
    if find_proxy(url) is None:
        try:
            found = resolve(parts.hostname or "", port)
            addresses = tuple(dict.fromkeys(str(address[0]) for _, address in found))
        except (OSError, UnicodeError):
            pass  # `open_socket` explains it
    resolved = time.monotonic()
    sock: socket.socket = open_socket(parts)
    connected = time.monotonic()
    version = ""
    try:
        if is_encrypted:
            sock = start_tls(sock, parts, ca_file)
            version = sock.version() or "" if isinstance(sock, ssl.SSLSocket) else ""
        encrypted = time.monotonic()
        skew_s = _clock_skew_s(sock, host_and_port(parts.hostname or "", port))
    finally:
        sock.close()
    return EndpointTrial(
        addresses=addresses,
        resolve_ms=(resolved - began) * 1000,
        connect_ms=(connected - resolved) * 1000,
        tls=version,
        tls_ms=(encrypted - connected) * 1000,
        skew_s=skew_s,
    )


def _clock_skew_s(sock: socket.socket, host: str) -> float | None:
    lines = ["HEAD / HTTP/1.1", f"Host: {host}", "User-Agent: Paceline", "Connection: close"]
    asked = time.time()
    try:
        sock.sendall("\r\n".join((*lines, "", "")).encode("ascii", "replace"))
        answer = read_answer(sock)
    except (OSError, NotHttp):
        return None
    told_s = answer.date_s
    # The answer was written between the two moments, at some time within the second that it names.
    return None if told_s is None else (asked + time.time()) / 2 - (told_s + 0.5)
