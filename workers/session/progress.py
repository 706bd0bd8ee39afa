"""What a session has sent, and how late each chunk left."""

import time

from workers.audio import decode
from workers.audio.levels import level_db
from workers.audio.recording import Recording
from workers.jobs.events import ChunksSent, Progressed, Slipped
from workers.jobs.job import Settings
from workers.pacing.certificate import Certificate
from workers.pacing.lags import Lags, certificate
from workers.session.recorder import Recorder

ALIVE = 2.0
"""Seconds after which it is told again how far a session is, though it got no further."""


class Tally:
    """Counts in samples at the rate that is sent. Seconds are the recording's."""

    def __init__(
        self, recording: Recording, settings: Settings, start: int, recorder: Recorder
    ) -> None:
        self._settings = settings
        self._rate = settings.rate_for(recording)
        self._start = start
        self._length = decode.length(recording, self._rate)
        self._recorder = recorder
        self._lags = Lags()
        self._levels_db: list[int] = []
        """Of the chunks since it was told how far it is."""
        self._slips_ms: list[float] = []
        self._reported = 0
        self._told_at = float("inf")
        """On the monotonic clock; nothing is to be told before the session has begun."""
        self.sent = 0
        """Samples of this session."""

    @property
    def sent_seconds(self) -> float:
        """Up to where in the recording."""
        return (self._start + self.sent) / self._rate

    @property
    def seconds_left(self) -> float:
        """Of the recording."""
        return max(0.0, self._length / self._rate - self.sent_seconds)

    def begin(self) -> None:
        """The session has begun."""
        self._told_at = time.monotonic()

    def add(self, chunk: bytes, lag: float) -> None:
        """A chunk of 16-bit samples left, so many seconds late."""
        self._lags.add(lag)
        self._levels_db.append(level_db(chunk))
        self.sent += len(chunk) // 2

    def slip(self, stalled: float) -> None:
        """The schedule was moved by so many seconds."""
        self._slips_ms.append(stalled * 1000)
        self._recorder.say(Slipped(self.sent_seconds, round(stalled * 1000, 3)))

    def report_each(self, chunks: int) -> None:
        """Tells how far it is, after so many chunks."""
        if len(self._lags) % chunks == 0:
            self.report()

    def report_new(self) -> None:
        """Tells how far it is, unless it has told that already."""
        if len(self._lags) > self._reported:
            self.report()

    def report_alive(self, now: float) -> float:
        """Tells it again when it is time; seconds until the next time.

        A session may wait for a server that takes no audio, or for its last words: whoever watches
        has to know that it does.
        """
        if now >= self._told_at + ALIVE:
            self.report()
        return max(0.0, self._told_at + ALIVE - now)

    def report(self) -> None:
        """Tells how far it is."""
        new = self._lags.since(self._reported)
        if new:
            self._recorder.note(ChunksSent(self._reported, new))
            self._reported = len(self._lags)
        self._told_at = time.monotonic()
        total = max(self._length / self._rate, self.sent_seconds)
        levels, self._levels_db = tuple(self._levels_db), []
        self._recorder.say(
            Progressed(round(self.sent_seconds, 3), round(total, 3), self._lags.summary(), levels)
        )

    def certificate(self) -> Certificate | None:
        """The evidence; None when nothing was sent."""
        return certificate(
            self._lags.array(),
            tuple(self._slips_ms),
            release=self._settings.release,
            chunk_ms=self._settings.chunk_ms,
            sample_rate=self._rate,
            audio_seconds=self.sent / self._rate,
        )
