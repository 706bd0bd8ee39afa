"""Whether the server is alive, though it has nothing to say.

Silence in a recording sends no messages, so an open socket is asked by ping (RFC 6455, section
5.5.2) when nothing has come for a while.
"""

import select

from workers.protocol.connection import Connection, ConnectionLost


class Pulse:
    """Feels one connection; ``bound`` is the longest silence, in seconds."""

    def __init__(self, connection: Connection, bound: float) -> None:
        self._connection = connection
        self._bound = bound
        self._asked_at: float | None = None
        """When the ping was sent that is not answered yet."""

    def feel(self, now: float) -> float:
        """Asks if it is time; seconds until it is to be felt again.

        Raises `ConnectionLost` when the server is dead: not when it was this process that stood
        still, and what came meanwhile is there but was not looked at yet.
        """
        connection = self._connection
        if connection.waiting and now - connection.taken_at >= self._bound:
            if select.select([], [connection], [], 0)[1]:
                return 0.0
            raise ConnectionLost(f"the server has taken no audio for {self._bound:g} s")
        if self._asked_at is not None and connection.heard_at >= self._asked_at:
            self._asked_at = None
        since = connection.heard_at if self._asked_at is None else self._asked_at
        left = since + self._bound / 2 - now
        if left > 0:
            return left
        if self._asked_at is not None:
            if connection.buffered or select.select([connection], [], [], 0)[0]:
                return 0.0
            raise ConnectionLost(f"the server has not answered for {self._bound:g} s")
        self._asked_at = now
        connection.ping()
        return self._bound / 2
