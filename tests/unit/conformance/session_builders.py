"""Sessions to be judged: messages as they should be, and what makes one wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conformance import Audio, Closed, Entry, Heard, Kind, Sent, judge, told
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
US = {"speech_model": "universal-streaming-english"}
U3 = {"speech_model": "u3-rt-pro"}
SEE_ERROR = "See Error message for details"


def begin(parameters: Mapping[str, str], **fields: Any) -> Heard:
    configuration = {"model": parameters["speech_model"], **CONFIGURATION}
    usual = {"id": ID, "expires_at": 1790010800, "configuration": configuration}
    return frame("Begin", **{**usual, **fields})


def frame(kind: str, **fields: Any) -> Heard:
    return Heard({"type": kind, **fields})


def heard(message: ServerMessage) -> Heard:
    return Heard(messages.to_json(message))


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


def u3(text: str, order: int = 0, start: int = 0, *, final: bool = False, **more: Any) -> Heard:
    """A Turn of the U3 family as it should be, but for ``more``."""
    fields: dict[str, Any] = {
        "transcript": text,
        "turn_is_formatted": final,
        "end_of_turn_confidence": 1.0 if final else 0.0,
        "utterance": text if final else "",
        "words": tuple(words(text, start, final=final)),
    }
    return heard(Turn(order, final, **{**fields, **more}))


def us(text: str, order: int = 0, start: int = 0, *, final: bool = False, **more: Any) -> Heard:
    """A Turn of Universal-Streaming as it should be, but for ``more``: the last word may grow."""
    spoken = text.split()
    kept = spoken if final or more.get("utterance") else spoken[:-1]
    fields: dict[str, Any] = {
        "transcript": " ".join(kept),
        "end_of_turn_confidence": 0.8 if final else 0.1,
        "utterance": text if final else "",
        "words": tuple(words(text, start, growing=len(kept) < len(spoken))),
    }
    return heard(Turn(order, final, **{**fields, **more}))


def twin(text: str, order: int = 0, **more: Any) -> Heard:
    return us(text, order, final=True, **{"turn_is_formatted": True, "utterance": "", **more})


TERMINATION = heard(Termination(10, 11))
ENDED = Closed(1000, "Session Ended")
SECOND = Audio(1000)
END: tuple[Entry, ...] = (Sent(Terminate()), TERMINATION, ENDED)


def whole(*entries: Entry) -> tuple[Entry, ...]:
    """Ten seconds of audio, then the entries, then an end as it should be."""
    return (*[SECOND] * 10, *entries, *END)


@dataclass(frozen=True)
class Scene:
    """What a rule is about: one session that is legal, and one that is not."""

    kind: Kind
    legal: Sequence[Entry]
    illegal: Sequence[Entry]
    asked: Mapping[str, str] = field(default_factory=lambda: U3)
    begins: bool = True
    """Begin stands before both."""

    def check(self) -> None:
        """The legal one passes; in the other, this kind and nothing else is found."""
        first = [begin(self.asked)] if self.begins else []
        legal = judge(self.asked, [*first, *self.legal])
        illegal = judge(self.asked, [*first, *self.illegal])

        assert "" == told(legal)
        assert {self.kind} == {violation.kind for violation in illegal}, told(illegal)
