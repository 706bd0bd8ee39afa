"""The entries of a session's log, and the kinds of violation."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from workers.protocol.codec import JsonObject
from workers.protocol.messages import ClientMessage


@dataclass(frozen=True, slots=True)
class Audio:
    """A chunk that the client sent."""

    milliseconds: float
    silent: bool = False
    """The chunk is digital silence."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A control message that the client sent."""

    message: ClientMessage


@dataclass(frozen=True, slots=True)
class Received:
    """A text frame that the client received, parsed and nothing more."""

    frame: JsonObject


@dataclass(frozen=True, slots=True)
class Closed:
    """The server closed; nothing can follow."""

    code: int
    reason: str


LogEntry: TypeAlias = Audio | Sent | Received | Closed
"""One entry of a log, in the order in which the client sent and received."""


class ViolationKind(Enum):
    """What a violation is about."""

    SHAPE = "shape"
    """A frame of an unknown type, or a field that is missing or of the wrong type."""
    BEGIN = "begin"
    """Not first, not once, or without what it must tell."""
    AFTER_THE_END = "after the end"
    """Something other than the close follows Termination or Error."""
    TERMINATION = "termination"
    """Nobody asked for it, or its durations cannot be."""
    ERROR = "error"
    """A code or words that the protocol does not have."""
    CLOSE = "close"
    """Code or reason do not follow from what was said last."""
    NOT_REQUESTED = "unasked"
    """An optional message, field or partial that this client did not want."""
    HEARTBEAT = "heartbeat"
    """Its figures cannot be."""
    SILENCE = "silence"
    """Ranges that are empty, overlap, go back or have not been sent yet."""
    ORDER = "order"
    """A turn that is skipped, or spoken of after its end."""
    SECOND_FINAL = "second final"
    """A turn that ended twice, and not for a formatted twin."""
    NO_FINAL = "no final"
    """A turn that never ended."""
    NO_FORMATTED_FINAL = "no twin"
    """Formatted turns were asked for, and this final was never formatted."""
    FINALITY = "finality"
    """``word_is_final`` is not as the family has it."""
    TRANSCRIPT = "transcript"
    """It is not made of the words."""
    UTTERANCE = "utterance"
    """It is not the next piece of the transcript."""
    FORMAT = "format"
    """``turn_is_formatted``, or capitals and punctuation, where they do not belong."""
    END_CONFIDENCE = "end confidence"
    """``end_of_turn_confidence`` is not one that the family has."""
    REVISED = "revised"
    """A final word of Universal-Streaming that later read differently."""
    RETIMED = "retimed"
    """A final word of Universal-Streaming that later had other times."""
    SPEECH_STARTED = "speech started"
    """At the wrong place, twice, or for nothing."""
    TIMES = "times"
    """A word that ends before it starts, or starts before the word before it."""
    BEYOND_AUDIO = "ahead"
    """A time in audio that has not been sent yet."""
    OVERLAP = "overlap"
    """A turn that starts before the last one ended."""
    CONFIDENCE = "confidence"
    """Missing, or outside 0 to 1."""
    HALLUCINATED = "imagined"
    """Words where nothing but silence has been sent."""
    SPANS_FORCED_ENDPOINT = "straddled"
    """A turn with words on both sides of a forced endpoint."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A breach of one rule."""

    kind: ViolationKind
    index: int
    """Index of the entry in the log, from 0."""
    message: str

    def __str__(self) -> str:
        return f"entry {self.index}: {self.kind.value}: {self.message}"


def format_violations(violations: Sequence[Violation]) -> str:
    """The violations as text, one a line."""
    return "\n".join(map(str, violations))
