"""Reads recordings with FFmpeg's libraries: every format that libsndfile cannot read."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import soxr

from workers.audio.av_track import AvTrack, Loss, find_segments
from workers.audio.reader import (
    BLOCK_S,
    MAX_BLOCK_SAMPLES,
    DamageCallback,
    SampleBlock,
    SkipCallback,
)
from workers.audio.recording import Damage
from workers.audio.source import ReadOptions
from workers.errors import Unreadable

if TYPE_CHECKING:
    from av import AudioFrame


class AvReader:
    """An open recording, an `AudioReader`."""

    def __init__(
        self,
        path: str,
        options: ReadOptions,
        on_skip: SkipCallback = lambda: None,
        on_damage: DamageCallback = lambda damage: None,
    ) -> None:
        self._on_skip, self._on_damage = on_skip, on_damage
        self._path, self._options = path, options
        self._loss = Loss()
        self.next_frame = 0
        self._frames = self._decode()
        # Only a decoded frame tells the rate and the channels for certain.
        first = next(self._frames, None)
        if first is None:
            raise self._loss.refusal()
        self._first = first
        self.samplerate = first.sample_rate
        self.channels = first.layout.nb_channels
        self.is_16_bit = first.format.packed.name in ("u8", "s16")
        self._resampler: soxr.ResampleStream | None = None
        self._resampled_rate = self.samplerate

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._frames.close()

    def iter_blocks(self, dtype: str, start_frame: int = 0) -> Iterator[SampleBlock]:
        limit = max(1, min(round(self.samplerate * BLOCK_S), MAX_BLOCK_SAMPLES // self.channels))
        held: list[SampleBlock] = []
        held_frames = 0
        for samples in self._iter_samples(dtype, start_frame):
            held.append(samples)
            held_frames += len(samples)
            if held_frames >= limit:
                yield np.concatenate(held)
                held, held_frames = [], 0
        if held:
            yield np.concatenate(held)

    def iter_pieces(self, starts: Sequence[int], size: int) -> Iterator[SampleBlock]:
        segments = find_segments(self._path, self._options)
        if len(segments) > 1:  # few files are joined, and their beginning is decoded quickly
            blocks = self.iter_blocks("float32")
            yield from (block[:size] for _, block in zip(starts, blocks, strict=False))
            return
        loss = Loss()
        with AvTrack(self._path, self._options, segments[0]) as track:
            for start in starts:
                piece: list[SampleBlock] = []
                for frame in track.iter_frames_near(start / self.samplerate, loss):
                    if frame.sample_rate == self.samplerate:
                        piece.append(_convert(_samples(frame), "float32"))
                    if sum(map(len, piece)) >= size:
                        break
                if piece:
                    yield np.concatenate(piece)[:size]

    def _iter_samples(self, dtype: str, start_frame: int) -> Iterator[SampleBlock]:
        """Yields the samples of each frame. What comes before ``start_frame`` is decoded too, since
        a decoder that starts elsewhere returns other samples."""
        last_skip = 0
        for frame in chain([self._first], self._frames):
            is_same_rate = frame.sample_rate == self._resampled_rate == self.samplerate
            if is_same_rate and self.next_frame + frame.samples <= start_frame:
                self.next_frame += frame.samples
                if self.next_frame - last_skip > self.samplerate * BLOCK_S:
                    last_skip = self.next_frame
                    self._on_skip()
                continue
            for samples in self._conform(frame.sample_rate, _samples(frame)):
                skipped = max(0, start_frame - self.next_frame)
                self.next_frame += len(samples)
                if skipped < len(samples):
                    yield _convert(samples[skipped:], dtype)
        for samples in self._conform(self.samplerate, np.empty((0, self.channels), np.float32)):
            self.next_frame += len(samples)
            yield _convert(samples, dtype)
        self._report_loss()

    def _conform(self, rate: int, samples: SampleBlock) -> Iterator[SampleBlock]:
        """Yields samples at the rate and with the channels of the recording's beginning."""
        if rate != self._resampled_rate:
            if self._resampler is not None:
                rest = np.empty((0, self.channels), np.float32)
                yield self._resampler.resample_chunk(rest, last=True)
            self._resampled_rate, self._resampler = rate, None
            if rate != self.samplerate:
                self._resampler = soxr.ResampleStream(
                    rate, self.samplerate, self.channels, dtype="float32"
                )
        if samples.shape[1] != self.channels:
            mean = _convert(samples, "float32").mean(axis=1, keepdims=True)
            samples = np.repeat(mean, self.channels, axis=1)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(
                np.ascontiguousarray(_convert(samples, "float32"))
            )
        if len(samples):
            yield samples

    def _decode(self) -> Generator[AudioFrame]:
        """Yields decoded frames; leaves out what cannot be decoded."""
        for number, segment in enumerate(find_segments(self._path, self._options)):
            if segment.lost_s:
                self._loss.add(segment.lost_s, "bytes that are not audio")
            try:
                track = AvTrack(self._path, self._options, segment)
            except Unreadable as error:
                if not number:
                    raise
                self._loss.add(segment.seconds, error.reason)
                continue
            with track:
                for packet in track.iter_packets(self._loss):
                    if frames := track.decode(packet, self._loss):
                        self._report_loss()
                        yield from frames

    def _report_loss(self) -> None:
        """Reports the packets that were lost since the last good one."""
        if self._loss.reason and self.next_frame:
            missing_s = self._loss.seconds or None
            at_s = self.next_frame / self.samplerate
            self._on_damage(Damage(at_s, missing_s, self._loss.reason))
        self._loss = Loss()


def _samples(frame: AudioFrame) -> SampleBlock:
    """The samples of a frame, in its own format."""
    array = frame.to_ndarray()
    planes = array.T if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels)
    samples: SampleBlock = planes
    return samples


def _convert(samples: SampleBlock, dtype: str) -> SampleBlock:
    """Samples as ``int16`` or ``float32``."""
    if samples.dtype == np.uint8:
        samples = (samples.astype(np.int16) - 128) << 8
    if dtype == "int16":
        if samples.dtype == np.int16:
            return samples
        scaled = np.rint(_convert(samples, "float32") * 32768)
        clipped: SampleBlock = np.clip(scaled, -32768, 32767).astype(np.int16)
        return clipped
    if samples.dtype.kind == "i":
        return samples.astype(np.float32) / np.float32(-np.iinfo(samples.dtype).min)
    floats: SampleBlock = samples.astype(np.float32, copy=False)
    return floats
