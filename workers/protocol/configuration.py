"""Which fields of `UpdateConfiguration` each model accepts, and within which limits.

From the vendor's page on updating a configuration mid-stream, its AsyncAPI documents and its
SDKs. The service ends a session for a value that it does not accept, so no such value is sent.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, replace

from workers.protocol import codec
from workers.protocol.messages import UpdateConfiguration

NO_CHANGES = UpdateConfiguration()

_COMMON_FIELDS = frozenset([
    "min_turn_silence", "max_turn_silence", "vad_threshold", "keyterms_prompt", "filter_profanity",
    "session_heartbeat",
])  # fmt: skip
_UNIVERSAL_STREAMING_FIELDS = _COMMON_FIELDS | {"end_of_turn_confidence_threshold", "format_turns"}
_U3_FIELDS = _COMMON_FIELDS | {
    "prompt", "agent_context", "mode", "interruption_delay", "turn_left_pad_ms",
    "continuous_partials", "acknowledge_silence",
}  # fmt: skip
_U3_5_FIELDS = _U3_FIELDS | {"language_codes"}

_MODEL_FAMILIES = (
    (re.compile(r"universal-streaming-.+|whisper-rt"), _UNIVERSAL_STREAMING_FIELDS),
    (re.compile(r"_?universal-3-([5-9]|\d\d)(-.+)?"), _U3_5_FIELDS),
    (re.compile(r"u3-.+|universal-3(-.+)?"), _U3_FIELDS),
)
"""Fields by model name; the first match counts. Families get new models every few months."""

_VALUE_RANGES: Mapping[str, tuple[float, float]] = {
    "min_turn_silence": (50, 10_000),
    "max_turn_silence": (50, 10_000),
    "vad_threshold": (0, 1),
    "end_of_turn_confidence_threshold": (0, 1),
    "interruption_delay": (0, 1000),
}
_MAX_LENGTHS = {"keyterms_prompt": 100, "language_codes": 10, "prompt": 1750, "agent_context": 1750}
"""Maximum number of characters in a string, or of items in a list."""

LATENCY_MODES = ("min_latency", "balanced", "max_accuracy")


def changeable_fields(model: str) -> frozenset[str]:
    """Fields that a model accepts, without older names; `_COMMON_FIELDS` for an unknown model."""
    accepted = (names for pattern, names in _MODEL_FAMILIES if pattern.fullmatch(model))
    return next(accepted, _COMMON_FIELDS)


def supported_changes(changes: UpdateConfiguration, model: str) -> UpdateConfiguration:
    """The part of ``changes`` that a model accepts."""
    if changes is NO_CHANGES:  # at nearly every start
        return changes
    names = {field.name for field in fields(UpdateConfiguration)} - {"extra"}
    refused = names - changeable_fields(model)
    return replace(changes, **dict.fromkeys(refused), extra={})


def rejection_reason(changes: UpdateConfiguration) -> str:
    """Why the service would end the session for these values; empty if it accepts them."""
    for name, value in codec.dump(changes).items():
        if name in _VALUE_RANGES and isinstance(value, int | float):
            low, high = _VALUE_RANGES[name]
            if not low <= value <= high:
                return f"{name} must be from {low:g} to {high:g}"
        if name in _MAX_LENGTHS and isinstance(value, str | list):
            unit = "characters" if isinstance(value, str) else "terms"
            if len(value) > _MAX_LENGTHS[name]:
                return f"{name} may have at most {_MAX_LENGTHS[name]} {unit}"
        if name == "mode" and value not in LATENCY_MODES:
            return f"mode must be one of {', '.join(LATENCY_MODES)}"
    return ""


def merged_changes(earlier: UpdateConfiguration, later: UpdateConfiguration) -> UpdateConfiguration:
    """Merges two changes into one that has the effect of both."""
    return codec.load(UpdateConfiguration, {**codec.dump(earlier), **codec.dump(later)}, "changes")
