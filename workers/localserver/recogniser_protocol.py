"""The messages between the server and its recogniser processes, and how they are framed.

A recogniser reports the *open turn* of a stream: each report replaces the previous one, until one
says that the turn has ended. `turns` builds the client's messages from these reports. Both ends
always run the same version of the program, since one starts the other, so messages are pickled.
"""

import pickle
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, NewType, TypeAlias

StreamId = NewType("StreamId", int)

REPORT_INTERVAL_MS = 500
"""A stream reports its position at least once in this many ms of audio."""


class Encoding(Enum):
    """Sample format of the client's audio; the values are those of the protocol."""

    PCM_S16LE = "pcm_s16le"
    PCM_MULAW = "pcm_mulaw"

    @property
    def bytes_per_sample(self) -> int:
        return 2 if self is Encoding.PCM_S16LE else 1


@dataclass(frozen=True, slots=True)
class Endpointing:
    """What counts as speech, when partial turns start and when a turn ends. Times in ms of audio.

    A turn ends after ``min_turn_silence`` if its end-of-turn confidence reaches
    ``end_of_turn_threshold``, and after ``max_turn_silence`` in any case.
    """

    min_turn_silence: int
    max_turn_silence: int
    end_of_turn_threshold: float = 0.5
    vad_threshold: float = 0.4  # speech probability from which a frame counts as voiced
    first_partial_ms: int = 300  # speech before the first partial of a turn
    continuous_partials: bool = True
    """False: after the first partial of a turn, further ones are sent only at pauses."""


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """A word as the engine wrote it, punctuation included; times in ms of the stream."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None  # None if the engine reports none


RecognisedWords: TypeAlias = tuple[RecognisedWord, ...]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """All words of the open turn, as recognised so far."""

    words: RecognisedWords
    settled_count: int = 0  # number of words at the start that will no longer change
    end_of_turn: bool = False
    """True if the turn ended with these words; the next hypothesis belongs to the next turn."""
    end_of_turn_confidence: float = 0.0


# --- server to recogniser -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """Starts a stream of mono audio."""

    stream: StreamId
    sample_rate: int
    encoding: Encoding
    endpointing: Endpointing
    engine: str  # a name in `engine_registry.ENGINES`


@dataclass(frozen=True, slots=True)
class Audio:
    """Audio bytes as the client sent them."""

    stream: StreamId
    data: bytes


@dataclass(frozen=True, slots=True)
class Configure:
    """Applies new settings from the next sample on."""

    stream: StreamId
    endpointing: Endpointing


@dataclass(frozen=True, slots=True)
class Flush:
    """Ends the open turn now; the reply is `Flushed`. Audio may follow."""

    stream: StreamId


@dataclass(frozen=True, slots=True)
class Close:
    """Closes the stream and drops everything queued for it."""

    stream: StreamId


RecogniserCommand: TypeAlias = Open | Audio | Configure | Flush | Close

# --- recogniser to server -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """Reports that the default engine is loaded."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Reports that audio up to ``position_ms`` was processed; at least every `REPORT_INTERVAL_MS`.

    ``hypothesis`` is None if the open turn has not changed.
    """

    stream: StreamId
    position_ms: int
    hypothesis: Hypothesis | None = None
    silence_ms: int = 0  # silence just before ``position_ms``; 0 during speech
    speech_probability: float = 0.0
    """The highest speech probability of a frame since the last report, 0 to 1."""
    lag_s: float = 0.0  # seconds between the arrival of this audio and the report


@dataclass(frozen=True, slots=True)
class Flushed:
    """Replies to `Flush`: all earlier audio was recognised and reported, and the turn has ended."""

    stream: StreamId


@dataclass(frozen=True, slots=True)
class Lost:
    """Reports that the stream failed; the recogniser's log says why."""

    stream: StreamId


StreamReport: TypeAlias = Recognised | Flushed | Lost
RecogniserReport: TypeAlias = Ready | StreamReport


# --- framing ------------------------------------------------------------------------------------

MESSAGE_HEADER = struct.Struct("<I")
"""A message is this length in bytes, followed by a pickle of that length."""


def pack_message(message: RecogniserCommand | RecogniserReport) -> bytes:
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return MESSAGE_HEADER.pack(len(body)) + body


def read_commands(source: BinaryIO) -> Iterator[RecogniserCommand]:
    """Yields the commands of a blocking pipe until it ends; drops an incomplete last one."""
    while len(header := source.read(MESSAGE_HEADER.size)) == MESSAGE_HEADER.size:
        (length,) = MESSAGE_HEADER.unpack(header)
        body = source.read(length)
        if len(body) < length:
            return
        command: RecogniserCommand = pickle.loads(body)
        yield command
