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
from workers.protocol.connection import LONGEST_MESSAGE, TOO_LONG, Connection, words
from workers.protocol.endpoint import Secret, is_loopback

DIAL_PATIENCE = 10.0
"""Seconds for each step of TCP, TLS and the upgrade; an answer a byte at a time has many steps."""


class Unreachable(PacelineError):
    """Nobody could be reached, or what answered was no v3 endpoint."""

    def __init__(
        self, reason: str, hint: str = "", status: int | None = None, *, lasting: bool = False
    ) -> None:
        super().__init__(reason, hint)
        self.status = status
        """The HTTP status of a refused upgrade."""
        self.lasting = lasting
        """Whether calling again would come to the same."""


def dial(
    url: str,
    headers: dict[str, str],
    *,
    ca: str | None = None,
    key: Secret | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> Connection:
    """Connects and upgrades; raises `Unreachable`. An open socket is not an accepted session.

    ``ca`` names a file of certificates to trust instead of the system's; ``key`` is what the
    headers hold, to be blotted out. ``wanted`` is asked once, when the server is reached and before
    it is asked for anything. A redirection is not followed: it would carry the key to wherever the
    answer says.
    """
    where, host = urlsplit(url).netloc, urlsplit(url).hostname
    if host and is_loopback(host):  # nothing that stays on this machine goes through a proxy
        os.environ["no_proxy"] = "*"
    try:
        reached = _reached(url, ca)
        if not wanted():
            reached.close()
            raise Unreachable(f"{where} was reached, but not wanted any more")
        ws = websocket.create_connection(
            url, socket=reached, header=headers, suppress_origin=True, redirect_limit=0
        )
    except (OSError, websocket.WebSocketException) as error:
        said = words(error)  # which may repeat what the server said
        raise _unreachable(where, error, key.blotted(said) if key else said) from None
    ws.frame_buffer = _BoundedFrames(ws.frame_buffer.recv, ws.frame_buffer.skip_utf8_validation)
    return Connection(ws, key)


def unanswered(where: str) -> Unreachable:
    """It took too long."""
    return Unreachable(f"{where} did not answer in time", "Check the network.")


def _reached(url: str, ca: str | None) -> socket.socket:
    """TCP, through a proxy if the environment names one, and TLS: all but the upgrade."""
    options = sock_opt(None, {"ca_certs": ca} if ca else None)
    options.timeout = DIAL_PATIENCE
    reached: socket.socket = _http.connect(url, options, _http.proxy_info(), None)[0]
    return reached


def _unreachable(where: str, error: Exception, said: str) -> Unreachable:
    """What went wrong while dialling, in words."""
    match error:
        case websocket.WebSocketBadStatusException(status_code=int(status)):
            return Unreachable(
                f"{where} refused the connection with HTTP {status}",
                "Is this the address of a v3 endpoint?",
                status=status,
                lasting=400 <= status < 500,
            )
        case websocket.WebSocketAddressException():
            return Unreachable(
                f"the host of {where} is not known", "Check the address and the network."
            )
        case websocket.WebSocketTimeoutException() | TimeoutError():
            return unanswered(where)
        case ssl.SSLCertVerificationError():
            return Unreachable(
                f"no trusted TLS connection to {where} ({said})",
                "Check its certificate; --ca-file names an authority of your own.",
                lasting=True,
            )
        case websocket.WebSocketException() if "Redirect" in said:
            return Unreachable(
                f"{where} answers with a redirection, which is not followed",
                "Name the address that it leads to.",
                lasting=True,
            )
        case ssl.SSLError():
            return Unreachable(
                f"no TLS connection to {where} ({said})", "Does it speak TLS? ws:// does without."
            )
    return Unreachable(f"nothing answers at {where} ({said})", "Is the endpoint running?")


class _BoundedFrames(frame_buffer):
    """Refuses a frame by the length that it announces, before any of it is kept."""

    def recv_length(self) -> None:
        super().recv_length()
        if self.length is not None and self.length > LONGEST_MESSAGE:
            raise websocket.WebSocketPayloadException(TOO_LONG)
