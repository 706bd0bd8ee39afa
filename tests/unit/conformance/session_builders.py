"""Sessions to be judged: messages as they should be, and what makes one wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conformance import (
    Audio,
    Closed,
    LogEntry,
    Received,
    Sent,
    ViolationKind,
    format_violations,
    judge,
)
from workers.protocol import messages
from workers.protocol.messages import ServerMessage, Terminate, Termination, Turn, Word

CONFIGURATION = {
    "mode": "balanced",
    "api_version": "2025-05-12",
    "speaker_labels": False,
    "redact_pii": False,
    "filter_profanity": False,
    "domain": None,
    "voice_focus": None,
}
ID = "0b6f7a52-5d0e-4c39-9a41-6d2c1f0e8b77"
UNIVERSAL_STREAMING = {"speech_model": "universal-streaming-english"}
U3 = {"speech_model": "u3-rt-pro"}
SEE_ERROR = "See Error message for details"


def begin_frame(parameters: Mapping[str, str], **fields: Any) -> Received:
    configuration = {"model": parameters["speech_model"], **CONFIGURATION}
    usual = {"id": ID, "expires_at": 1790010800, "configuration": configuration}
    return frame("Begin", **{**usual, **fields})


def frame(kind: str, **fields: Any) -> Received:
    return Received({"type": kind, **fields})


def received_frame(message: ServerMessage) -> Received:
    return Received(messages.to_json(message))


def words(text: str, start: int = 0, *, final: bool = True, growing: bool = False) -> list[Word]:
    """A word every 100 ms; with ``growing`` the last one is not final."""
    texts = text.split()
    return [
        Word(
            each,
            start + 100 * index,
            start + 100 * index + 90,
            0.9,
            final and not (growing and index == len(texts) - 1),
        )
        for index, each in enumerate(texts)
    ]


def u3_turn(
    text: str, order: int = 0, start: int = 0, *, final: bool = False, **more: Any
) -> Received:
    """A Turn of the U3 family as it should be, but for ``more``."""
    fields: dict[str, Any] = {
        "transcript": text,
        "turn_is_formatted": final,
        "end_of_turn_confidence": 1.0 if final else 0.0,
        "utterance": text if final else "",
        "words": tuple(words(text, start, final=final)),
    }
    return received_frame(Turn(order, final, **{**fields, **more}))


def universal_streaming_turn(
    text: str, order: int = 0, start: int = 0, *, final: bool = False, **more: Any
) -> Received:
    """A Turn of Universal-Streaming as it should be, but for ``more``: the last word may grow."""
    spoken = text.split()
    kept = spoken if final or more.get("utterance") else spoken[:-1]
    fields: dict[str, Any] = {
        "transcript": " ".join(kept),
        "end_of_turn_confidence": 0.8 if final else 0.1,
        "utterance": text if final else "",
        "words": tuple(words(text, start, growing=len(kept) < len(spoken))),
    }
    return received_frame(Turn(order, final, **{**fields, **more}))


def formatted_twin(text: str, order: int = 0, **more: Any) -> Received:
    return universal_streaming_turn(
        text, order, final=True, **{"turn_is_formatted": True, "utterance": "", **more}
    )


TERMINATION = received_frame(Termination(10, 11))
NORMAL_CLOSE = Closed(1000, "Session Ended")
ONE_SECOND_OF_AUDIO = Audio(1000)
NORMAL_END: tuple[LogEntry, ...] = (Sent(Terminate()), TERMINATION, NORMAL_CLOSE)


def complete_session(*entries: LogEntry) -> tuple[LogEntry, ...]:
    """Ten seconds of audio, then the entries, then an end as it should be."""
    return (*[ONE_SECOND_OF_AUDIO] * 10, *entries, *NORMAL_END)


@dataclass(frozen=True)
class RuleExample:
    """What a rule is about: one session that is legal, and one that is not."""

    kind: ViolationKind
    legal: Sequence[LogEntry]
    illegal: Sequence[LogEntry]
    parameters: Mapping[str, str] = field(default_factory=lambda: U3)
    starts_with_begin: bool = True
    """Begin stands before both."""

    def check(self) -> None:
        """The legal one passes; in the other, this kind and nothing else is found."""
        first = [begin_frame(self.parameters)] if self.starts_with_begin else []
        legal = judge(self.parameters, [*first, *self.legal])
        illegal = judge(self.parameters, [*first, *self.illegal])

        assert "" == format_violations(legal)
        assert {self.kind} == {violation.kind for violation in illegal}, format_violations(illegal)
