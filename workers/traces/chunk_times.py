"""Computes when each chunk of an attempt was due and sent, from its trace.

A trace keeps only the lag of each chunk. Its due time follows from `pacing.schedule`: the clock
starts at `Began`, chunk ``k`` starts at sample ``k * frames`` and is due at the start or end of its
interval, at the speed in the settings. Each slip or wait delays the chunk at which it was detected,
and all later ones.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from workers.jobs.events import (
    Began,
    ChunksSent,
    Ended,
    Progressed,
    RecordingRead,
    Slipped,
    Waited,
)
from workers.jobs.job import StreamSettings
from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.pacing.certificate import Certificate
from workers.pacing.schedule import Release
from workers.traces.format import TimedEvent, TraceHead

BIN_EDGES_MS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Inclusive upper edges of the bins of a lag histogram; the last bin has none."""


@dataclass(frozen=True, slots=True)
class ChunkTime:
    """One chunk: its audio, and when it was due and sent."""

    start_s: float  # start of its audio in the recording
    seconds: float  # duration of its audio
    due_s: float  # on the attempt's clock
    sent_s: float  # when its write to the socket had finished, on the same clock


@dataclass(frozen=True, slots=True)
class Timing:
    """The punctuality of one attempt so far."""

    attempt: int
    settings: StreamSettings
    resume_point: ResumePoint
    began: Began | None
    lags_us: "array[int]"  # of every chunk, oldest first
    bin_counts: tuple[int, ...]  # chunks in each bin of `BIN_EDGES_MS`
    slips: tuple[Slipped, ...]
    certificate: Certificate  # as if the attempt ended now
    is_over: bool
    damaged_lines: int

    def chunk_start_s(self, chunk: int) -> float:
        """Where in the recording a chunk starts."""
        return (self.resume_point.at_ms + chunk * self.settings.chunk_ms) / 1000


class ChunkTimes:
    """A sequence of `ChunkTime`, which grows as events of one attempt are applied in order.

    Times agree with the session's to about 2 µs. Only the last chunk of a recording is less exact:
    it is shorter than the others, and progress is rounded to the millisecond. So with `Release.END`
    its times are accurate to half a millisecond.
    """

    def __init__(self, head: TraceHead | None = None) -> None:
        self.settings = head.settings if head else StreamSettings()
        self.resume_point = head.seam if head else RECORDING_START
        self.began: Began | None = None
        self._set_rate(16_000)
        self.damaged_lines = 0
        self._began_s = 0.0
        self._lags_us = array("I")
        self._report_times_s, self._reported_chunks = array("d"), array("Q")
        """When lags were reported, and how many chunks had been sent by then."""
        self._slips: list[tuple[float, Slipped]] = []
        self._waits: list[tuple[float, Waited]] = []
        self._shift_positions_s = array("d")
        """Where in the recording the schedule moved, by slips and waits, and by how much so far."""
        self._shifts_s = array("d", [0.0])
        self._read: RecordingRead | None = None
        self._sent_end_s = inf
        """Where in the recording the sent audio ends; infinite if that is unknown."""
        self._ended_s: float | None = None
        self._cached_timing: Timing | None = None

    def apply(self, timed: TimedEvent) -> None:
        """Applies the next event; most types have no effect."""
        match timed.event:
            case ChunksSent(lag_us=lags_us):
                self._lags_us.extend(min(max(lag, 0), 0xFFFFFFFF) for lag in lags_us)
                self._report_times_s.append(timed.t)
                self._reported_chunks.append(len(self._lags_us))
                self._sent_end_s = inf  # unknown until the next `Progressed`
            case Progressed(sent_seconds=sent_s):
                self._sent_end_s = sent_s
            case Began() as began:
                self.began, self._began_s = began, timed.t
                self._set_rate(began.sample_rate)
            case Slipped() as slip:
                self._slips.append((timed.t, slip))
                self._shift(slip.at_seconds, slip.stalled_ms)
            case Waited() as wait:
                self._waits.append((timed.t, wait))
                self._shift(wait.at_seconds, wait.waited_ms)
            case RecordingRead() as read:
                self._read = read
            case Ended(sent_seconds=sent_s):
                self._ended_s, self._sent_end_s = timed.t, sent_s or self._sent_end_s

    def __len__(self) -> int:
        return len(self._lags_us)

    def __iter__(self) -> Iterator[ChunkTime]:
        return (self[chunk] for chunk in range(len(self)))

    def __getitem__(self, chunk: int) -> ChunkTime:
        """The times of chunk ``chunk`` of this attempt, counted from 0."""
        if not 0 <= chunk < len(self):
            raise IndexError(chunk)
        rate, start, frames = self._rate, self._start_sample, self._chunk_frames
        offset_s, seconds = chunk * frames / rate, frames / rate
        if chunk == len(self) - 1:
            last_s = self._sent_end_s - start / rate - offset_s
            if last_s < seconds - 0.001:  # progress is rounded to the millisecond
                seconds = last_s
        until_due_s = offset_s + seconds if self.settings.release is Release.END else offset_s
        due_s = self._began_s + until_due_s / self.settings.speed + self._shift_s(chunk)
        sent_s = due_s + self._lags_us[chunk] / 1e6
        return ChunkTime(start / rate + offset_s, seconds, due_s, sent_s)

    @property
    def lags_us(self) -> "array[int]":
        """The lag of every chunk in µs, oldest first."""
        return self._lags_us

    @property
    def first_due_s(self) -> float:
        """When the start of the recording would have been due on the pair's clock, had this attempt
        sent it all in its present rhythm, in seconds of the recording."""
        clock_s = self.began.clock_s if self.began else None
        first = self.began.clock_chunk if self.began else None
        beats = (first or 0) + self.shifted_chunks(len(self) - 1)
        since_clock_s = beats * self._chunk_frames / self._rate - self.resume_point.at_ms / 1000
        return (clock_s or 0.0) * self.settings.speed + since_clock_s

    @property
    def has_shifts(self) -> bool:
        """Whether slips or waits moved the schedule."""
        return bool(self._shift_positions_s)

    def shifted_chunks(self, chunk: int) -> int:
        """By how many chunks slips and waits had moved the schedule when a chunk was sent."""
        return round(self._shift_s(chunk) / self.chunk_interval_s)

    @property
    def chunk_interval_s(self) -> float:
        """Seconds from the due time of a chunk to that of the next one."""
        return self._chunk_frames / (self._rate * self.settings.speed)

    def _shift_s(self, chunk: int) -> float:
        middle_s = (self._start_sample + (chunk + 0.5) * self._chunk_frames) / self._rate
        return self._shifts_s[bisect_left(self._shift_positions_s, middle_s)]

    def _set_rate(self, rate: int) -> None:
        self._rate = rate
        self._start_sample = round(self.resume_point.at_ms * rate / 1000)
        self._chunk_frames = -(-rate * self.settings.chunk_ms // 1000)

    def _shift(self, at_s: float, shift_ms: float) -> None:
        self._shift_positions_s.append(at_s)
        self._shifts_s.append(self._shifts_s[-1] + shift_ms / 1000)

    def timing(self, attempt: int, until_s: float = inf) -> Timing | None:
        """The figures at ``until_s`` on the attempt's clock; None if no chunk was sent by then."""
        reports = bisect_right(self._report_times_s, until_s)
        chunks = self._reported_chunks[reports - 1] if reports else 0
        slips = tuple(slip for t, slip in self._slips if t <= until_s)
        waits_ms = tuple(wait.waited_ms for t, wait in self._waits if t <= until_s)
        is_over = self._ended_s is not None and self._ended_s <= until_s
        if not chunks:
            return None
        key, last = (chunks, slips, is_over, self.damaged_lines), self._cached_timing
        if last and (len(last.lags_us), last.slips, last.is_over, last.damaged_lines) == key:
            return last
        import numpy as np  # slow to load, and needed only for this tab

        from workers.pacing.lags import build_certificate

        settings, lags = self.settings, self._lags_us[:chunks]
        lags_us = np.array(lags, dtype=np.uint32)
        certificate = build_certificate(
            lags_us,
            tuple(slip.stalled_ms for slip in slips),
            release=settings.release,
            chunk_ms=settings.chunk_ms,
            sample_rate=self.began.sample_rate if self.began else 0,
            audio_seconds=len(lags) * settings.chunk_ms / 1000,
            waits_ms=waits_ms,
            read=self._read.audio if self._read and is_over else None,
            speed=settings.speed,
        )
        assert certificate is not None
        bins = np.searchsorted([1000 * edge for edge in BIN_EDGES_MS], lags_us)
        bin_counts = np.bincount(bins, minlength=len(BIN_EDGES_MS) + 1)
        self._cached_timing = Timing(
            attempt=attempt,
            settings=settings,
            resume_point=self.resume_point,
            began=self.began,
            lags_us=lags,
            bin_counts=tuple(bin_counts.tolist()),
            slips=slips,
            certificate=certificate,
            is_over=is_over,
            damaged_lines=self.damaged_lines,
        )
        return self._cached_timing
