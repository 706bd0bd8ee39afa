"""Records how late each chunk of a session left, and builds its summary and certificate.

The lag of a chunk is the time from when it was due until its write to the socket was finished.
"""

import math
from array import array
from typing import TypeAlias

import numpy as np

from workers.pacing.certificate import (
    LAG_TOLERANCE_MS,
    Certificate,
    LagPercentiles,
    LagSummary,
    ReadAudio,
    Verdict,
)
from workers.pacing.schedule import Release

LagArray: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint32]]"


class Lags:
    """The lag of every chunk, in whole microseconds; 4 bytes each, so 4295 s at most."""

    def __init__(self) -> None:
        self._lags_us = array("I")
        self._max_us = 0
        self._cached_p50_p99: tuple[float, ...] = (0.0, 0.0)
        self._cached_count = 0

    def __len__(self) -> int:
        return len(self._lags_us)

    def add(self, lag_s: float) -> None:
        """Adds the lag of the next chunk, in seconds."""
        lag_us = min(max(round(lag_s * 1e6), 0), 0xFFFFFFFF)
        self._lags_us.append(lag_us)
        self._max_us = max(self._max_us, lag_us)

    def since(self, index: int) -> tuple[int, ...]:
        """The lags of chunk ``index`` and all later ones, in microseconds."""
        return tuple(self._lags_us[index:])

    def summary(self) -> LagSummary:
        """The lags so far; percentiles are updated whenever there are 5 % more chunks."""
        if not self._lags_us:
            return LagSummary(0.0, 0.0, 0.0, 0.0)
        if len(self._lags_us) >= self._cached_count * 1.05:
            lags_us = np.frombuffer(self._lags_us, dtype=np.uint32)
            self._cached_p50_p99 = percentiles(lags_us, (50, 99))
            self._cached_count = len(self._lags_us)
        p50, p99 = self._cached_p50_p99
        return LagSummary(self._lags_us[-1] / 1000, p50, p99, self._max_us / 1000)

    def to_array(self) -> LagArray:
        """All lags in microseconds, oldest first."""
        return np.array(self._lags_us, dtype=np.uint32)


def percentiles(lags_us: LagArray, ranks: tuple[float, ...]) -> tuple[float, ...]:
    """Nearest-rank percentiles, in ms, of lags in microseconds.

    The p-th percentile of n values is the ceil(p / 100 * n)-th smallest: always a measured value.
    """
    ranked = lags_us.copy()
    ranked.sort()  # np.percentile gives the same at twenty times the cost
    # Rounded first, because 99.9 / 100 * 1000 is 999.0000000000001.
    nth = (max(math.ceil(round(rank / 100 * len(ranked), 6)), 1) for rank in ranks)
    return tuple(int(ranked[n - 1]) / 1000 for n in nth)


def build_certificate(
    lags_us: LagArray,
    slips_ms: tuple[float, ...],
    *,
    release: Release,
    chunk_ms: int,
    sample_rate: int,
    audio_seconds: float,
    waits_ms: tuple[float, ...] = (),
    read: ReadAudio | None = None,
    speed: float = 1.0,
) -> Certificate | None:
    """Builds the certificate from lags (in µs), slips and waits (in ms), and what was read of the
    file; None if nothing was sent."""
    if not len(lags_us):
        return None
    lag = LagPercentiles(*percentiles(lags_us, (50, 90, 99, 99.9, 100)))
    verdict = Verdict.HELD if lag.p99 <= LAG_TOLERANCE_MS else Verdict.LATE
    drift_ms, tenth = None, len(lags_us) // 10
    if tenth >= 2:
        first = percentiles(lags_us[:tenth], (50,))[0]
        last = percentiles(lags_us[-tenth:], (50,))[0]
        drift_ms = round(last - first, 3)
    return Certificate(
        verdict=Verdict.SLIPPED if slips_ms else verdict,
        release=release,
        clock="monotonic",
        chunk_ms=chunk_ms,
        sample_rate=sample_rate,
        chunks=len(lags_us),
        audio_seconds=round(audio_seconds, 3),
        lag_ms=lag,
        drift_ms=drift_ms,
        slips=len(slips_ms),
        slipped_ms=round(sum(slips_ms), 3),
        waits=len(waits_ms) or None,
        waited_ms=round(sum(waits_ms), 3) if waits_ms else None,
        read=read,
        speed=speed,
    )
