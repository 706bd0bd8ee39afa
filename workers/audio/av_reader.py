"""Reads recordings with FFmpeg's libraries: every format that libsndfile cannot read."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import soxr

from workers.audio.av_track import WHOLE_FILE, AvTrack, Loss, find_segments
from workers.audio.growing_bytes import GrowingBytes
from workers.audio.reader import (
    BLOCK_S,
    MAX_BLOCK_SAMPLES,
    DamageCallback,
    SampleBlock,
    SkipCallback,
)
from workers.audio.recording import Damage
from workers.audio.segments import FileSegment
from workers.audio.source import ReadOptions
from workers.errors import Unreadable

if TYPE_CHECKING:
    from av import AudioFrame


_MAX_PADDING_SAMPLES = 4096
"""How much more than its length an Ogg stream may hold; beyond that, the length is wrong."""


_MAX_START_LOSS_S = 0.2


class _Decoded(NamedTuple):
    """Samples at a rate, in the format of their decoder."""

    rate: int
    samples: SampleBlock


_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
"""NumPy's types by FFmpeg's names of sample formats."""


class AvReader:
    """An open recording, an `AudioReader`."""

    def __init__(
        self,
        path: str,
        options: ReadOptions,
        on_skip: SkipCallback = lambda: None,
        on_damage: DamageCallback = lambda damage: None,
        growing: GrowingBytes | None = None,
    ) -> None:
        """``growing``: the file, if it is still being written."""
        self._on_skip, self._on_damage = on_skip, on_damage
        self._growing = growing
        self._path, self._options = path, options
        self._loss = Loss()
        self.next_frame = 0
        self._decoded = self._decode()
        # Only a decoded frame tells the rate and the channels for certain.
        first = next(self._decoded, None)
        if first is None:
            raise self._loss.refusal()
        self._first = first
        self.samplerate = first.rate
        self.channels = first.samples.shape[1]
        self.is_16_bit = first.samples.dtype in (np.uint8, np.int16)
        self._resampler: soxr.ResampleStream | None = None
        self._resampled_rate = self.samplerate

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._decoded.close()

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
        for rate, decoded in chain([self._first], self._decoded):
            is_same_rate = rate == self._resampled_rate == self.samplerate
            if is_same_rate and self.next_frame + len(decoded) <= start_frame:
                self.next_frame += len(decoded)
                if self.next_frame - last_skip > self.samplerate * BLOCK_S:
                    last_skip = self.next_frame
                    self._on_skip()
                continue
            for samples in self._conform(rate, decoded):
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

    def _decode(self) -> Generator[_Decoded]:
        """Yields all samples; leaves out what cannot be decoded."""
        if self._growing is not None:  # what must be looked for at its end is not there yet
            with AvTrack(self._path, self._options, growing=self._growing) as track:
                yield from self._decode_track(track, WHOLE_FILE)
            return
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
                yield from self._decode_track(track, segment)

    def _decode_track(self, track: AvTrack, segment: FileSegment) -> Iterator[_Decoded]:
        """Yields the samples of a segment. A little at the end of an Ogg stream is padding of the
        encoder, which FFmpeg keeps if the stream has a single page."""
        limit: int | None = None
        count = lost_samples = 0
        padding: list[_Decoded] = []
        for packet in track.iter_packets(self._loss):
            for frame in track.decode(packet, self._loss):
                samples, rate = _samples(frame), frame.sample_rate
                if track.container_name == "flac" and frame.time is not None:
                    # Its decoder is silent about damage, but frames tell their positions.
                    lost = round(frame.time * rate) - count - lost_samples
                    if count and lost > 0:
                        self._loss.add(lost / rate, "frames are missing")
                    lost_samples += lost
                self._report_loss()
                if not count and segment.demuxer == "ogg" and segment.seconds:
                    limit = round(segment.seconds * rate)
                kept = len(samples) if limit is None else max(0, limit - count)
                count += len(samples)
                if kept:
                    yield _Decoded(rate, samples[:kept])
                if kept < len(samples):
                    padding.append(_Decoded(rate, samples[kept:]))
                if limit is not None and count - limit > _MAX_PADDING_SAMPLES:
                    yield from padding
                    padding, limit = [], None

    def _report_loss(self) -> None:
        """Reports what was lost since the last good packet. A little at the beginning is normal for
        a recording that was cut out of a stream."""
        loss, self._loss = self._loss, Loss()
        if loss.reason and (self.next_frame or loss.seconds > _MAX_START_LOSS_S):
            at_s = self.next_frame / self.samplerate if self.next_frame else 0.0
            self._on_damage(Damage(at_s, loss.seconds or None, loss.reason))


def _samples(frame: AudioFrame) -> SampleBlock:
    """The samples of a frame, in its own format."""
    channels, dtype = frame.layout.nb_channels, _DTYPES[frame.format.packed.name]
    samples: SampleBlock
    if not frame.format.is_planar:
        packed = np.frombuffer(memoryview(frame.planes[0]), dtype, frame.samples * channels)
        samples = packed.reshape(-1, channels)
        return samples
    # Not `to_ndarray`: from 8 channels on, PyAV takes what follows the last plane for planes.
    planes = [
        np.frombuffer(memoryview(plane), dtype, frame.samples) for plane in frame.planes[:channels]
    ]
    samples = np.stack(planes, axis=1)
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
