"""Jobs, stream settings and limits."""

from dataclasses import dataclass, replace
from typing import Annotated, NewType

from workers import ranges
from workers.audio.recording import Recording
from workers.pacing.schedule import Release
from workers.prices.budget import Budget

JobId = NewType("JobId", int)
"""Counts from 1 in the order in which jobs are added; never reused within a run."""

RESAMPLE_RATE_HZ = 16000
"""The sample rate in Hz of a recording that had to be resampled."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How to stream every job of a run."""

    chunk_ms: Annotated[int, ranges.CHUNK_MS] = 100
    release: Release = Release.START
    rate: Annotated[int, ranges.SENT_RATE_HZ] | None = None
    """Sample rate in Hz to send; None sends the recording's own rate if the server accepts it."""
    speech_model: str = "u3-rt-pro"
    params: tuple[tuple[str, str], ...] = ()
    """Further connection parameters, as in the query."""
    strict: bool = False
    """Whether a recording that could not be streamed whole and unchanged fails."""
    speed: Annotated[float, ranges.SPEED] = 1.0
    """Seconds of audio to send per second; not 1 only at an endpoint of the user's own."""
    keep_words: bool = True
    """Whether traces have the words, or only their number and times."""

    def sample_rate_for(self, recording: Recording) -> int:
        """The sample rate in Hz to send for a recording."""
        if self.rate is not None:
            return self.rate
        return recording.rate if recording.rate in ranges.SENT_RATE_HZ else RESAMPLE_RATE_HZ

    def with_params(self, params: tuple[tuple[str, str], ...]) -> "StreamSettings":
        """These settings with further connection parameters, which override those of the run."""
        return replace(self, params=(*self.params, *params)) if params else self

    def query_params(self, rate_hz: int) -> dict[str, str]:
        """The connection parameters for audio of ``rate_hz``."""
        return {
            **dict(self.params),
            "speech_model": self.speech_model,
            "sample_rate": str(rate_hz),  # overrides the params
            "encoding": "pcm_s16le",
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """How fast a run processes its jobs, and when it gives up."""

    sessions: Annotated[int, ranges.SESSIONS] | None = None
    """Concurrent sessions; None: the endpoint's default."""
    start_rate: Annotated[int, ranges.STARTS_PER_MINUTE] | None = None
    """New sessions per minute; None: as many as the endpoint accepts."""
    attempts: Annotated[int, ranges.ATTEMPTS] = 4
    """Attempts of a job that may fail before the job fails."""
    dead_after: Annotated[float, ranges.DEAD_AFTER_S] = 20.0
    """Seconds of silence after which the server counts as dead."""
    budget: Budget | None = None
    """What all sockets together may cost, or how long they may be open; None: any amount."""


@dataclass(frozen=True, slots=True)
class Half:
    """What makes a job one half of a pair: two jobs that stream the channels of a stereo call, each
    in a session of its own, on one clock."""

    pair: Annotated[int, ranges.PAIR_NUMBER]
    """The number of the pair. The two jobs have the next two numbers."""
    channel: Annotated[int, ranges.PAIR_CHANNEL]
    """The channel that the job streams: 1 is left, 2 is right."""
    speaker: str

    @property
    def jobs(self) -> tuple[JobId, JobId]:
        """The two jobs of the pair, left first."""
        return JobId(self.pair + 1), JobId(self.pair + 2)

    @property
    def pair_id(self) -> JobId:
        """The number of the pair, where the user's jobs are counted."""
        return JobId(self.pair)


@dataclass(frozen=True, slots=True)
class Job:
    """A recording to be streamed, and how to stream it."""

    id: JobId
    file: str  # as the user named it; ``recording.path`` is where it is
    recording: Recording
    settings: StreamSettings
    half: Half | None = None
    """Which half of a pair the job is; None for a job of its own."""
