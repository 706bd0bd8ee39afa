"""An audio track of a file, as packets: opened with FFmpeg's libraries, through PyAV.

A file is opened by its content alone, through a file object of ours. FFmpeg may open nothing else:
no playlist, reference to another file or address in it is followed.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Self

from workers.audio.file_bytes import FileBytes
from workers.audio.growing_bytes import GrowingBytes
from workers.audio.segments import FileSegment, mp3_segments, ogg_segments
from workers.audio.source import RawEncoding, RawFormat, ReadOptions
from workers.errors import Unreadable

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream
    from av.container import InputContainer
    from av.packet import Packet

_DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,asf_o,au,avi,caf,dsf,dss,dts,dtshd,eac3,flac,flv,ilbc,loas,matroska,"
    "mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,nistsphere,nut,ogg,oma,qcp,rm,shn,tak,truehd,tta,voc,w64,"
    "wav,wtv,wv,g722,g726"
)
"""Containers of audio. Playlists, images and network formats are not among them."""

_CONTAINER_OPTIONS = {
    "format_whitelist": _DEMUXERS,
    "protocol_whitelist": "none",  # the file itself comes through a file object
}

_DECODERS = frozenset([
    "aac", "aac_latm", "ac3", "alac", "amrnb", "amrwb", "ape", "atrac1", "atrac3", "atrac3al",
    "atrac3plus", "atrac3plusal", "cook", "dca", "dss_sp", "dvaudio", "eac3", "evrc", "flac",
    "g722", "g723_1", "g726", "g726le", "g729", "gsm", "gsm_ms", "ilbc", "mace3", "mace6", "mlp",
    "mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float", "mpc7", "mpc8", "nellymoser", "opus",
    "qcelp", "qdm2", "qdmc", "ralf", "real_144", "real_288", "s302m", "shorten", "sipr", "speex",
    "tak", "truehd", "truespeech", "tta", "twinvq", "vorbis", "wavpack", "wmalossless", "wmapro",
    "wmav1", "wmav2", "wmavoice",
])  # fmt: skip
_DECODER_PREFIXES = ("pcm_", "adpcm_", "dsd_")
"""Decoders of recordings. Pictures are not even looked at: that would cost time and memory, and
their decoders are many and complex."""

_CONTAINER_NAMES = {"mov": "MP4", "matroska": "MKV", "asf": "WMA", "aac": "ADTS"}
"""What users call containers that FFmpeg names otherwise."""

_OTHER_CONTAINERS = (
    b"\x1aE\xdf\xa3", b"RIFF", b"fLaC", b"FORM", b"caff", b"0&\xb2u", b"FLV", b"#!AMR", b".snd",
)  # fmt: skip
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")
"""How files begin that are neither Ogg nor MP3."""

_MAX_MP4_BOXES = 1000

_G726_BITS = 4
"""Bits of a sample: 32 kbit/s at 8000 Hz, which nearly all files have."""

_INSTALL_HINT = "Install PyAV (pip install av), or convert the file to WAV or FLAC."
_CONVERT_HINT = "If it plays elsewhere, convert it: ffmpeg -i INPUT -ac 1 -ar 16000 OUTPUT.wav"
_RAW_HINT = "Samples without a header need --raw, such as --raw s16le:8000:1"

_MAX_FAILED_READS = 8
"""Failures to read a packet in a row, after which the rest of a file counts as lost."""


_FADE_IN_FRAMES = 4
"""Frames after a seek that a lossy decoder may not decode well: 80 ms of Opus (RFC 7845)."""

WHOLE_FILE = FileSegment()


class Loss:
    """Packets in a row that could not be read or decoded."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.reason = ""

    def add(self, seconds: float | None, reason: str) -> None:
        self.reason = f"audio is damaged ({reason})"
        self.seconds += seconds or 0.0

    def refusal(self) -> Unreadable:
        """Why nothing at all could be decoded."""
        return Unreadable(self.reason or "the file contains no audio", _CONVERT_HINT)


class AvTrack:
    """An open audio track of a file or of a segment. Raises `Unreadable` if there is none."""

    def __init__(
        self,
        path: str,
        options: ReadOptions,
        segment: FileSegment = WHOLE_FILE,
        growing: GrowingBytes | None = None,
    ) -> None:
        """``growing``: the file, if it is still being written; it is closed with the track."""
        with ExitStack() as stack:
            self._file = growing or FileBytes(path, segment.start, segment.end)
            stack.callback(self._file.close)
            try:
                container = _open_container(self._file, segment.demuxer, _raw_options(options.raw))
            except Unreadable as error:
                raise (_index_refusal(path) or error) from error
            self.container = stack.enter_context(container)
            self.stream = _choose_stream(self.container, options.track)
            self._stack = stack.pop_all()
        from av.stream import Discard

        for stream in self.container.streams:
            if stream is not self.stream:
                stream.discard = Discard.all  # not even read, where the container allows that
        self.stream.codec_context.thread_count = 1  # a session has one thread

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def container_name(self) -> str:
        """FFmpeg's first name of the container, e.g. ``mov``."""
        return self.container.format.name.split(",")[0]

    @property
    def format(self) -> str:
        """Container and encoding, e.g. ``MP4 AAC``; one word if both have one name."""
        name = self.container_name
        names = [_CONTAINER_NAMES.get(name, name), self.stream.codec_context.codec.canonical_name]
        return " ".join(dict.fromkeys(one.upper() for one in names))

    @property
    def read_share(self) -> float:
        """The share of the file before the place that was read last; more than 0."""
        return max(1, self._file.tell()) / max(1, self._file.size)

    def decode(self, packet: Packet[AudioStream] | None, loss: Loss) -> list[AudioFrame]:
        """Decodes a packet, or what is left if it is empty or None."""
        from av import FFmpegError

        seconds = 0.0 if packet is None else float((packet.duration or 0) * packet.time_base)
        if packet is not None and packet.has_sidedata("encryption_info"):
            loss.add(seconds, "it is encrypted")  # some of it would decode, to noise
            return []
        try:
            return self.stream.codec_context.decode(packet)
        except FFmpegError as error:  # at the end, it was flushed already
            if packet is not None and packet.size:
                loss.add(seconds, _words(error))
            return []

    def iter_frames_near(self, seconds: float, loss: Loss) -> Iterator[AudioFrame]:
        """Yields the frames from about this time on, without those in which a decoder that starts
        there still fades in."""
        from av import FFmpegError

        start_us = self.container.start_time or 0
        with suppress(FFmpegError):  # it cannot seek, and goes on where it is
            self.container.seek(start_us + round(seconds * 1_000_000))
            self.stream.codec_context.flush_buffers()
        frames = (
            frame for packet in self.iter_packets(loss) for frame in self.decode(packet, loss)
        )
        yield from islice(frames, _FADE_IN_FRAMES, None)

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
                loss.add(None, _words(error))
        yield None


def find_segments(path: str, options: ReadOptions) -> list[FileSegment]:
    """Returns the parts of a file that FFmpeg must decode one by one; most files have one."""
    if options.raw is not None:
        return [FileSegment(demuxer=options.raw.encoding.value)]
    with open(path, "rb") as file:
        head = file.read(16)
    if head.startswith(b"OggS"):
        return ogg_segments(path, options.track) or [WHOLE_FILE]
    if head.startswith(_OTHER_CONTAINERS) or head[4:8] in _MP4_BOXES:
        return [WHOLE_FILE]
    with AvTrack(path, options) as track:  # tags or junk may be in front of many kinds of file
        is_mp3 = track.container_name == "mp3"
    return (mp3_segments(path) if is_mp3 else []) or [WHOLE_FILE]


def _raw_options(raw: RawFormat | None) -> dict[str, str]:
    if raw is None or raw.encoding is not RawEncoding.G726:
        return {}
    return {"sample_rate": str(raw.rate), "code_size": str(_G726_BITS)}


def _open_container(
    file: FileBytes | GrowingBytes, demuxer: str | None, options: dict[str, str]
) -> InputContainer:
    try:
        import av
    except ImportError as error:
        reason = "this format is read by PyAV, which is not installed or does not load here"
        raise Unreadable(reason, _INSTALL_HINT) from error
    options = _CONTAINER_OPTIONS | {"codec_whitelist": _allowed_decoders()} | options
    try:
        return av.open(file, "r", format=demuxer, options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = f"the file cannot be read as audio ({_words(error)})"
        raise Unreadable(reason, f"{_CONVERT_HINT}. {_RAW_HINT}") from error


@cache
def _allowed_decoders() -> str:
    from av.codec import codecs_available

    return ",".join(name for name in codecs_available if _is_allowed(name))


def _is_allowed(decoder: str) -> bool:
    return decoder in _DECODERS or decoder.startswith(_DECODER_PREFIXES)


def _index_refusal(path: str) -> Unreadable | None:
    """Why an MP4 file that was never finished cannot be read; None if this is none."""
    position = 0
    names: list[bytes] = []
    with open(path, "rb") as file:
        end = os.fstat(file.fileno()).st_size
        while len(names) < _MAX_MP4_BOXES and len(head := file.read(16)) >= 8:
            size, name, long_size = struct.unpack(">I4sQ", head.ljust(16, b"\0"))
            names.append(name)
            size = long_size if size == 1 else size
            if size < 8:
                break
            position += size
            if position >= end:
                break
            file.seek(position)
    if names[:1] != [b"ftyp"] or b"moov" in names:
        return None
    reason = "its index is missing, because the file was cut short or its recorder did not end it"
    return Unreadable(reason, "Copy or record it again; some recorders can repair such a file.")


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
    # PyAV's types say that there always is one.
    return stream.codec_context is not None and _is_allowed(stream.codec_context.name)


def _words(error: Exception) -> str:
    """What an error of FFmpeg says, without what it says of our code."""
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text)[:1].lower() + str(text)[1:]
