"""The certificate: evidence of how late the chunks of a session left."""

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from workers.pacing.schedule import Release
from workers.ranges import CHUNK_MS, DRIFT_MS, SENT_RATE_HZ, SPEED, Count, Milliseconds, Seconds

LAG_TOLERANCE_MS = 10.0
"""The largest p99 lag with which the pacing of a session counts as held."""

SESSIONS_PER_CORE = 150
"""So many sessions were measured to keep their pace on a core; see `tests/benchmarks/pacing.py`."""

AUDIO_TOLERANCE_S = 0.1
"""How far seconds in the file, decoded and sent may differ. Lossy formats round their length, and
the last chunk is filled up to 50 ms."""


@dataclass(frozen=True, slots=True)
class LagSummary:
    """Lags of a session so far, in ms."""

    now: Milliseconds
    """Lag of the latest chunk."""
    p50: Milliseconds
    p99: Milliseconds
    max: Milliseconds


@dataclass(frozen=True, slots=True)
class LagPercentiles:
    """Lags of a whole session in ms, by nearest rank."""

    p50: Milliseconds
    p90: Milliseconds
    p99: Milliseconds
    p99_9: Milliseconds
    max: Milliseconds


@dataclass(frozen=True, slots=True)
class Skew:
    """How far apart the two sessions of a pair sent the chunks that were due at the same time, in
    ms, by nearest rank."""

    p50: Milliseconds
    p99: Milliseconds
    max: Milliseconds
    chunks: int
    """How many chunks of each session were compared."""


class Verdict(Enum):
    """Whether the pacing of a session held."""

    HELD = "held"
    """No slip, and the p99 lag is within the tolerance."""
    LATE = "late"
    """No slip, but chunks were late: do not trust the latencies of this session."""
    SLIPPED = "slipped"
    """The schedule was moved: not all audio was sent at the speed of speech."""


@dataclass(frozen=True, slots=True)
class ReadAudio:
    """How much audio an attempt read, from where it started."""

    decoded_seconds: Seconds
    is_complete: bool
    """Whether it read to the end, and all audio was sent. Otherwise these figures may differ."""
    file_seconds: Seconds | None = None
    """Audio in the file, as the prober found it; None if that is only an estimate."""
    is_unchanged: bool | None = None
    """Whether the file was the same before and after; None: not compared."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The pacing evidence of one attempt. It can be recomputed from the trace."""

    verdict: Verdict
    release: Release
    clock: str
    chunk_ms: Annotated[int, CHUNK_MS]
    sample_rate: Annotated[int, SENT_RATE_HZ]
    chunks: Count
    audio_seconds: Seconds
    lag_ms: LagPercentiles
    slips: Count
    slipped_ms: Milliseconds
    drift_ms: Annotated[float, DRIFT_MS] | None = None
    """Median lag of the last tenth of the chunks minus that of the first; None under 20 chunks."""
    tolerance_ms: Milliseconds = LAG_TOLERANCE_MS
    waits: Count | None = None
    """How often the schedule waited for a recording that was still being written; None: never."""
    waited_ms: Milliseconds | None = None
    read: ReadAudio | None = None
    """What was read of the file; what was sent of it is ``audio_seconds``. None in certificates of
    older versions."""
    speed: Annotated[float, SPEED] = 1.0
    """Seconds of audio due per second; 1 is the speed of speech."""

    @property
    def has_audio_fault(self) -> bool:
        """Whether file, decoder and sender disagree beyond rounding, or the file changed."""
        read = self.read
        if read is None:
            return False
        if not read.is_complete or read.is_unchanged is False:
            return read.is_unchanged is False
        in_file = read.decoded_seconds if read.file_seconds is None else read.file_seconds
        seconds = (in_file, read.decoded_seconds, self.audio_seconds)
        return max(seconds) - min(seconds) > AUDIO_TOLERANCE_S
