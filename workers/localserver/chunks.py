"""The chunks of audio that a client sends, held against the limits of the protocol."""

from workers.localserver.parameters import Parameters
from workers.localserver.refusal import audio_too_fast, invalid_input, wrong_chunk_duration

MIN_CHUNK_MS, MAX_CHUNK_MS = 50, 1000
"""Ms of audio in one message."""

AHEAD_ALLOWANCE_S = 300
MAX_SEND_RATE = 1.25
"""Seconds of audio that may be received beyond this many times the elapsed ones; inferred from
errors of the service that people quote. It also bounds what waits for the recogniser."""


class ReceivedAudio:
    """The client's audio, counted."""

    def __init__(self, parameters: Parameters, started_at: float) -> None:
        self._encoding = parameters.encoding
        self._bytes_per_second = parameters.sample_rate * parameters.encoding.bytes_per_sample
        self._started_at = started_at
        self._short_chunk_ms: float | None = None
        self.duration_s = 0.0

    def add_chunk(self, data: bytes, now: float) -> None:
        """Raises `Refusal` for a chunk that breaks a limit; ``now`` is of the monotonic clock.

        A short chunk is forgiven if it is the last, so it is refused when another one follows.
        """
        if self._short_chunk_ms is not None:
            raise wrong_chunk_duration(self._short_chunk_ms)
        if len(data) % self._encoding.bytes_per_sample:
            # Read on, every later sample would be noise.
            raise invalid_input(f"Invalid Message: {len(data)} bytes end within a sample")
        duration = len(data) / self._bytes_per_second
        milliseconds = duration * 1000
        if milliseconds > MAX_CHUNK_MS:
            raise wrong_chunk_duration(milliseconds)
        if milliseconds < MIN_CHUNK_MS:
            self._short_chunk_ms = milliseconds
        self.duration_s += duration
        elapsed = now - self._started_at
        if self.duration_s > AHEAD_ALLOWANCE_S + MAX_SEND_RATE * elapsed:
            raise audio_too_fast(self.duration_s, elapsed)
