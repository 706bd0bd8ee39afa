"""A TLS proxy in front of a port on this machine.

Some clients only know `wss` and `https`. The certificate is made for each test.
"""

import asyncio
import ssl
import threading
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

HOST = "127.0.0.1"


class TlsProxy:
    """Forwards bytes from TLS on a free port to ``port``, in a thread of its own.

    A client must trust ``authority``, a PEM file, and connects to ``address``, a host and a port.
    """

    def __init__(self, port: int, folder: Path) -> None:
        self.ca_path = folder / "authority.pem"
        self.address = ""
        self._port = port
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_path))
        authority.issue_cert(HOST).configure_cert(self._tls)
        self._runner = asyncio.Runner()
        self._opened = threading.Event()
        self._closed = asyncio.Event()
        self._sides: set[StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, name="front")

    def __enter__(self) -> Self:
        self._thread.start()
        self._opened.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.get_loop().call_soon_threadsafe(self._closed.set)
        self._thread.join()

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._serve())

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as visits:

            def welcome(reader: StreamReader, writer: StreamWriter) -> None:
                visits.create_task(self._forward(reader, writer))

            server = await asyncio.start_server(welcome, HOST, ssl=self._tls)
            host, port = server.sockets[0].getsockname()
            self.address = f"{host}:{port}"
            self._opened.set()
            await self._closed.wait()
            server.close()
            for side in self._sides:  # of clients that stay connected beyond their test
                side.transport.abort()

    async def _forward(self, reader: StreamReader, writer: StreamWriter) -> None:
        inner, outer = await asyncio.open_connection(HOST, self._port)
        sides = {writer, outer}
        self._sides |= sides
        await asyncio.gather(_copy_stream(reader, outer), _copy_stream(inner, writer))
        for side in sides:
            with suppress(OSError):
                await side.wait_closed()
        self._sides -= sides


async def _copy_stream(source: StreamReader, sink: StreamWriter) -> None:
    """Copies until the source ends, then closes the sink for writing."""
    with suppress(OSError):  # either side may hang up at any moment
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.close()
