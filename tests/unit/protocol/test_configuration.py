from dataclasses import fields

import pytest

from workers.protocol.configuration import (
    NO_CHANGES,
    changeable_fields,
    merged_changes,
    rejection_reason,
    supported_changes,
)
from workers.protocol.messages import UpdateConfiguration

ALL = {
    "min_turn_silence",
    "max_turn_silence",
    "vad_threshold",
    "keyterms_prompt",
    "filter_profanity",
    "session_heartbeat",
}
UNIVERSAL_STREAMING = ALL | {"end_of_turn_confidence_threshold", "format_turns"}
U3 = ALL | {
    "prompt",
    "agent_context",
    "mode",
    "interruption_delay",
    "turn_left_pad_ms",
    "continuous_partials",
    "acknowledge_silence",
}


@pytest.mark.parametrize(
    ("fields_taken", "models"),
    [
        (
            UNIVERSAL_STREAMING,
            ["universal-streaming-english", "universal-streaming-multilingual", "whisper-rt"],
        ),
        (U3, ["u3-rt-pro", "u3-rt-pro-beta-1", "u3-pro", "universal-3-pro"]),
        (
            U3 | {"language_codes"},
            [
                "universal-3-5-pro",
                "universal-3-6",
                "_universal-3-5-notetaker",
                "universal-3-10-pro",
            ],
        ),
        (ALL, ["universal-4", "somebody-elses", ""]),
    ],
)
def test_each_family_takes_its_own_fields(fields_taken: set[str], models: list[str]) -> None:
    """An unknown model is assumed to accept the fields common to all models."""
    for model in models:
        assert changeable_fields(model) == fields_taken
    assert fields_taken < {field.name for field in fields(UpdateConfiguration)}


def test_what_a_model_does_not_take_is_left_out() -> None:
    """The service would end the session for it."""
    changes = UpdateConfiguration(
        max_turn_silence=300, prompt="Dates.", format_turns=True, extra={"sample_rate": 8000}
    )

    assert supported_changes(changes, "u3-rt-pro") == UpdateConfiguration(
        max_turn_silence=300, prompt="Dates."
    )
    assert supported_changes(changes, "whisper-rt") == UpdateConfiguration(
        max_turn_silence=300, format_turns=True
    )
    assert supported_changes(UpdateConfiguration(format_turns=True), "u3-rt-pro") == NO_CHANGES


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (UpdateConfiguration(max_turn_silence=50, vad_threshold=1.0, mode="balanced"), ""),
        (UpdateConfiguration(keyterms_prompt=(), prompt="x" * 1750), ""),
        (UpdateConfiguration(max_turn_silence=49), "max_turn_silence must be from 50 to 10000"),
        (UpdateConfiguration(vad_threshold=1.1), "vad_threshold must be from 0 to 1"),
        (
            UpdateConfiguration(keyterms_prompt=("a",) * 101),
            "keyterms_prompt may have at most 100 terms",
        ),
        (UpdateConfiguration(prompt="x" * 1751), "prompt may have at most 1750 characters"),
        (
            UpdateConfiguration(mode="fast"),
            "mode must be one of min_latency, balanced, max_accuracy",
        ),
    ],
)
def test_a_value_that_cannot_be_taken_is_named(changes: UpdateConfiguration, says: str) -> None:
    """The value is refused here, before the service would end a session for it."""
    assert rejection_reason(changes) == says


def test_later_changes_come_over_earlier_ones() -> None:
    """Fields that the later change does not set keep their value."""
    first = UpdateConfiguration(max_turn_silence=300, keyterms_prompt=("Halvorsen",))

    assert merged_changes(first, UpdateConfiguration(keyterms_prompt=())) == UpdateConfiguration(
        max_turn_silence=300, keyterms_prompt=()
    )
    assert merged_changes(NO_CHANGES, first) == first
