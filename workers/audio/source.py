"""What a job streams: a file as the user named it, and which audio of it."""

import os
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Self

from workers import ranges


class RawEncoding(Enum):
    """How samples are written in a file without a header."""

    S16LE = "s16le"
    S16BE = "s16be"
    S8 = "s8"
    U8 = "u8"
    S24LE = "s24le"
    S32LE = "s32le"
    F32LE = "f32le"
    MULAW = "mulaw"
    ALAW = "alaw"
    G722 = "g722"
    G726 = "g726"


@dataclass(frozen=True, slots=True)
class RawFormat:
    """The format of a file without a header."""

    encoding: RawEncoding
    rate: Annotated[int, ranges.RATE_HZ]
    """Sample rate in Hz."""
    channels: Annotated[int, ranges.RAW_CHANNELS] = 1


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which audio of a file is read, and how."""

    track: Annotated[str, ranges.TRACK] = ""
    """The audio track: a number from 1, or a language; empty: the first."""
    channel: Annotated[int, ranges.CHANNEL] | None = None
    """The only channel to read, from 1; None mixes all of them."""
    speakers: tuple[str, ...] = ()
    """The names of the two speakers of a stereo call, left first: each channel is streamed by a
    session of its own. Empty: one session streams the recording."""
    raw: RawFormat | None = None
    """The format of a file without a header; None: the file describes itself."""
    start_s: Annotated[float, ranges.POSITION_S] = 0.0
    """Where streaming starts, in seconds of the file."""
    end_s: Annotated[float, ranges.POSITION_S] | None = None
    """Where it ends; None: with the file."""
    follow: bool = False
    """Whether the file is still being written."""


DEFAULT_OPTIONS = ReadOptions()
"""The first track of a file that describes itself, whole and mixed to mono."""


STDIN_NAME = "-"
"""The name of the standard input."""

HIDDEN_URL = "hidden"
"""What a run folder has in place of a URL with secrets."""


@dataclass(frozen=True, slots=True)
class Source:
    """A recording to stream, as the user named it."""

    file: Annotated[str, ranges.PATH]
    """Its path, as given or as found in a given folder; or its URL, without secrets."""
    options: ReadOptions = DEFAULT_OPTIONS
    params: tuple[tuple[str, str], ...] = ()
    """Connection parameters of this recording alone; they override those of the run."""
    metadata: tuple[tuple[str, str], ...] = ()
    """What a manifest says about it besides, by column."""
    conditions: tuple[tuple[str, str], ...] = ()
    """The settings of this recording alone, by name, in a run with a matrix."""
    relative_path: str = field(default="", compare=False)
    """Its path below the folder or manifest that the user named, by which shards and merged runs
    know it; empty if nobody named a list."""
    secret_url: str = field(default="", repr=False)
    """Its whole URL, if ``file`` leaves out a password or a query. It is never stored."""

    @property
    def is_local(self) -> bool:
        """Whether it is a file on this machine."""
        return not (self.is_stdin or self.is_remote)

    @property
    def is_stdin(self) -> bool:
        """Whether it is the standard input."""
        return self.file == STDIN_NAME

    @property
    def is_remote(self) -> bool:
        """Whether it is on the network."""
        return "://" in self.file and not os.path.lexists(self.file)

    @classmethod
    def of(cls, recording: "str | Source") -> Self:
        """The source itself, or that of a path without options."""
        return recording if isinstance(recording, cls) else cls(str(recording))
