"""Finds the audio in a WAV file whose header may be wrong about sizes.

A recorder that crashed leaves a size of 0, a program that wrote to a pipe leaves a placeholder, a
size beyond 4 GB wraps around, and some writers count only a part. Then the audio ends where the
file does, or before chunks of metadata at its end.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

METADATA_CHUNKS = frozenset([
    b"LIST", b"bext", b"cart", b"id3 ", b"ID3 ", b"iXML", b"axml", b"chna", b"cue ", b"smpl",
    b"inst", b"plst", b"acid", b"afsp", b"fact", b"PEAK", b"levl", b"link", b"DISP", b"JUNK",
    b"junk", b"PAD ", b"FLLR", b"_PMX", b"aXML", b"minf", b"elm1", b"regn", b"umid", b"SAUR",
    b"ResU", b"SyLp", b"strc", b"tlst", b"MARK", b"labl", b"note", b"mext", b"qlty", b"dbmd",
])  # fmt: skip
"""Chunks that programs write after the audio."""

_MAX_TAIL_BYTES = 4 << 20
"""How far before the end of a file chunks of metadata are looked for."""

_MAX_PADDING_BYTES = 1 << 16
"""How many zeros after the audio count as padding; more of them are silence that was recorded."""

_MAX_STRAY_BYTES = 4096
"""How much that is no chunk may follow a file that is complete by both of its sizes. Some programs
append a signature. More of it is audio, since recorders that crash leave old sizes behind."""

_MAX_HEADER_CHUNKS = 1000

_OPEN_SIZES = (range(0, 1), range(0x7FFF0000, 0x80010000), range(0xFFFF0000, 1 << 32))
"""Sizes that stand for an unknown length. Writers subtract their header from all ones, or round."""


WAV_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"BW64")
"""How WAV files begin."""


@dataclass(frozen=True, slots=True)
class WavLayout:
    """Where the audio of a WAV file is."""

    header: bytes
    """A header with the right sizes, to be read before the audio."""
    start: int
    end: int
    """Where the audio ends in the file."""
    declared_end: int | None
    """Where it ends by the header; None if the header leaves that open."""
    file_size: int

    @property
    def is_header_right(self) -> bool:
        """Whether the header leads a decoder to all of the audio, and to nothing else."""
        declared_end = self.declared_end
        return declared_end is not None and self.end == min(declared_end, self.file_size)

    @property
    def missing_share(self) -> float:
        """How much more audio the header declares, as a share of what is there."""
        if self.declared_end is None or self.end <= self.start:
            return 0.0
        return max(0, self.declared_end - self.end) / (self.end - self.start)


def is_open_size(length: int) -> bool:
    """Whether a size in a header stands for an unknown length."""
    return any(length in sizes for sizes in _OPEN_SIZES)


def find_wav_audio(file: BinaryIO) -> WavLayout | None:
    """Returns the layout of a WAV file; None if this is none, or has no audio chunk."""
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    magic = file.read(12)
    if magic[:4] not in WAV_MAGIC or magic[8:] != b"WAVE":
        return None
    order = ">" if magic[:4] == b"RIFX" else "<"
    riff_end = 8 + struct.unpack(f"{order}I", magic[4:8])[0]
    long_size, format_chunk = 0, b""
    for name, start, length in _chunks(file, 12, order):
        if name == b"ds64":
            (long_size,) = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))
        elif name == b"fmt ":
            format_chunk = file.read(min(length, 1 << 12))
        elif name == b"data":
            if not format_chunk:
                return None
            if length == 0xFFFFFFFF and long_size:
                length = long_size
            is_open = is_open_size(length) and (not length or start + length > size)
            declared_end = None if is_open else start + length
            if declared_end is not None and _has_stray_bytes(declared_end, riff_end, size):
                end = declared_end
            else:
                end = _audio_end(file, start, declared_end, size, order)
            header = _header(format_chunk, end - start, order)
            return WavLayout(header, start, end, declared_end, size)
    return None


def _chunks(file: BinaryIO, position: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, first byte and length of the chunks from a position on."""
    for _ in range(_MAX_HEADER_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return
        name, length = struct.unpack(f"{order}4sI", head)
        yield name, position + 8, length
        position += 8 + length + (length & 1)


def _audio_end(file: BinaryIO, start: int, declared_end: int | None, size: int, order: str) -> int:
    """Where the audio ends: as declared if something else follows, or else with the file."""
    if (
        declared_end is not None
        and declared_end <= size
        and (_is_padding(file, declared_end, size) or _is_metadata(file, declared_end, size, order))
    ):
        return declared_end
    # The header is wrong. Only chunks that reach exactly to the end of the file are no audio.
    tail_start = max(start, size - _MAX_TAIL_BYTES)
    file.seek(tail_start)
    tail = file.read(size - tail_start)
    candidates = sorted(
        tail_start + at for name in METADATA_CHUNKS for at in _occurrences(tail, name)
    )
    return next((at for at in candidates if _reaches_end(file, at, size, order)), size)


def _has_stray_bytes(declared_end: int, riff_end: int, size: int) -> bool:
    return declared_end in (riff_end, riff_end - 1) and 0 < size - riff_end < _MAX_STRAY_BYTES


def _occurrences(content: bytes, name: bytes) -> Iterator[int]:
    at = content.find(name)
    while at >= 0:
        yield at
        at = content.find(name, at + 1)


def _is_padding(file: BinaryIO, position: int, size: int) -> bool:
    """Whether nothing but zeros follows, and not many."""
    if size - position > _MAX_PADDING_BYTES:
        return False
    file.seek(position)
    return not any(file.read(size - position))


def _is_metadata(file: BinaryIO, position: int, size: int, order: str) -> bool:
    """Whether chunks of metadata, or other tags, begin here."""
    for padding in (0, 1):  # some writers forget to pad a chunk to an even length
        file.seek(position + padding)
        name = file.read(4)
        if name in METADATA_CHUNKS or name[:3] in (b"ID3", b"TAG"):
            return True
        if _reaches_end(file, position + padding, size, order):
            return True
    return False


def _reaches_end(file: BinaryIO, position: int, size: int, order: str) -> bool:
    """Whether chunks with printable names reach from here exactly to the end of the file."""
    for name, start, length in _chunks(file, position, order):
        if not name.isascii() or not name.decode("ascii").isprintable() or name in WAV_MAGIC:
            return False  # a second WAV file holds audio too
        if start + length in (size, size - 1) or (length & 1 and start + length + 1 == size):
            return True
        if start + length > size:
            return False
    return False


def _header(format_chunk: bytes, length: int, order: str) -> bytes:
    """A WAV header for this many bytes of audio; RF64 if they are too many for WAV (EBU 3306)."""
    fmt = struct.pack(f"{order}4sI", b"fmt ", len(format_chunk)) + format_chunk
    fmt += b"\0" * (len(fmt) & 1)
    total = 4 + len(fmt) + 8 + length
    if total + 36 < 0xFFFF0000:
        name = b"RIFX" if order == ">" else b"RIFF"
        riff = struct.pack(f"{order}4sI4s", name, total, b"WAVE")
        return riff + fmt + struct.pack(f"{order}4sI", b"data", length)
    ds64 = struct.pack("<4sIQQQI", b"ds64", 28, total + 36, length, 0, 0)
    riff = struct.pack("<4sI4s", b"RF64", 0xFFFFFFFF, b"WAVE")
    return riff + ds64 + fmt + struct.pack("<4sI", b"data", 0xFFFFFFFF)
