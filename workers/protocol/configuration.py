"""What of a session may be changed while it streams: by which models, within which bounds.

The vendor's page on updating a configuration in mid-stream, its AsyncAPI documents and its SDKs
tell which models take which field. The service ends a session for a value that it does not take, so
what cannot be taken is kept from being sent.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, replace

from workers.protocol import codec
from workers.protocol.messages import UpdateConfiguration

UNCHANGED = UpdateConfiguration()
"""Changes nothing."""

_ALL = frozenset(
    [
        "min_turn_silence",
        "max_turn_silence",
        "vad_threshold",
        "keyterms_prompt",
        "filter_profanity",
        "session_heartbeat",
    ]
)
_UNIVERSAL_STREAMING = _ALL | {"end_of_turn_confidence_threshold", "format_turns"}
_U3 = _ALL | {
    "prompt",
    "agent_context",
    "mode",
    "interruption_delay",
    "turn_left_pad_ms",
    "continuous_partials",
    "acknowledge_silence",
}
_FROM_3_5 = _U3 | {"language_codes"}

_FAMILIES = (
    (re.compile(r"universal-streaming-.+|whisper-rt"), _UNIVERSAL_STREAMING),
    (re.compile(r"_?universal-3-([5-9]|\d\d)(-.+)?"), _FROM_3_5),
    (re.compile(r"u3-.+|universal-3(-.+)?"), _U3),
)
"""By their names, the first that fits; new members of a family appear every few months."""

_BOUNDS: Mapping[str, tuple[float, float]] = {
    "min_turn_silence": (50, 10_000),
    "max_turn_silence": (50, 10_000),
    "vad_threshold": (0, 1),
    "end_of_turn_confidence_threshold": (0, 1),
    "interruption_delay": (0, 1000),
}
_LONGEST: Mapping[str, int] = {
    "keyterms_prompt": 100,
    "language_codes": 10,
    "prompt": 1750,
    "agent_context": 1750,
}
"""Characters, or members of a list."""

MODES = ("min_latency", "balanced", "max_accuracy")


def changeable(model: str) -> frozenset[str]:
    """The fields of `UpdateConfiguration` that a model takes; those that all do, if it is unknown.

    The older name of a field is none of them: today's says the same.
    """
    return next((taken for name, taken in _FAMILIES if name.fullmatch(model)), _ALL)


def allowed(changes: UpdateConfiguration, model: str) -> UpdateConfiguration:
    """Of some changes, those that a model takes."""
    refused = {name for name in _NAMES if name not in changeable(model)}
    return replace(changes, **dict.fromkeys(refused), extra={})


def unfit(changes: UpdateConfiguration) -> str:
    """Why a service would end the session for these values, in words; empty when it would not."""
    for name, value in codec.write(changes).items():
        if name in _BOUNDS and isinstance(value, int | float):
            low, high = _BOUNDS[name]
            if not low <= value <= high:
                return f"{name} is from {low:g} to {high:g}"
        if name in _LONGEST and isinstance(value, str | list) and len(value) > _LONGEST[name]:
            what = "characters" if isinstance(value, str) else "terms"
            return f"{name} has at most {_LONGEST[name]} {what}"
        if name == "mode" and value not in MODES:
            return f"mode is one of {', '.join(MODES)}"
    return ""


def merged(earlier: UpdateConfiguration, later: UpdateConfiguration) -> UpdateConfiguration:
    """Both changes, one after the other, as one."""
    return codec.read(
        UpdateConfiguration, {**codec.write(earlier), **codec.write(later)}, "changes"
    )


_NAMES = frozenset(field.name for field in fields(UpdateConfiguration)) - {"extra"}
