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

CLOSE_TIMEOUT_S = 1.5
"""Seconds to wait for the server's half of the closing handshake."""

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Bytes; the longest real Turn is some 100 KB. A longer message is a fault, not a transcript."""

MIN_FRAME_COST_BYTES = 2000
"""Bytes that any frame counts for: what an empty one costs to take in."""

TOO_LONG_REASON = "the server sent a message that is too long"


class ConnectionLost(PacelineError):
    """The conversation broke off without a close."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The server closed the conversation, with this code and reason."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class NonMessage:
    """Something that is no message by itself: a ping, a pong, a piece of a longer message."""


NON_MESSAGE = NonMessage()


class Connection:
    """An open conversation; made by `dialing.dial`."""

    def __init__(self, ws: websocket.WebSocket, key: Secret | None = None) -> None:
        """``key`` is blotted out of whatever the server says."""
        self._ws = ws
        self._key = key
        assert ws.sock is not None  # it is connected
        self._socket: socket.socket = ws.sock
        self._socket.setblocking(False)
        self._fragments = bytearray()
        self._unsent = bytearray()
        self._close_received = False
        self.received_bytes = 0
        """Of all frames since the beginning, none of them counted as less than
        `MIN_FRAME_COST_BYTES`."""
        self.last_received_at = time.monotonic()
        """When the server last gave a sign of life, on the monotonic clock."""
        self.last_write_at = self.last_received_at
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
    def has_buffered_input(self) -> bool:
        """Something may be here that select cannot see: TLS reads whole records."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    # --- out -------------------------------------------------------------------------------------

    @property
    def has_unsent(self) -> bool:
        """Whether something is still to be sent, because the server does not read."""
        return bool(self._unsent)

    def send(self, message: ClientMessage) -> None:
        """Sends a control message as far as that goes at once; raises `ConnectionLost`."""
        self._send_frame(messages.encode(message).encode(), ABNF.OPCODE_TEXT)

    def send_audio(self, frame: bytes) -> None:
        """The same for what `audio_frame` made. All of it is in the kernel's hands unless
        `waiting`."""
        self._write(frame)

    def ping(self) -> None:
        """Asks the server for a sign of life (RFC 6455, section 5.5.2)."""
        self._send_frame(b"", ABNF.OPCODE_PING)

    def flush(self) -> None:
        """Sends of what waits as much as the server takes; raises `ConnectionLost`."""
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
                self.last_write_at = time.monotonic()
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError as error:
            raise ConnectionLost(f"the connection broke ({error_text(error)})") from error

    def _send_frame(self, payload: bytes, opcode: int) -> None:
        self._write(ABNF.create_frame(payload, opcode).format())

    def _write(self, frame: bytes) -> None:
        if not self._unsent:
            self.last_write_at = time.monotonic()
        self._unsent += frame
        self.flush()

    # --- in --------------------------------------------------------------------------------------

    def receive(self) -> ServerMessage | Closed | NonMessage | None:
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
            raise ConnectionLost(f"the connection broke ({error_text(error)})") from error
        self.last_received_at = time.monotonic()
        self.received_bytes += max(len(frame.data), MIN_FRAME_COST_BYTES)
        match frame.opcode:
            case ABNF.OPCODE_CLOSE:
                self._close_received = True
                return _parse_close(self._redact(frame.data))
            case ABNF.OPCODE_PING:
                self._send_frame(frame.data, ABNF.OPCODE_PONG)
            case ABNF.OPCODE_TEXT | ABNF.OPCODE_BINARY | ABNF.OPCODE_CONT:
                return self._join_fragment(frame.data, final=bool(frame.fin))
        return NON_MESSAGE

    def _join_fragment(self, data: bytes, *, final: bool) -> ServerMessage | NonMessage:
        self._fragments += data
        if len(self._fragments) > MAX_MESSAGE_BYTES:
            raise ConnectionLost(TOO_LONG_REASON)
        if not final:
            return NON_MESSAGE
        text, self._fragments = bytes(self._fragments), bytearray()
        return messages.decode(self._redact(text))

    def _redact(self, data: bytes) -> bytes:
        if self._key is None:
            return data
        return self._key.redact(data.decode("latin-1")).encode("latin-1")  # any byte goes through

    # --- the end ---------------------------------------------------------------------------------

    def close(self) -> None:
        """The closing handshake, bounded in time; then the socket is shut."""
        with suppress(ConnectionLost):  # it is over either way
            self._send_frame((1000).to_bytes(2, "big"), ABNF.OPCODE_CLOSE)
            self._await_close(time.monotonic() + CLOSE_TIMEOUT_S)
        self._ws.shutdown()

    def _await_close(self, deadline: float) -> None:
        while not self._close_received and (left := deadline - time.monotonic()) > 0:
            unsent = [self._socket] if self._unsent else []
            select.select([self._socket], unsent, [], 0 if self.has_buffered_input else left)
            self.flush()
            with suppress(Malformed):
                self.receive()


def audio_frame(pcm: bytes) -> bytes:
    """A chunk masked and ready to be sent: made while there is time, not when it is due."""
    size, key = len(pcm), os.urandom(4)
    mask = int.from_bytes(key * (size // 4) + key[: size % 4], "big")
    masked = (int.from_bytes(pcm, "big") ^ mask).to_bytes(size, "big")
    return b"\x82" + _length_field(size) + key + masked


def _length_field(payload_bytes: int) -> bytes:
    """The length of a masked payload (RFC 6455, section 5.2)."""
    if payload_bytes < 126:
        return bytes([0x80 | payload_bytes])
    if payload_bytes < 1 << 16:
        return b"\xfe" + payload_bytes.to_bytes(2, "big")
    return b"\xff" + payload_bytes.to_bytes(8, "big")


def _parse_close(payload: bytes) -> Closed:
    """The meaning of a close frame (RFC 6455, section 5.5.1); 1005 stands for no code."""
    if len(payload) < 2:
        return Closed(1005, "")
    return Closed(int.from_bytes(payload[:2], "big"), payload[2:].decode(errors="replace"))


def error_text(error: Exception) -> str:
    """An error of the network as a user reads it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rstrip(".") or type(error).__name__
