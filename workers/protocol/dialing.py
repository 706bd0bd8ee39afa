"""Dials a server: TCP, TLS and the upgrade. Explains failures in words."""

import os
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

import websocket
from websocket import _http
from websocket._abnf import frame_buffer
from websocket._socket import sock_opt

from workers.errors import PacelineError
from workers.protocol.connection import MAX_MESSAGE_BYTES, TOO_LONG_REASON, Connection, error_text
from workers.protocol.endpoint import Secret, is_loopback

DIAL_STEP_TIMEOUT_S = 10.0
"""Seconds for each read or write; an answer a byte at a time has many."""


class Unreachable(PacelineError):
    """Nothing answered, or what answered is not a v3 endpoint."""

    def __init__(
        self, reason: str, hint: str = "", status: int | None = None, *, permanent: bool = False
    ) -> None:
        super().__init__(reason, hint)
        self.status = status
        """The HTTP status of a refused upgrade."""
        self.permanent = permanent
        """Another attempt would fail in the same way."""


def dial(
    url: str,
    headers: dict[str, str],
    *,
    ca_file: str | None = None,
    key: Secret | None = None,
    claim_handshake: Callable[[], bool] = lambda: True,
) -> Connection:
    """Connects and upgrades; raises `Unreachable`. An open socket is not an accepted session.

    ``ca_file`` names a file of certificates to trust instead of the system's; ``key`` is what the
    headers hold, to be redacted. ``claim_handshake`` is called once, after TLS and before the
    upgrade; False gives up. Redirections are not followed, since they would take the key along.
    """
    netloc, host = urlsplit(url).netloc, urlsplit(url).hostname
    if host and is_loopback(host):  # no proxy for what stays on this machine
        os.environ["no_proxy"] = "*"
    try:
        connected = _connect(url, ca_file)
        if not claim_handshake():
            connected.close()
            raise Unreachable(f"{netloc} was reached, but not wanted any more")
        ws = websocket.create_connection(
            url, socket=connected, header=headers, suppress_origin=True, redirect_limit=0
        )
    except (OSError, websocket.WebSocketException) as error:
        detail = error_text(error)  # may repeat what the server sent
        raise _dial_error(netloc, error, key.redact(detail) if key else detail) from None
    ws.frame_buffer = _BoundedFrameBuffer(
        ws.frame_buffer.recv, ws.frame_buffer.skip_utf8_validation
    )
    return Connection(ws, key)


def timeout_error(netloc: str) -> Unreachable:
    """The error of an attempt that took too long."""
    return Unreachable(f"{netloc} did not answer in time", "Check the network.")


def _connect(url: str, ca_file: str | None) -> socket.socket:
    """TCP, through a proxy if the environment names one, and TLS."""
    options = sock_opt(None, {"ca_certs": ca_file} if ca_file else None)
    options.timeout = DIAL_STEP_TIMEOUT_S
    connected: socket.socket = _http.connect(url, options, _http.proxy_info(), None)[0]
    return connected


def _dial_error(netloc: str, error: Exception, detail: str) -> Unreachable:
    match error:
        case websocket.WebSocketBadStatusException(status_code=int(status)):
            return Unreachable(
                f"{netloc} refused the connection with HTTP {status}",
                "Is this the address of a v3 endpoint?",
                status=status,
                permanent=400 <= status < 500,
            )
        case websocket.WebSocketAddressException():
            return Unreachable(
                f"the host of {netloc} is not known", "Check the address and the network."
            )
        case websocket.WebSocketTimeoutException() | TimeoutError():
            return timeout_error(netloc)
        case ssl.SSLCertVerificationError():
            return Unreachable(
                f"no trusted TLS connection to {netloc} ({detail})",
                "Check its certificate; --ca-file names an authority of your own.",
                permanent=True,
            )
        case websocket.WebSocketException() if "Redirect" in detail:
            return Unreachable(
                f"{netloc} answers with a redirection, which is not followed",
                "Name the address that it leads to.",
                permanent=True,
            )
        case ssl.SSLError():
            return Unreachable(
                f"no TLS connection to {netloc} ({detail})",
                "Does it speak TLS? ws:// does without.",
            )
    return Unreachable(f"nothing answers at {netloc} ({detail})", "Is the endpoint running?")


class _BoundedFrameBuffer(frame_buffer):
    """Refuses a frame by the length that its header announces, before it is read."""

    def recv_length(self) -> None:
        super().recv_length()
        if self.length is not None and self.length > MAX_MESSAGE_BYTES:
            raise websocket.WebSocketPayloadException(TOO_LONG_REASON)
