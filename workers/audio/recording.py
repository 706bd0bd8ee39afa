"""A recording: an audio file that can be streamed."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Annotated

from workers import ranges
from workers.audio.source import DEFAULT_OPTIONS, ReadOptions


class Reader(Enum):
    """Which decoder reads a recording."""

    SNDFILE = "sndfile"  # libsndfile
    WAV = "wav"  # libsndfile, behind a WAV header with the right sizes
    AV = "av"  # FFmpeg's libraries, through PyAV
    RAW = "raw"  # no header
    GROWING = "growing"  # samples of a fixed size, in a file that is still being written
    GROWING_AV = "growing av"  # FFmpeg's libraries, in such a file


@dataclass(frozen=True, slots=True)
class Damage:
    """A place of a recording whose audio is missing or cannot be decoded."""

    at_s: float
    """Where it is, in seconds of the audio that was decoded."""
    missing_s: float | None
    """How much is missing there; None if nothing tells."""
    reason: str


@dataclass(frozen=True, slots=True)
class ChannelMix:
    """How channels are added up where their plain mean would lose speech."""

    weights: tuple[float, ...]
    """The factor of each channel."""
    offset: float = 0.0
    """A constant that is taken from the sum; full scale is 1."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A readable audio file, as described by `probe`."""

    path: Annotated[str, ranges.PATH]
    """The path as given, or as found in a given folder."""
    seconds: Annotated[float, ranges.SECONDS]
    rate: Annotated[int, ranges.RATE_HZ]
    """Sample rate in Hz."""
    channels: Annotated[int, ranges.CHANNEL]
    frames: Annotated[int, ranges.COUNT]
    format: str
    """Container and encoding as libsndfile names them, e.g. ``WAV PCM_16``."""
    size: Annotated[int, ranges.FILE_BYTES]
    """Size of the file in bytes."""
    reader: Reader = Reader.SNDFILE
    options: ReadOptions = DEFAULT_OPTIONS
    """The options with which it was probed, and is read."""
    is_exact: bool = True
    """Whether ``seconds`` and ``frames`` were counted; False if they had to be estimated."""
    missing_seconds: Annotated[float, ranges.SECONDS] = 0.0
    """How much the header announces beyond what can be decoded."""
    warnings: tuple[str, ...] = ()
    """What is wrong with it, or was changed to make speech audible; each a sentence."""
    mix: ChannelMix | None = None
    """How channels become one; None is their mean."""

    @property
    def is_growing(self) -> bool:
        """Whether it is still being written."""
        return self.reader in (Reader.GROWING, Reader.GROWING_AV)

    @property
    def start_seconds(self) -> float:
        """Where streaming starts, in seconds of the file."""
        return self.options.start_s

    @property
    def end_seconds(self) -> float:
        """Where streaming ends, in seconds of the file: with the part, or with the file."""
        end_s = self.options.end_s
        return self.seconds if end_s is None else min(end_s, self.seconds)

    @property
    def part_seconds(self) -> float:
        """How much of the file is streamed."""
        return max(0.0, self.end_seconds - self.start_seconds)


def without_seeking(recording: Recording) -> Recording:
    """The recording, to be read from its beginning on the way to any sample.

    Positions in a damaged recording do not count what could not be decoded, but libsndfile would
    count it on a seek in a FLAC file.
    """
    is_flac = recording.reader is Reader.SNDFILE and recording.format.startswith("FLAC")
    return replace(recording, reader=Reader.AV) if is_flac else recording


def clock(seconds: float) -> str:
    """A position in a recording, e.g. ``1:05:09`` or ``5:09``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
