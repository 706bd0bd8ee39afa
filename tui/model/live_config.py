"""Parses the form for changing the parameters of a streaming session."""

from dataclasses import dataclass

from workers.errors import UsageProblem
from workers.protocol.configuration import rejection_reason
from workers.protocol.messages import UpdateConfiguration


@dataclass(frozen=True, slots=True)
class LiveField:
    """A parameter that can be changed while streaming; ``name`` is its name on the wire."""

    name: str
    label: str
    hint: str


LIVE_FIELDS = (
    LiveField("keyterms_prompt", "key terms", "separated by commas; a single comma removes all"),
    LiveField("min_turn_silence", "min silence", "ms, 50 to 10000"),
    LiveField("max_turn_silence", "max silence", "ms, 50 to 10000"),
)


@dataclass(frozen=True, slots=True)
class LiveConfigForm:
    """The text of each field; an empty field changes nothing."""

    keyterms_prompt: str = ""
    """Separated by commas; a single comma removes all terms."""
    min_turn_silence: str = ""
    """Milliseconds."""
    max_turn_silence: str = ""


def parse_form(form: LiveConfigForm) -> UpdateConfiguration | None:
    """Returns the message to send, or None if nothing changes.

    Raises `UsageProblem` for values that would make a server end the session.
    """
    terms = [term for part in form.keyterms_prompt.split(",") if (term := part.strip())]
    message = UpdateConfiguration(
        keyterms_prompt=tuple(terms) if form.keyterms_prompt.strip() else None,
        min_turn_silence=_parse_ms(form.min_turn_silence),
        max_turn_silence=_parse_ms(form.max_turn_silence),
    )
    if reason := rejection_reason(message):
        for field in LIVE_FIELDS:
            reason = reason.replace(field.name, field.label)
        raise UsageProblem(reason, "Nothing was sent.")
    low, high = message.min_turn_silence, message.max_turn_silence
    if low is not None and high is not None and low > high:
        raise UsageProblem("the min silence is longer than the max silence", "Nothing was sent.")
    return None if message == UpdateConfiguration() else message


def _parse_ms(text: str) -> int | None:
    if not (text := text.strip()):
        return None
    try:
        return int(text)
    except ValueError as error:
        problem = f"“{text}” is not a number of milliseconds"
        raise UsageProblem(problem, "Type a number, such as 400.") from error
