"""The certificate: evidence of how late the chunks of a session left."""

from dataclasses import dataclass
from enum import Enum

from workers.pacing.schedule import Release

LAG_TOLERANCE_MS = 10.0
"""The largest p99 lag with which the pacing of a session counts as held."""


@dataclass(frozen=True, slots=True)
class LagSummary:
    """Lags of a session so far, in ms."""

    now: float
    """Lag of the latest chunk."""
    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class LagPercentiles:
    """Lags of a whole session in ms, by nearest rank."""

    p50: float
    p90: float
    p99: float
    p99_9: float
    max: float


class Verdict(Enum):
    """Whether the pacing of a session held."""

    HELD = "held"
    """No slip, and the p99 lag is within the tolerance."""
    LATE = "late"
    """No slip, but chunks were late: do not trust the latencies of this session."""
    SLIPPED = "slipped"
    """The schedule was moved: not all audio was sent at the speed of speech."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The pacing evidence of one attempt. It can be recomputed from the trace."""

    verdict: Verdict
    release: Release
    clock: str
    chunk_ms: int
    sample_rate: int
    chunks: int
    audio_seconds: float
    lag_ms: LagPercentiles
    slips: int
    slipped_ms: float
    drift_ms: float | None = None
    """Median lag of the last tenth of the chunks minus that of the first; None under 20 chunks."""
    tolerance_ms: float = LAG_TOLERANCE_MS
