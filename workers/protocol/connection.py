"""A WebSocket connection with typed messages, on a socket that the caller can select on.

websocket-client does the handshake and the framing. Reads and writes here never block, unlike its
`send`, which waits forever for a server that has stopped reading, and its `recv`, which may wait in
the middle of a frame while a chunk is due.
"""

import os
import select
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import websocket
from websocket import ABNF

from workers import secrecy
from workers.errors import Malformed, PacelineError
from workers.protocol import messages
from workers.protocol.messages import ClientMessage, ServerMessage

CLOSE_TIMEOUT_S = 1.5
"""How long to wait for the server's half of the closing handshake."""

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""Longer messages are errors; the longest real Turn has about 100 KB."""

MIN_FRAME_COST_BYTES = 2000
"""Minimum size a frame counts as, since even a tiny one takes time."""

TOO_LONG_REASON = "the server sent a message that is too long"


class ConnectionLost(PacelineError):
    """The connection broke without a close frame."""


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """The server closed the connection."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class NonMessage:
    """A frame that is not a message by itself: a ping, a pong, a fragment."""


NON_MESSAGE = NonMessage()


class Connection:
    """An open connection, made by `dialing.dial`. Not thread-safe: use it from one thread only.

    What the server sends enters the program here, without the secrets of this process.
    """

    def __init__(self, ws: websocket.WebSocket, server_time_s: float | None = None) -> None:
        """``server_time_s``: the Unix time that the server told when it upgraded; None: none."""
        self._ws = ws
        assert ws.sock is not None  # it is connected
        self._socket: socket.socket = ws.sock
        self._socket.setblocking(False)
        self._tls = self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        self._fragments = bytearray()
        self._unsent = bytearray()
        self._close_received = False
        self.received_bytes = 0
        """Total size of all received frames; a short frame counts as `MIN_FRAME_COST_BYTES`."""
        self.last_received_at = time.monotonic()
        """When the latest frame arrived, on the monotonic clock."""
        self.server_clock_offset_s = (
            None if server_time_s is None else server_time_s - self.last_received_at
        )
        """What to add to the monotonic clock for the server's Unix time; None if unknown."""
        self.last_write_at = self.last_received_at
        """When the socket last accepted data, or when data began to wait for it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ws.shutdown()

    def fileno(self) -> int:
        """For select: readable for `receive`, writable for `flush`."""
        return self._socket.fileno()

    @property
    def has_buffered_input(self) -> bool:
        """Whether TLS holds data that `select` does not see, because TLS reads whole records."""
        return self._tls is not None and self._tls.pending() > 0

    # --- sending ---------------------------------------------------------------------------------

    @property
    def has_unsent(self) -> bool:
        """Whether data waits to be sent because the server does not read."""
        return bool(self._unsent)

    def send(self, message: ClientMessage) -> None:
        """Sends as much of a message as the socket takes; raises `ConnectionLost`."""
        self._send_frame(messages.encode(message).encode(), ABNF.OPCODE_TEXT)

    def send_audio(self, frame: bytes) -> None:
        """Sends a frame made by `audio_frame`; if `has_unsent`, the rest waits for `flush`."""
        self._write(frame)

    def ping(self) -> None:
        """Sends a ping (RFC 6455, section 5.5.2)."""
        self._send_frame(b"", ABNF.OPCODE_PING)

    def flush(self) -> None:
        """Sends as much waiting data as the socket takes; raises `ConnectionLost`."""
        while self._unsent and (taken := self._send(self._unsent)):
            del self._unsent[:taken]
            self.last_write_at = time.monotonic()

    def _send_frame(self, payload: bytes, opcode: int) -> None:
        self._write(ABNF.create_frame(payload, opcode).format())

    def _write(self, frame: bytes) -> None:
        if self._unsent:
            self._unsent += frame
            self.flush()
            return
        self.last_write_at = time.monotonic()
        taken = self._send(frame)
        if taken < len(frame):
            self._unsent += frame[taken:]
            self.flush()

    def _send(self, data: bytes | bytearray) -> int:
        """How many bytes the socket takes now."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        except OSError as error:
            raise ConnectionLost(f"the connection broke ({error_text(error)})") from error

    # --- receiving -------------------------------------------------------------------------------

    def receive(self) -> ServerMessage | CloseFrame | NonMessage | None:
        """Reads the next frame; None when no whole frame has arrived. Never blocks.

        Raises `Malformed` for a message that cannot be read (the next one may be readable), and
        `ConnectionLost`.
        """
        try:
            frame = self._ws.recv_frame()
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except websocket.WebSocketConnectionClosedException:
            raise ConnectionLost("the connection broke") from None
        except websocket.WebSocketProtocolException as error:
            # In RFC 6455, section 5.2, these bits belong to extensions, such as compression.
            why = "it uses an extension that was not agreed" if "rsv" in str(error) else ""
            reason = why or error_text(error)
            raise ConnectionLost(f"the server broke the protocol ({reason})") from None
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLost(f"the connection broke ({error_text(error)})") from error
        self.last_received_at = time.monotonic()
        self.received_bytes += max(len(frame.data), MIN_FRAME_COST_BYTES)
        match frame.opcode:
            case ABNF.OPCODE_CLOSE:
                self._close_received = True
                code, reason = frame.data[:2], frame.data[2:].decode(errors="replace")
                # RFC 6455, section 5.5.1; 1005 stands for no code.
                code = int.from_bytes(code, "big") if len(code) == 2 else 1005
                return CloseFrame(code, secrecy.redact(reason))
            case ABNF.OPCODE_PING:
                self._send_frame(frame.data, ABNF.OPCODE_PONG)
            case ABNF.OPCODE_TEXT | ABNF.OPCODE_BINARY | ABNF.OPCODE_CONT:
                self._fragments += frame.data
                if len(self._fragments) > MAX_MESSAGE_BYTES:
                    raise ConnectionLost(TOO_LONG_REASON)
                if frame.fin:
                    text, self._fragments = bytes(self._fragments), bytearray()
                    return messages.decode(text)
        return NON_MESSAGE

    # --- closing ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Performs the closing handshake, for a limited time, and closes the socket."""
        with suppress(ConnectionLost):  # it is closed either way
            self._send_frame((1000).to_bytes(2, "big"), ABNF.OPCODE_CLOSE)
            deadline = time.monotonic() + CLOSE_TIMEOUT_S
            while not self._close_received and (left := deadline - time.monotonic()) > 0:
                unsent = [self._socket] if self._unsent else []
                select.select([self._socket], unsent, [], 0 if self.has_buffered_input else left)
                self.flush()
                with suppress(Malformed):
                    self.receive()
        self._ws.shutdown()


def audio_frame(pcm: bytes) -> bytes:
    """Frames and masks a chunk (RFC 6455, section 5.2); call it before the chunk is due."""
    size, key = len(pcm), os.urandom(4)
    mask = int.from_bytes(key * (size // 4) + key[: size % 4], "big")
    masked = (int.from_bytes(pcm, "big") ^ mask).to_bytes(size, "big")
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return b"\x82" + length + key + masked


def error_text(error: Exception) -> str:
    """Describes a network error in words. It may repeat what a server or a proxy sent."""
    if isinstance(error, OSError) and error.strerror:
        return secrecy.redact(error.strerror)
    return secrecy.redact(str(error)).rstrip(".") or type(error).__name__
