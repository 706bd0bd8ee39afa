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

import websocket
from websocket import ABNF

from workers.errors import Malformed, PacelineError
from workers.protocol import messages
from workers.protocol.endpoint import Secret
from workers.protocol.messages import ClientMessage, ServerMessage

CLOSE_PATIENCE = 1.5
"""Seconds to wait for the server's half of the closing handshake."""

LONGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes; the longest real Turn is some 100 KB. A longer message is a fault, not a transcript."""

LIGHTEST = 2000
"""Bytes that any frame counts for: what an empty one costs to take in."""

TOO_LONG = "the server sent a message that is too long"


class ConnectionLost(PacelineError):
    """The conversation broke off without a close."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The server closed the conversation, with this code and reason."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is no message by itself: a ping, a pong, a piece of a longer message."""


PART = Part()


class Connection:
    """An open conversation; made by `dialling.dial`."""

    def __init__(self, ws: websocket.WebSocket, key: Secret | None = None) -> None:
        """``key`` is blotted out of whatever the server says."""
        self._ws = ws
        self._key = key
        assert ws.sock is not None  # it is connected
        self._socket: socket.socket = ws.sock
        self._socket.setblocking(False)
        self._text = bytearray()
        self._unsent = bytearray()
        self._closed = False
        self.received_bytes = 0
        """Of all frames since the beginning, none of them counted as less than `LIGHTEST`."""
        self.heard_at = time.monotonic()
        """When the server last gave a sign of life, on the monotonic clock."""
        self.taken_at = self.heard_at
        """When it last took something that was waiting for it."""

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
        """For select: readable when `receive` has something to do, writable for `flush`."""
        return self._socket.fileno()

    @property
    def buffered(self) -> bool:
        """Something may be here that select cannot see: TLS reads whole records."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    # --- out -------------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether something is still to be sent, because the server does not read."""
        return bool(self._unsent)

    def send(self, message: ClientMessage) -> None:
        """Sends a control message as far as that goes at once; raises `ConnectionLost`."""
        self._send_frame(messages.encode(message).encode(), ABNF.OPCODE_TEXT)

    def send_audio(self, frame: bytes) -> None:
        """The same for what `framed` made. All of it is in the kernel's hands unless `waiting`."""
        self._put(frame)

    def ping(self) -> None:
        """Asks the server for a sign of life (RFC 6455, section 5.5.2)."""
        self._send_frame(b"", ABNF.OPCODE_PING)

    def flush(self) -> None:
        """Sends of what waits as much as the server takes; raises `ConnectionLost`."""
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
                self.taken_at = time.monotonic()
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError as error:
            raise ConnectionLost(f"the connection broke ({words(error)})") from error

    def _send_frame(self, payload: bytes, opcode: int) -> None:
        self._put(ABNF.create_frame(payload, opcode).format())

    def _put(self, frame: bytes) -> None:
        if not self._unsent:
            self.taken_at = time.monotonic()
        self._unsent += frame
        self.flush()

    # --- in --------------------------------------------------------------------------------------

    def receive(self) -> ServerMessage | Closed | Part | None:
        """The next message, or part of one, that is here in full; None when there is none yet.

        Never blocks. Raises `Malformed` for a message that cannot be understood (the next one may
        be), and `ConnectionLost` when the connection broke.
        """
        try:
            frame = self._ws.recv_frame()
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except websocket.WebSocketConnectionClosedException:
            raise ConnectionLost("the connection broke") from None
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLost(f"the connection broke ({words(error)})") from error
        self.heard_at = time.monotonic()
        self.received_bytes += max(len(frame.data), LIGHTEST)
        match frame.opcode:
            case ABNF.OPCODE_CLOSE:
                self._closed = True
                return _closed(self._blotted(frame.data))
            case ABNF.OPCODE_PING:
                self._send_frame(frame.data, ABNF.OPCODE_PONG)
            case ABNF.OPCODE_TEXT | ABNF.OPCODE_BINARY | ABNF.OPCODE_CONT:
                return self._joined(frame.data, last=bool(frame.fin))
        return PART

    def _joined(self, data: bytes, *, last: bool) -> ServerMessage | Part:
        self._text += data
        if len(self._text) > LONGEST_MESSAGE:
            raise ConnectionLost(TOO_LONG)
        if not last:
            return PART
        text, self._text = bytes(self._text), bytearray()
        return messages.decode(self._blotted(text))

    def _blotted(self, data: bytes) -> bytes:
        if self._key is None:
            return data
        return self._key.blotted(data.decode("latin-1")).encode("latin-1")  # any byte goes through

    # --- the end ---------------------------------------------------------------------------------

    def close(self) -> None:
        """The closing handshake, bounded in time; then the socket is shut."""
        with suppress(ConnectionLost):  # it is over either way
            self._send_frame((1000).to_bytes(2, "big"), ABNF.OPCODE_CLOSE)
            self._await_close(time.monotonic() + CLOSE_PATIENCE)
        self._ws.shutdown()

    def _await_close(self, deadline: float) -> None:
        while not self._closed and (left := deadline - time.monotonic()) > 0:
            unsent = [self._socket] if self._unsent else []
            select.select([self._socket], unsent, [], 0 if self.buffered else left)
            self.flush()
            with suppress(Malformed):
                self.receive()


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


def _closed(payload: bytes) -> Closed:
    """The meaning of a close frame (RFC 6455, section 5.5.1); 1005 stands for no code."""
    if len(payload) < 2:
        return Closed(1005, "")
    return Closed(int.from_bytes(payload[:2], "big"), payload[2:].decode(errors="replace"))


def words(error: Exception) -> str:
    """An error of the network as a user reads it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rstrip(".") or type(error).__name__
