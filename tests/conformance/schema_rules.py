"""The fields that a frame must have on the wire, and their types.

Raw frames are checked, because our decoder is lenient: it rounds numbers and fills in defaults.
"""

from collections.abc import Iterator, Mapping

from tests.conformance.rule_context import RuleContext, decode_frame
from tests.conformance.session_log import Violation, ViolationKind
from workers.protocol.codec import Json, JsonObject

Types = tuple[type, ...]
INTEGER: Types = (int,)
NUMBER: Types = (int, float)
TEXT: Types = (str,)
BOOLEAN: Types = (bool,)
LIST: Types = (list,)
OBJECT: Types = (dict,)

MESSAGES: Mapping[str, Mapping[str, Types]] = {
    "Begin": {"id": TEXT, "expires_at": INTEGER, "configuration": OBJECT},
    "SpeechStarted": {"timestamp": INTEGER},
    "Turn": {
        "turn_order": INTEGER,
        "turn_is_formatted": BOOLEAN,
        "end_of_turn": BOOLEAN,
        "transcript": TEXT,
        "utterance": TEXT,
        "end_of_turn_confidence": NUMBER,
        "words": LIST,
    },
    "SpeakerRevision": {"revisions": LIST},
    "LLMGatewayResponse": {"turn_order": INTEGER, "data": OBJECT},
    "Heartbeat": {
        "total_audio_received_ms": NUMBER,
        "total_duration_ms": NUMBER,
        "realtime_factor": NUMBER,
        "max_speech_probability": NUMBER,
    },
    "Silence": {"start_ms": INTEGER, "end_ms": INTEGER},
    "Warning": {"warning": TEXT, "warning_code": INTEGER},
    "Error": {"error": TEXT, "error_code": INTEGER},
    "Termination": {"audio_duration_seconds": INTEGER, "session_duration_seconds": INTEGER},
}
WORD: Mapping[str, Types] = {
    "text": TEXT,
    "start": INTEGER,
    "end": INTEGER,
    "confidence": NUMBER,
    "word_is_final": BOOLEAN,
}


def check_schema(case: RuleContext) -> Iterator[Violation]:
    """Every frame is one of the known messages, with all of its fields."""
    for at, frame in case.frames:
        for fault in _schema_faults(frame):
            yield Violation(ViolationKind.SHAPE, at, fault)


def _schema_faults(frame: JsonObject) -> Iterator[str]:
    kind = frame.get("type")
    fields = MESSAGES.get(kind) if isinstance(kind, str) else None
    if fields is None:
        yield f"there is no message of type {kind!r}"
        return
    found = [*_field_faults(frame, fields, str(kind))]
    words = frame.get("words")
    if kind == "Turn" and isinstance(words, list):
        for index, word in enumerate(words):
            where = f"Turn.words[{index}]"
            found += (
                _field_faults(word, WORD, where)
                if isinstance(word, dict)
                else [f"{where}: no word"]
            )
    if not found and decode_frame(frame) is None:
        found = [f"{kind} cannot be read"]
    yield from found


def _field_faults(
    record: Mapping[str, Json], fields: Mapping[str, Types], where: str
) -> Iterator[str]:
    for name, types in fields.items():
        value = record.get(name)
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            wanted = " or ".join(each.__name__ for each in types)
            yield f"{where}.{name} is {value!r}, not {wanted}"
