"""What the server and its recogniser processes say to each other, and how it is framed.

A recogniser tells of the *open turn* of a stream: all of it, again and again, each time replacing
what it said before, until it says that the turn is over. How that is worded for a client is the
business of `turns`. The two ends are always the same program version, one started by the other,
hence pickle.
"""

import pickle
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, NewType, Protocol, TypeAlias

StreamId = NewType("StreamId", int)


class Encoding(Enum):
    """How the client writes a sample; the values are the wire's."""

    PCM_S16LE = "pcm_s16le"
    PCM_MULAW = "pcm_mulaw"

    @property
    def bytes_per_sample(self) -> int:
        return 2 if self is Encoding.PCM_S16LE else 1


@dataclass(frozen=True, slots=True)
class Endpointing:
    """When somebody speaks, when that is told, and when a turn is over. Times are ms of audio.

    A turn ends after ``min_turn_silence`` if what was said looks finished, that is, if the
    confidence of its end reaches ``threshold``; after ``max_turn_silence`` in any case.
    """

    min_turn_silence: int
    max_turn_silence: int
    end_of_turn_threshold: float = 0.5
    vad_threshold: float = 0.4
    """Probability from which the voice-activity detector's frame counts as speech."""
    first_partial_ms: int = 300
    """Speech that is waited for before the first partial of a turn."""
    continuous_partials: bool = True
    """False: after the first partial of a turn, only pauses bring further ones."""


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """A word as the recogniser wrote it, with its punctuation; times in ms of the stream."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None
    """None when the engine gives none."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """All that is heard of the open turn."""

    words: tuple[RecognisedWord, ...]
    settled_count: int = 0
    """So many of the words, from the first, will stay as they are."""
    end_of_turn: bool = False
    """The turn ended with the last word; the next reading is of the next turn."""
    end_of_turn_confidence: float = 0.0


# --- server to recogniser -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """A new stream of mono audio begins."""

    stream: StreamId
    sample_rate: int
    encoding: Encoding
    endpointing: Endpointing
    engine: str
    """Name of the engine that reads it; see `engines`."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples as the client sent them."""

    stream: StreamId
    data: bytes


@dataclass(frozen=True, slots=True)
class Configure:
    """From the next sample on."""

    stream: StreamId
    endpointing: Endpointing


@dataclass(frozen=True, slots=True)
class Flush:
    """End the open turn now; `Flushed` answers. Audio may follow."""

    stream: StreamId


@dataclass(frozen=True, slots=True)
class Close:
    """Nobody listens any more: drop what is queued."""

    stream: StreamId


RecogniserCommand: TypeAlias = Open | Audio | Configure | Flush | Close

# --- recogniser to server -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """The default engine is loaded."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Everything up to ``position`` ms has been listened to. Told at least twice a second of audio.

    ``reading`` is None when there is nothing new to say of the open turn.
    """

    stream: StreamId
    position_ms: int
    hypothesis: Hypothesis | None = None
    silence_ms: int = 0
    """Ms of silence up to ``position``; 0 while somebody speaks."""
    speech_probability: float = 0.0
    """The highest of the voice-activity detector since the last report, 0 to 1."""
    lag_s: float = 0.0
    """Seconds for which the audio of this reading has waited in the recogniser."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """All that was sent before the `Flush` has been reported, its turn ended."""

    stream: StreamId


@dataclass(frozen=True, slots=True)
class Lost:
    """The stream cannot go on; the reason is in the recogniser's log."""

    stream: StreamId


StreamReport: TypeAlias = Recognised | Flushed | Lost
RecogniserReport: TypeAlias = Ready | StreamReport


class SpeechStream(Protocol):
    """One session's audio on its way to be recognised, and what is heard of it."""

    async def feed(self, data: bytes) -> None:
        """Takes a chunk as the client sent it."""

    async def configure(self, endpointing: Endpointing) -> None:
        """Changes the settings from the next chunk on."""

    async def flush(self) -> None:
        """Asks for the end of the open turn; `Flushed` will be reported."""

    async def next_report(self) -> StreamReport:
        """The next report; waits for it."""


# --- frames -------------------------------------------------------------------------------------

MESSAGE_HEADER = struct.Struct("<I")
"""A frame is the length of its pickle, then the pickle."""


def pack_message(message: RecogniserCommand | RecogniserReport) -> bytes:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return MESSAGE_HEADER.pack(len(body)) + body


def read_commands(source: BinaryIO) -> Iterator[RecogniserCommand]:
    """The orders of a blocking stream, until its end."""
    while len(header := source.read(MESSAGE_HEADER.size)) == MESSAGE_HEADER.size:
        (length,) = MESSAGE_HEADER.unpack(header)
        body = source.read(length)
        if len(body) < length:
            return
        order: RecogniserCommand = pickle.loads(body)
        yield order
