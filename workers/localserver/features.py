"""The table of the protocol's features and how this server treats each of them.

The Warning messages, the log and `Begin.configuration` say what is not applied; they and the page
"Engine parameters" of the documentation come from this table. `parameters` defines the types and
values of the parameters.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum

from workers.localserver.param_types import MULTILINGUAL_MODELS
from workers.protocol.codec import Json
from workers.protocol.messages import Warning


class Support(Enum):
    """How the server treats a request for a feature."""

    HONOURED = "honoured"
    UNAPPLIED = "accepted, not applied"
    REFUSED = "refused"


class WarningCode(IntEnum):
    """Invented codes: the protocol has warning codes, but no list of them is public."""

    NOT_HONOURED = 1
    ENGLISH_ONLY = 2
    OVERLOADED = 3


def overload_warning(capacity: int) -> Warning:
    """The Warning for a session beyond the number that can be recognised in real time."""
    return Warning(
        f"more sessions than this machine can serve in real time ({capacity}): words may be late",
        WarningCode.OVERLOADED,
    )


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a client can request with one parameter."""

    name: str
    support: Support
    note: str  # what the server does, in a few words
    example: str  # a query that requests it
    is_requested_by: Callable[[Json], bool] = bool
    """Returns whether a value requests the feature. By default, false, 0 and empty ones do not."""
    code: WarningCode = WarningCode.NOT_HONOURED
    in_effect: Json = None
    """The value that is applied instead of an unsupported one."""

    @property
    def warning(self) -> Warning:
        """The Warning for a client that requests it."""
        return Warning(f"'{self.name}' is not supported: {self.note}", self.code)


def unapplied_parameters(values: Mapping[str, Json]) -> tuple[str, ...]:
    """The names of the parameters that request an unsupported feature."""
    return tuple(
        name
        for name, feature in UNAPPLIED_FEATURES.items()
        if name in values and feature.is_requested_by(values[name])
    )


def warnings_about(unapplied: Iterable[str]) -> tuple[Warning, ...]:
    """A Warning for each parameter that is not applied."""
    return tuple(UNAPPLIED_FEATURES[name].warning for name in unapplied)


def values_in_effect(unapplied: Iterable[str]) -> dict[str, Json]:
    """What `Begin.configuration` says about parameters that are not applied."""
    return {name: UNAPPLIED_FEATURES[name].in_effect for name in unapplied}


def _is_not_english(value: Json) -> bool:
    codes = value if isinstance(value, list) else [value]
    return any(not str(code).lower().startswith("en") for code in codes if code)


def _is_multilingual(value: Json) -> bool:
    return value in MULTILINGUAL_MODELS


def _features(
    support: Support,
    note: str,
    examples: str,
    code: WarningCode = WarningCode.NOT_HONOURED,
    is_requested_by: Callable[[Json], bool] = bool,
    in_effect: Json = None,
) -> Iterator[Feature]:
    """Yields a feature per example, named after its last parameter. Spaces separate examples."""
    for query in examples.split():
        name = query.rpartition("&")[2].partition("=")[0]
        yield Feature(name, support, note, query, is_requested_by, code, in_effect)


_HONOURED, _UNAPPLIED, _REFUSED = Support
_ENGLISH_ONLY = WarningCode.ENGLISH_ONLY
_STREAMING = "speech_model=universal-streaming-english"

FEATURES: tuple[Feature, ...] = (
    *_features(
        _HONOURED,
        "turns in the format of its model family; words from the local English model",
        "speech_model=universal-3-5-pro",
    ),
    *_features(
        _UNAPPLIED,
        "multilingual models recognise only English",
        "speech_model=universal-streaming-multilingual",
        _ENGLISH_ONLY,
        _is_multilingual,
        in_effect="universal-streaming-english",
    ),
    *_features(_HONOURED, "8,000 to 96,000 Hz", "sample_rate=48000"),
    *_features(_HONOURED, "pcm_s16le and pcm_mulaw", "encoding=pcm_mulaw"),
    *_features(_REFUSED, "opus, ogg_opus and aac are not decoded", "encoding=opus"),
    *_features(_HONOURED, "the API key, or a token from /v3/token", "token=abc"),
    *_features(
        _HONOURED,
        "Universal-Streaming models send each final turn again, formatted",
        f"{_STREAMING}&format_turns=true",
    ),
    *_features(
        _HONOURED,
        "Universal-Streaming models only; U3 models ignore it, as the service does",
        f"{_STREAMING}&end_of_turn_confidence_threshold=0.7",
    ),
    *_features(_HONOURED, "50 to 10,000 ms", "min_turn_silence=160 max_turn_silence=2400"),
    *_features(_HONOURED, "0 to 1", "vad_threshold=0.6"),
    *_features(
        _HONOURED,
        "for U3 models: defaults for silences, first partial and speech detection",
        "mode=min_latency",
    ),
    *_features(
        _HONOURED, "for U3 models: ms of speech before the first partial", "interruption_delay=100"
    ),
    *_features(
        _HONOURED,
        "for U3 models: with false, only the first partial of a turn and those at pauses",
        "continuous_partials=false",
    ),
    *_features(_HONOURED, "with false, only final turns", "include_partial_turns=false"),
    *_features(_HONOURED, "5 to 3,600 s", "inactivity_timeout=60"),
    *_features(_HONOURED, "every 5 s", "session_heartbeat=true"),
    *_features(_HONOURED, "one message per second of silence", "acknowledge_silence=true"),
    *_features(_HONOURED, "a short list of English words", "filter_profanity=true"),
    *_features(
        _UNAPPLIED,
        "final turns contain language_code “en”; only English is recognised",
        "language_detection=true",
        _ENGLISH_ONLY,
        in_effect=False,
    ),
    *_features(
        _UNAPPLIED,
        "only English is recognised",
        'language_codes=["en","es"]',
        _ENGLISH_ONLY,
        _is_not_english,
        in_effect=["en"],
    ),
    *_features(
        _UNAPPLIED,
        "only English is recognised",
        "language_code=fr language=multi",
        _ENGLISH_ONLY,
        _is_not_english,
        in_effect="en",
    ),
    *_features(
        _UNAPPLIED,
        "the recogniser cannot boost words",
        'keyterms_prompt=["Halvorsen"]',
        in_effect=[],
    ),
    *_features(_UNAPPLIED, "the recogniser ignores prompts", "prompt=Dates"),
    *_features(_REFUSED, "with Universal-Streaming models", f"{_STREAMING}&prompt=Dates"),
    *_features(_UNAPPLIED, "the recogniser ignores context", "agent_context=Hello"),
    *_features(
        _UNAPPLIED,
        "every turn is recognised by itself",
        "previous_context_n_turns=5",
        in_effect=0,
    ),
    *_features(_UNAPPLIED, "turns are not padded", "turn_left_pad_ms=200", in_effect=0),
    *_features(
        _UNAPPLIED, "speakers are not distinguished", "speaker_labels=true", in_effect=False
    ),
    *_features(
        _UNAPPLIED,
        "speakers are not distinguished",
        "max_speakers=2 speaker_labels_revision_interval_ms=120000",
    ),
    *_features(_UNAPPLIED, "nothing is redacted", "redact_pii=true", in_effect=False),
    *_features(
        _UNAPPLIED,
        "nothing is redacted",
        'redact_pii_policies=["person_name"] redact_pii_sub=hash',
    ),
    *_features(_UNAPPLIED, "there is one model, for everyday speech", "domain=medical-v1"),
    *_features(
        _UNAPPLIED, "noise is not suppressed", "voice_focus=near-field voice_focus_threshold=0.7"
    ),
    *_features(_UNAPPLIED, "there is no language model", 'llm_gateway={"model":"any"}'),
    *_features(
        _UNAPPLIED,
        "nothing leaves this machine",
        "webhook_url=http://localhost/ webhook_auth_header_name=X-Key "
        "webhook_auth_header_value=secret",
    ),
    *_features(
        _UNAPPLIED,
        "no audio is stored",
        "customer_support_audio_capture=true",
        in_effect=False,
    ),
)

UNAPPLIED_FEATURES = {
    feature.name: feature for feature in FEATURES if feature.support is Support.UNAPPLIED
}
