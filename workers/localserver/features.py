"""The table of the protocol's features and of how this server treats each.

The Warning messages come from it, and a test checks the README against it. `parameters` defines the
types and values of the parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum

from workers.localserver.param_types import MULTILINGUAL_MODELS
from workers.protocol.codec import Json
from workers.protocol.messages import Warning


class Support(Enum):
    """How a request for a feature is treated."""

    HONOURED = "honoured"
    WARNED = "accepted with a Warning"
    REFUSED = "refused"


class WarningCode(IntEnum):
    """Invented: the protocol has warning codes, but no list of them is public."""

    NOT_HONOURED = 1
    ENGLISH_ONLY = 2
    OVERLOADED = 3


def overload_warning(capacity: int) -> Warning:
    """For a session above the number that can be recognised in real time."""
    return Warning(
        f"more sessions than this machine can serve in real time ({capacity}): words may be late",
        WarningCode.OVERLOADED,
    )


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a client can ask for with one parameter."""

    name: str
    support: Support
    note: str
    """What the server does, in a few words."""
    example: str
    """A query that asks for it."""
    is_requested_by: Callable[[Json], bool] = bool
    """Whether a value asks for the feature; by default false, zero and empty values do not."""
    code: WarningCode = WarningCode.NOT_HONOURED

    @property
    def warning(self) -> Warning:
        """The Warning for a client that asks for it."""
        return Warning(f"'{self.name}' is not supported: {self.note}", self.code)


def feature_warnings(values: Mapping[str, Json]) -> tuple[Warning, ...]:
    """A Warning for each parameter that asks for an unsupported feature."""
    return tuple(
        feature.warning
        for feature in FEATURES
        if feature.support is Support.WARNED
        and feature.name in values
        and feature.is_requested_by(values[feature.name])
    )


def _is_not_english(value: Json) -> bool:
    codes = value if isinstance(value, list) else [value]
    return any(not str(code).lower().startswith("en") for code in codes if code)


def _is_multilingual(value: Json) -> bool:
    return value in MULTILINGUAL_MODELS


_STREAMING_QUERY = "speech_model=universal-streaming-english"


def _honoured(note: str, **examples: str) -> tuple[Feature, ...]:
    """Features with one note; ``examples`` maps each parameter to a value that asks for it."""
    return tuple(
        Feature(name, Support.HONOURED, note, f"{name}={value}") for name, value in examples.items()
    )


def _warned(
    note: str,
    code: WarningCode = WarningCode.NOT_HONOURED,
    is_requested_by: Callable[[Json], bool] = bool,
    **examples: str,
) -> tuple[Feature, ...]:
    return tuple(
        Feature(name, Support.WARNED, note, f"{name}={value}", is_requested_by, code)
        for name, value in examples.items()
    )


FEATURES: tuple[Feature, ...] = (
    *_honoured(
        "turns in the way of its model family, recognised by the local English model",
        speech_model="universal-3-5-pro",
    ),
    *_warned(
        "multilingual models recognise only English",
        WarningCode.ENGLISH_ONLY,
        _is_multilingual,
        speech_model="universal-streaming-multilingual",
    ),
    *_honoured("8,000 to 96,000 Hz", sample_rate="48000"),
    *_honoured("pcm_s16le and pcm_mulaw", encoding="pcm_mulaw"),
    Feature("encoding", Support.REFUSED, "opus, ogg_opus and aac are not decoded", "encoding=opus"),
    *_honoured("the API key, or a token from /v3/token", token="abc"),
    Feature(
        "format_turns",
        Support.HONOURED,
        "Universal-Streaming models send each final again, formatted",
        f"{_STREAMING_QUERY}&format_turns=true",
    ),
    Feature(
        "end_of_turn_confidence_threshold",
        Support.HONOURED,
        "for Universal-Streaming models; no effect on U3, as on the service",
        f"{_STREAMING_QUERY}&end_of_turn_confidence_threshold=0.7",
    ),
    *_honoured("50 to 10,000 ms", min_turn_silence="160", max_turn_silence="2400"),
    *_honoured("0 to 1", vad_threshold="0.6"),
    *_honoured(
        "for U3 models: defaults for silences, first partial and speech detection",
        mode="min_latency",
    ),
    *_honoured(
        "for U3 models: ms of speech before the first partial",
        interruption_delay="100",
    ),
    *_honoured(
        "for U3 models: with false, only the first partial of a turn and those at pauses",
        continuous_partials="false",
    ),
    *_honoured("with false, only finals", include_partial_turns="false"),
    *_honoured("5 to 3,600 s", inactivity_timeout="60"),
    *_honoured("every 5 s", session_heartbeat="true"),
    *_honoured("one message per second of silence", acknowledge_silence="true"),
    *_honoured("a short list of English words", filter_profanity="true"),
    *_warned(
        "finals carry language_code “en”; only English is recognised",
        WarningCode.ENGLISH_ONLY,
        language_detection="true",
    ),
    *_warned(
        "only English is recognised",
        WarningCode.ENGLISH_ONLY,
        _is_not_english,
        language_codes='["en","es"]',
        language_code="fr",
        language="multi",
    ),
    *_warned("the recogniser cannot boost words", keyterms_prompt='["Halvorsen"]'),
    *_warned("the recogniser takes no prompt", prompt="Dates"),
    Feature(
        "prompt",
        Support.REFUSED,
        "with Universal-Streaming models",
        f"{_STREAMING_QUERY}&prompt=Dates",
    ),
    *_warned("the recogniser takes no context", agent_context="Hello"),
    *_warned("every turn is recognised by itself", previous_context_n_turns="5"),
    *_warned("turns are not padded", turn_left_pad_ms="200"),
    *_warned(
        "speakers are not distinguished",
        speaker_labels="true",
        max_speakers="2",
        speaker_labels_revision_interval_ms="120000",
    ),
    *_warned(
        "nothing is redacted",
        redact_pii="true",
        redact_pii_policies='["person_name"]',
        redact_pii_sub="hash",
    ),
    *_warned("there is one model, for everyday speech", domain="medical-v1"),
    *_warned("noise is not suppressed", voice_focus="near-field", voice_focus_threshold="0.7"),
    *_warned("there is no language model", llm_gateway='{"model":"any"}'),
    *_warned(
        "nothing leaves this machine",
        webhook_url="http://localhost/",
        webhook_auth_header_name="X-Key",
        webhook_auth_header_value="secret",
    ),
    *_warned("no audio is stored", customer_support_audio_capture="true"),
)
