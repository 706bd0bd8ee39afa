"""The chunks of audio that a client sends, held against the limits of the protocol."""

from workers.localserver.parameters import Parameters
from workers.localserver.refusal import invalid, too_fast, wrong_duration

SHORTEST_CHUNK, LONGEST_CHUNK = 50, 1000
"""Ms of audio in one message."""

AHEAD = 300
AHEAD_RATE = 1.25
"""Seconds of audio that may be received beyond this many times the elapsed ones; inferred from
errors of the service that people quote. It also bounds what waits for the recogniser."""


class Received:
    """The client's audio, counted."""

    def __init__(self, parameters: Parameters, now: float) -> None:
        self._encoding = parameters.encoding
        self._bytes_a_second = parameters.sample_rate * parameters.encoding.sample_bytes
        self._began = now
        self._short: float | None = None
        self.seconds = 0.0

    def take(self, data: bytes, now: float) -> None:
        """Raises `Refusal` for a chunk that breaks a limit; ``now`` is of the monotonic clock.

        A short chunk is forgiven if it is the last, so it is refused when another one follows.
        """
        if self._short is not None:
            raise wrong_duration(self._short)
        if len(data) % self._encoding.sample_bytes:
            # Read on, every later sample would be noise.
            raise invalid(f"Invalid Message: {len(data)} bytes end within a sample")
        duration = len(data) / self._bytes_a_second
        milliseconds = duration * 1000
        if milliseconds > LONGEST_CHUNK:
            raise wrong_duration(milliseconds)
        if milliseconds < SHORTEST_CHUNK:
            self._short = milliseconds
        self.seconds += duration
        elapsed = now - self._began
        if self.seconds > AHEAD + AHEAD_RATE * elapsed:
            raise too_fast(self.seconds, elapsed)
