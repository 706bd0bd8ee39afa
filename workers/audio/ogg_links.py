"""Finds the links of an Ogg file: streams one after the other, each with its own headers.

Recorders of radio stations write such files, and so do programs that join two. A decoder that knows
only the first link, or mistakes the second for damage, cuts the audio short. The length of a link
is the position of its last page (RFC 3533; RFC 7845, section 4, for Opus).
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

_CONTINUES, _BEGINS = 1, 2
_NO_POSITION = (1 << 64) - 1
OPUS_RATE_HZ = 48_000
_OPUS_FRAME_SAMPLES = (
    *(480, 960, 1920, 2880) * 3,  # SILK
    *(480, 960) * 2,  # hybrid
    *(120, 240, 480, 960) * 4,  # CELT
)
"""Samples of a frame by configuration number (RFC 6716, table 2)."""


@dataclass(frozen=True, slots=True)
class OggPage:
    """A page; ``position`` is that of the last sample of a packet that ends on it."""

    start: int
    end: int
    flags: int
    position: int | None
    serial: int
    body: int
    """Where its content begins."""
    segments: bytes


@dataclass(slots=True)
class OggStream:
    """An audio stream in a link."""

    codec: str
    rate: int
    """Of its positions, in Hz."""
    delay_samples: int = 0
    """What a decoder leaves out at the beginning."""
    first_position: int | None = None
    last_position: int | None = None
    first_samples: int = 0
    """The samples up to the first position. For other codecs than Opus, as many as fit."""
    packets: int = 0
    packet_samples: int = 0
    """How many samples a packet may hold; 0 for Opus, whose packets tell."""

    @property
    def seconds(self) -> float:
        if self.first_position is None or self.last_position is None:
            return 0.0
        if self.codec == "speex":  # its positions do not count what a decoder adds at the end
            return self.packets * self.packet_samples / self.rate
        start = max(0, self.first_position - self.first_samples)  # a live stream begins anywhere
        return max(0, self.last_position - start - self.delay_samples) / self.rate


@dataclass(slots=True)
class OggLink:
    """Streams that begin together."""

    start: int
    end: int = 0
    streams: dict[int, OggStream] = field(default_factory=dict)
    """Audio streams by serial number, in the order of the file."""
    is_cut: bool = False
    """Whether the file ends in the middle of one of its pages."""


def find_ogg_links(path: str) -> list[OggLink]:
    """Returns the links of an Ogg file that hold audio; empty if there are none."""
    links: list[OggLink] = []
    is_in_header = False
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for page in _pages(data):
            begins = bool(page.flags & _BEGINS)
            if begins and not is_in_header:
                links.append(OggLink(page.start))
            is_in_header = begins
            if not links:
                links.append(OggLink(page.start))
            link = links[-1]
            link.end = page.end
            if begins:
                if (stream := _stream(data[page.body : page.body + 80])) is not None:
                    link.streams[page.serial] = stream
            elif (known := link.streams.get(page.serial)) is not None:
                _add_page(known, page, data)
        if links:
            links[-1].is_cut = data.find(b"OggS", links[-1].end) >= 0
    return [link for link in links if link.streams]


def _pages(data: mmap.mmap) -> Iterator[OggPage]:
    """Yields all complete pages; skips what is none."""
    position, size = data.find(b"OggS"), len(data)
    while 0 <= position <= size - 27:
        flags, granule, serial, count = struct.unpack_from("<5xBQI8xB", data, position)
        body = position + 27 + count
        segments = data[position + 27 : body]
        end = body + sum(segments)
        if data[position : position + 5] != b"OggS\0" or end > size or len(segments) < count:
            position = data.find(b"OggS", position + 1)
            continue
        known = None if granule == _NO_POSITION else granule
        yield OggPage(position, end, flags, known, serial, body, segments)
        position = end


def _stream(head: bytes) -> OggStream | None:
    """The stream that this packet begins; None if it is not audio."""
    if head[:8] == b"OpusHead" and len(head) >= 19:
        return OggStream("opus", OPUS_RATE_HZ, struct.unpack_from("<H", head, 10)[0])
    if head[:7] == b"\x01vorbis" and len(head) >= 30:
        rate, block_sizes = struct.unpack_from("<I12xB", head, 12)
        return OggStream("vorbis", rate or 1, packet_samples=1 << max(1, block_sizes >> 4) - 1)
    if head[:5] == b"\x7fFLAC" and len(head) >= 51:
        rate = int.from_bytes(head[27:30], "big") >> 4
        return OggStream("flac", rate or 1, packet_samples=int.from_bytes(head[19:21], "big"))
    if head[:8] == b"Speex   " and len(head) >= 68:
        rate, frame_samples, frames = struct.unpack_from("<I16xI4xI", head, 36)
        return OggStream("speex", rate or 1, packet_samples=frame_samples * max(1, frames))
    return None


def _add_page(stream: OggStream, page: OggPage, data: mmap.mmap) -> None:
    if not page.position:  # headers are at position 0
        return
    packets = sum(one < 255 for one in page.segments)
    stream.packets += packets
    if stream.first_position is None:
        stream.first_position = page.position
        if stream.codec == "opus":
            stream.first_samples = sum(_opus_packet_samples(page, data))
        else:
            stream.first_samples = stream.packet_samples * packets
    stream.last_position = page.position


def _opus_packet_samples(page: OggPage, data: mmap.mmap) -> Iterator[int]:
    """Yields the samples of each packet that ends on a page."""
    start, length, is_continued = page.body, 0, bool(page.flags & _CONTINUES)
    for segment in page.segments:
        length += segment
        if segment < 255:
            if length and not is_continued:
                yield opus_samples(data[start : start + 2])
            start, length, is_continued = start + length, 0, False


def opus_samples(head: bytes) -> int:
    """How many samples of 48000 Hz an Opus packet with these first bytes holds (RFC 6716,
    section 3.1)."""
    size = _OPUS_FRAME_SAMPLES[head[0] >> 3]
    match head[0] & 3:
        case 0:
            return size
        case 1 | 2:
            return 2 * size
        case _:
            return size * (head[1] & 0x3F) if len(head) > 1 else 0
