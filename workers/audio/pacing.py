"""Pacing: when each chunk is due, how late it left, and what that proves.

Needs no clock, socket or process: times come in as seconds of a monotonic clock. A chunk is due at
``start + position / rate``; the schedule never drifts, because no delay is ever added to it. Only
a stall longer than the catch-up bound moves it (a *slip*), so that minutes of audio never leave in
one burst.
"""

from array import array
from dataclasses import dataclass
from enum import Enum

import numpy as np

CATCH_UP = 5.0
"""Seconds of stall that are made up for by sending sooner; a longer one is a slip."""

TOLERANCE_MS = 10.0
"""The p99 lag up to which a certificate says that the pacing held."""


class Release(Enum):
    """Which end of its interval a chunk leaves at.

    It moves every latency that is counted from the audio by one chunk, so it is always stated.
    """

    START = "start"
    """As the vendor's guide does: the server has a chunk before a microphone could have."""
    END = "end"
    """As a microphone must: a chunk exists when its last sample has been heard."""


class Schedule:
    """The due time of every chunk of one stream.

    ``rate`` in Hz, ``start`` in seconds on the clock that `due` answers in.
    """

    def __init__(
        self, *, rate: int, start: float, release: Release, catch_up: float = CATCH_UP
    ) -> None:
        self._rate = rate
        self._start = start
        self._release = release
        self._catch_up = catch_up

    def due(self, position: int, frames: int) -> float:
        """When the chunk of ``frames`` samples that starts at sample ``position`` must leave."""
        offset = position + frames if self._release is Release.END else position
        return self._start + offset / self._rate

    def slipped(self, due: float, now: float) -> float | None:
        """Seconds by which the schedule was moved, if ``now`` is too far behind ``due``.

        After that, the chunk that was due then is due now.
        """
        late = now - due
        if late <= self._catch_up:
            return None
        self._start += late
        return late


@dataclass(frozen=True, slots=True)
class LagSummary:
    """Lags of a session so far, in ms: of the latest chunk, and over all of them."""

    now: float
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


class Lags:
    """The lag of every chunk, four bytes each, in whole microseconds (the last 4295 s at most)."""

    def __init__(self) -> None:
        self._micros = array("I")
        self._max = 0
        self._ranked = LagSummary(0.0, 0.0, 0.0, 0.0)
        self._ranked_at = 0

    def __len__(self) -> int:
        return len(self._micros)

    def add(self, lag: float) -> int:
        """Keeps a lag given in seconds, and gives it back in microseconds."""
        micros = min(max(round(lag * 1e6), 0), 0xFFFFFFFF)
        self._micros.append(micros)
        self._max = max(self._max, micros)
        return micros

    def since(self, index: int) -> tuple[int, ...]:
        """The lags of chunk ``index`` and all later ones, in microseconds."""
        return tuple(self._micros[index:])

    def summary(self) -> LagSummary:
        """Now and so far. Percentiles are ranked again whenever there is 1 % more to rank."""
        if not self._micros:
            return self._ranked
        if len(self._micros) >= self._ranked_at * 1.01:
            p50, p99 = percentiles(np.frombuffer(self._micros, dtype=np.uint32), (50, 99))
            self._ranked = LagSummary(0.0, p50, p99, 0.0)
            self._ranked_at = len(self._micros)
        return LagSummary(
            self._micros[-1] / 1000, self._ranked.p50, self._ranked.p99, self._max / 1000
        )

    def array(self) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
        """All lags in microseconds, oldest first."""
        return np.array(self._micros, dtype=np.uint32)


def percentiles(
    micros: "np.ndarray[tuple[int], np.dtype[np.uint32]]", ranks: tuple[float, ...]
) -> tuple[float, ...]:
    """Nearest-rank percentiles of lags in microseconds, in ms.

    The nearest rank of the p-th percentile of n values is the ceil(p / 100 * n)-th smallest: always
    a value that was measured, never one between two.
    """
    found = np.percentile(micros, ranks, method="inverted_cdf")
    return tuple(float(value) / 1000 for value in found)


class Verdict(Enum):
    """What the lags say about the pacing of a session."""

    HELD = "held"
    """No slip, and the p99 lag is within the tolerance."""
    LATE = "late"
    """No slip, but chunks were late: latencies of this session are not to be trusted."""
    SLIPPED = "slipped"
    """The schedule had to be moved: the session was not at the speed of speech throughout."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The pacing evidence of one attempt; can be computed again from its trace."""

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
    tolerance_ms: float = TOLERANCE_MS


def certificate(
    micros: "np.ndarray[tuple[int], np.dtype[np.uint32]]",
    slips_ms: tuple[float, ...],
    *,
    release: Release,
    chunk_ms: int,
    sample_rate: int,
    audio_seconds: float,
) -> Certificate | None:
    """The certificate of lags in microseconds and slips in ms; None when nothing was sent."""
    if not len(micros):
        return None
    lag = LagPercentiles(*percentiles(micros, (50, 90, 99, 99.9, 100)))
    verdict = Verdict.HELD if lag.p99 <= TOLERANCE_MS else Verdict.LATE
    return Certificate(
        verdict=Verdict.SLIPPED if slips_ms else verdict,
        release=release,
        clock="monotonic",
        chunk_ms=chunk_ms,
        sample_rate=sample_rate,
        chunks=len(micros),
        audio_seconds=round(audio_seconds, 3),
        lag_ms=lag,
        drift_ms=_drift(micros),
        slips=len(slips_ms),
        slipped_ms=round(sum(slips_ms), 3),
    )


def _drift(micros: "np.ndarray[tuple[int], np.dtype[np.uint32]]") -> float | None:
    tenth = len(micros) // 10
    if tenth < 2:
        return None
    (first,), (last,) = percentiles(micros[:tenth], (50,)), percentiles(micros[-tenth:], (50,))
    return round(last - first, 3)
