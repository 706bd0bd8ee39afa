"""What a client may ask to be told between the turns: that all is well, and that nobody speaks."""

from workers.localserver.recogniser_protocol import Recognised
from workers.protocol.messages import Heartbeat, ServerMessage, Silence, Turn

HEARTBEAT_INTERVAL_S = 5.0
"""Seconds from one heartbeat to the next; the vendor's SDK says "about every five"."""

SILENCE_MESSAGE_MS = 1000
"""Ms of silence that one message tells of."""


class HeartbeatMeter:
    """The numbers of the next heartbeat; times in seconds of the monotonic clock."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._peak_probability = 0.0

    def update(self, report: Recognised) -> None:
        self._peak_probability = max(self._peak_probability, report.speech_probability)

    def take_heartbeat(self, received_s: float, now: float) -> Heartbeat:
        """The heartbeat of this moment, with the seconds of audio ``received_s`` until now."""
        elapsed = now - self._started_at
        loudest, self._peak_probability = self._peak_probability, 0.0
        return Heartbeat(
            total_audio_received_ms=round(received_s * 1000),
            total_duration_ms=round(elapsed * 1000),
            realtime_factor=round(received_s / elapsed, 3) if elapsed > 0 else 0.0,
            max_speech_probability=round(loudest, 4),
        )


class SilenceTracker:
    """The silent seconds of a stream, each told once."""

    def __init__(self) -> None:
        self._handled_ms = 0
        """Ms of the stream before which nothing is told any more."""

    def mark_spoken(self, messages: list[ServerMessage]) -> None:
        """No silence is told where words were, whatever the detector makes of their edges."""
        ends = [turn.words[-1].end for turn in messages if isinstance(turn, Turn) and turn.words]
        self._handled_ms = max([self._handled_ms, *ends])

    def take_silences(self, report: Recognised) -> list[Silence]:
        """The whole seconds of silence that became known with this report."""
        silences = []
        start = max(self._handled_ms, report.position_ms - report.silence_ms)
        while report.position_ms - start >= SILENCE_MESSAGE_MS:
            silences.append(Silence(start, start + SILENCE_MESSAGE_MS))
            start += SILENCE_MESSAGE_MS
        if silences:
            self._handled_ms = start
        return silences

    def skip(self, report: Recognised) -> None:
        """Whatever was silent until now is not asked for."""
        self._handled_ms = max(self._handled_ms, report.position_ms)
