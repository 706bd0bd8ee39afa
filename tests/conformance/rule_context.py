"""A record as the rules look at it: who said what, and how much audio had been sent by then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from tests.conformance.session_log import Audio, Closed, Entry, Heard, Sent
from workers.errors import Malformed
from workers.protocol import messages
from workers.protocol.codec import JsonObject
from workers.protocol.messages import (
    Begin,
    ClientMessage,
    ServerMessage,
    Termination,
    Turn,
    Unknown,
)

M = TypeVar("M", bound=ServerMessage | ClientMessage, covariant=True)
Some = TypeVar("Some", bound=ServerMessage)

SLACK = 100
"""Ms by which a time may lie beyond the audio that has been sent, and one chunk more."""


class Family(Enum):
    """How a model tells of an open turn."""

    UNIVERSAL_STREAMING = auto()
    """Word by word, each for good."""
    U3 = auto()
    """As a whole, revised until its one final."""


_WORD_BY_WORD = {"universal-streaming-english", "universal-streaming-multilingual", "whisper-rt"}


class Role(Enum):
    """What a Turn is to its turn."""

    PARTIAL = auto()
    FINAL = auto()
    TWIN = auto()
    """Universal-Streaming: the last final once more, formatted."""
    STRAY = auto()
    """Of no turn that could be spoken of now."""


@dataclass(frozen=True, slots=True)
class Said(Generic[M]):
    """A message, its place in the record, and the ms of audio sent before it."""

    at: int
    message: M
    audio: float


@dataclass(frozen=True, slots=True)
class Reading(Said[Turn]):
    """A Turn and its role."""

    role: Role


class Case:
    """A session to be judged; ``parameters`` are those of the URL, as text."""

    def __init__(self, parameters: Mapping[str, str], entries: Sequence[Entry]) -> None:
        self.parameters = parameters
        self.frames = [
            (at, entry.frame) for at, entry in enumerate(entries) if isinstance(entry, Heard)
        ]
        self.closed = [(at, entry) for at, entry in enumerate(entries) if isinstance(entry, Closed)]
        self.said: list[Said[ServerMessage]] = []
        self.asked: list[Said[ClientMessage]] = []
        self.audio = 0.0
        """Ms of audio sent in all."""
        self.sound_at = len(entries)
        """The place of the first chunk that holds more than silence."""
        self.slack = SLACK + max(
            (entry.milliseconds for entry in entries if isinstance(entry, Audio)), default=0
        )
        for at, entry in enumerate(entries):
            self._take(at, entry)
        self.family = self._family()
        self.readings = list(self._readings())

    def _take(self, at: int, entry: Entry) -> None:
        match entry:
            case Audio():
                self.audio += entry.milliseconds
                if not entry.silent:
                    self.sound_at = min(self.sound_at, at)
            case Sent():
                self.asked.append(Said(at, entry.message, self.audio))
            case Heard():
                if (message := decoded(entry.frame)) is not None:
                    self.said.append(Said(at, message, self.audio))
            case Closed():
                pass

    def of(self, kind: type[Some]) -> Iterator[Said[Some]]:
        """All messages of a kind that the server sent."""
        for said in self.said:
            if isinstance(said.message, kind):
                yield Said(said.at, said.message, said.audio)

    @property
    def terminated(self) -> bool:
        """Whether the session ended as it should, so that nothing more is owed."""
        return any(True for _ in self.of(Termination))

    def wanted(self, name: str, at: int | None = None) -> bool:
        """Whether a flag was ever set, by parameter or by message, before entry ``at``."""
        return truth(self.parameters.get(name)) or any(
            getattr(asked.message, name, None) is True
            for asked in self.asked
            if at is None or asked.at < at
        )

    def changed(self, name: str) -> bool:
        """Whether a message ever set it: when that took effect, nobody can see."""
        return any(getattr(asked.message, name, None) is not None for asked in self.asked)

    def _family(self) -> Family:
        model = self.parameters.get("speech_model", "")
        for begin in self.of(Begin):
            model = begin.message.model or model
        return Family.UNIVERSAL_STREAMING if model in _WORD_BY_WORD else Family.U3

    def _readings(self) -> Iterator[Reading]:
        expected, last = 0, None  # the last final, while it may still be repeated
        for said in self.of(Turn):
            turn = said.message
            role = Role.FINAL if turn.end_of_turn else Role.PARTIAL
            if turn.turn_order != expected:
                role = Role.TWIN if self._twins(turn, last) else Role.STRAY
            if role is Role.TWIN:
                last = None
            elif turn.turn_order >= expected:  # a skipped turn is told once, not for ever after
                expected = turn.turn_order + turn.end_of_turn
                last = turn if turn.end_of_turn else last
            yield Reading(said.at, turn, said.audio, role)

    def _twins(self, turn: Turn, last: Turn | None) -> bool:
        return (
            self.family is Family.UNIVERSAL_STREAMING
            and last is not None
            and turn.turn_order == last.turn_order
            and turn.end_of_turn
            and turn.turn_is_formatted
            and not last.turn_is_formatted
        )


def truth(text: str | None) -> bool:
    """Clients write booleans in either case."""
    return text is not None and text.lower() == "true"


def decoded(frame: JsonObject) -> ServerMessage | None:
    """The message of a frame; None when it is none, which the rule on shapes tells."""
    try:
        message = messages.from_json(frame)
    except (Malformed, OverflowError):  # the latter of a number with hundreds of digits
        return None
    return None if isinstance(message, Unknown) else message
