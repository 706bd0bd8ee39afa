"""Detects a server that is dead although the connection is open.

Silence in a recording brings no messages, so the server is pinged (RFC 6455, section 5.5.2) when
nothing has arrived for a while.
"""

import select

from workers.log import Logger
from workers.protocol.connection import Connection, ConnectionLost

_log = Logger("paceline.session")


class Keepalive:
    """A timer that pings one connection; ``silence_s`` is the longest silence, in seconds."""

    def __init__(self, connection: Connection, silence_s: float) -> None:
        self._connection = connection
        self._silence_s = silence_s
        self._ping_sent_at: float | None = None
        """When the ping that has not been answered yet was sent."""

    def tick(self, now: float) -> float:
        """Pings if it is due; returns the seconds until the next check.

        Raises `ConnectionLost` when the server is dead. If this process stood still, what arrived
        meanwhile is read first.
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
        _log.debug("ping, after %g s without a sign of life", self._silence_s / 2)
        return self._silence_s / 2
