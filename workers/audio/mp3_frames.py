"""Finds the frames of an MP3 file: how much audio it holds, and the files it was joined from.

Nothing in an MP3 file says reliably how long it is. A Xing or VBRI frame tells the length of what
was encoded in one go, and nothing about what was cut off or appended. So frames are counted. The
headers are those of ISO/IEC 11172-3, section 2.4.2.3, and 13818-3.
"""

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_BIT_RATES = {  # kbit/s by MPEG version 1 or 2, and layer
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""By the two bits of the version."""

_DECODER_DELAY = 529
"""Samples by which a decoder is late; LAME's tag does not count them."""

_MAX_PADDING_BYTES = 1 << 16
"""How many bytes after the last frame count as padding. More of them took the place of audio, as
in a download that reserved its space and never ended."""

_SYNC = re.compile(rb"\xff[\xe2-\xff]")
_INFO_WORDS = (b"Xing", b"Info", b"VBRI")
_ZEROS = re.compile(rb"\0+")
_INFO_OFFSETS = (36, 21, 13)
"""Where these words are in a frame: after the side information, by version and channels."""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What the header of a frame says."""

    length: int
    """Bytes to the next frame."""
    samples: int
    rate: int
    channels: int
    layer: int

    def is_like(self, other: "FrameHeader") -> bool:
        """Whether both belong to one stream."""
        mine, theirs = (
            (self.rate, self.channels, self.layer),
            (other.rate, other.channels, other.layer),
        )
        return mine == theirs


@dataclass(slots=True)
class Mp3Part:
    """Frames that follow each other, and were encoded in one go."""

    start: int
    """Where it begins in the file."""
    header: FrameHeader
    """That of its first frame."""
    end: int = 0
    frames: int = 0
    declared_frames: int = 0
    """How many frames its first one announces; 0 if it announces none."""
    padding_samples: tuple[int, int] = (0, 0)
    """What the encoder added at the beginning and at the end, by its own account."""
    lost_bytes: int = 0
    """How many bytes before it belong to no frame or tag."""
    is_cut: bool = False
    """Whether many bytes that belong to none end the file, and nothing tells its length."""

    @property
    def samples(self) -> int:
        before, after = self.padding_samples
        padding = before + (after if self.frames >= self.declared_frames else 0)
        return max(0, self.frames * self.header.samples - padding)

    @property
    def seconds(self) -> float:
        return self.samples / self.header.rate

    @property
    def missing_s(self) -> float:
        """How much of what its first frame announces is not there."""
        missing_frames = max(0, self.declared_frames - self.frames)
        return missing_frames * self.header.samples / self.header.rate

    @property
    def lost_s(self) -> float:
        """How much audio the lost bytes may have held, by the size of this part's frames."""
        frame_bytes = max(1, self.end - self.start) / max(1, self.frames)
        return self.lost_bytes / frame_bytes * self.header.samples / self.header.rate


def find_mp3_parts(path: str) -> list[Mp3Part]:
    """Returns the parts of an MP3 file. All but joined and damaged files have one."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _Scan(data).parts()


class _Scan:
    """Goes through a file from frame to frame."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._size = data, len(data)
        self._info_frames: set[int] = set()

    def parts(self) -> list[Mp3Part]:
        position = self._skip_tags(0)
        # Where frames would be that tell the length of a file; few of these are frames.
        found = (start for word in _INFO_WORDS for start in self._find_all(word, position))
        self._info_frames = {start - offset for start in found for offset in _INFO_OFFSETS}
        parts: list[Mp3Part] = []
        lost = 0
        while (header := self._frame_at(position)) or position < self._size:
            if header is not None:
                if position + header.length > self._size:
                    break  # the last frame was cut off
                part = self._count_frames(position, header)
                part.lost_bytes, lost, position = lost, 0, part.end
                parts.append(part)
            elif (after_tags := self._skip_tags(position)) > position:
                position = after_tags
            else:
                found_at = self._resync(position)
                lost += found_at - position
                position = found_at
        parts = [part for part in parts if part.frames]
        for part, following in pairwise(parts):
            if following.lost_bytes and not following.declared_frames:
                _continue_after_damage(part, following)
        if parts and not parts[-1].declared_frames and lost > _MAX_PADDING_BYTES:
            parts[-1].is_cut = True
        return parts

    def _count_frames(self, position: int, header: FrameHeader) -> Mp3Part:
        """Counts frames up to a tag, junk, or the beginning of another file."""
        data, size, info_frames = self._data, self._size, self._info_frames
        part = Mp3Part(position, header)
        if position in info_frames:
            _read_info(data[position : position + header.length], part)
            position += header.length
        lengths: dict[bytes, int] = {}  # this loop runs 140,000 times an hour
        count = 0
        while position not in info_frames:
            head = data[position : position + 4]
            length = lengths.get(head)
            if length is None:
                found = _parse_header(head)
                if found is None or not found.is_like(part.header):
                    break
                length = lengths[head] = found.length
            if position + length > size:
                break
            count += 1
            position += length
        part.frames, part.end = count, position
        return part

    def _frame_at(self, position: int) -> FrameHeader | None:
        """The frame at a position, if another one, a tag or the end of the file follows it."""
        header = _parse_header(self._data[position : position + 4])
        if header is None:
            return None
        after = position + header.length
        if after + 4 > self._size or self._skip_tags(after) > after:
            return header
        following = _parse_header(self._data[after : after + 4])
        return header if following is not None and following.layer == header.layer else None

    def _resync(self, position: int) -> int:
        """The next position with a frame; the end of the file if there is none."""
        for match in _SYNC.finditer(self._data, position + 1):
            if self._frame_at(match.start()) is not None:
                return match.start()
        return self._size

    def _find_all(self, word: bytes, start: int) -> Iterator[int]:
        while (start := self._data.find(word, start)) >= 0:
            yield start
            start += 1

    def _skip_tags(self, position: int) -> int:
        """The position after the tags that begin here (ID3v1 and v2, APEv2, Lyrics3)."""
        data = self._data
        while True:
            head = data[position : position + 32]
            if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80:
                length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
                position += 10 + length + (10 if head[5] & 0x10 else 0)
                padding = _ZEROS.match(data, position)  # some writers do not count it
                position = padding.end() if padding else position
            elif head[:3] == b"TAG":
                position += 128
            elif head[:8] == b"APETAGEX" and len(head) == 32:
                length, flags = struct.unpack("<I4xI", head[12:24])
                position += length + (32 if flags & 1 << 31 and flags & 1 << 29 else 0)
            elif head[:11] == b"LYRICSBEGIN":
                end = data.find(b"LYRICS200", position)
                position = end + 9 if end > 0 else self._size
            else:
                return min(position, self._size)


def _continue_after_damage(part: Mp3Part, following: Mp3Part) -> None:
    """Expects what the first part announces of both, since one goes on in the other."""
    lost_frames = round(following.lost_s * part.header.rate / part.header.samples)
    rest = part.declared_frames - part.frames - lost_frames
    following.declared_frames = max(0, rest)
    part.declared_frames = min(part.declared_frames, part.frames)
    part.padding_samples = (part.padding_samples[0], 0)


def _parse_header(head: bytes) -> FrameHeader | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bit_rate_index, rate_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bit_rate_index in (0, 15) or rate_index == 3:
        return None  # an index of 0 is a free bit rate, which is left to decoders
    generation = 1 if version == 3 else 2
    bit_rate = _BIT_RATES[generation, layer][bit_rate_index - 1] * 1000
    rate = _RATES_HZ[version][rate_index]
    samples = 384 if layer == 1 else 576 if layer == 3 and generation == 2 else 1152
    slot = 4 if layer == 1 else 1
    length = (samples // 8 * bit_rate // rate // slot + padding) * slot
    return FrameHeader(length, samples, rate, 1 if head[3] >> 6 == 3 else 2, layer)


def _read_info(frame: bytes, part: Mp3Part) -> None:
    """Reads a Xing or Info tag with LAME's extension, or a VBRI tag."""
    starts = [at for at in _INFO_OFFSETS if frame[at : at + 4] in _INFO_WORDS]
    info = frame[starts[0] :].ljust(160, b"\0") if starts else b""
    if info[:4] == b"VBRI":
        part.declared_frames = struct.unpack_from(">I", info, 14)[0]
    elif info:
        flags, at = info[7], 8
        if flags & 1:
            part.declared_frames = struct.unpack_from(">I", info, at)[0]
            at += 4
        at += 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
        if info[at : at + 4] in (b"LAME", b"Lavf", b"Lavc"):  # as FFmpeg, which decodes it
            delays = info[at + 21 : at + 24]
            delay, padding = delays[0] << 4 | delays[1] >> 4, (delays[1] & 15) << 8 | delays[2]
            part.padding_samples = (delay + _DECODER_DELAY, max(0, padding - _DECODER_DELAY))
