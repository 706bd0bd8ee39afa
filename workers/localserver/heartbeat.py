"""What a client may ask to be told between the turns: that all is well, and that nobody speaks."""

from workers.localserver.recogniser_protocol import Heard
from workers.protocol.messages import Heartbeat, ServerMessage, Silence, Turn

HEARTBEAT = 5.0
"""Seconds from one heartbeat to the next; the vendor's SDK says "about every five"."""

SILENCE = 1000
"""Ms of silence that one message tells of."""


class Pulse:
    """The numbers of the next heartbeat; times in seconds of the monotonic clock."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._loudest = 0.0

    def heard(self, report: Heard) -> None:
        self._loudest = max(self._loudest, report.speech_probability)

    def beat(self, received: float, now: float) -> Heartbeat:
        """The heartbeat of this moment, with the seconds of audio ``received`` until now."""
        elapsed = now - self._began
        loudest, self._loudest = self._loudest, 0.0
        return Heartbeat(
            total_audio_received_ms=round(received * 1000),
            total_duration_ms=round(elapsed * 1000),
            realtime_factor=round(received / elapsed, 3) if elapsed > 0 else 0.0,
            max_speech_probability=round(loudest, 4),
        )


class Silences:
    """The silent seconds of a stream, each told once."""

    def __init__(self) -> None:
        self._told = 0
        """Ms of the stream before which nothing is told any more."""

    def spoken(self, messages: list[ServerMessage]) -> None:
        """No silence is told where words were, whatever the detector makes of their edges."""
        ends = [turn.words[-1].end for turn in messages if isinstance(turn, Turn) and turn.words]
        self._told = max([self._told, *ends])

    def heard(self, report: Heard) -> list[Silence]:
        """The whole seconds of silence that became known with this report."""
        silences = []
        start = max(self._told, report.position - report.silence)
        while report.position - start >= SILENCE:
            silences.append(Silence(start, start + SILENCE))
            start += SILENCE
        if silences:
            self._told = start
        return silences

    def skip(self, report: Heard) -> None:
        """Whatever was silent until now is not asked for."""
        self._told = max(self._told, report.position)
