"""A TCP server on loopback that answers each connection with given bytes, in a thread."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

Script = Callable[[socket.socket, bytes], None]
"""Gets a connection and the first bytes that the client has sent."""


class RawServer:
    """Runs ``script`` for each connection. ``tls``: the server's side of TLS."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script, self._tls = script, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        """The first bytes of each connection."""
        self._thread = threading.Thread(target=self._serve, name="raw server", daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=[line], daemon=True).start()

    def _handle(self, line: socket.socket) -> None:
        with suppress(OSError):  # the client may leave at any moment
            if self._tls is not None:
                line = self._tls.wrap_socket(line, server_side=True)
            with line:
                first = line.recv(65_536)
                self.requests.append(first)
                self._script(line, first)


def answer(data: bytes | str) -> Script:
    """Sends this, and ends the connection."""
    sent = data.encode() if isinstance(data, str) else data

    def script(line: socket.socket, first: bytes) -> None:
        line.sendall(sent)

    return script


def http(head: str, body: str = "", **headers: str) -> Script:
    """Sends an HTTP answer, such as ``404 Not Found``, with its length."""
    lines = [f"HTTP/1.1 {head}", f"Content-Length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return answer("\r\n".join((*lines, "", body)))
