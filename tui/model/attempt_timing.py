"""How late the chunks of an attempt left, as its trace tells it while it grows."""

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from workers.errors import Malformed
from workers.jobs import events
from workers.jobs.events import Began, ChunksSent, Ended, Slipped
from workers.jobs.job import StreamSettings
from workers.jobs.resume_point import ResumePoint
from workers.pacing.certificate import Certificate
from workers.protocol import codec
from workers.protocol.codec import JsonObject

T = TypeVar("T")

BIN_EDGES_MS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Upper bounds of the bins of a histogram, which belong to them; the last bin has none."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Of one attempt so far."""

    attempt: int
    settings: StreamSettings
    resume_point: ResumePoint
    began: Began | None
    lags_us: "array[int]"
    """Of every chunk, oldest first."""
    bin_counts: tuple[int, ...]
    """How many chunks lie in each bin of `BIN_EDGES_MS`."""
    slips: tuple[Slipped, ...]
    certificate: Certificate
    """By the same rule as that at the end of the trace, as if it ended now."""
    is_over: bool
    damaged_lines: int
    """Lines that could not be read."""

    def chunk_start_s(self, chunk: int) -> float:
        """Where in the recording a chunk begins."""
        return (self.resume_point.at_ms + chunk * self.settings.chunk_ms) / 1000


class TimingCollector:
    """Takes the lines of one trace in."""

    def __init__(self) -> None:
        self._header: JsonObject = {}
        self._began: Began | None = None
        self._lags_us = array("I")
        self._count_times_s, self._chunk_counts = array("d"), array("Q")
        """When lags were told, and how many there were then."""
        self._slips: list[tuple[float, Slipped]] = []
        self._ended_at_s: float | None = None
        self._damaged = 0
        self._cached_timing: Timing | None = None
        """None when there is news."""

    def add_line(self, kind: str, line: bytes, time_s: float) -> None:
        """A line of this kind, ``time_s`` seconds in; most kinds tell nothing about time."""
        if kind not in ("trace", "began", "chunks", "slip", "ended"):
            return
        self._cached_timing = None
        try:
            fields = codec.parse_object(line, kind)
            if kind == "trace":
                self._header = fields
                return
            event = events.event_from_json(fields)
        except Malformed:
            self._damaged += 1
            return
        match event:
            case Began():
                self._began = event
            case ChunksSent():
                self._lags_us.extend(min(max(lag, 0), 0xFFFFFFFF) for lag in event.lag_us)
                self._count_times_s.append(time_s)
                self._chunk_counts.append(len(self._lags_us))
            case Slipped():
                self._slips.append((time_s, event))
            case Ended():
                self._ended_at_s = time_s

    def timing(self, attempt: int, until_s: float = inf) -> Timing | None:
        """What it had come to by then, on its own clock; None until a chunk had left."""
        told = bisect_right(self._count_times_s, until_s)
        chunks = self._chunk_counts[told - 1] if told else 0
        slips = tuple(slip for t, slip in self._slips if t <= until_s)
        over = self._ended_at_s is not None and self._ended_at_s <= until_s
        last = self._cached_timing
        if last is None or (len(last.lags_us), last.slips, last.is_over) != (chunks, slips, over):
            self._cached_timing = (
                self._build_timing(attempt, chunks, slips, is_over=over) if chunks else None
            )
        return self._cached_timing

    def _build_timing(
        self, attempt: int, chunks: int, slips: tuple[Slipped, ...], *, is_over: bool
    ) -> Timing:
        import numpy as np  # only once somebody looks: the first screen comes sooner

        from workers.pacing.lags import build_certificate

        settings, resume_point = (
            self._header_value("settings", StreamSettings),
            self._header_value("seam", ResumePoint),
        )
        lags = self._lags_us[:chunks]
        lags_us = np.array(lags, dtype=np.uint32)
        proof = build_certificate(
            lags_us,
            tuple(slip.stalled_ms for slip in slips),
            release=settings.release,
            chunk_ms=settings.chunk_ms,
            sample_rate=self._began.sample_rate if self._began else 0,
            audio_seconds=len(lags) * settings.chunk_ms / 1000,
        )
        assert proof is not None
        bins = np.bincount(
            np.searchsorted([1000 * edge for edge in BIN_EDGES_MS], lags_us),
            minlength=len(BIN_EDGES_MS) + 1,
        )
        return Timing(
            attempt=attempt,
            settings=settings,
            resume_point=resume_point,
            began=self._began,
            lags_us=lags,
            bin_counts=tuple(bins.tolist()),
            slips=slips,
            certificate=proof,
            is_over=is_over,
            damaged_lines=self._damaged,
        )

    def _header_value(self, name: str, kind: type[T]) -> T:
        """Of the trace's first line; the defaults where that is damaged."""
        told = self._header.get(name)
        try:
            return codec.load(kind, told, name) if isinstance(told, dict) else kind()
        except Malformed:
            return kind()
