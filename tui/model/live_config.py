"""What the user types to change a session while it streams, as the message that says so."""

from dataclasses import dataclass

from workers.errors import UsageProblem
from workers.protocol.configuration import rejection_reason
from workers.protocol.messages import UpdateConfiguration

LIVE_FIELD_LABELS = {
    "keyterms_prompt": "key terms",
    "min_turn_silence": "min silence",
    "max_turn_silence": "max silence",
}
"""What can be changed from the desk, by its name on the wire, and how it is called there."""


@dataclass(frozen=True, slots=True)
class LiveConfigForm:
    """The fields as they stand; what is empty stays as it is."""

    keyterms_prompt: str = ""
    """Commas between; a comma alone takes all terms away."""
    min_turn_silence: str = ""
    """Milliseconds, as of the next."""
    max_turn_silence: str = ""


def parse_form(form: LiveConfigForm) -> UpdateConfiguration | None:
    """The message; None when nothing is to change. Raises `UsageProblem` for what a server would
    end the session for."""
    message = UpdateConfiguration(
        keyterms_prompt=_parse_terms(form.keyterms_prompt),
        min_turn_silence=_parse_ms(form.min_turn_silence, "min_turn_silence"),
        max_turn_silence=_parse_ms(form.max_turn_silence, "max_turn_silence"),
    )
    if reason := rejection_reason(message):
        raise UsageProblem(_with_labels(reason), "Nothing was sent.")
    low, high = message.min_turn_silence, message.max_turn_silence
    if low is not None and high is not None and low > high:
        raise UsageProblem("the min silence is longer than the max silence", "Nothing was sent.")
    return None if message == UpdateConfiguration() else message


def _parse_terms(text: str) -> tuple[str, ...] | None:
    if not text.strip():
        return None
    return tuple(term for part in text.split(",") if (term := part.strip()))


def _parse_ms(text: str, field: str) -> int | None:
    if not text.strip():
        return None
    try:
        return int(text)
    except ValueError as error:
        raise UsageProblem(
            f"“{text.strip()}” is no number of milliseconds",
            f"For {LIVE_FIELD_LABELS[field]}: 400, say.",
        ) from error


def _with_labels(message: str) -> str:
    """The wire's names as they stand in the dialog."""
    for name, label in LIVE_FIELD_LABELS.items():
        message = message.replace(name, label)
    return message
