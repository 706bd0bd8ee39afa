"""What of a session may be changed while it streams: by which models, within which bounds.

The vendor's page on updating a configuration in mid-stream, its AsyncAPI documents and its SDKs
tell which models take which field. The service ends a session for a value that it does not take, so
what cannot be taken is kept from being sent.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, replace

from workers.jobs import Settings
from workers.speech import codec
from workers.speech.codec import Json
from workers.speech.messages import UpdateConfiguration

UNCHANGED = UpdateConfiguration()
"""Changes nothing."""

OLDER_NAME, TODAYS_NAME = "min_end_of_turn_silence_when_confident", "min_turn_silence"
"""Of one and the same parameter."""

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


def applied(settings: Settings, changes: UpdateConfiguration) -> Settings:
    """The settings of a session that begins with what was changed in an earlier one.

    Only with what the model takes: a run folder may say anything. Each field is a connection
    parameter by the same name; a list that was emptied is none.
    """
    taken = allowed(changes, settings.speech_model)
    written = {name: _in_query(value) for name, value in codec.write(taken).items()}
    replaced = {*written, OLDER_NAME} if TODAYS_NAME in written else set(written)
    kept = [(name, text) for name, text in settings.params if name not in replaced]
    added = [(name, text) for name, text in written.items() if text]
    return replace(settings, params=(*kept, *added))


def _in_query(value: Json) -> str:
    """A value as a connection parameter has it; empty for one that is not to be given."""
    if isinstance(value, str):
        return value
    return "" if value == [] else json.dumps(value, ensure_ascii=False)


_NAMES = frozenset(field.name for field in fields(UpdateConfiguration)) - {"extra"}
