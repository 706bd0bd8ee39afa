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
from workers.localserver.models import UNIVERSAL_STREAMING, Model
from workers.localserver.param_types import (
    Boolean,
    Choice,
    Kind,
    Number,
    Record,
    Text,
    Texts,
    Unfit,
    Whole,
)
from workers.localserver.recogniser_protocol import Encoding, Endpointing
from workers.localserver.refusal import invalid_value
from workers.protocol import codec
from workers.protocol.codec import Json
from workers.protocol.messages import UpdateConfiguration, Warning


class Family(Enum):
    """How a model tells of an open turn: word by word for good, or all of it, to be revised."""

    UNIVERSAL_STREAMING = "universal-streaming"
    U3 = "u3"


class Mode(Enum):
    """A bundle of defaults for the turns of U3; the values are the wire's."""

    MIN_LATENCY = "min_latency"
    BALANCED = "balanced"
    MAX_ACCURACY = "max_accuracy"


WORD_BY_WORD = Endpointing(400, 1280, 0.4, vad_threshold=0.4, first_partial=300)
"""The vendor's defaults for Universal-Streaming."""

BUNDLES = {
    Mode.MIN_LATENCY: Endpointing(160, 800, vad_threshold=0.3, first_partial=300),
    Mode.BALANCED: Endpointing(400, 1000, vad_threshold=0.3, first_partial=500),
    Mode.MAX_ACCURACY: Endpointing(600, 1500, vad_threshold=0.3, first_partial=700),
}
"""Ours: the service does not tell its own, which moreover change from model to model."""


SILENCE = Whole(50, 10_000, " ms")
PROBABILITY = Number(0, 1)
LONGEST_PROMPT = 1750

KINDS: Mapping[str, Kind] = {
    "speech_model": Model(),
    "sample_rate": Whole(8_000, 96_000, " Hz"),
    "encoding": Choice(tuple(each.value for each in Encoding)),
    "token": Text(),
    "format_turns": Boolean(),
    "end_of_turn_confidence_threshold": PROBABILITY,
    "min_turn_silence": SILENCE,
    "max_turn_silence": SILENCE,
    "vad_threshold": PROBABILITY,
    "mode": Choice(tuple(each.value for each in Mode)),
    "interruption_delay": Whole(0, 1000, " ms"),
    "continuous_partials": Boolean(),
    "include_partial_turns": Boolean(),
    "inactivity_timeout": Whole(5, 3600, " s"),
    "session_heartbeat": Boolean(),
    "acknowledge_silence": Boolean(),
    "filter_profanity": Boolean(),
    "turn_left_pad_ms": Whole(0),
    "keyterms_prompt": Texts(most=100),
    "prompt": Text(LONGEST_PROMPT),
    "agent_context": Text(LONGEST_PROMPT),
    "previous_context_n_turns": Whole(0, 100),
    "language_detection": Boolean(),
    "language_codes": Texts(most=10, alone="multi"),
    "language_code": Text(),
    "language": Choice(("en", "multi")),
    "speaker_labels": Boolean(),
    "max_speakers": Whole(1, 10),
    "speaker_labels_revision_interval_ms": Whole(0, 86_400_000, " ms"),
    "redact_pii": Boolean(),
    "redact_pii_policies": Texts(commas=True),
    "redact_pii_sub": Choice(("hash", "entity_name")),
    "domain": Choice(("medical-v1",)),
    "voice_focus": Choice(("near-field", "far-field")),
    "voice_focus_threshold": PROBABILITY,
    "llm_gateway": Record(),
    "webhook_url": Text(),
    "webhook_auth_header_name": Text(),
    "webhook_auth_header_value": Text(),
    "customer_support_audio_capture": Boolean(),
}

OLDER_NAMES: Mapping[str, str] = {
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
    def family(self) -> Family:
        if self.model in UNIVERSAL_STREAMING:
            return Family.UNIVERSAL_STREAMING
        return Family.U3

    @property
    def endpointing(self) -> Endpointing:
        """What was asked for, over the defaults of the model and the mode."""
        if self.family is Family.UNIVERSAL_STREAMING:
            own: dict[str, Any] = {"threshold": self.end_of_turn_confidence_threshold}
            usual = WORD_BY_WORD
        else:
            own = {
                "first_partial": self.interruption_delay,
                "continuous_partials": self.continuous_partials,
            }
            usual = BUNDLES[self.mode]
        own |= {
            "min_turn_silence": self.min_turn_silence,
            "max_turn_silence": self.max_turn_silence,
            "vad_threshold": self.vad_threshold,
        }
        return replace(usual, **{name: value for name, value in own.items() if value is not None})

    def updated(self, change: UpdateConfiguration) -> "Parameters":
        """With the settings of the message; raises `Refusal` naming the first that is unfit."""
        given = codec.write(change)
        for older, name in OLDER_NAMES.items():
            if older in given:
                given.setdefault(name, given[older])
        values = {name: value for name, value in given.items() if name in CHANGEABLE}
        for name, value in values.items():
            try:
                KINDS[name].check(value)
            except Unfit as problem:
                raise invalid_value(name, str(problem)) from None
        return self._with(values)

    def _with(self, values: Mapping[str, Json]) -> "Parameters":
        told = features.warnings(values)
        merged = codec.read(Parameters, {**codec.write(self), **values}, "parameters")
        if values.get("prompt") and merged.family is Family.UNIVERSAL_STREAMING:
            raise invalid_value("prompt", f"'{merged.model}' takes none")
        return replace(merged, warnings=told)


CHANGEABLE = frozenset(KINDS) & {field.name for field in fields(UpdateConfiguration)}
"""What a message may change on the way: rate, encoding and model are not among it."""


def read(query: str) -> Parameters:
    """The parameters of a URL's query; raises `Refusal` naming the first that does not fit."""
    return Parameters()._with(
        {name: _value(name, texts) for name, texts in _given(query).items() if name in KINDS}
    )


def _given(query: str) -> dict[str, list[str]]:
    """What was written for each parameter, in the order of the query, under today's names."""
    given: dict[str, list[str]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name, []).append(text)
    for older, name in OLDER_NAMES.items():
        if older in given:
            given.setdefault(name, given[older])
    return given


def _value(name: str, texts: list[str]) -> Json:
    kind = KINDS[name]
    try:
        if isinstance(kind, Texts) and len(texts) > 1:
            raise Unfit("Invalid JSON array")
        return kind.read(texts[-1])
    except Unfit as problem:
        raise invalid_value(name, str(problem)) from None
