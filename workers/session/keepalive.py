"""Whether the server is alive, though it has nothing to say.

Silence in a recording sends no messages, so an open socket is asked by ping (RFC 6455, section
5.5.2) when nothing has come for a while.
"""

import select

from workers.protocol.connection import Connection, ConnectionLost


class Keepalive:
    """Feels one connection; ``silence_s`` is the longest silence, in seconds."""

    def __init__(self, connection: Connection, silence_s: float) -> None:
        self._connection = connection
        self._silence_s = silence_s
        self._ping_sent_at: float | None = None
        """When the ping was sent that is not answered yet."""

    def check(self, now: float) -> float:
        """Asks if it is time; seconds until it is to be felt again.

        Raises `ConnectionLost` when the server is dead: not when it was this process that stood
        still, and what came meanwhile is there but was not looked at yet.
        """
        connection = self._connection
        if connection.has_unsent and now - connection.last_write_at >= self._silence_s:
            if select.select([], [connection], [], 0)[1]:
                return 0.0
            raise ConnectionLost(f"the server has taken no audio for {self._silence_s:g} s")
        if self._ping_sent_at is not None and connection.last_received_at >= self._ping_sent_at:
            self._ping_sent_at = None
        since = connection.last_received_at if self._ping_sent_at is None else self._ping_sent_at
        left = since + self._silence_s / 2 - now
        if left > 0:
            return left
        if self._ping_sent_at is not None:
            if connection.has_buffered_input or select.select([connection], [], [], 0)[0]:
                return 0.0
            raise ConnectionLost(f"the server has not answered for {self._silence_s:g} s")
        self._ping_sent_at = now
        connection.ping()
        return self._silence_s / 2
