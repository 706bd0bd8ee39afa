"""Where a server's streams come from: the recogniser processes, or a script."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from websockets.asyncio.server import ServerConnection

from workers.localserver.client_socket import ClientSocket
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import SpeechStream


class Backend(Protocol):
    """What the server asks for a session's ears. Subclass it: it brings the usual `wire`."""

    @property
    def capacity(self) -> int:
        """How many sessions can be served at the speed of speech."""

    @property
    def backlog_s(self) -> float:
        """Seconds that audio waits at present before it is read; 0 when all is well."""

    def open_stream(self, parameters: Parameters) -> AbstractAsyncContextManager[SpeechStream]:
        """The stream of one session, which begins and ends with it.

        Entering waits until the stream can be served, and raises `Refusal` if it never can.
        """

    def wrap_socket(self, socket: ServerConnection) -> ClientSocket:
        """The socket of one client as its session will use it; made before `stream`, in the same
        task. Whoever wants faults on it gives a `ClientSocket` of its own."""
        return ClientSocket(socket)
