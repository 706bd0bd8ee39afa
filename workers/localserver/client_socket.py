"""The client's socket: sends messages, receives frames, and closes within a time limit."""

import asyncio
from contextlib import suppress

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from workers.localserver.refusal import ERROR_CLOSE_REASON, Refusal
from workers.protocol import messages
from workers.protocol.messages import Error, ServerMessage

SOCKET_CLOSE_TIMEOUT_S = 1.0
"""A client that reads nothing is disconnected after this many seconds."""


class ClientSocket:
    """The socket of one client; only `receive` and `send` raise `ConnectionClosed`."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes:
        """Waits for the next frame: text is a message, bytes are audio."""
        return await self._socket.recv()

    async def send(self, *outgoing: ServerMessage) -> None:
        for message in outgoing:
            await self._socket.send(messages.encode(message))

    async def refuse(self, refusal: Refusal) -> None:
        """Sends the Error message, then closes with the same code."""
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(SOCKET_CLOSE_TIMEOUT_S):
                await self.send(Error(refusal.message, refusal.code))
        await self.close(refusal.code, ERROR_CLOSE_REASON)

    async def close(self, code: int, reason: str) -> None:
        """Starts the close, which takes at most `SOCKET_CLOSE_TIMEOUT_S`."""
        # Keep reading while the client sends, because its close frame follows its audio. If we
        # cut the connection instead, the client could lose our last message.
        discarding = asyncio.create_task(self._discard_incoming())
        try:
            async with asyncio.timeout(SOCKET_CLOSE_TIMEOUT_S):
                await self._socket.close(code, reason)
        except TimeoutError:
            self._socket.transport.abort()
        finally:
            discarding.cancel()

    async def _discard_incoming(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                await self._socket.recv()
