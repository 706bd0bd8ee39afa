"""Timers of a session: detecting a dead server, and handing over before the time limit."""

import select
from typing import Protocol

from workers.jobs.events import Ended, Outcome
from workers.log import Logger
from workers.protocol.connection import Connection, ConnectionLost
from workers.session.progress import SendProgress
from workers.session.session_state import SessionState

_WINDOW_S, _WINDOW_SHARE = 300.0, 1 / 3
_FINAL_MARGIN_S, _FINAL_MARGIN_SHARE = 30.0, 1 / 10

MAX_PING_INTERVAL_S = 20.0
"""Gateways close connections on which they see nothing from the server for a while: nginx after
60 s, some content networks after 30 s."""

_HANDED_OVER = Ended(
    Outcome.HANDED_OVER, "the session neared its maximum duration", "Another session continues."
)
_NOTHING_SENT = Ended(
    Outcome.LOST, "the session ended before anything was sent", "Are the clocks right?"
)

_log = Logger("paceline.session")


class Timer(Protocol):
    """A recurring task of the session loop."""

    def tick(self, now: float) -> float:
        """Does what is due; ``now`` is monotonic. Returns the seconds until the next call."""


class Keepalive:
    """Detects a server that is dead although the connection is open.

    Silence in a recording brings no messages, so the server is pinged (RFC 6455, section 5.5.2)
    when nothing has arrived for half of ``silence_s``, or for `MAX_PING_INTERVAL_S`.
    """

    def __init__(self, connection: Connection, silence_s: float) -> None:
        self._connection = connection
        self._silence_s = silence_s
        self._ping_after_s = min(silence_s / 2, MAX_PING_INTERVAL_S)
        self._ping_sent_at: float | None = None
        """When the unanswered ping was sent; None if there is none."""

    def tick(self, now: float) -> float:
        """Sends a ping if one is due; raises `ConnectionLost` if the server is dead.

        If this process was suspended, data that arrived meanwhile is read first.
        """
        connection = self._connection
        if connection.has_unsent and now - connection.last_write_at >= self._silence_s:
            if select.select([], [connection], [], 0)[1]:
                return 0.0
            raise ConnectionLost(f"the server has taken no audio for {self._silence_s:g} s")
        if self._ping_sent_at is not None and connection.last_received_at >= self._ping_sent_at:
            self._ping_sent_at = None
        if self._ping_sent_at is None:
            left = connection.last_received_at + self._ping_after_s - now
        else:
            left = self._ping_sent_at + self._silence_s - self._ping_after_s - now
        if left > 0:
            return left
        if self._ping_sent_at is not None:
            if connection.has_buffered_input or select.select([connection], [], [], 0)[0]:
                return 0.0
            raise ConnectionLost(f"the server has not answered for {self._silence_s:g} s")
        self._ping_sent_at = now
        connection.ping()
        _log.debug("ping, after %g s without a sign of life", self._ping_after_s)
        return self._silence_s - self._ping_after_s


class Handover:
    """Hands over to another session before the server ends this one; created at Begin.

    Hands over at the first end of a turn in a window before the session expires, or when the window
    ends. Does nothing if the rest of the recording fits. Times are monotonic, in seconds.
    """

    def __init__(
        self, life_s: float, state: SessionState, progress: SendProgress, *, now: float
    ) -> None:
        """``life_s``: how long the session lasts from ``now``."""
        self._window_start = now + life_s - min(_WINDOW_S, life_s * _WINDOW_SHARE)
        self._deadline = now + life_s - min(_FINAL_MARGIN_S, life_s * _FINAL_MARGIN_SHARE)
        self._state = state
        self._progress = progress

    def check_turn_end(self, now: float) -> None:
        """Hands over if ``now``, the time at which a turn ended, is in the window."""
        fits = now + self._progress.time_left_s <= self._deadline
        if now >= self._window_start and not self._state.all_audio_sent and not fits:
            self._hand_over()

    def tick(self, now: float) -> float:
        """Hands over at the end of the window."""
        if self._state.is_stopping or self._state.all_audio_sent:
            return float("inf")
        if now >= self._deadline:
            self._hand_over()
        return max(0.0, self._deadline - now)

    def _hand_over(self) -> None:
        self._state.end(_HANDED_OVER if self._progress.sent_samples else _NOTHING_SENT)
