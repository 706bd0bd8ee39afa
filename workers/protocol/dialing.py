"""Dials a server: TCP, TLS and the upgrade. Explains failures in words."""

import os
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

import websocket
from websocket import _http
from websocket._abnf import frame_buffer
from websocket._socket import sock_opt

from workers.errors import PacelineError
from workers.protocol.connection import MAX_MESSAGE_BYTES, TOO_LONG_REASON, Connection, error_text
from workers.protocol.endpoint import is_loopback

DIAL_STEP_TIMEOUT_S = 10.0
"""Limit for one read or write; an answer that arrives one byte at a time needs many."""


class Unreachable(PacelineError):
    """Nothing answered, or what answered is not a v3 endpoint."""

    def __init__(
        self, reason: str, hint: str = "", status: int | None = None, *, permanent: bool = False
    ) -> None:
        super().__init__(reason, hint)
        self.status = status
        """The HTTP status of a refused upgrade."""
        self.permanent = permanent
        """Whether another attempt would fail in the same way."""


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
    netloc, host = urlsplit(url).netloc, urlsplit(url).hostname
    if host and is_loopback(host):  # no proxy for what stays on this machine
        os.environ["no_proxy"] = "*"
    try:
        options = sock_opt(None, {"ca_certs": ca_file} if ca_file else None)
        options.timeout = DIAL_STEP_TIMEOUT_S
        # TCP, through a proxy if the environment specifies one, and TLS.
        connected = _http.connect(url, options, _http.proxy_info(), None)[0]
        if not claim_handshake():
            connected.close()
            raise Unreachable(f"{netloc} answered after the attempt was abandoned")
        ws = websocket.create_connection(
            url, socket=connected, header=headers, suppress_origin=True, redirect_limit=0
        )
    except (OSError, websocket.WebSocketException) as error:
        raise _dial_error(netloc, error, error_text(error)) from None
    default = ws.frame_buffer
    ws.frame_buffer = _BoundedFrameBuffer(default.recv, default.skip_utf8_validation)
    return Connection(ws)


def timeout_error(netloc: str) -> Unreachable:
    """The error of an attempt that took too long."""
    return Unreachable(f"{netloc} did not answer in time", "Check the network.")


def _dial_error(netloc: str, error: Exception, detail: str) -> Unreachable:
    permanent = False
    match error:
        case websocket.WebSocketBadStatusException(status_code=int(status)):
            reason = f"{netloc} refused the connection with HTTP {status}"
            hint = "Is this the address of a v3 endpoint?"
            return Unreachable(reason, hint, status, permanent=400 <= status < 500)
        case websocket.WebSocketAddressException():
            reason, hint = (
                f"the host of {netloc} cannot be resolved",
                "Check the address and the network.",
            )
        case websocket.WebSocketTimeoutException() | TimeoutError():
            return timeout_error(netloc)
        case ssl.SSLCertVerificationError():
            reason, permanent = f"no trusted TLS connection to {netloc} ({detail})", True
            hint = "Check its certificate, or pass your own CA certificate with --ca-file."
        case websocket.WebSocketException() if "Redirect" in detail:
            reason, permanent = f"{netloc} redirects to another address", True
            hint = "Use the address that it redirects to."
        case ssl.SSLError():
            reason = f"no TLS connection to {netloc} ({detail})"
            hint = "Does the server use TLS? Without TLS, use ws://."
        case _:
            reason, hint = f"nothing answers at {netloc} ({detail})", "Is the endpoint running?"
    return Unreachable(reason, hint, permanent=permanent)


class _BoundedFrameBuffer(frame_buffer):
    """Rejects a frame whose header declares too great a length, before reading the frame."""

    def recv_length(self) -> None:
        super().recv_length()
        if self.length is not None and self.length > MAX_MESSAGE_BYTES:
            raise websocket.WebSocketPayloadException(TOO_LONG_REASON)
