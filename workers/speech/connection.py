"""One WebSocket conversation, as typed messages, on a socket that the caller can select on.

websocket-client does the handshake, the frames and the masking. Reading and writing are done here,
because its own writing waits without end for a server that has stopped reading, and its own reading
may block in the middle of a frame while a chunk is due. Belongs to one thread.
"""

import os
import select
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import websocket
from websocket import ABNF

from workers.errors import Malformed, PacelineError
from workers.speech import messages
from workers.speech.messages import ClientMessage, ServerMessage

DIAL_PATIENCE = 10.0
"""Seconds for TCP, TLS and the upgrade together with each of their steps."""

WRITE_PATIENCE = 10.0
"""Seconds for which a server may leave the socket full before it counts as gone."""

CLOSE_PATIENCE = 2.0
"""Seconds to wait for the server's half of the closing handshake."""

_LONGEST_MESSAGE = 16 * 1024 * 1024
"""Bytes; the longest real Turn is some 100 KB. A longer message is a fault, not a transcript."""


class Unreachable(PacelineError):
    """Nobody could be reached, or what answered was no v3 endpoint."""

    def __init__(self, reason: str, hint: str = "", status: int | None = None) -> None:
        super().__init__(reason, hint)
        self.status = status
        """The HTTP status of a refused upgrade."""


class ConnectionLost(PacelineError):
    """The conversation broke off without a close."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The server closed the conversation, with this code and reason."""

    code: int
    reason: str


class Connection:
    """An open conversation; made by `dial`."""

    def __init__(self, ws: websocket.WebSocket) -> None:
        self._ws = ws
        assert ws.sock is not None  # it is connected
        self._socket: socket.socket = ws.sock
        self._socket.setblocking(False)
        self._text = bytearray()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ws.shutdown()

    def fileno(self) -> int:
        """For select: readable when `receive` has something to do."""
        return self._socket.fileno()

    def send(self, message: ClientMessage) -> None:
        """Writes a control message; raises `ConnectionLost`."""
        self._write(messages.encode(message).encode(), ABNF.OPCODE_TEXT)

    def send_audio(self, frame: bytes) -> None:
        """Writes what `framed` made, and returns when all of it is in the kernel's hands."""
        self._write_frame(frame)

    def receive(self) -> ServerMessage | Closed | None:
        """The next message that is here in full; None when there is none yet. Never blocks.

        Raises `Malformed` for a message that cannot be understood (the next one may be), and
        `ConnectionLost` when the connection broke.
        """
        while True:
            try:
                frame = self._ws.recv_frame()
            except (BlockingIOError, ssl.SSLWantReadError):
                return None
            except (OSError, websocket.WebSocketException) as error:
                raise ConnectionLost(f"the connection broke ({_words(error)})") from error
            if frame.opcode == ABNF.OPCODE_PING:
                self._write(frame.data, ABNF.OPCODE_PONG)
            elif frame.opcode == ABNF.OPCODE_CLOSE:
                self._closed = True
                return _closed(frame.data)
            elif frame.opcode != ABNF.OPCODE_PONG:
                self._text += frame.data
                if len(self._text) > _LONGEST_MESSAGE:
                    raise ConnectionLost("the server sent a message that is too long")
                if frame.fin:
                    text, self._text = bytes(self._text), bytearray()
                    return messages.decode(text)

    def close(self) -> None:
        """The closing handshake, bounded in time; then the socket is shut."""
        try:
            self._write((1000).to_bytes(2, "big"), ABNF.OPCODE_CLOSE)
            self._await_close(time.monotonic() + CLOSE_PATIENCE)
        except ConnectionLost:
            pass  # it is over either way
        self._ws.shutdown()

    def _await_close(self, deadline: float) -> None:
        while not self._closed and (left := deadline - time.monotonic()) > 0:
            select.select([self._socket], [], [], left)
            with suppress(Malformed):
                self.receive()

    def _write(self, payload: bytes, opcode: int) -> None:
        self._write_frame(ABNF.create_frame(payload, opcode).format())

    def _write_frame(self, frame: bytes) -> None:
        unsent = memoryview(frame)
        deadline = time.monotonic() + WRITE_PATIENCE
        while unsent:
            try:
                unsent = unsent[self._socket.send(unsent) :]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError) as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ConnectionLost(
                        f"the server has not read anything for {WRITE_PATIENCE:.0f} s"
                    ) from error
                select.select([], [self._socket], [], left)
            except OSError as error:
                raise ConnectionLost(f"the connection broke ({_words(error)})") from error


def framed(pcm: bytes) -> bytes:
    """A chunk masked and ready to be sent: made while there is time, not when it is due."""
    size, key = len(pcm), os.urandom(4)
    mask = int.from_bytes(key * (size // 4) + key[: size % 4], "big")
    masked = (int.from_bytes(pcm, "big") ^ mask).to_bytes(size, "big")
    return b"\x82" + _length(size) + key + masked


def _length(size: int) -> bytes:
    """The length of a masked payload (RFC 6455, section 5.2)."""
    if size < 126:
        return bytes([0x80 | size])
    if size < 1 << 16:
        return b"\xfe" + size.to_bytes(2, "big")
    return b"\xff" + size.to_bytes(8, "big")


def dial(url: str, headers: dict[str, str]) -> Connection:
    """Connects and upgrades; raises `Unreachable`. An open socket is not an accepted session."""
    where = urlsplit(url).netloc
    try:
        ws = websocket.create_connection(
            url, timeout=DIAL_PATIENCE, header=headers, suppress_origin=True
        )
    except websocket.WebSocketBadStatusException as error:
        raise Unreachable(
            f"{where} refused the connection with HTTP {error.status_code}",
            "Is this the address of a v3 endpoint?",
            status=error.status_code,
        ) from error
    except websocket.WebSocketAddressException as error:
        raise Unreachable(
            f"the host of {where} is not known", "Check the address and the network."
        ) from error
    except (websocket.WebSocketTimeoutException, TimeoutError) as error:
        raise Unreachable(
            f"{where} did not answer within {DIAL_PATIENCE:.0f} s", "Check the network."
        ) from error
    except ssl.SSLError as error:
        raise Unreachable(
            f"no trusted TLS connection to {where} ({_words(error)})", "Check its certificate."
        ) from error
    except (OSError, websocket.WebSocketException) as error:
        raise Unreachable(
            f"nothing answers at {where} ({_words(error)})", "Is the endpoint running?"
        ) from error
    return Connection(ws)


def _closed(payload: bytes) -> Closed:
    """The meaning of a close frame (RFC 6455, section 5.5.1); 1005 stands for no code."""
    if len(payload) < 2:
        return Closed(1005, "")
    return Closed(int.from_bytes(payload[:2], "big"), payload[2:].decode(errors="replace"))


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rstrip(".") or type(error).__name__
