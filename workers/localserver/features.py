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
        f"more sessions than this machine keeps up with ({capacity}): words may come late",
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
        return Warning(f"'{self.name}' is not done as asked: {self.note}", self.code)


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


_HONOURED, _WARNED, _REFUSED = Support
_STREAMING_QUERY = "speech_model=universal-streaming-english"
_U3_QUERY = "speech_model=universal-3-5-pro"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "speech_model",
        _HONOURED,
        "the turns of its family, heard by the engine's own English model",
        _U3_QUERY,
    ),
    Feature(
        "speech_model",
        _WARNED,
        "multilingual models hear English only",
        "speech_model=universal-streaming-multilingual",
        _is_multilingual,
        WarningCode.ENGLISH_ONLY,
    ),
    Feature("sample_rate", _HONOURED, "8,000 to 96,000 Hz", "sample_rate=48000"),
    Feature("encoding", _HONOURED, "pcm_s16le and pcm_mulaw", "encoding=pcm_mulaw"),
    Feature("encoding", _REFUSED, "opus, ogg_opus and aac are not decoded", "encoding=opus"),
    Feature("token", _HONOURED, "the key, or a token of /v3/token", "token=abc"),
    Feature(
        "format_turns",
        _HONOURED,
        "Universal-Streaming models send each final twice, the second time formatted",
        f"{_STREAMING_QUERY}&format_turns=true",
    ),
    Feature(
        "end_of_turn_confidence_threshold",
        _HONOURED,
        "of Universal-Streaming models; without effect on U3, as on the service",
        f"{_STREAMING_QUERY}&end_of_turn_confidence_threshold=0.7",
    ),
    Feature("min_turn_silence", _HONOURED, "50 to 10,000 ms", "min_turn_silence=160"),
    Feature("max_turn_silence", _HONOURED, "50 to 10,000 ms", "max_turn_silence=2400"),
    Feature("vad_threshold", _HONOURED, "0 to 1", "vad_threshold=0.6"),
    Feature(
        "mode",
        _HONOURED,
        "of U3 models: defaults for silences, first partial and speech detection",
        "mode=min_latency",
    ),
    Feature(
        "interruption_delay",
        _HONOURED,
        "of U3 models: ms of speech before the first partial",
        "interruption_delay=100",
    ),
    Feature(
        "continuous_partials",
        _HONOURED,
        "of U3 models: false leaves the first partial of a turn and those at pauses",
        "continuous_partials=false",
    ),
    Feature(
        "include_partial_turns", _HONOURED, "false: finals only", "include_partial_turns=false"
    ),
    Feature("inactivity_timeout", _HONOURED, "5 to 3,600 s", "inactivity_timeout=60"),
    Feature("session_heartbeat", _HONOURED, "every 5 s", "session_heartbeat=true"),
    Feature("acknowledge_silence", _HONOURED, "every second of it", "acknowledge_silence=true"),
    Feature(
        "filter_profanity", _HONOURED, "a short list of English words", "filter_profanity=true"
    ),
    Feature(
        "language_detection",
        _WARNED,
        "finals carry language_code “en”, and only English is heard",
        "language_detection=true",
        code=WarningCode.ENGLISH_ONLY,
    ),
    Feature(
        "language_codes",
        _WARNED,
        "only English is heard",
        'language_codes=["en","es"]',
        _is_not_english,
        WarningCode.ENGLISH_ONLY,
    ),
    Feature(
        "language_code",
        _WARNED,
        "only English is heard",
        "language_code=fr",
        _is_not_english,
        WarningCode.ENGLISH_ONLY,
    ),
    Feature(
        "language",
        _WARNED,
        "only English is heard",
        "language=multi",
        _is_not_english,
        WarningCode.ENGLISH_ONLY,
    ),
    Feature("keyterms_prompt", _WARNED, "words cannot be boosted", 'keyterms_prompt=["Halvorsen"]'),
    Feature("prompt", _WARNED, "the recogniser takes no prompt", "prompt=Dates"),
    Feature(
        "prompt", _REFUSED, "with Universal-Streaming models", f"{_STREAMING_QUERY}&prompt=Dates"
    ),
    Feature("agent_context", _WARNED, "the recogniser takes no context", "agent_context=Hello"),
    Feature(
        "previous_context_n_turns",
        _WARNED,
        "each turn is heard by itself",
        "previous_context_n_turns=5",
    ),
    Feature("turn_left_pad_ms", _WARNED, "turns are not padded", "turn_left_pad_ms=200"),
    Feature("speaker_labels", _WARNED, "speakers are not told apart", "speaker_labels=true"),
    Feature("max_speakers", _WARNED, "speakers are not told apart", "max_speakers=2"),
    Feature(
        "speaker_labels_revision_interval_ms",
        _WARNED,
        "speakers are not told apart",
        "speaker_labels_revision_interval_ms=120000",
    ),
    Feature("redact_pii", _WARNED, "nothing is redacted", "redact_pii=true"),
    Feature(
        "redact_pii_policies",
        _WARNED,
        "nothing is redacted",
        'redact_pii_policies=["person_name"]',
    ),
    Feature("redact_pii_sub", _WARNED, "nothing is redacted", "redact_pii_sub=hash"),
    Feature("domain", _WARNED, "there is one model, for everyday speech", "domain=medical-v1"),
    Feature("voice_focus", _WARNED, "no noise is suppressed", "voice_focus=near-field"),
    Feature(
        "voice_focus_threshold", _WARNED, "no noise is suppressed", "voice_focus_threshold=0.7"
    ),
    Feature("llm_gateway", _WARNED, "no language model is asked", 'llm_gateway={"model":"any"}'),
    Feature("webhook_url", _WARNED, "nothing leaves this machine", "webhook_url=http://localhost/"),
    Feature(
        "webhook_auth_header_name",
        _WARNED,
        "nothing leaves this machine",
        "webhook_auth_header_name=X-Key",
    ),
    Feature(
        "webhook_auth_header_value",
        _WARNED,
        "nothing leaves this machine",
        "webhook_auth_header_value=secret",
    ),
    Feature(
        "customer_support_audio_capture",
        _WARNED,
        "no audio is kept",
        "customer_support_audio_capture=true",
    ),
)
