"""Reads a WAV file, or samples without a header, while another program is still writing it.

Samples of a fixed size tell how much audio there is so far; `av_reader` follows other formats. A
writer that crashed leaves such a file too; it then ends with its last whole sample.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Self

import soundfile

from workers.audio.growing_bytes import GrowthWatch
from workers.audio.raw_encodings import SNDFILE_ENCODINGS
from workers.audio.reader import BLOCK_S, MAX_BLOCK_SAMPLES, SampleBlock, WaitCallback
from workers.audio.recording import Reader, Recording
from workers.audio.source import ReadOptions
from workers.audio.wav_layout import METADATA_CHUNKS, WAV_MAGIC, find_wav_audio, is_open_size
from workers.errors import Unreadable

_SAMPLE_BYTES = {
    "PCM_U8": 1, "PCM_S8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8,
    "ULAW": 1, "ALAW": 1,
}  # fmt: skip
"""Encodings whose samples can be read one by one."""

_16_BIT_ENCODINGS = frozenset(["PCM_U8", "PCM_S8", "PCM_16", "ULAW", "ALAW"])


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """How samples are written, and where they start in the file."""

    container: str
    """The name of the format; ``RAW`` without a header."""
    subtype: str
    endian: str
    rate: int
    """In Hz."""
    channels: int
    start: int
    """The byte at which the first sample starts."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return _SAMPLE_BYTES[self.subtype] * self.channels


class GrowingFile:
    """A file that another program may still write. Raises `Unreadable` if its header is not written
    yet, `NotFollowable` if its format cannot be followed."""

    def __init__(self, path: str, options: ReadOptions) -> None:
        try:
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115  (closed by `close`)
        except OSError as error:
            raise Unreadable(f"the file cannot be read ({error.strerror})") from error
        try:
            self.format = _raw_format(options) or _wav_format(path)
        except BaseException:
            self._file.close()
            raise
        self._watch = GrowthWatch(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """The size so far, in bytes."""
        return os.fstat(self._file.fileno()).st_size

    @property
    def frames_written(self) -> int:
        """How many samples of each channel there are so far."""
        return max(0, self._audio_end() - self.format.start) // self.format.frame_bytes

    def read_frames(self, first: int, count: int, dtype: str) -> SampleBlock:
        """Up to ``count`` samples of each channel from sample ``first`` on, as far as written."""
        written, file_format = self.frames_written, self.format
        count = max(0, min(count, written - first))
        position = file_format.start + first * file_format.frame_bytes
        content = os.pread(self._file.fileno(), count * file_format.frame_bytes, position)
        whole = len(content) // file_format.frame_bytes * file_format.frame_bytes
        block: SampleBlock
        block, _ = soundfile.read(
            BytesIO(content[:whole]),
            dtype=dtype,
            always_2d=True,
            format="RAW",
            subtype=file_format.subtype,
            endian=file_format.endian,
            samplerate=file_format.rate,
            channels=file_format.channels,
        )
        return block

    def is_finished(self) -> bool:
        """Whether its writer has closed it, or seems to have; see `GrowthWatch.is_finished`."""
        return self._watch.is_finished()

    def _audio_end(self) -> int:
        """The byte at which the audio ends so far: with the file, or before chunks of metadata that
        the writer has added at the end."""
        size, start = self.size, self.format.start
        if self.format.container == "RAW":
            return size
        order = ">" if self.format.endian == "BIG" else "<"
        declared = os.pread(self._file.fileno(), 4, start - 4)
        length: int = struct.unpack(f"{order}I", declared.rjust(4, b"\0"))[0]
        end = start + length
        if is_open_size(length) or end >= size:
            return size
        is_followed = os.pread(self._file.fileno(), 4, end + (length & 1)) in METADATA_CHUNKS
        return end if is_followed else size


class NotFollowable(Unreadable):
    """The format cannot be read while it is written."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "Stream it when it is complete.")


class GrowingReader:
    """An `AudioReader` of a growing file. ``wait`` None reads only what is there."""

    def __init__(self, path: str, options: ReadOptions, wait: WaitCallback | None) -> None:
        self._file = GrowingFile(path, options)
        self._wait = wait
        self.channels, self.samplerate = self._file.format.channels, self._file.format.rate
        self.is_16_bit = self._file.format.subtype in _16_BIT_ENCODINGS
        self.next_frame = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def iter_pieces(self, starts: Sequence[int], size: int) -> Iterator[SampleBlock]:
        for start in starts:
            yield self._file.read_frames(start, size, "float32")

    def iter_blocks(self, dtype: str, start_frame: int = 0) -> Iterator[SampleBlock]:
        self.next_frame = start_frame
        step = max(1, min(round(self.samplerate * BLOCK_S), MAX_BLOCK_SAMPLES // self.channels))
        while True:
            block = self._file.read_frames(self.next_frame, step, dtype)
            if len(block):
                self.next_frame += len(block)
                yield block
            elif self._wait is None or self._file.is_finished() or not self._wait():
                return


def probe_growing(path: str, options: ReadOptions) -> Recording:
    """Probes a file that is still being written; its length is what is there so far. Raises as
    `GrowingFile` does."""
    with GrowingFile(path, options) as file:
        sample_format, frames = file.format, file.frames_written
        return Recording(
            path=path,
            seconds=frames / sample_format.rate,
            rate=sample_format.rate,
            channels=sample_format.channels,
            frames=frames,
            format=f"{sample_format.container} {sample_format.subtype}",
            size=file.size,
            reader=Reader.GROWING,
            options=options,
            is_exact=False,
        )


def is_sample_file(path: str, options: ReadOptions) -> bool:
    """Whether a file has samples of a fixed size: a WAV file, or one without a header."""
    with open(path, "rb") as file:
        head = file.read(12)
    return options.raw is not None or (head[:4] in WAV_MAGIC and head[8:] in (b"WAVE", b""))


def _raw_format(options: ReadOptions) -> SampleFormat | None:
    raw = options.raw
    if raw is None:
        return None
    if raw.encoding not in SNDFILE_ENCODINGS:
        raise NotFollowable(f"{raw.encoding.value} cannot be read while it is written")
    subtype, endian = SNDFILE_ENCODINGS[raw.encoding]
    return SampleFormat("RAW", subtype, endian, raw.rate, raw.channels, 0)


def _wav_format(path: str) -> SampleFormat:
    with open(path, "rb") as file:
        layout = find_wav_audio(file)
    if layout is None:
        reason = "the header of the file is not written yet"
        raise Unreadable(reason, "Retry when its recorder has begun.")
    try:
        with soundfile.SoundFile(BytesIO(layout.header)) as header:
            subtype, channels, rate = header.subtype, header.channels, header.samplerate
    except soundfile.LibsndfileError as error:
        raise Unreadable("its WAV header cannot be read") from error
    if subtype not in _SAMPLE_BYTES:
        raise NotFollowable(f"WAV {subtype} cannot be read while it is written")
    endian = "BIG" if layout.header[:4] == b"RIFX" else "LITTLE"
    return SampleFormat("WAV", subtype, endian, rate, channels, layout.start)
