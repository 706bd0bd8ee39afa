"""The log as rules see it: messages by sender, with the amount of audio sent before each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from tests.conformance.session_log import Audio, Closed, LogEntry, Received, Sent
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

SLACK_MS = 100
"""How far a time may lie beyond the audio sent so far; one chunk is added to it."""


class ModelFamily(Enum):
    """How a model reports an open turn."""

    UNIVERSAL_STREAMING = auto()
    """Word by word; a word that is final stays."""
    U3 = auto()
    """As a whole, revised until its one final."""


_WORD_BY_WORD = {"universal-streaming-english", "universal-streaming-multilingual", "whisper-rt"}


class TurnRole(Enum):
    """The role of a Turn message in its turn."""

    PARTIAL = auto()
    FINAL = auto()
    TWIN = auto()
    """Universal-Streaming: the last final once more, formatted."""
    STRAY = auto()
    """A message about a turn that is over or cannot have begun."""


@dataclass(frozen=True, slots=True)
class LoggedMessage(Generic[M]):
    """A message, its index in the log, and the ms of audio sent before it."""

    index: int
    message: M
    audio_sent_ms: float


@dataclass(frozen=True, slots=True)
class ClassifiedTurn(LoggedMessage[Turn]):
    """A Turn message and its role."""

    role: TurnRole


class RuleContext:
    """A session to be checked; ``parameters`` are those of the URL, as text."""

    def __init__(self, parameters: Mapping[str, str], entries: Sequence[LogEntry]) -> None:
        self.parameters = parameters
        self.frames = [
            (at, entry.frame) for at, entry in enumerate(entries) if isinstance(entry, Received)
        ]
        self.closed = [(at, entry) for at, entry in enumerate(entries) if isinstance(entry, Closed)]
        self.server_messages: list[LoggedMessage[ServerMessage]] = []
        self.client_messages: list[LoggedMessage[ClientMessage]] = []
        self.audio_sent_ms = 0.0
        """Ms of audio sent in total."""
        self.first_sound_at = len(entries)
        """The index of the first chunk that is not silent."""
        self.slack = SLACK_MS + max(
            (entry.milliseconds for entry in entries if isinstance(entry, Audio)), default=0
        )
        for at, entry in enumerate(entries):
            self._take(at, entry)
        self.family = self._family()
        self.turns = list(self._readings())

    def _take(self, at: int, entry: LogEntry) -> None:
        match entry:
            case Audio():
                self.audio_sent_ms += entry.milliseconds
                if not entry.silent:
                    self.first_sound_at = min(self.first_sound_at, at)
            case Sent():
                self.client_messages.append(LoggedMessage(at, entry.message, self.audio_sent_ms))
            case Received():
                if (message := decode_frame(entry.frame)) is not None:
                    self.server_messages.append(LoggedMessage(at, message, self.audio_sent_ms))
            case Closed():
                pass

    def messages_of(self, kind: type[Some]) -> Iterator[LoggedMessage[Some]]:
        """All messages of a kind that the server sent."""
        for said in self.server_messages:
            if isinstance(said.message, kind):
                yield LoggedMessage(said.index, said.message, said.audio_sent_ms)

    @property
    def terminated(self) -> bool:
        """Whether the session ended with Termination, so that nothing may be missing."""
        return any(True for _ in self.messages_of(Termination))

    def was_enabled(self, name: str, at: int | None = None) -> bool:
        """Whether a flag was ever set, by parameter or by message, before entry ``at``."""
        return parse_flag(self.parameters.get(name)) or any(
            getattr(asked.message, name, None) is True
            for asked in self.client_messages
            if at is None or asked.index < at
        )

    def was_configured(self, name: str) -> bool:
        """Whether a message ever set it; the log cannot show when that took effect."""
        return any(getattr(asked.message, name, None) is not None for asked in self.client_messages)

    def _family(self) -> ModelFamily:
        model = self.parameters.get("speech_model", "")
        for begin in self.messages_of(Begin):
            model = begin.message.model or model
        return ModelFamily.UNIVERSAL_STREAMING if model in _WORD_BY_WORD else ModelFamily.U3

    def _readings(self) -> Iterator[ClassifiedTurn]:
        expected, last = 0, None  # the last final, while it may still be repeated
        for said in self.messages_of(Turn):
            turn = said.message
            role = TurnRole.FINAL if turn.end_of_turn else TurnRole.PARTIAL
            if turn.turn_order != expected:
                role = TurnRole.TWIN if self._twins(turn, last) else TurnRole.STRAY
            if role is TurnRole.TWIN:
                last = None
            elif turn.turn_order >= expected:  # a skipped turn is told once, not for ever after
                expected = turn.turn_order + turn.end_of_turn
                last = turn if turn.end_of_turn else last
            yield ClassifiedTurn(said.index, turn, said.audio_sent_ms, role)

    def _twins(self, turn: Turn, last: Turn | None) -> bool:
        return (
            self.family is ModelFamily.UNIVERSAL_STREAMING
            and last is not None
            and turn.turn_order == last.turn_order
            and turn.end_of_turn
            and turn.turn_is_formatted
            and not last.turn_is_formatted
        )


def parse_flag(text: str | None) -> bool:
    """A boolean parameter; clients write either case."""
    return text is not None and text.lower() == "true"


def decode_frame(frame: JsonObject) -> ServerMessage | None:
    """The message of a frame; None when it is invalid, which `check_schema` reports."""
    try:
        message = messages.from_json(frame)
    except (Malformed, OverflowError):  # the latter of a number with hundreds of digits
        return None
    return None if isinstance(message, Unknown) else message
