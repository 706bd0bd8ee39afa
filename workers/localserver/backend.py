"""Where a server's streams come from: the recogniser processes, or a script."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from websockets.asyncio.server import ServerConnection

from workers.localserver.client_socket import Wire
from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import Stream


class Source(Protocol):
    """What the server asks for a session's ears. Subclass it: it brings the usual `wire`."""

    @property
    def capacity(self) -> int:
        """How many sessions can be served at the speed of speech."""

    @property
    def backlog(self) -> float:
        """Seconds that audio waits at present before it is read; 0 when all is well."""

    def stream(self, parameters: Parameters) -> AbstractAsyncContextManager[Stream]:
        """The stream of one session, which begins and ends with it.

        Entering waits until the stream can be served, and raises `Refusal` if it never can.
        """

    def wire(self, socket: ServerConnection) -> Wire:
        """The socket of one client as its session will use it; made before `stream`, in the same
        task. Whoever wants faults on it gives a `Wire` of its own."""
        return Wire(socket)
