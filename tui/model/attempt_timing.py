"""How late the chunks of an attempt left, as its trace tells it while it grows."""

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from workers.errors import Malformed
from workers.jobs import events
from workers.jobs.events import Began, ChunksSent, Ended, Slipped
from workers.jobs.job import Settings
from workers.jobs.resume_point import Seam
from workers.pacing.certificate import Certificate
from workers.protocol import codec
from workers.protocol.codec import JsonObject

T = TypeVar("T")

EDGES_MS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Upper bounds of the bins of a histogram, which belong to them; the last bin has none."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one attempt so far."""

    attempt: int
    settings: Settings
    seam: Seam
    began: Began | None
    lags_us: "array[int]"
    """Of every chunk, oldest first."""
    bins: tuple[int, ...]
    """How many chunks lie in each bin of `EDGES_MS`."""
    slips: tuple[Slipped, ...]
    certificate: Certificate
    """By the same rule as that at the end of the trace, as if it ended now."""
    over: bool
    damaged: int
    """Lines that could not be read."""

    def at_seconds(self, chunk: int) -> float:
        """Where in the recording a chunk begins."""
        return (self.seam.at_ms + chunk * self.settings.chunk_ms) / 1000


class Trail:
    """Takes the lines of one trace in."""

    def __init__(self) -> None:
        self._head: JsonObject = {}
        self._began: Began | None = None
        self._lags = array("I")
        self._counted_at, self._counts = array("d"), array("Q")
        """When lags were told, and how many there were then."""
        self._slips: list[tuple[float, Slipped]] = []
        self._over_at: float | None = None
        self._damaged = 0
        self._timing: Timing | None = None
        """None when there is news."""

    def take(self, kind: str, line: bytes, t: float) -> None:
        """A line of this kind, ``t`` seconds in; most kinds tell nothing about time."""
        if kind not in ("trace", "began", "chunks", "slip", "ended"):
            return
        self._timing = None
        try:
            fields = codec.parsed(line, kind)
            if kind == "trace":
                self._head = fields
                return
            event = events.from_json(fields)
        except Malformed:
            self._damaged += 1
            return
        match event:
            case Began():
                self._began = event
            case ChunksSent():
                self._lags.extend(min(max(lag, 0), 0xFFFFFFFF) for lag in event.lag_us)
                self._counted_at.append(t)
                self._counts.append(len(self._lags))
            case Slipped():
                self._slips.append((t, event))
            case Ended():
                self._over_at = t

    def timing(self, attempt: int, until: float = inf) -> Timing | None:
        """What it had come to by then, on its own clock; None until a chunk had left."""
        told = bisect_right(self._counted_at, until)
        chunks = self._counts[told - 1] if told else 0
        slips = tuple(slip for t, slip in self._slips if t <= until)
        over = self._over_at is not None and self._over_at <= until
        last = self._timing
        if last is None or (len(last.lags_us), last.slips, last.over) != (chunks, slips, over):
            self._timing = self._told_of(attempt, chunks, slips, over=over) if chunks else None
        return self._timing

    def _told_of(
        self, attempt: int, chunks: int, slips: tuple[Slipped, ...], *, over: bool
    ) -> Timing:
        import numpy as np  # only once somebody looks: the first screen comes sooner

        from workers.pacing.lags import certificate

        settings, seam = self._told("settings", Settings), self._told("seam", Seam)
        lags = self._lags[:chunks]
        micros = np.array(lags, dtype=np.uint32)
        proof = certificate(
            micros,
            tuple(slip.stalled_ms for slip in slips),
            release=settings.release,
            chunk_ms=settings.chunk_ms,
            sample_rate=self._began.sample_rate if self._began else 0,
            audio_seconds=len(lags) * settings.chunk_ms / 1000,
        )
        assert proof is not None
        bins = np.bincount(
            np.searchsorted([1000 * edge for edge in EDGES_MS], micros), minlength=len(EDGES_MS) + 1
        )
        return Timing(
            attempt=attempt,
            settings=settings,
            seam=seam,
            began=self._began,
            lags_us=lags,
            bins=tuple(bins.tolist()),
            slips=slips,
            certificate=proof,
            over=over,
            damaged=self._damaged,
        )

    def _told(self, name: str, kind: type[T]) -> T:
        """Of the trace's first line; the defaults where that is damaged."""
        told = self._head.get(name)
        try:
            return codec.read(kind, told, name) if isinstance(told, dict) else kind()
        except Malformed:
            return kind()
