"""What the server and its recogniser processes say to each other, and how it is framed.

A *line* is what the recogniser hears between two pauses; turns are made of lines by `turns`.
The two ends are always the same program version, one started by the other, hence pickle.
"""

import pickle
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, NewType, TypeAlias

StreamId = NewType("StreamId", int)


class Encoding(Enum):
    """How the client writes a sample; the values are the wire's."""

    PCM_S16LE = "pcm_s16le"
    PCM_MULAW = "pcm_mulaw"

    @property
    def sample_bytes(self) -> int:
        return 2 if self is Encoding.PCM_S16LE else 1


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word as the recogniser wrote it, with its punctuation; times in ms of the stream."""

    text: str
    start: int
    end: int

    def later(self, by: int) -> "HeardWord":
        return HeardWord(self.text, self.start + by, self.end + by)


@dataclass(frozen=True, slots=True)
class Line:
    """The latest reading of one line; it replaces earlier ones with the same number."""

    number: int
    words: tuple[HeardWord, ...]
    complete: bool


# --- server to recogniser -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """A new stream of mono audio begins."""

    stream: StreamId
    sample_rate: int
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples as the client sent them."""

    stream: StreamId
    data: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """Complete every line now; `Flushed` answers. Audio may follow."""

    stream: StreamId


@dataclass(frozen=True, slots=True)
class Close:
    """Nobody listens any more: drop what is queued."""

    stream: StreamId


Order: TypeAlias = Open | Audio | Flush | Close

# --- recogniser to server -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything up to ``position`` ms has been looked at; ``lines`` are those that changed."""

    stream: StreamId
    position: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Flushed:
    """All that was sent before the `Flush` has been reported, complete."""

    stream: StreamId


@dataclass(frozen=True, slots=True)
class Lost:
    """The stream cannot go on; the reason is in the recogniser's log."""

    stream: StreamId


StreamReport: TypeAlias = Heard | Flushed | Lost
Report: TypeAlias = Ready | StreamReport

# --- frames -------------------------------------------------------------------------------------

HEADER = struct.Struct("<I")
"""A frame is the length of its pickle, then the pickle."""


def frame(message: Order | Report) -> bytes:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def orders(source: BinaryIO) -> Iterator[Order]:
    """The orders of a blocking stream, until its end."""
    while len(header := source.read(HEADER.size)) == HEADER.size:
        (length,) = HEADER.unpack(header)
        body = source.read(length)
        if len(body) < length:
            return
        order: Order = pickle.loads(body)
        yield order
