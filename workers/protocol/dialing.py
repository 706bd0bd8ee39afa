"""Calling a server: TCP, TLS and the upgrade; and in words when it fails."""

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
"""Seconds for each step of TCP, TLS and the upgrade; an answer a byte at a time has many steps."""


class Unreachable(PacelineError):
    """Nobody could be reached, or what answered was no v3 endpoint."""

    def __init__(
        self, reason: str, hint: str = "", status: int | None = None, *, permanent: bool = False
    ) -> None:
        super().__init__(reason, hint)
        self.status = status
        """The HTTP status of a refused upgrade."""
        self.permanent = permanent
        """Whether calling again would come to the same."""


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
    headers hold, to be blotted out. ``claim_handshake`` is asked once, when the server is reached
    and before it is asked for anything. A redirection is not followed: it would carry the key to
    wherever the answer says.
    """
    where, host = urlsplit(url).netloc, urlsplit(url).hostname
    if host and is_loopback(host):  # nothing that stays on this machine goes through a proxy
        os.environ["no_proxy"] = "*"
    try:
        reached = _connect(url, ca_file)
        if not claim_handshake():
            reached.close()
            raise Unreachable(f"{where} was reached, but not wanted any more")
        ws = websocket.create_connection(
            url, socket=reached, header=headers, suppress_origin=True, redirect_limit=0
        )
    except (OSError, websocket.WebSocketException) as error:
        said = error_text(error)  # which may repeat what the server said
        raise _dial_error(where, error, key.redact(said) if key else said) from None
    ws.frame_buffer = _BoundedFrameBuffer(
        ws.frame_buffer.recv, ws.frame_buffer.skip_utf8_validation
    )
    return Connection(ws, key)


def timeout_error(netloc: str) -> Unreachable:
    """It took too long."""
    return Unreachable(f"{netloc} did not answer in time", "Check the network.")


def _connect(url: str, ca_file: str | None) -> socket.socket:
    """TCP, through a proxy if the environment names one, and TLS: all but the upgrade."""
    options = sock_opt(None, {"ca_certs": ca_file} if ca_file else None)
    options.timeout = DIAL_STEP_TIMEOUT_S
    reached: socket.socket = _http.connect(url, options, _http.proxy_info(), None)[0]
    return reached


def _dial_error(netloc: str, error: Exception, detail: str) -> Unreachable:
    """What went wrong while dialling, in words."""
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
    """Refuses a frame by the length that it announces, before any of it is kept."""

    def recv_length(self) -> None:
        super().recv_length()
        if self.length is not None and self.length > MAX_MESSAGE_BYTES:
            raise websocket.WebSocketPayloadException(TOO_LONG_REASON)
