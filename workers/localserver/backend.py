"""The interface to what recognises speech: the recogniser processes or a script."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from websockets.asyncio.server import ServerConnection

from workers.localserver.client_socket import ClientSocket
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import Endpointing, StreamReport


class SpeechStream(Protocol):
    """Accepts the audio of one session and reports what was recognised."""

    async def feed(self, data: bytes) -> None:
        """Accepts a chunk as the client sent it."""

    async def configure(self, endpointing: Endpointing) -> None:
        """Applies new settings from the next chunk on."""

    async def flush(self) -> None:
        """Requests the end of the open turn. The report `Flushed` confirms it."""

    async def next_report(self) -> StreamReport:
        """Waits for the next report."""


class Backend(Protocol):
    """Opens a stream for each session. By default, `wrap_socket` returns an ordinary socket."""

    @property
    def capacity(self) -> int:
        """Number of sessions that can be recognised in real time."""

    @property
    def backlog_s(self) -> float:
        """The time that audio currently waits to be recognised, in seconds; 0 without load."""

    def open_stream(self, parameters: Parameters) -> AbstractAsyncContextManager[SpeechStream]:
        """Opens the stream of one session, for as long as the context lasts.

        Entering the context waits until the stream is ready; raises `Refusal` if it cannot be.
        """

    def wrap_socket(self, socket: ServerConnection) -> ClientSocket:
        """Returns the socket that the session uses; a script's socket injects faults.

        Called before `open_stream`, in the same task.
        """
        return ClientSocket(socket)
