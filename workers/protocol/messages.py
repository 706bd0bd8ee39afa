"""The wire protocol, Universal-Streaming v3: every message as a frozen dataclass.

Only this module reads and writes wire messages; the client and the embedded server share it.
Audio has no message type: a binary frame is audio, 50 to 1000 ms of it at the declared rate.

From the vendor's API reference and AsyncAPI documents for Universal-Streaming and u3-rt-pro, its
SDKs, and live observations where those disagree. Reading is therefore lenient: unknown message
types become `Unknown`, unknown fields are kept in ``extra``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias, get_args

from workers import secrecy
from workers.errors import Malformed
from workers.protocol import codec
from workers.protocol.codec import Extra, Json, JsonObject
from workers.protocol.turn_text import complete_transcript
from workers.ranges import CHUNK_MS

MAX_MESSAGE_DEPTH = 50
"""Maximum nesting; below `codec.MAX_JSON_DEPTH`, because a trace nests messages deeper."""

MIN_CHUNK_MS, MAX_CHUNK_MS = round(CHUNK_MS.low), round(CHUNK_MS.high)

MAX_SESSION_S = 3 * 3600
"""The service ends every session after this time (vendor's page on session errors, 3008)."""

MIN_SESSION_S = 60
"""The shortest life that a temporary token can give a session (vendor's page on tokens)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _WireObject:
    extra: Extra = field(default_factory=dict, repr=False)
    """Fields that this program does not know."""


# --- server to client ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin(_WireObject):
    """The session is accepted; an open socket alone does not mean that."""

    type: ClassVar[str] = "Begin"
    id: str
    expires_at: int = 0
    """Unix time in seconds at which the service ends the session (3008); 0 if unknown."""
    configuration: Extra = field(default_factory=dict)
    """The settings that the server applied (since mid-2026); may be empty."""

    @property
    def model(self) -> str:
        """The model that the server uses; empty if the message lacks it."""
        model = self.configuration.get("model")
        return model if isinstance(model, str) else ""


@dataclass(frozen=True, slots=True)
class Word(_WireObject):
    """One word of a turn, times in ms from the start of the stream."""

    text: str
    start: int
    end: int
    confidence: float | None = None
    word_is_final: bool = True
    """Newer references omit it, so a missing value means final."""
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Turn(_WireObject):
    """The latest text of a turn; replaces every earlier one with the same ``turn_order``."""

    type: ClassVar[str] = "Turn"
    turn_order: int
    end_of_turn: bool
    transcript: str
    """Universal-Streaming: final words only. U3: all words of the turn so far."""
    turn_is_formatted: bool = False
    end_of_turn_confidence: float = 0.0
    utterance: str = ""
    words: tuple[Word, ...] = ()
    language_code: str | None = None
    language_confidence: float | None = None
    speaker_label: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechStarted(_WireObject):
    """U3 only: speech begins ``timestamp`` ms into the stream; at least one Turn follows."""

    type: ClassVar[str] = "SpeechStarted"
    timestamp: int
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Termination(_WireObject):
    """The answer to Terminate, and the last message. Durations in seconds."""

    type: ClassVar[str] = "Termination"
    audio_duration_seconds: float = 0
    session_duration_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Error(_WireObject):
    """A fatal error. The close that follows has the same code and an uninformative reason."""

    type: ClassVar[str] = "Error"
    error: str
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class Warning(_WireObject):
    """A warning; the session continues."""

    type: ClassVar[str] = "Warning"
    warning: str
    warning_code: int | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat(_WireObject):
    """Opt-in, sent about every 5 s: audio received so far, compared with the server's clock."""

    type: ClassVar[str] = "Heartbeat"
    total_audio_received_ms: float
    total_duration_ms: float
    realtime_factor: float | None = None
    max_speech_probability: float | None = None


@dataclass(frozen=True, slots=True)
class Silence(_WireObject):
    """Opt-in, about once a second: a part of the stream without speech, in ms from its start."""

    type: ClassVar[str] = "Silence"
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Revision(_WireObject):
    """The new speaker of one turn; text and times are unchanged."""

    turn_order: int
    speaker_label: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeakerRevision(_WireObject):
    """Corrected speakers of earlier turns."""

    type: ClassVar[str] = "SpeakerRevision"
    revisions: tuple[Revision, ...]


@dataclass(frozen=True, slots=True)
class LLMGatewayResponse(_WireObject):
    """A language model's response to a turn."""

    type: ClassVar[str] = "LLMGatewayResponse"
    turn_order: int
    transcript: str = ""
    data: Extra = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message of a type that this program does not know; ``type`` may be empty."""

    type: str
    extra: Extra = field(default_factory=dict, repr=False)


ServerMessage: TypeAlias = (
    Begin
    | SpeechStarted
    | Turn
    | SpeakerRevision
    | LLMGatewayResponse
    | Heartbeat
    | Silence
    | Warning
    | Error
    | Termination
    | Unknown
)


# --- client to server ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terminate(_WireObject):
    """Ends the audio: the server ends the open turn, sends Termination and closes."""

    type: ClassVar[str] = "Terminate"


@dataclass(frozen=True, slots=True)
class ForceEndpoint(_WireObject):
    """Ends the current turn now."""

    type: ClassVar[str] = "ForceEndpoint"


@dataclass(frozen=True, slots=True)
class KeepAlive(_WireObject):
    """Resets the server's inactivity timer; there is no reply."""

    type: ClassVar[str] = "KeepAlive"


@dataclass(frozen=True, slots=True)
class UpdateConfiguration(_WireObject):
    """Changes the settings that are present. No reply; a bad value closes the session (3006)."""

    type: ClassVar[str] = "UpdateConfiguration"
    min_turn_silence: int | None = None
    min_end_of_turn_silence_when_confident: int | None = None
    """The older name of `min_turn_silence`, which the vendor's SDK still sends."""
    max_turn_silence: int | None = None
    vad_threshold: float | None = None
    end_of_turn_confidence_threshold: float | None = None
    keyterms_prompt: tuple[str, ...] | None = None
    format_turns: bool | None = None
    filter_profanity: bool | None = None
    prompt: str | None = None
    agent_context: str | None = None
    mode: str | None = None
    interruption_delay: int | None = None
    turn_left_pad_ms: int | None = None
    continuous_partials: bool | None = None
    language_codes: tuple[str, ...] | None = None
    session_heartbeat: bool | None = None
    acknowledge_silence: bool | None = None


ClientMessage: TypeAlias = Terminate | ForceEndpoint | KeepAlive | UpdateConfiguration | Unknown

_SERVER_TYPES: Mapping[str, type[Any]] = {
    cls.type: cls for cls in get_args(ServerMessage) if cls is not Unknown
}
_CLIENT_TYPES: Mapping[str, type[Any]] = {
    cls.type: cls for cls in get_args(ClientMessage) if cls is not Unknown
}


# --- encoding and decoding ----------------------------------------------------------------------


class PartlyMalformed(Malformed):
    """A server message that breaks the protocol, but of which enough can be read to use it."""

    def __init__(self, reason: str, message: ServerMessage) -> None:
        super().__init__(reason)
        self.message = message
        """The message without the fields that cannot be read."""


def decode(text: str | bytes) -> ServerMessage:
    """Decodes a text frame of a server. It may repeat secrets, which are removed after the escapes
    of JSON were decoded.

    Raises `Malformed` if it is not a server message, and `PartlyMalformed` if it is one apart from
    some of its fields.
    """
    record = codec.parse_object(text, "the message", MAX_MESSAGE_DEPTH)
    return from_json(secrecy.redact_json(record, text))


def decode_from_client(text: str | bytes) -> ClientMessage:
    """Decodes a text frame from a client; raises `Malformed` as `decode` does."""
    record = codec.parse_object(text, "the message", MAX_MESSAGE_DEPTH)
    message: ClientMessage = _load_known(record, _CLIENT_TYPES)
    return message


def from_json(record: Mapping[str, Json]) -> ServerMessage:
    """Reads a server message from a parsed object; raises `Malformed` as `decode` does."""
    if "type" not in record and "error" in record:  # seen in the field; the vendor's SDK accepts it
        record = {"type": Error.type, **record}
    try:
        message: ServerMessage = _load_known(record, _SERVER_TYPES)
    except Malformed as error:
        raise _partly(record, error) from error
    if isinstance(message, Turn) and message.turn_order < 0:
        raise PartlyMalformed("the turn_order of a Turn is negative", message)
    return message


def to_json(message: ServerMessage | ClientMessage) -> JsonObject:
    """The JSON object of a message, ``type`` first; the inverse of `from_json`."""
    if isinstance(message, Unknown):
        return {"type": message.type, **message.extra}
    return {"type": message.type, **codec.dump(message)}


def encode(message: ServerMessage | ClientMessage) -> str:
    """The text frame of a message."""
    return json.dumps(to_json(message), ensure_ascii=False, separators=(",", ":"))


def _partly(record: Mapping[str, Json], error: Malformed) -> Malformed:
    """The error to raise for a message of a known type that could not be read."""
    cls = _SERVER_TYPES[str(record["type"])]
    fields = codec.readable_fields(cls, record)
    if cls is Turn:
        _put_turn_right(fields, record)
    elif cls in _TEXT_FIELDS:  # what else would say that the session is accepted, or has failed?
        fields.setdefault(_TEXT_FIELDS[cls], "")
    try:
        message = codec.load(cls, codec.readable_fields(cls, fields), cls.type)
    except Malformed:
        return error
    return PartlyMalformed(error.reason, message)


UNNUMBERED = -1
"""The ``turn_order`` of a Turn whose number cannot be read."""

_TEXT_FIELDS: Mapping[type[Any], str] = {Begin: "id", Error: "error"}
"""Messages that count even without their only required field."""

_FLAGS: Mapping[Json, bool] = {"true": True, "false": False, 1: True, 0: False}
"""How a server may write a boolean by mistake."""


def _put_turn_right(fields: JsonObject, record: Mapping[str, Json]) -> None:
    """Fills in the required ``fields`` of a Turn, as far as ``record`` has something to fill in.

    The text is in two places, ``transcript`` and ``words``, so one of them is enough. A turn
    without a flag is not over.
    """
    fields.setdefault("turn_order", UNNUMBERED)
    if not isinstance(fields.get("end_of_turn"), bool):
        flag = record.get("end_of_turn")
        flag = flag.lower() if isinstance(flag, str) else flag
        fields["end_of_turn"] = isinstance(flag, str | int) and _FLAGS.get(flag, False)
    listed = record.get("words")
    words = [word for word in listed if isinstance(word, dict)] if isinstance(listed, list) else []
    texts = [text for word in words if isinstance(text := word.get("text"), str)]
    if texts:
        fields.setdefault("transcript", "")
    if texts and fields["end_of_turn"]:
        fields["transcript"] = complete_transcript(str(fields["transcript"]), texts)
    if words and "words" not in fields:  # without the fields that nobody needs, or not at all
        fields["words"] = [codec.readable_fields(Word, word) for word in words]


def _load_known(record: Mapping[str, Json], types: Mapping[str, type[Any]]) -> Any:
    kind = record.get("type")
    name = kind if isinstance(kind, str) else ""
    if name in types:
        return codec.load(types[name], record, name, quoting=False)
    return Unknown(name, codec.json_safe({k: v for k, v in record.items() if k != "type"}))
