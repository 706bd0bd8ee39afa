"""Encodes sound with FFmpeg's libraries, for tests of recordings that libsndfile cannot write."""

import tempfile
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.support.tones import Samples

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 6: "5.1", 8: "7.1"}
_PICTURES_PER_S = 25


def encode(
    container: str,
    codec: str,
    *tracks: Samples,
    rate: int,
    bit_rate: int | None = None,
    options: Mapping[str, str] | None = None,
    codec_options: Mapping[str, str] | None = None,
    languages: Sequence[str] = (),
    video: str = "",
    has_subtitles: bool = False,
) -> bytes:
    """The bytes of a file with these audio tracks; each is mono, or samples × channels.

    ``options`` are those of the container. ``video``: also dark pictures, in this codec.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"  # not in memory, because some muxers read it again
        with av.open(path, "w", format=container, options=dict(options or {})) as file:
            pictures: Any = file.add_stream(video, rate=_PICTURES_PER_S) if video else None
            streams: list[Any] = []
            for number, track in enumerate(tracks):
                layout = _LAYOUTS[1 if track.ndim == 1 else track.shape[1]]
                extra = dict(codec_options or {})
                stream: Any = file.add_stream(codec, rate=rate, layout=layout, options=extra)
                if bit_rate:
                    stream.bit_rate = bit_rate
                if languages:
                    stream.metadata["language"] = languages[number]
                streams.append(stream)
            subtitles: Any = file.add_stream("ass") if has_subtitles else None
            packets = _dark_pictures(pictures, len(tracks[0]) / rate) if video else []
            if has_subtitles:
                packets += _subtitles(subtitles, len(tracks[0]) / rate)
            for stream, track in zip(streams, tracks, strict=True):
                packets += _audio_packets(stream, track, rate)
            for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
                file.mux(packet)
        return path.read_bytes()


def _audio_packets(stream: Any, track: Samples, rate: int) -> list[Any]:
    samples = np.ascontiguousarray(track, dtype=np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, "flt", stream.codec_context.layout.name)
    frame.sample_rate, frame.pts = rate, 0
    return [*stream.encode(frame), *stream.encode(None)]


def _subtitles(stream: Any, seconds: float) -> list[Any]:
    packets = []
    for second in range(int(seconds)):
        packet: Any = av.Packet(f"{second},0,Default,,0,0,0,,Second {second}".encode())
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = second * 1000
        packet.duration = 1000
        packets.append(packet)
    return packets


def _dark_pictures(stream: Any, seconds: float) -> list[Any]:
    stream.width = stream.height = 32
    stream.pix_fmt = "yuv420p"
    packets = []
    for _ in range(round(seconds * _PICTURES_PER_S)):
        planes = np.zeros((48, 32), np.uint8)
        packets += stream.encode(av.VideoFrame.from_ndarray(planes, "yuv420p"))
    return [*packets, *stream.encode(None)]
