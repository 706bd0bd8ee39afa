"""The connection parameters of a session, from the query of its URL.

Names, ranges and defaults are the vendor's. Unknown names are ignored, as the service does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from urllib.parse import parse_qsl

from workers.localserver.lines import Encoding
from workers.localserver.refusal import invalid_value
from workers.speech.messages import UpdateConfiguration

DEFAULT_MODEL = "u3-rt-pro"
UNIVERSAL_STREAMING = frozenset(
    {"universal-streaming-english", "universal-streaming-multilingual", "whisper-rt"}
)


class Family(Enum):
    """How a model tells of an open turn: word by word for good, or all of it, to be revised."""

    UNIVERSAL_STREAMING = "universal-streaming"
    U3 = "u3"


@dataclass(frozen=True, slots=True)
class Endpointing:
    """When a turn is over: silences in ms of audio, ``threshold`` for `end_of_turn_confidence`."""

    min_turn_silence: int
    max_turn_silence: int
    threshold: float = 0.5


ENDPOINTING = {
    Family.UNIVERSAL_STREAMING: Endpointing(400, 1280, 0.4),
    Family.U3: Endpointing(100, 1000),
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a session was asked to do."""

    model: str
    family: Family
    endpointing: Endpointing
    sample_rate: int = 16_000
    encoding: Encoding = Encoding.PCM_S16LE
    format_turns: bool = False
    inactivity_timeout: int | None = None
    """Seconds without any message after which the session ends; None: never."""

    def updated(self, change: UpdateConfiguration) -> "Parameters":
        """With the settings of the message that this server honours; raises `Refusal`."""
        endpointing = self.endpointing
        if change.min_turn_silence is not None:
            _within("min_turn_silence", change.min_turn_silence, *SILENCE)
            endpointing = replace(endpointing, min_turn_silence=change.min_turn_silence)
        if change.max_turn_silence is not None:
            _within("max_turn_silence", change.max_turn_silence, *SILENCE)
            endpointing = replace(endpointing, max_turn_silence=change.max_turn_silence)
        threshold = change.end_of_turn_confidence_threshold
        if threshold is not None and self.family is Family.UNIVERSAL_STREAMING:
            _within("end_of_turn_confidence_threshold", threshold, 0, 1)
            endpointing = replace(endpointing, threshold=threshold)
        formats = self.format_turns if change.format_turns is None else change.format_turns
        return replace(self, endpointing=endpointing, format_turns=formats)


SAMPLE_RATE = (8_000, 96_000)
SILENCE = (50, 10_000)
INACTIVITY = (5, 3600)


def read(query: str) -> Parameters:
    """The parameters of a URL's query; raises `Refusal` naming the first that does not fit."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    model = given.get("speech_model", DEFAULT_MODEL)
    family = _family(model)
    usual = ENDPOINTING[family]
    older = "min_end_of_turn_silence_when_confident"
    shortest = _integer(given, older, usual.min_turn_silence, SILENCE)
    threshold = _number(given, "end_of_turn_confidence_threshold", usual.threshold, (0, 1))
    return Parameters(
        model=model,
        family=family,
        endpointing=Endpointing(
            _integer(given, "min_turn_silence", shortest, SILENCE),
            _integer(given, "max_turn_silence", usual.max_turn_silence, SILENCE),
            threshold if family is Family.UNIVERSAL_STREAMING else usual.threshold,
        ),
        sample_rate=_integer(given, "sample_rate", 16_000, SAMPLE_RATE),
        encoding=_encoding(given.get("encoding", Encoding.PCM_S16LE.value)),
        format_turns=_boolean(given, "format_turns"),
        inactivity_timeout=(
            _integer(given, "inactivity_timeout", 0, INACTIVITY)
            if "inactivity_timeout" in given
            else None
        ),
    )


def _family(model: str) -> Family:
    if model in UNIVERSAL_STREAMING:
        return Family.UNIVERSAL_STREAMING
    if model.startswith(("u3-", "universal-3")):
        return Family.U3
    raise invalid_value("speech_model", f"'{model}' is not a known model")


def _encoding(name: str) -> Encoding:
    try:
        return Encoding(name)
    except ValueError:
        known = ", ".join(each.value for each in Encoding)
        raise invalid_value("encoding", f"'{name}' is none of {known}") from None


def _boolean(given: Mapping[str, str], name: str) -> bool:
    """Clients write booleans in either case."""
    text = given.get(name, "false")
    if text.lower() not in ("true", "false"):
        raise invalid_value(name, f"'{text}' is neither true nor false")
    return text.lower() == "true"


def _integer(given: Mapping[str, str], name: str, default: int, limits: tuple[float, float]) -> int:
    try:
        value = int(given.get(name, default))
    except ValueError:
        raise invalid_value(name, "must be a whole number") from None
    _within(name, value, *limits)
    return value


def _number(
    given: Mapping[str, str], name: str, default: float, limits: tuple[float, float]
) -> float:
    try:
        value = float(given.get(name, default))
    except ValueError:
        raise invalid_value(name, "must be a number") from None
    _within(name, value, *limits)
    return value


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # false for NaN too
        raise invalid_value(name, f"must be between {low:g} and {high:g}")
