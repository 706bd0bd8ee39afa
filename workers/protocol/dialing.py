"""Dials a server: TCP, perhaps through a proxy, TLS and the upgrade. Explains failures in words.

The connection is made here, and not by websocket-client, which tries the addresses of a host one
after the other and gives up at the first error that it does not know.
"""

import hashlib
import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

import websocket
from websocket import _http
from websocket._abnf import frame_buffer

from workers.errors import UsageProblem
from workers.protocol import unreachable
from workers.protocol.connection import MAX_MESSAGE_BYTES, TOO_LONG_REASON, Connection, error_text
from workers.protocol.endpoint import host_and_port
from workers.protocol.happy_eyeballs import open_connection, resolve
from workers.protocol.http_answers import HttpAnswer, NotHttp, read_answer, read_reason
from workers.protocol.proxies import find_proxy
from workers.protocol.tunnels import open_tunnel
from workers.protocol.unreachable import Recurrence, Unreachable

DIAL_STEP_TIMEOUT_S = 10.0
"""Limit for TCP, for the proxy's answer, and for one read or write after that; an answer that
arrives one byte at a time needs many."""

_ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""


def dial(
    url: str,
    headers: dict[str, str],
    *,
    ca_file: str | None = None,
    claim_handshake: Callable[[], bool] = lambda: True,
) -> Connection:
    """Connects and upgrades; raises `Unreachable`. An open socket is not an accepted session.

    ``ca_file`` contains the certificates to trust instead of the system's; ``claim_handshake`` is
    called after TLS and before the upgrade; if it returns False, `dial` stops. Redirects are not
    followed, since they would take the key along.
    """
    parts = urlsplit(url)
    sock = open_socket(parts)
    try:
        if parts.scheme == "wss":
            sock = start_tls(sock, parts, ca_file)
        if not claim_handshake():
            raise Unreachable(f"{parts.netloc} answered after the attempt was abandoned")
        answer = _upgrade(sock, parts, headers)
    except BaseException:
        sock.close()
        raise
    ws = websocket.WebSocket()
    ws.sock, ws.connected = sock, True
    default = ws.frame_buffer
    ws.frame_buffer = _BoundedFrameBuffer(default.recv, default.skip_utf8_validation)
    return Connection(ws, server_time_s=answer.date_s)


def open_socket(parts: SplitResult) -> socket.socket:
    """Opens a TCP connection, through a proxy if the environment names one."""
    host, port = parts.hostname or "", _port(parts)
    try:
        proxy = find_proxy(parts.geturl())
        host.encode("idna")
    except UsageProblem as problem:
        raise Unreachable(problem.reason, problem.hint, recurrence=Recurrence.LASTING) from None
    except UnicodeError:
        raise unreachable.not_resolved(parts.netloc) from None
    if proxy is not None:
        return open_tunnel(proxy, _ascii(host), port, DIAL_STEP_TIMEOUT_S)
    try:
        return open_connection(resolve(host, port), DIAL_STEP_TIMEOUT_S)
    except socket.gaierror:
        raise unreachable.not_resolved(parts.netloc) from None
    except TimeoutError:
        raise unreachable.timed_out(parts.netloc) from None
    except OSError as error:
        raise unreachable.not_connected(parts.netloc, error_text(error)) from None


def start_tls(sock: socket.socket, parts: SplitResult, ca_file: str | None) -> ssl.SSLSocket:
    options = {"ca_certs": ca_file} if ca_file else {}
    try:
        encrypted: ssl.SSLSocket = _http._ssl_socket(sock, options, parts.hostname or "")
    except ssl.SSLCertVerificationError as error:
        raise unreachable.untrusted(parts.netloc, error) from None
    except TimeoutError:
        raise unreachable.timed_out(parts.netloc) from None
    except (OSError, websocket.WebSocketException) as error:  # the latter: the CA file is unusable
        raise unreachable.no_tls(parts.netloc, error, error_text(error)) from None
    return encrypted


def _upgrade(sock: socket.socket, parts: SplitResult, headers: dict[str, str]) -> HttpAnswer:
    """Sends the opening handshake (RFC 6455, section 4.1) and checks the answer."""
    netloc, is_encrypted = parts.netloc, parts.scheme == "wss"
    nonce = b64encode(os.urandom(16))
    host, port = _ascii(parts.hostname or ""), _port(parts)
    target = host_and_port(host, port)
    if port == _default_port(parts.scheme):
        target = target.removesuffix(f":{port}")
    resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"GET {resource} HTTP/1.1",
        f"Host: {target}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {nonce.decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    try:
        sock.sendall("\r\n".join(lines).encode())
        answer = read_answer(sock)
        detail = "" if answer.status == 101 else read_reason(sock, answer)
    except NotHttp as error:
        raise unreachable.not_http(netloc, error.received, is_encrypted=is_encrypted) from None
    except TimeoutError:
        raise unreachable.timed_out(netloc) from None
    except ssl.SSLError as error:  # TLS 1.3: some refusals arrive after the handshake
        raise unreachable.no_tls(netloc, error, error_text(error)) from None
    except OSError as error:
        raise unreachable.not_connected(netloc, error_text(error)) from None
    if answer.status != 101:
        raise unreachable.refused_upgrade(netloc, answer, detail)
    accept = websocket_accept(nonce)
    upgrade, connection = _tokens(answer, "upgrade"), _tokens(answer, "connection")
    is_upgraded = "websocket" in upgrade and "upgrade" in connection
    if not is_upgraded or answer.headers.get("sec-websocket-accept") != accept:
        raise unreachable.not_a_websocket(netloc)
    return answer


def websocket_accept(key: bytes) -> str:
    """The value with which a server proves that it has read this key (RFC 6455, section 4.2.2)."""
    return b64encode(hashlib.sha1(key + _ACCEPT_SUFFIX).digest()).decode()


def _tokens(answer: HttpAnswer, name: str) -> list[str]:
    return [token.strip().lower() for token in answer.headers.get(name, "").split(",")]


def _port(parts: SplitResult) -> int:
    return parts.port or _default_port(parts.scheme)


def _default_port(scheme: str) -> int:
    return 443 if scheme == "wss" else 80


def _ascii(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode()


class _BoundedFrameBuffer(frame_buffer):
    """Rejects a frame whose header declares too great a length, before reading the frame."""

    def recv_length(self) -> None:
        super().recv_length()
        if self.length is not None and self.length > MAX_MESSAGE_BYTES:
            raise websocket.WebSocketPayloadException(TOO_LONG_REASON)
