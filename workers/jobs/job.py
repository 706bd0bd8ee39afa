"""What is to be streamed: recordings, how to stream them, and the jobs made of them."""

from dataclasses import dataclass
from typing import NewType

from workers.audio.recording import Recording
from workers.pacing.schedule import Release

JobId = NewType("JobId", int)
"""Counts from 1 in the order of the queue; an id is never used again within a run."""

NATIVE_RATES_HZ = range(8000, 48001)
"""Sample rates in Hz that are sent as they are; a recording outside is resampled."""

RESAMPLE_RATE_HZ = 16000
"""The rate in Hz that a recording outside `NATIVE_RATES_HZ` is resampled to."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How every job of a run is streamed."""

    chunk_ms: int = 100
    release: Release = Release.START
    rate: int | None = None
    """The rate in Hz to resample to; None sends the recording's own rate where it may be sent."""
    speech_model: str = "u3-rt-pro"
    params: tuple[tuple[str, str], ...] = ()
    """Further connection parameters, as they go into the query."""

    def sample_rate_for(self, recording: Recording) -> int:
        """The rate in Hz that is sent, and therefore declared, for a recording."""
        if self.rate is not None:
            return self.rate
        return recording.rate if recording.rate in NATIVE_RATES_HZ else RESAMPLE_RATE_HZ

    def query_params(self, rate_hz: int) -> dict[str, str]:
        """The connection parameters for audio of so many Hz."""
        return {
            **dict(self.params),
            "speech_model": self.speech_model,
            "sample_rate": str(rate_hz),  # always the rate of what is sent
            "encoding": "pcm_s16le",
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """How a run goes about its jobs."""

    sessions: int | None = None
    """At once; None: as many as the endpoint is good for."""
    start_rate: int | None = None
    """New ones a minute; None: as many as the endpoint lets in."""
    attempts: int = 4
    """Sessions of a job that may break before it has failed."""
    dead_after: float = 20.0
    """Seconds without a sign of life from the server."""


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the queue."""

    id: JobId
    file: str
    """As it was named; the recording knows where it is."""
    recording: Recording
    settings: StreamSettings
