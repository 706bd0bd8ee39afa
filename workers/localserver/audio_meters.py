"""Measures the audio of a session: chunk limits, heartbeats and acknowledged silence.

Times named ``now`` or ``started_at`` are in seconds on the monotonic clock.
"""

from workers.localserver.parameters import Parameters
from workers.localserver.recogniser_protocol import Recognised
from workers.localserver.refusal import audio_too_fast, wrong_chunk_duration
from workers.protocol import messages
from workers.protocol.messages import MAX_CHUNK_MS, MIN_CHUNK_MS, Heartbeat, Silence, Turn

AHEAD_ALLOWANCE_S = 300
"""A client may send this much audio beyond the speed limit. Inferred from errors that users of the
service have quoted. The two limits also bound the queue of the recogniser."""

MAX_SHORT_RUN_MS = 1000
"""Short chunks in a row may hold this much audio. The service does not check at once either: it
refused a client that sent 20 ms chunks after 0.98 s of them, and never refused a short last chunk.
Clients that cut the end of an utterance short and then go on are fine on both."""

HEARTBEAT_INTERVAL_S = 5.0
"""Interval from the vendor's SDK, which says "about every five" seconds."""

SILENCE_MESSAGE_MS = 1000
"""Duration of the silence that one message acknowledges."""


class ReceivedAudio:
    """Measures the client's audio and enforces the limits of the protocol."""

    def __init__(self, parameters: Parameters, started_at: float, speed_limit: float) -> None:
        """``speed_limit``: that of `ServerPolicy`."""
        self._parameters = parameters
        self._started_at = started_at
        self._speed_limit = speed_limit
        self._short_run_ms = 0.0  # audio in the latest chunks, if all of them were too short
        self._too_short_ms: float | None = None  # the chunk with which they held too much
        self.duration_s = 0.0

    def add_chunk(self, data: bytes, now: float) -> None:
        """Adds a chunk; raises `Refusal` if it breaks a limit.

        The last chunk may always be too short, so one is refused only when another one follows.
        """
        if self._too_short_ms is not None:
            raise wrong_chunk_duration(self._too_short_ms)
        duration_s = len(data) / self._parameters.bytes_per_second
        # As the refusal prints it: 1102 samples at 22.05 kHz are meant as 50 ms.
        duration_ms = round(duration_s * 1000, 1)
        if duration_ms > MAX_CHUNK_MS:
            raise wrong_chunk_duration(duration_ms)
        if duration_ms >= MIN_CHUNK_MS:
            self._short_run_ms = 0.0
        else:
            self._short_run_ms += max(duration_ms, 1.0)  # even empty ones come to an end
            if self._short_run_ms > MAX_SHORT_RUN_MS:
                self._too_short_ms = duration_ms
        self.duration_s += duration_s
        elapsed_s = now - self._started_at
        if self.duration_s > AHEAD_ALLOWANCE_S + self._speed_limit * elapsed_s:
            raise audio_too_fast(self.duration_s, elapsed_s)


class HeartbeatMeter:
    """Collects the values of the next heartbeat."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._peak_probability = 0.0

    def update(self, report: Recognised) -> None:
        self._peak_probability = max(self._peak_probability, report.speech_probability)

    def take_heartbeat(self, received_s: float, now: float) -> Heartbeat:
        """Returns the heartbeat after ``received_s`` of audio and starts the next interval."""
        elapsed_s = now - self._started_at
        peak, self._peak_probability = self._peak_probability, 0.0
        return Heartbeat(
            total_audio_received_ms=round(received_s * 1000),
            total_duration_ms=round(elapsed_s * 1000),
            realtime_factor=round(received_s / elapsed_s, 3) if elapsed_s > 0 else 0.0,
            max_speech_probability=round(peak, 4),
        )


class SilenceTracker:
    """Acknowledges every whole second of silence in a stream once."""

    def __init__(self) -> None:
        self._handled_ms = 0  # silence before this position is no longer acknowledged

    def mark_spoken(self, sent: list[messages.ServerMessage]) -> None:
        """Counts time up to the last word sent as spoken, even if the detector found silence."""
        ends = [turn.words[-1].end for turn in sent if isinstance(turn, Turn) and turn.words]
        self._handled_ms = max([self._handled_ms, *ends])

    def take_silences(self, report: Recognised) -> list[Silence]:
        """Returns a message for each further second of silence in this report."""
        first_ms = max(self._handled_ms, report.position_ms - report.silence_ms)
        last_ms = report.position_ms - SILENCE_MESSAGE_MS
        starts_ms = range(first_ms, last_ms + 1, SILENCE_MESSAGE_MS)
        silences = [Silence(start_ms, start_ms + SILENCE_MESSAGE_MS) for start_ms in starts_ms]
        if silences:
            self._handled_ms = silences[-1].end_ms
        return silences

    def skip(self, report: Recognised) -> None:
        """Excludes all silence so far, for a client that does not want it acknowledged."""
        self._handled_ms = max(self._handled_ms, report.position_ms)
