"""The connection parameters of a session, from its URL and from UpdateConfiguration messages.

Names, ranges and limits are from the vendor's API reference, AsyncAPI documents and SDKs. Unknown
names are ignored, as the service does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from workers.localserver import features
from workers.localserver.param_types import (
    STREAMING_MODELS,
    BooleanParam,
    ChoiceParam,
    IntegerParam,
    InvalidValue,
    ModelParam,
    NumberParam,
    ObjectParam,
    ParamType,
    StringListParam,
    StringParam,
)
from workers.localserver.recogniser_protocol import Encoding, Endpointing
from workers.localserver.refusal import invalid_value
from workers.protocol import codec
from workers.protocol.codec import Json
from workers.protocol.messages import UpdateConfiguration


class ModelFamily(Enum):
    """Universal-Streaming finalises word by word; U3 may revise a turn until it is final."""

    UNIVERSAL_STREAMING = "universal-streaming"
    U3 = "u3"


class Mode(Enum):
    """A set of endpointing defaults of U3 models; the values are those of the protocol."""

    MIN_LATENCY = "min_latency"
    BALANCED = "balanced"
    MAX_ACCURACY = "max_accuracy"


STREAMING_DEFAULTS = Endpointing(400, 1280, 0.4, vad_threshold=0.4, first_partial_ms=300)
"""The vendor's defaults for Universal-Streaming."""

MODE_DEFAULTS = {
    Mode.MIN_LATENCY: Endpointing(160, 800, vad_threshold=0.3, first_partial_ms=300),
    Mode.BALANCED: Endpointing(400, 1000, vad_threshold=0.3, first_partial_ms=500),
    Mode.MAX_ACCURACY: Endpointing(600, 1500, vad_threshold=0.3, first_partial_ms=700),
}
"""Our own defaults: those of the service differ between models and are not published."""

TURN_SILENCE_MS = IntegerParam(50, 10_000, " ms")
PROBABILITY = NumberParam(0, 1)
MAX_PROMPT_CHARS = 1750

PARAM_TYPES: Mapping[str, ParamType] = {
    "speech_model": ModelParam(),
    "sample_rate": IntegerParam(8_000, 96_000, " Hz"),
    "encoding": ChoiceParam(tuple(encoding.value for encoding in Encoding)),
    "token": StringParam(),
    "format_turns": BooleanParam(),
    "end_of_turn_confidence_threshold": PROBABILITY,
    "min_turn_silence": TURN_SILENCE_MS,
    "max_turn_silence": TURN_SILENCE_MS,
    "vad_threshold": PROBABILITY,
    "mode": ChoiceParam(tuple(mode.value for mode in Mode)),
    "interruption_delay": IntegerParam(0, 1000, " ms"),
    "continuous_partials": BooleanParam(),
    "include_partial_turns": BooleanParam(),
    "inactivity_timeout": IntegerParam(5, 3600, " s"),
    "session_heartbeat": BooleanParam(),
    "acknowledge_silence": BooleanParam(),
    "filter_profanity": BooleanParam(),
    "turn_left_pad_ms": IntegerParam(0),
    "keyterms_prompt": StringListParam(max_items=100),
    "prompt": StringParam(MAX_PROMPT_CHARS),
    "agent_context": StringParam(MAX_PROMPT_CHARS),
    "previous_context_n_turns": IntegerParam(0, 100),
    "language_detection": BooleanParam(),
    "language_codes": StringListParam(max_items=10, exclusive_item="multi"),
    "language_code": StringParam(),
    "language": ChoiceParam(("en", "multi")),
    "speaker_labels": BooleanParam(),
    "max_speakers": IntegerParam(1, 10),
    "speaker_labels_revision_interval_ms": IntegerParam(0, 86_400_000, " ms"),
    "redact_pii": BooleanParam(),
    "redact_pii_policies": StringListParam(allows_commas=True),
    "redact_pii_sub": ChoiceParam(("hash", "entity_name")),
    "domain": ChoiceParam(("medical-v1",)),
    "voice_focus": ChoiceParam(("near-field", "far-field")),
    "voice_focus_threshold": PROBABILITY,
    "llm_gateway": ObjectParam(),
    "webhook_url": StringParam(),
    "webhook_auth_header_name": StringParam(),
    "webhook_auth_header_value": StringParam(),
    "customer_support_audio_capture": BooleanParam(),
}

PARAM_ALIASES: Mapping[str, str] = {
    "min_end_of_turn_silence_when_confident": "min_turn_silence",
    "noise_suppression_model": "voice_focus",
    "noise_suppression_threshold": "voice_focus_threshold",
    "_customer_support_audio_capture": "customer_support_audio_capture",  # as one SDK writes it
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters that this server honours, named as in the protocol.

    None means that the client did not set a value, so the default of the model or mode applies.
    """

    speech_model: str = "u3-rt-pro"
    sample_rate: int = 16_000
    encoding: Encoding = Encoding.PCM_S16LE
    format_turns: bool = False
    mode: Mode = Mode.BALANCED
    min_turn_silence: int | None = None
    max_turn_silence: int | None = None
    end_of_turn_confidence_threshold: float | None = None
    vad_threshold: float | None = None
    interruption_delay: int | None = None
    continuous_partials: bool = True
    include_partial_turns: bool = True
    inactivity_timeout: int | None = None
    """The session ends after this many seconds without a message; None: never."""
    session_heartbeat: bool = False
    acknowledge_silence: bool = False
    filter_profanity: bool = False
    language_detection: bool = False
    unapplied: tuple[str, ...] = ()
    """Names of parameters in the latest query or update that are valid, but not applied."""

    @property
    def bytes_per_second(self) -> int:
        return self.sample_rate * self.encoding.bytes_per_sample

    @property
    def family(self) -> ModelFamily:
        streaming = self.speech_model in STREAMING_MODELS
        return ModelFamily.UNIVERSAL_STREAMING if streaming else ModelFamily.U3

    @property
    def endpointing(self) -> Endpointing:
        """The defaults of the model and mode, overridden by what the client set."""
        given: dict[str, Any] = {
            "min_turn_silence": self.min_turn_silence,
            "max_turn_silence": self.max_turn_silence,
            "vad_threshold": self.vad_threshold,
        }
        if self.family is ModelFamily.UNIVERSAL_STREAMING:
            defaults = STREAMING_DEFAULTS
            given["end_of_turn_threshold"] = self.end_of_turn_confidence_threshold
        else:
            defaults = MODE_DEFAULTS[self.mode]
            given["first_partial_ms"] = self.interruption_delay
            given["continuous_partials"] = self.continuous_partials
        return replace(defaults, **{k: value for k, value in given.items() if value is not None})

    def with_update(self, update: UpdateConfiguration) -> "Parameters":
        """Returns a copy changed by a message; raises `Refusal` for the first invalid value."""
        given = codec.dump(update)
        for alias, name in PARAM_ALIASES.items():
            if alias in given:
                given.setdefault(name, given[alias])
        values = {name: value for name, value in given.items() if name in UPDATABLE_PARAMS}
        for name, value in values.items():
            try:
                PARAM_TYPES[name].check(value)
            except InvalidValue as problem:
                raise invalid_value(name, str(problem)) from None
        return self._with_values(values)

    def _with_values(self, values: Mapping[str, Json]) -> "Parameters":
        merged = codec.load(Parameters, {**codec.dump(self), **values}, "parameters")
        if values.get("prompt") and merged.family is ModelFamily.UNIVERSAL_STREAMING:
            raise invalid_value("prompt", f"not supported by '{merged.speech_model}'")
        return replace(merged, unapplied=features.unapplied_parameters(values))


UPDATABLE_PARAMS = frozenset(PARAM_TYPES) & {field.name for field in fields(UpdateConfiguration)}
"""The parameters that a message may change; not the rate, encoding or model."""


def parse_query(query: str) -> Parameters:
    """Parses the query of a URL; raises `Refusal` for its first invalid value."""
    given: dict[str, list[str]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name, []).append(text)
    for alias, name in PARAM_ALIASES.items():
        if alias in given:
            given.setdefault(name, given[alias])
    values: dict[str, Json] = {}
    for name, texts in given.items():
        if (param_type := PARAM_TYPES.get(name)) is None:
            continue
        try:
            if isinstance(param_type, StringListParam) and len(texts) > 1:
                raise InvalidValue("Invalid JSON array")
            values[name] = param_type.parse(texts[-1])
        except InvalidValue as problem:
            raise invalid_value(name, str(problem)) from None
    return Parameters()._with_values(values)
