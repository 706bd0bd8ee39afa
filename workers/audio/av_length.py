"""Counts the audio of a track by its packets, without decoding them."""

from __future__ import annotations

import os
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.audio.av_track import AvTrack, Loss, find_segments
from workers.audio.ogg_links import OPUS_RATE_HZ, opus_samples
from workers.audio.segments import FileSegment
from workers.audio.source import ReadOptions

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream
    from av.packet import Packet

_FIXED_SIZE_CODECS = frozenset(["aac", "aac_latm", "mp1", "mp2", "mp3"])
"""Codecs whose packets all hold the same number of samples, whatever a container says of them."""

_MAX_DELAY_PACKETS = 16
"""In how many packets at the beginning an encoder's delay may be. Asking each packet is slow."""

_COUNT_TIMEOUT_S = 10.0
"""How long packets are counted. The length of a longer film on a slow disk is estimated."""

_MAX_CAF_CHUNKS = 1000

_PACKET_SAMPLES = {"amr_nb": 160, "amr_wb": 320}
"""The same, for codecs whose decoder does not tell how many."""

_LATE_FRAME_CODECS = frozenset(["wmav1", "wmav2"])
"""Codecs whose decoder returns nothing for the first frame."""

_INDEPENDENT_CODECS = frozenset([
    "aac", "aac_latm", "ac3", "eac3", "alac", "flac", "opus", "tta", "wavpack",
])  # fmt: skip
"""Codecs whose packets can be decoded alone, so the last one tells whether the file is cut off."""

_DECLARING_CONTAINERS = frozenset([
    "mov", "matroska", "asf", "avi", "flac", "wav", "w64", "aiff", "wv", "tta", "ape", "tak",
])  # fmt: skip
"""Containers whose header tells how long the audio is. Others let FFmpeg estimate it."""


@dataclass(frozen=True, slots=True)
class AvProbe:
    """What is known of a track once its packets were counted."""

    rate: int
    channels: int
    format: str
    frames: int
    is_exact: bool
    """False if packets do not tell how long they are."""
    declared_s: float | None
    """The length that the container declares; None if it declares none."""
    is_cut: bool = False
    """Whether it ends in the middle of something, although nothing tells how much is missing."""


def probe_track(path: str, options: ReadOptions) -> AvProbe:
    """Probes the track that ``options`` choose; raises `Unreadable`."""
    segments = find_segments(path, options)
    if segments[0].seconds is None:
        return _count_packets(path, options, segments[0])
    seconds = sum(segment.seconds or 0.0 for segment in segments)
    with AvTrack(path, options, segments[0]) as track:
        first = _first_frame(track)
        return AvProbe(
            rate=first.sample_rate,
            channels=first.layout.nb_channels,
            format=track.format,
            frames=round(seconds * first.sample_rate),
            is_exact=True,
            declared_s=seconds + sum(segment.missing_s for segment in segments),
            is_cut=segments[-1].is_cut,
        )


def _first_frame(track: AvTrack) -> AudioFrame:
    loss = Loss()
    for packet in track.iter_packets(loss):
        for frame in track.decode(packet, loss):
            return frame
    raise loss.refusal()


def _count_packets(path: str, options: ReadOptions, segment: FileSegment) -> AvProbe:
    loss, first, last = Loss(), None, None
    is_counted, deadline = True, time.monotonic() + _COUNT_TIMEOUT_S
    with AvTrack(path, options, segment) as track:
        counter = _SampleCounter(track.stream)
        for packet in track.iter_packets(loss):
            if first is None:  # only a decoded frame tells the rate and the channels for certain
                first = next(iter(track.decode(packet, loss)), None)
                if first is not None and packet is not None:
                    counter.learn(packet, first)
            elif time.monotonic() > deadline:
                is_counted = False
                break
            if packet is not None and packet.size:
                counter.add(packet)
                last = packet
        if first is None:
            raise loss.refusal()
        is_cut = is_counted and last is not None and _is_cut(track, last)
        if last is not None and is_cut:
            counter.leave_out(last)
        elif last is not None:
            counter.finish(last)
        seconds, declared_s = counter.seconds(), _declared_seconds(track)
        if not is_counted:
            seconds, declared_s = seconds / track.read_share, None
        elif not counter.is_exact and declared_s is not None:
            seconds = declared_s
        if track.container_name == "caf":  # FFmpeg tells what is there
            declared_s = seconds * _declared_caf_share(path)
        return AvProbe(
            rate=first.sample_rate,
            channels=first.layout.nb_channels,
            format=track.format,
            frames=max(0, round(seconds * first.sample_rate)),
            is_exact=counter.is_exact and is_counted,
            declared_s=declared_s,
            is_cut=is_cut,
        )


def _is_cut(track: AvTrack, last: Packet[AudioStream]) -> bool:
    """Whether the last packet cannot be decoded."""
    codec = track.stream.codec_context.codec.canonical_name
    loss = Loss()
    if codec not in _INDEPENDENT_CODECS or track.decode(last, loss):
        return False
    return bool(loss.reason) or codec == "flac"  # whose decoder is silent about damage


class _SampleCounter:
    """Adds up the length of packets."""

    def __init__(self, stream: AudioStream) -> None:
        self._stream = stream
        self.codec = stream.codec_context.codec.canonical_name
        self._time_base = float(stream.time_base or 0)
        self._packets = self._bytes = self._opus_samples = self._trimmed = 0
        self._ticks = 0
        self._next_pts: int | None = None
        self._samples_per_byte = 0.0
        self._late_samples = 0
        self.is_exact = True

    def learn(self, packet: Packet[AudioStream], frame: AudioFrame) -> None:
        """Learns from the first frame what packets do not tell."""
        if self.codec.startswith("pcm_") and packet.size:
            self._samples_per_byte = frame.samples / packet.size
        if self.codec in _LATE_FRAME_CODECS:
            self._late_samples = frame.samples

    def add(self, packet: Packet[AudioStream]) -> None:
        self._packets += 1
        self._bytes += packet.size
        if self._packets <= _MAX_DELAY_PACKETS:
            self._add_trimmed(packet)
        if self.codec == "opus":
            self._opus_samples += opus_samples(bytes(packet))
        elif self.codec not in _FIXED_SIZE_CODECS:
            self._add_ticks(packet)

    def _add_ticks(self, packet: Packet[AudioStream]) -> None:
        """Adds a packet by its times. Where one follows the other, the start of the next one is
        the more precise, since some containers round durations to milliseconds."""
        duration, pts = packet.duration or 0, packet.pts
        if not duration and not self._samples_per_byte:
            self.is_exact = False
        if pts is not None and self._next_pts is not None and abs(pts - self._next_pts) <= 1:
            self._ticks += pts - self._next_pts
        self._ticks += duration
        self._next_pts = None if pts is None else pts + duration

    def finish(self, last: Packet[AudioStream]) -> None:
        """Call this with the packet that was added last."""
        if self._packets > _MAX_DELAY_PACKETS:
            self._add_trimmed(last)

    def _add_trimmed(self, packet: Packet[AudioStream]) -> None:
        """Adds what decoders leave out: an encoder's delay, and padding at the end."""
        if packet.has_sidedata("skip_samples"):
            start, end = struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))
            self._trimmed += start + end

    def leave_out(self, last: Packet[AudioStream]) -> None:
        """Takes back the packet that was added last."""
        self._packets -= 1
        self._ticks -= last.duration or 0
        if self.codec == "opus":
            self._opus_samples -= opus_samples(bytes(last))

    def seconds(self) -> float:
        """How long the packets are in all, without what a decoder leaves out."""
        decoder = self._stream.codec_context
        rate = decoder.sample_rate or 1
        if self.codec == "opus":
            length_s = self._opus_samples / OPUS_RATE_HZ
        elif packet_samples := _PACKET_SAMPLES.get(self.codec):
            length_s = self._packets * packet_samples / rate
        elif self.codec in _FIXED_SIZE_CODECS:
            length_s = self._packets * decoder.frame_size / rate
        elif self._samples_per_byte:
            length_s = self._bytes * self._samples_per_byte / rate
        else:
            length_s = self._ticks * self._time_base
        return length_s - (self._trimmed + self._late_samples) / rate


def _declared_caf_share(path: str) -> float:
    """How much audio the header of a CAF file declares, as a share of what is there."""
    size, position = os.path.getsize(path), 8
    with open(path, "rb") as file:
        for _ in range(_MAX_CAF_CHUNKS):
            file.seek(position)
            head = file.read(12)
            if len(head) < 12:
                break
            name, length = struct.unpack(">4sq", head)
            position += 12
            if name == b"data":
                return length / (size - position) if 0 < size - position < length else 1.0
            if length < 0:
                break
            position += length
    return 1.0


def _declared_seconds(track: AvTrack) -> float | None:
    container, stream = track.container, track.stream
    if track.container_name not in _DECLARING_CONTAINERS:
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if container.duration and len(container.streams) == 1:
        return container.duration / 1_000_000
    return None
