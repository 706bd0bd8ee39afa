"""Tracks what a session has sent, and how late each chunk left."""

import time
from collections.abc import Callable
from math import inf

from workers.audio import decode
from workers.audio.recording import Recording
from workers.jobs.events import ChunksSent, Progressed, Slipped, Waited
from workers.jobs.job import StreamSettings
from workers.log import Logger
from workers.pacing.certificate import Certificate, ReadAudio
from workers.pacing.lags import Lags, build_certificate
from workers.session.chunks import Chunk
from workers.session.recorder import Recorder

IDLE_REPORT_INTERVAL_S = 2.0
"""Maximum number of seconds between two reports, even if nothing was sent."""

_log = Logger("paceline.session")


class SendProgress:
    """Counts what was sent, in samples at the rate of the stream."""

    def __init__(
        self, recording: Recording, settings: StreamSettings, start_sample: int, recorder: Recorder
    ) -> None:
        self._settings = settings
        self._rate = settings.sample_rate_for(recording)
        self._start_sample = start_sample
        self._total_samples = decode.sample_count(recording, self._rate)
        self._is_total_exact = recording.is_exact
        self._is_at_end = False
        self.written_samples: Callable[[], int] | None = None
        """Tells the length so far of a recording that is still being written; None for others."""
        self.is_waiting = False
        """Whether all that was written so far is sent, and more is awaited."""
        self._recorder = recorder
        recorder.report_progress = self.report_if_new
        self._lags = Lags()
        self._levels_db: list[int] = []
        """Levels of the chunks since the last report."""
        self._slips_ms: list[float] = []
        self._waits_ms: list[float] = []
        # about one report a second
        self._chunks_per_report = max(1, round(1000 * settings.speed / settings.chunk_ms))
        self._reported_chunks = 0
        self._reported_at = float("inf")
        """Monotonic time of the last report; infinite before `start_reporting`."""
        self.sent_samples = 0
        """Samples sent in this session."""

    @property
    def sent_seconds(self) -> float:
        """The position in the recording up to which audio was sent."""
        return (self._start_sample + self.sent_samples) / self._rate

    @property
    def time_left_s(self) -> float:
        """Seconds until the rest of the recording has been sent, if nothing delays it; infinite
        while it is written."""
        if self.written_samples is not None and not self._is_at_end:
            return inf
        return max(0.0, self.total_seconds - self.sent_seconds) / self._settings.speed

    @property
    def total_seconds(self) -> float:
        """The length of the recording, as far as it is known. If it is only estimated, or there is
        more than was expected, it is larger than what was sent until the end is reached."""
        sent = self._start_sample + self.sent_samples
        if self._is_at_end:
            return sent / self._rate
        if self.written_samples is not None:
            self._total_samples = max(self._total_samples, self.written_samples())
        if self._total_samples > sent or (self._is_total_exact and self._total_samples == sent):
            return self._total_samples / self._rate
        return (sent + self._rate * self._settings.chunk_ms // 1000) / self._rate

    @property
    def file_seconds(self) -> float:
        """Seconds of audio in the file from where this attempt started, as the probe found them, or
        as they were written since."""
        total = max(self._total_samples, self.written_samples() if self.written_samples else 0)
        return max(0, total - self._start_sample) / self._rate

    def mark_end(self) -> None:
        """Records that the recording has ended: nothing is left, whatever was expected."""
        self._is_at_end, self.is_waiting = True, False

    @property
    def chunks_to_report(self) -> int:
        """How many chunks are left to send until the next report."""
        return self._chunks_per_report - len(self._lags) % self._chunks_per_report

    def start_reporting(self) -> None:
        """Allows `tick` to report; call it when the session has started."""
        self._reported_at = time.monotonic()

    def add_chunk(self, chunk: Chunk, lag_s: float) -> None:
        """Counts a chunk that left ``lag_s`` seconds late; reports about once a second.

        A report has the latest lag and percentiles; only the trace has the lag of every chunk.
        """
        self._lags.add(lag_s)
        self._levels_db.append(chunk.level_db)
        self.is_waiting = False
        self.sent_samples += chunk.samples
        if len(self._lags) % self._chunks_per_report == 0:
            self.report()

    def record_slip(self, stalled_s: float) -> None:
        """Publishes that the schedule was moved by ``stalled_s`` seconds."""
        _log.warning("slip of %.3f s at %.3f s", stalled_s, self.sent_seconds)
        stalled_ms = round(stalled_s * 1000, 3)  # as traced, so that the certificate has its sum
        self._slips_ms.append(stalled_ms)
        self._recorder.publish(Slipped(self.sent_seconds, stalled_ms))

    def record_wait(self, waited_s: float) -> None:
        """Publishes that the schedule waited ``waited_s`` seconds for audio to be written."""
        waited_ms = round(waited_s * 1000, 3)  # as traced, so that the certificate has the same sum
        self._waits_ms.append(waited_ms)
        self._recorder.publish(Waited(self.sent_seconds, waited_ms))

    def report_if_new(self, at: float | None = None) -> None:
        """Reports the progress if a chunk was sent since the last report. ``at`` is the monotonic
        time that the report gets; None is now."""
        if len(self._lags) > self._reported_chunks:
            self.report(at)

    def tick(self, now: float) -> float:
        """Reports again if the last report is old, since the supervisor needs signs of life.

        A session may wait long for a server that takes no audio, or for the last turns.
        """
        if now >= self._reported_at + IDLE_REPORT_INTERVAL_S:
            self.report()
        return max(0.0, self._reported_at + IDLE_REPORT_INTERVAL_S - now)

    def report(self, at: float | None = None) -> None:
        """Traces the lags of new chunks and publishes the progress, with the monotonic time ``at``;
        None is now."""
        new = self._lags.since(self._reported_chunks)
        if new:
            self._recorder.trace_only(ChunksSent(self._reported_chunks, new), at=at)
            self._reported_chunks = len(self._lags)
        self._reported_at = time.monotonic()
        levels, self._levels_db = tuple(self._levels_db), []
        sent, total = round(self.sent_seconds, 3), round(self.total_seconds, 3)
        waiting = self.is_waiting or None
        progress = Progressed(sent, total, self._lags.summary(), levels, waiting)
        self._recorder.publish(progress, at=at)

    def certificate(self, read: ReadAudio | None = None) -> Certificate | None:
        """Builds the certificate of this attempt; None if no audio was sent."""
        return build_certificate(
            self._lags.to_array(),
            tuple(self._slips_ms),
            release=self._settings.release,
            chunk_ms=self._settings.chunk_ms,
            sample_rate=self._rate,
            audio_seconds=self.sent_samples / self._rate,
            waits_ms=tuple(self._waits_ms),
            read=read,
            speed=self._settings.speed,
        )
