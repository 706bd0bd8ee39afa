"""Connection parameters: which are honoured, not applied, or refused."""

import json
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.localserver import features, parameters
from workers.localserver.features import FEATURES, Feature, Support
from workers.localserver.param_types import KNOWN_MODELS
from workers.localserver.parameters import (
    PARAM_ALIASES,
    PARAM_TYPES,
    UPDATABLE_PARAMS,
    Mode,
    ModelFamily,
    Parameters,
)
from workers.localserver.recogniser_protocol import Encoding, Endpointing
from workers.localserver.refusal import CloseCode, Refusal
from workers.localserver.session import decode_message
from workers.protocol.messages import UpdateConfiguration

US = "speech_model=universal-streaming-english"


def refusal_of(query: str) -> str:
    """The error text for an invalid query."""
    with pytest.raises(Refusal) as refused:
        parameters.parse_query(query)
    assert CloseCode.INVALID is refused.value.code
    return refused.value.message


def unfit(name: str, why: str) -> str:
    return f"User Input Validation Error: Invalid '{name}': {why}"


def unapplied(parameters: Parameters) -> list[str]:
    return list(parameters.unapplied)


# --- the table


@pytest.mark.parametrize("feature", FEATURES, ids=lambda row: f"{row.name}-{row.support.name}")
def test_each_feature_stands_as_the_table_says(feature: Feature):
    """Its example is refused, named as not applied, or honoured."""
    if feature.support is Support.REFUSED:
        assert f"Invalid '{feature.name}'" in refusal_of(feature.example)
        return
    requested = parameters.parse_query(feature.example)

    assert (feature.name in unapplied(requested)) is (feature.support is Support.UNAPPLIED)


def test_the_table_knows_every_parameter():
    """It contains no other parameter."""
    assert set(PARAM_TYPES) == {feature.name for feature in FEATURES}
    assert set(PARAM_ALIASES.values()) <= set(PARAM_TYPES)


def test_every_setting_of_an_update_is_a_parameter():
    """Except the three that cannot change on the way, which are no settings of it."""
    assert {"speech_model", "sample_rate", "encoding"}.isdisjoint(UPDATABLE_PARAMS)
    assert {"prompt", "mode", "max_turn_silence", "session_heartbeat"} <= UPDATABLE_PARAMS


def test_a_parameter_is_warned_of_once():
    """However often the table names it, and only when it asks for something."""
    requested = parameters.parse_query(
        "speaker_labels=True&max_speakers=3&redact_pii=true&language_detection=true"
        "&language_codes=%5B%22es%22%5D&filter_profanity=true&customer_support_audio_capture=false"
    )

    assert [
        "language_detection",
        "language_codes",
        "speaker_labels",
        "max_speakers",
        "redact_pii",
    ] == unapplied(requested)


@pytest.mark.parametrize(
    "query",
    [
        "speaker_labels=false",
        "redact_pii=False",
        "language_codes=%5B%22en%22%2C%22en_us%22%5D",
        "language_code=en",
        "language=en",
        "keyterms_prompt=%5B%5D",
        "prompt=",
        "previous_context_n_turns=0",
        "llm_gateway=%7B%7D",
        f"{US}&prompt=",
        "a_name_that_nobody_knows=1",
    ],
)
def test_what_asks_for_nothing_is_not_warned_of(query: str):
    """Switches that are off, English, empty lists and unknown names bring no warning."""
    assert () == parameters.parse_query(query).unapplied


def test_a_secret_of_a_webhook_is_not_repeated():
    """A warning names the parameter, not its value."""
    requested = parameters.parse_query("webhook_auth_header_value=swordfish")

    assert ["webhook_auth_header_value"] == unapplied(requested)
    assert "swordfish" not in str(features.warnings_about(requested.unapplied))


# --- values


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_booleans_come_in_any_case(text: str):
    """Python clients write a capital letter."""
    assert parameters.parse_query(f"session_heartbeat={text}").session_heartbeat


def test_the_older_name_of_a_silence_is_understood():
    """The newer name wins if both are given."""
    older = "min_end_of_turn_silence_when_confident=160"

    assert 160 == parameters.parse_query(older).endpointing.min_turn_silence
    assert (
        200 == parameters.parse_query(f"min_turn_silence=200&{older}").endpointing.min_turn_silence
    )


def test_the_older_names_of_noise_suppression_are_understood():
    """Warnings and errors use the newer names."""
    requested = parameters.parse_query(
        "noise_suppression_model=near-field&noise_suppression_threshold=0.5"
    )

    assert ["voice_focus", "voice_focus_threshold"] == unapplied(requested)
    assert unfit("voice_focus", "") in refusal_of("noise_suppression_model=loud")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sample_rate=7000", unfit("sample_rate", "must be at least 8,000 Hz")),
        ("sample_rate=1_6000", unfit("sample_rate", "must be a whole number")),
        ("sample_rate=" + "9" * 5000, unfit("sample_rate", "must be a whole number")),
        ("encoding=opus", unfit("encoding", "'opus' is not one of pcm_s16le, pcm_mulaw")),
        ("vad_threshold=1.5", unfit("vad_threshold", "must be at most 1")),
        ("vad_threshold=nan", unfit("vad_threshold", "must be at least 0")),
        ("min_turn_silence=49", unfit("min_turn_silence", "must be at least 50 ms")),
        ("interruption_delay=1001", unfit("interruption_delay", "must be at most 1,000 ms")),
        ("mode=fast", unfit("mode", "'fast' is not one of min_latency, balanced, max_accuracy")),
        ("session_heartbeat=1", unfit("session_heartbeat", "'1' is neither true nor false")),
        ("keyterms_prompt=Halvorsen", unfit("keyterms_prompt", "Invalid JSON array")),
        (
            "keyterms_prompt=%5B%22a%22%5D&keyterms_prompt=%5B%22b%22%5D",
            unfit("keyterms_prompt", "Invalid JSON array"),
        ),
        ("keyterms_prompt=%5B1%5D", unfit("keyterms_prompt", "Invalid JSON array")),
        ("keyterms_prompt=" + "[" * 3000, unfit("keyterms_prompt", "Invalid JSON array")),
        ("agent_context=" + "a" * 1751, unfit("agent_context", "Max 1750 characters")),
        ("prompt=" + "a" * 1751, unfit("prompt", "Max 1750 characters")),
        (f"{US}&prompt=Dates", unfit("prompt", "not supported by 'universal-streaming-english'")),
        ("max_speakers=11", unfit("max_speakers", "must be at most 10")),
        ("previous_context_n_turns=101", unfit("previous_context_n_turns", "must be at most 100")),
        ("voice_focus_threshold=-0.1", unfit("voice_focus_threshold", "must be at least 0")),
        (
            "speaker_labels_revision_interval_ms=86400001",
            unfit("speaker_labels_revision_interval_ms", "must be at most 86,400,000 ms"),
        ),
        ("redact_pii_sub=x", unfit("redact_pii_sub", "'x' is not one of hash, entity_name")),
        ("domain=law", unfit("domain", "'law' is not one of medical-v1")),
        ("llm_gateway=%5B%5D", unfit("llm_gateway", "Invalid JSON object")),
        (
            "language_codes=%5B%22multi%22%2C%22en%22%5D",
            unfit("language_codes", "'multi' must be the only item"),
        ),
        ("inactivity_timeout=3601", unfit("inactivity_timeout", "must be at most 3,600 s")),
    ],
)
def test_what_does_not_fit_is_refused_by_name(query: str, words: str):
    """The error names the limit."""
    assert refusal_of(query).startswith(words)


def test_a_hundred_terms_are_the_most():
    """Terms that are too long are dropped silently, as by the service."""
    hundred = json.dumps(["a" * 51] * 100)
    more = json.dumps(["a"] * 101)

    assert ["keyterms_prompt"] == unapplied(
        parameters.parse_query(urlencode({"keyterms_prompt": hundred}))
    )
    assert unfit("keyterms_prompt", "Max 100 items") == refusal_of(
        urlencode({"keyterms_prompt": more})
    )


def test_policies_may_be_written_with_commas():
    """An older document of the vendor writes them like this."""
    for text in ("person_name,phone_number", '["person_name"]'):
        requested = parameters.parse_query(urlencode({"redact_pii_policies": text}))

        assert ["redact_pii_policies"] == unapplied(requested)


# --- models


@pytest.mark.parametrize(
    "model", [*KNOWN_MODELS, "u3-rt-pro-2", "universal-3-9-pro", "universal-3-10-preview"]
)
def test_known_models_and_their_successors_are_taken(model: str):
    """The model keeps the name that the client used."""
    requested = parameters.parse_query(f"speech_model={model}")

    assert model == requested.speech_model
    assert (requested.family is ModelFamily.UNIVERSAL_STREAMING) is model.startswith(
        ("universal-s", "whis")
    )


@pytest.mark.parametrize("model", ["best", "", "u3-", "U3-RT-PRO", "universal-3-6-pro\n", "nova-3"])
def test_an_unknown_model_is_refused_with_the_known_ones(model: str):
    """The error lists the valid names."""
    words = refusal_of(urlencode({"speech_model": model}))

    assert words.startswith("User Input Validation Error: Invalid 'speech_model': ")
    assert all(known in words for known in KNOWN_MODELS)


def test_a_renamed_model_goes_by_its_new_name():
    """An SDK still uses the older name."""
    assert "u3-rt-pro" == parameters.parse_query("speech_model=u3-pro").speech_model


# --- turns


def test_each_family_has_defaults_of_its_own():
    """Those of Universal-Streaming are the vendor's; those of U3 modes are ours."""
    assert Endpointing(400, 1280, 0.4, 0.4, 300) == parameters.parse_query(US).endpointing
    assert Endpointing(400, 1000, 0.5, 0.3, 500) == parameters.parse_query("").endpointing
    assert Mode.BALANCED is parameters.parse_query("").mode


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("min_latency", Endpointing(160, 800, 0.5, 0.3, 300)),
        ("balanced", Endpointing(400, 1000, 0.5, 0.3, 500)),
        ("max_accuracy", Endpointing(600, 1500, 0.5, 0.3, 700)),
    ],
)
def test_a_mode_is_a_bundle_of_defaults(mode: str, expected: Endpointing):
    """It applies to U3 and has no effect on Universal-Streaming."""
    assert expected == parameters.parse_query(f"mode={mode}").endpointing
    assert (
        Endpointing(400, 1280, 0.4, 0.4, 300)
        == parameters.parse_query(f"{US}&mode={mode}").endpointing
    )


def test_a_given_value_overrides_the_mode_exactly():
    """This holds even if min_turn_silence exceeds max_turn_silence."""
    requested = parameters.parse_query(
        "mode=min_latency&min_turn_silence=2000&max_turn_silence=700&vad_threshold=0"
        "&interruption_delay=0&continuous_partials=False&end_of_turn_confidence_threshold=0.9"
    )

    assert Endpointing(2000, 700, 0.5, 0.0, 0, continuous_partials=False) == requested.endpointing


def test_a_threshold_is_for_universal_streaming_alone():
    """Parameters of U3 have no effect there."""
    requested = parameters.parse_query(
        f"{US}&end_of_turn_confidence_threshold=0&interruption_delay=900&continuous_partials=false"
    )

    assert Endpointing(400, 1280, 0.0, 0.4, 300) == requested.endpointing


# --- changes on the way


def test_a_change_leaves_the_rest_as_it_is():
    """It warns about its own unsupported settings only."""
    requested = parameters.parse_query("sample_rate=8000&encoding=pcm_mulaw&speaker_labels=true")
    changed = requested.with_update(
        UpdateConfiguration(max_turn_silence=2400, prompt="Dates", session_heartbeat=True)
    )

    assert (8_000, Encoding.PCM_MULAW) == (changed.sample_rate, changed.encoding)
    assert 2400 == changed.endpointing.max_turn_silence
    assert 400 == changed.endpointing.min_turn_silence
    assert changed.session_heartbeat
    assert ["prompt"] == unapplied(changed)
    assert () == changed.with_update(UpdateConfiguration()).unapplied


def test_a_change_may_have_the_older_name_of_a_silence():
    """The vendor's SDK still sends it; the newer name wins here too."""
    requested, older = parameters.parse_query(""), "min_end_of_turn_silence_when_confident"

    for fields, expected in (({}, 160), ({"min_turn_silence": 200}, 200)):
        change = decode_message(json.dumps({"type": "UpdateConfiguration", older: 160, **fields}))
        assert isinstance(change, UpdateConfiguration)
        assert expected == requested.with_update(change).endpointing.min_turn_silence


def test_another_mode_keeps_the_given_values_exactly():
    """Only the defaults change."""
    requested = parameters.parse_query("min_turn_silence=250")
    changed = requested.with_update(UpdateConfiguration(mode="max_accuracy"))

    assert Endpointing(250, 1500, 0.5, 0.3, 700) == changed.endpointing


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (UpdateConfiguration(max_turn_silence=10_001), "max_turn_silence"),
        (UpdateConfiguration(vad_threshold=-1), "vad_threshold"),
        (UpdateConfiguration(mode="fast"), "mode"),
        (UpdateConfiguration(keyterms_prompt=("a",) * 101), "keyterms_prompt"),
        (UpdateConfiguration(agent_context="a" * 1751), "agent_context"),
        (UpdateConfiguration(interruption_delay=-1), "interruption_delay"),
        (UpdateConfiguration(language_codes=("multi", "en")), "language_codes"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_by_name(change: UpdateConfiguration, name: str):
    """The limits are the same as in a URL."""
    with pytest.raises(Refusal, match=f"Invalid '{name}'"):
        parameters.parse_query("").with_update(change)


def test_universal_streaming_takes_no_prompt_on_the_way_either():
    """An empty prompt is allowed."""
    requested = parameters.parse_query(US)
    requested.with_update(UpdateConfiguration(prompt=""))
    with pytest.raises(Refusal, match="Invalid 'prompt'"):
        requested.with_update(UpdateConfiguration(prompt="Dates"))


# --- messages


@pytest.mark.parametrize(
    "fields",
    [
        '"max_turn_silence":"2400"',
        '"max_turn_silence":true',
        '"max_turn_silence":[2400]',
        '"vad_threshold":"high"',
        '"vad_threshold":NaN',
        '"format_turns":1',
        '"format_turns":"true"',
        '"keyterms_prompt":"Halvorsen"',
        '"keyterms_prompt":[1]',
        '"prompt":5',
        '"mode":{}',
        f'"max_turn_silence":{"9" * 400}',
    ],
)
def test_a_setting_of_the_wrong_type_is_refused(fields: str):
    """The message itself is invalid, before any limit is checked."""
    with pytest.raises(Refusal) as refused:
        decode_message(f'{{"type":"UpdateConfiguration",{fields}}}')

    assert CloseCode.INVALID is refused.value.code
    assert refused.value.message.startswith("User Input Validation Error: Invalid Message: ")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[" * 90_000, "JSON"),
        ("1" * 5_000, "JSON"),
        ("null", "Message"),
        ("[]", "Message"),
        ('"Terminate"', "Message"),
        (" " * 100_001, "Message"),
    ],
)
def test_what_is_no_message_is_refused(text: str, kind: str):
    """The protocol has two texts for it, and a long message is not quoted."""
    with pytest.raises(Refusal) as refused:
        decode_message(text)

    assert refused.value.message.startswith(f"User Input Validation Error: Invalid {kind}: ")
    assert len(refused.value.message) <= 500


def test_a_refusal_can_always_be_sent():
    """Lone surrogates and control characters are replaced."""
    with pytest.raises(Refusal) as refused:
        parameters.parse_query("mode=%1b%5b2J")

    assert "'\ufffd[2J'" in refused.value.message
    assert Refusal(CloseCode.INVALID, "\ud800").message.encode()


# --- whatever is sent

NAMES = st.sampled_from([*PARAM_TYPES, *PARAM_ALIASES]) | st.text(max_size=10)
TEXTS = st.text(max_size=30) | st.integers().map(str) | st.floats().map(str) | st.just("true")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def words_of(read: Callable[[], object]) -> str:
    """The text of a refusal, empty if there is none; raises everything else."""
    try:
        read()
    except Refusal as refused:
        return refused.message
    return ""


@given(st.lists(st.tuples(NAMES, TEXTS | JSON.map(json.dumps)), max_size=6))
def test_any_query_is_read_or_refused(pairs: list[tuple[str, str]]):
    """Nothing else is raised, and a valid query has usable settings."""
    query = urlencode(pairs, errors="surrogatepass")
    words = words_of(lambda: parameters.parse_query(query))

    assert words.encode() or parameters.parse_query(query).endpointing.max_turn_silence >= 50


@given(st.text(max_size=200))
def test_any_text_as_a_query_is_read_or_refused(query: str):
    """This holds even if it is not a query at all."""
    assert len(words_of(lambda: parameters.parse_query(query)).encode()) < 2000


UPDATES = st.dictionaries(st.sampled_from(sorted(UPDATABLE_PARAMS)) | NAMES, JSON, max_size=5).map(
    lambda fields: {**fields, "type": "UpdateConfiguration"}
)


@given(UPDATES | JSON, st.sampled_from(["", US]))
def test_any_message_is_understood_or_refused(message: object, query: str):
    """Nothing else is raised, not by a change of settings either."""

    def obey() -> None:
        change = decode_message(json.dumps(message))
        if isinstance(change, UpdateConfiguration):
            parameters.parse_query(query).with_update(change)

    assert len(words_of(obey).encode()) < 2000


@given(st.text(max_size=300))
def test_any_text_as_a_message_is_understood_or_refused(text: str):
    """This holds even if it is not JSON at all."""
    assert len(words_of(lambda: decode_message(text)).encode()) < 2000


def test_warnings_are_made_of_the_table():
    """A name that is not in the table brings no warning."""
    assert () == features.unapplied_parameters({"unknown": True})


@pytest.mark.parametrize("feature", features.UNAPPLIED_FEATURES.values(), ids=lambda row: row.name)
def test_what_is_in_effect_instead_requests_nothing(feature: Feature):
    """So a client that sends back what Begin said is told of nothing."""
    in_effect = features.values_in_effect([feature.name])

    assert [feature.name] == list(in_effect)
    assert () == features.unapplied_parameters(in_effect)
