"""Reads recordings with FFmpeg's libraries, through PyAV: every format that libsndfile cannot read.

A file is opened by its content alone, through a file object of ours. FFmpeg may open nothing else:
no playlist, reference to another file or address in it is followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import soxr

from workers.audio.file_bytes import FileBytes
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
    from av import AudioFrame, AudioStream
    from av.container import InputContainer
    from av.packet import Packet

_DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,asf_o,au,avi,caf,dsf,dss,dts,dtshd,eac3,flac,flv,loas,matroska,mlp,"
    "mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,nistsphere,nut,ogg,oma,qcp,rm,shn,tak,truehd,tta,voc,w64,"
    "wav,wtv,wv"
)
"""Containers of audio. Playlists, images and network formats are not among them."""

_CONTAINER_OPTIONS = {
    "format_whitelist": _DEMUXERS,
    "protocol_whitelist": "none",  # the file itself comes through a file object
}

_CONTAINER_NAMES = {"mov": "MP4", "matroska": "MKV", "asf": "WMA", "aac": "ADTS"}
"""What users call containers that FFmpeg names otherwise."""

_INSTALL_HINT = "Install PyAV (pip install av), or convert the file to WAV or FLAC."
_CONVERT_HINT = "If it plays elsewhere, convert it: ffmpeg -i INPUT -ac 1 -ar 16000 OUTPUT.wav"

_MAX_FAILED_READS = 8
"""Failures to read a packet in a row, after which the rest of a file counts as lost."""


class AvReader:
    """An open recording, an `AudioReader`."""

    seeks = False

    def __init__(
        self,
        path: str,
        options: ReadOptions,
        on_skip: SkipCallback = lambda: None,
        on_damage: DamageCallback = lambda damage: None,
    ) -> None:
        self._on_skip, self._on_damage = on_skip, on_damage
        self._loss = Loss()
        self.next_frame = 0
        with ExitStack() as stack:
            self._track = stack.enter_context(AvTrack(path, options.track))
            self._frames = self._decode()
            # Only a decoded frame tells the rate and the channels for certain.
            first = next(self._frames, None)
            if first is None:
                raise self._track.refusal(self._loss)
            self._frames = chain([first], self._frames)
            self._stack = stack.pop_all()
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
        self._stack.close()

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

    def _iter_samples(self, dtype: str, start_frame: int) -> Iterator[SampleBlock]:
        """Yields the samples of each frame. What comes before ``start_frame`` is decoded too, since
        a decoder that starts elsewhere returns other samples."""
        last_skip = 0
        for frame in self._frames:
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

    def _decode(self) -> Iterator[AudioFrame]:
        """Yields decoded frames; leaves out packets that cannot be decoded."""
        for packet in self._track.iter_packets(self._loss):
            frames = self._track.decode(packet, self._loss)
            if frames:
                self._report_loss()
                yield from frames

    def _report_loss(self) -> None:
        """Reports the packets that were lost since the last good one."""
        if self._loss.reason and self.next_frame:
            missing_s = self._loss.seconds or None
            at_s = self.next_frame / self.samplerate
            self._on_damage(Damage(at_s, missing_s, self._loss.reason))
        self._loss = Loss()


class Loss:
    """Packets in a row that could not be read or decoded."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.reason = ""

    def add(self, packet: Packet[AudioStream] | None, error: Exception) -> None:
        self.reason = f"the audio cannot be decoded ({_words(error)})"
        if packet is not None and packet.duration:
            self.seconds += float(packet.duration * packet.time_base)


class AvTrack:
    """An open audio track: its packets. Raises `Unreadable` if there is none."""

    def __init__(self, path: str, track: str) -> None:
        with ExitStack() as stack:
            file = stack.enter_context(FileBytes(path))
            self.container = stack.enter_context(_open_container(file))
            self.stream = _choose_stream(self.container, track)
            self._stack = stack.pop_all()
        from av.stream import Discard

        for stream in self.container.streams:
            if stream is not self.stream:
                stream.discard = Discard.all  # not even read, where the container allows that
        decoder = self.stream.codec_context
        decoder.thread_count = 1  # a session has one thread

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def format(self) -> str:
        """Container and encoding, e.g. ``MP4 AAC``."""
        name = self.container.format.name.split(",")[0]
        container = _CONTAINER_NAMES.get(name, name)
        return f"{container} {self.stream.codec_context.codec.canonical_name}".upper()

    def refusal(self, loss: Loss) -> Unreadable:
        """Why nothing could be decoded."""
        return Unreadable(loss.reason or "the file contains no audio", _CONVERT_HINT)

    def decode(self, packet: Packet[AudioStream] | None, loss: Loss) -> list[AudioFrame]:
        """Decodes a packet, or what is left if it is empty or None."""
        from av import FFmpegError

        try:
            return self.stream.codec_context.decode(packet)
        except FFmpegError as error:  # at the end, it was flushed already
            if packet is not None and packet.size:
                loss.add(packet, error)
            return []

    def iter_packets(self, loss: Loss) -> Iterator[Packet[AudioStream] | None]:
        """Yields all packets; goes on after what cannot be read. An empty packet or None at the end
        makes a decoder return what it still holds."""
        from av import FFmpegError

        failures = 0
        while failures < _MAX_FAILED_READS:
            try:
                for packet in self.container.demux(self.stream):
                    failures = 0
                    yield packet
                return
            except IndexError:  # PyAV fails at the end if other tracks appeared on the way
                break
            except FFmpegError as error:
                failures += 1
                loss.add(None, error)
        yield None


def _open_container(file: FileBytes) -> InputContainer:
    try:
        import av
    except ImportError as error:
        reason = "this format is read by PyAV, which is not installed or does not load here"
        raise Unreadable(reason, _INSTALL_HINT) from error
    try:
        return av.open(file, "r", options=_CONTAINER_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise Unreadable(
            f"the file cannot be read as audio ({_words(error)})", _CONVERT_HINT
        ) from error


def _choose_stream(container: InputContainer, track: str) -> AudioStream:
    streams = container.streams.audio
    if not streams:
        raise Unreadable("the file has no audio track", "It may hold only pictures or subtitles.")
    if not track:
        chosen = [stream for stream in streams if _has_decoder(stream)] or streams[:1]
    elif track.isdecimal():
        chosen = streams[int(track) - 1 : int(track)] if int(track) else ()
    else:
        chosen = [one for one in streams if (one.language or "").lower() == track.lower()]
    if not chosen:
        listed = ", ".join(f"{n} ({s.language or 'no language'})" for n, s in enumerate(streams, 1))
        raise Unreadable(f"the file has no audio track “{track}”", f"It has: {listed}.")
    if not _has_decoder(chosen[0]):
        reason = "its audio is encrypted, or in an encoding that cannot be decoded"
        raise Unreadable(reason, _CONVERT_HINT)
    return chosen[0]


def _has_decoder(stream: AudioStream) -> bool:
    return stream.codec_context is not None  # PyAV's types say that it always has one


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


def _words(error: Exception) -> str:
    """What an error of FFmpeg says, without what it says of our code."""
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text)[:1].lower() + str(text)[1:]
