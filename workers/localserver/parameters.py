"""The connection parameters of a session, from the query of its URL and from later messages.

Names, ranges and limits are the vendor's: its API reference, its AsyncAPI documents and its SDKs.
Unknown names are ignored, as the service does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from workers.localserver import features
from workers.localserver.models import STREAMING_MODELS, ModelParam
from workers.localserver.param_types import (
    BooleanParam,
    ChoiceParam,
    IntegerParam,
    InvalidValue,
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
from workers.protocol.messages import UpdateConfiguration, Warning


class ModelFamily(Enum):
    """How a model tells of an open turn: word by word for good, or all of it, to be revised."""

    UNIVERSAL_STREAMING = "universal-streaming"
    U3 = "u3"


class Mode(Enum):
    """A bundle of defaults for the turns of U3; the values are the wire's."""

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
"""Ours: the service does not tell its own, which moreover change from model to model."""


TURN_SILENCE_MS = IntegerParam(50, 10_000, " ms")
PROBABILITY = NumberParam(0, 1)
MAX_PROMPT_CHARS = 1750

PARAM_TYPES: Mapping[str, ParamType] = {
    "speech_model": ModelParam(),
    "sample_rate": IntegerParam(8_000, 96_000, " Hz"),
    "encoding": ChoiceParam(tuple(each.value for each in Encoding)),
    "token": StringParam(),
    "format_turns": BooleanParam(),
    "end_of_turn_confidence_threshold": PROBABILITY,
    "min_turn_silence": TURN_SILENCE_MS,
    "max_turn_silence": TURN_SILENCE_MS,
    "vad_threshold": PROBABILITY,
    "mode": ChoiceParam(tuple(each.value for each in Mode)),
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
    """What a session was asked to do, as far as it is done. Fields are named as on the wire.

    None means that nothing was asked, so that the default of the model or the mode applies.
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
    """Seconds without any message after which the session ends; None: never."""
    session_heartbeat: bool = False
    acknowledge_silence: bool = False
    filter_profanity: bool = False
    language_detection: bool = False
    warnings: tuple[Warning, ...] = ()
    """What was asked last and is not done here, to be told to the client."""

    @property
    def model(self) -> str:
        return self.speech_model

    @property
    def family(self) -> ModelFamily:
        if self.model in STREAMING_MODELS:
            return ModelFamily.UNIVERSAL_STREAMING
        return ModelFamily.U3

    @property
    def endpointing(self) -> Endpointing:
        """What was asked for, over the defaults of the model and the mode."""
        if self.family is ModelFamily.UNIVERSAL_STREAMING:
            own: dict[str, Any] = {"end_of_turn_threshold": self.end_of_turn_confidence_threshold}
            usual = STREAMING_DEFAULTS
        else:
            own = {
                "first_partial_ms": self.interruption_delay,
                "continuous_partials": self.continuous_partials,
            }
            usual = MODE_DEFAULTS[self.mode]
        own |= {
            "min_turn_silence": self.min_turn_silence,
            "max_turn_silence": self.max_turn_silence,
            "vad_threshold": self.vad_threshold,
        }
        return replace(usual, **{name: value for name, value in own.items() if value is not None})

    def with_update(self, update: UpdateConfiguration) -> "Parameters":
        """With the settings of the message; raises `Refusal` naming the first that is unfit."""
        given = codec.dump(update)
        for older, name in PARAM_ALIASES.items():
            if older in given:
                given.setdefault(name, given[older])
        values = {name: value for name, value in given.items() if name in UPDATABLE_PARAMS}
        for name, value in values.items():
            try:
                PARAM_TYPES[name].check(value)
            except InvalidValue as problem:
                raise invalid_value(name, str(problem)) from None
        return self._with_values(values)

    def _with_values(self, values: Mapping[str, Json]) -> "Parameters":
        told = features.feature_warnings(values)
        merged = codec.load(Parameters, {**codec.dump(self), **values}, "parameters")
        if values.get("prompt") and merged.family is ModelFamily.UNIVERSAL_STREAMING:
            raise invalid_value("prompt", f"'{merged.model}' takes none")
        return replace(merged, warnings=told)


UPDATABLE_PARAMS = frozenset(PARAM_TYPES) & {field.name for field in fields(UpdateConfiguration)}
"""What a message may change on the way: rate, encoding and model are not among it."""


def parse_query(query: str) -> Parameters:
    """The parameters of a URL's query; raises `Refusal` naming the first that does not fit."""
    return Parameters()._with_values(
        {
            name: _parse_value(name, texts)
            for name, texts in _query_values(query).items()
            if name in PARAM_TYPES
        }
    )


def _query_values(query: str) -> dict[str, list[str]]:
    """What was written for each parameter, in the order of the query, under today's names."""
    given: dict[str, list[str]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name, []).append(text)
    for older, name in PARAM_ALIASES.items():
        if older in given:
            given.setdefault(name, given[older])
    return given


def _parse_value(name: str, texts: list[str]) -> Json:
    kind = PARAM_TYPES[name]
    try:
        if isinstance(kind, StringListParam) and len(texts) > 1:
            raise InvalidValue("Invalid JSON array")
        return kind.parse(texts[-1])
    except InvalidValue as problem:
        raise invalid_value(name, str(problem)) from None
