"""Traces that were compressed after their attempts had ended: ``….trace.jsonl.zst``.

A compressed trace is a file of Zstandard frames, each with `FRAME_BYTES` of the trace, and a last
frame that lists them, as Zstandard's seekable format has it: every program that knows Zstandard
reads it, and readers of ours reach any line without decompressing what stands before it.
"""

import errno
import io
import os
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from workers import files
from workers.traces.files import COMPRESSED_SUFFIX

if sys.version_info >= (3, 14):
    from compression import zstd
else:  # the same library for earlier versions of Python
    from backports import zstd

FRAME_BYTES = 1 << 18
"""As much of a trace is decompressed to read any line of it, in a third of a millisecond."""
MAX_FRAMES = 1 << 20
LEVEL = 3
"""Of speech in JSON, a higher level saves a sixth more and takes four times as long."""

_SKIPPABLE, _SEEKABLE = 0x184D2A5E, 0x8F92EAB1
"""The magic numbers of the frame with the list, and of its end."""
_ENTRY, _HEAD, _FOOT = struct.Struct("<II"), struct.Struct("<II"), struct.Struct("<IBI")


def compress_trace(trace: Path) -> Path:
    """Replaces the trace of an attempt that has ended by a compressed one, and returns its path.
    Until that is on the disk, the trace stays. Raises `OSError`."""
    name = trace.name + COMPRESSED_SUFFIX
    with files.open_to_read(trace) as file, files.Folder.open(trace.parent) as folder:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        folder.replace({name: _frames(file)}, mode)
        folder.remove(trace.name)
    return trace.with_name(name)


def _frames(file: BinaryIO) -> Iterator[bytes]:
    """The frames of a compressed trace, and the list of them."""
    entries = []
    while block := file.read(FRAME_BYTES):
        frame = zstd.compress(block, LEVEL)
        entries.append(_ENTRY.pack(len(frame), len(block)))
        yield frame
    foot = _FOOT.pack(len(entries), 0, _SEEKABLE)
    yield _HEAD.pack(_SKIPPABLE, len(entries) * _ENTRY.size + len(foot))
    yield from entries
    yield foot


def open_compressed(path: Path) -> BinaryIO:
    """Opens a compressed trace to read and seek in it. Raises `OSError`, also for a damaged one."""
    return cast(BinaryIO, io.BufferedReader(_Frames(files.open_to_read(path)), FRAME_BYTES))


class _Frames(io.RawIOBase):
    """The content of a compressed trace; keeps one frame decompressed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        try:
            self._starts, self._places = _read_list(file)
        except BaseException:
            file.close()
            raise
        self._position = 0
        self._current, self._block = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._starts[-1]}
        self._position = max(0, base[whence] + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        if self._position >= self._starts[-1]:
            return 0
        number = bisect_right(self._starts, self._position) - 1
        if number != self._current:
            self._block, self._current = self._decompressed(number), number
        start = self._position - self._starts[number]
        piece = self._block[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _decompressed(self, number: int) -> bytes:
        size = self._starts[number + 1] - self._starts[number]
        self._file.seek(self._places[number])
        frame = self._file.read(self._places[number + 1] - self._places[number])
        try:
            block = zstd.ZstdDecompressor().decompress(frame, size + 1)
        except zstd.ZstdError as error:
            raise _damaged() from error
        if len(block) != size:
            raise _damaged()
        return block

    def close(self) -> None:
        self._file.close()
        super().close()


def _read_list(file: BinaryIO) -> "tuple[array[int], array[int]]":
    """Where each frame starts, in the trace and in the file; each with the end of the last one."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - _FOOT.size))
    foot = file.read(_FOOT.size)
    if len(foot) < _FOOT.size:
        raise _damaged()
    count, flags, magic = _FOOT.unpack(foot)
    listed = count * _ENTRY.size
    place = size - _FOOT.size - listed - _HEAD.size
    if magic != _SEEKABLE or flags or count > MAX_FRAMES or place < 0:
        raise _damaged()
    file.seek(place + _HEAD.size)
    starts, places = array("Q", [0]), array("Q", [0])
    for packed, plain in _ENTRY.iter_unpack(file.read(listed)):
        if not 0 < plain <= FRAME_BYTES:
            raise _damaged()
        starts.append(starts[-1] + plain)
        places.append(places[-1] + packed)
    if places[-1] != place:
        raise _damaged()
    return starts, places


def _damaged() -> OSError:
    return OSError(errno.EIO, "the compressed trace is damaged")
