"""Checks names of speech models and parameters: against the embedded engine, or for a warning."""

import difflib
from collections.abc import Iterable, Iterator
from urllib.parse import urlencode

from workers.errors import UsageProblem
from workers.jobs.job import StreamSettings
from workers.localserver.param_types import KNOWN_MODELS, MODEL_ALIASES
from workers.localserver.parameters import PARAM_ALIASES, PARAM_TYPES, parse_query
from workers.localserver.refusal import Refusal

MAX_NEAREST_NAMES = 3

_MODELS = (*KNOWN_MODELS, *MODEL_ALIASES)
_PARAMETERS = (*PARAM_TYPES, *PARAM_ALIASES)

MODELS_HINT = f"Known models: {', '.join(name for name in KNOWN_MODELS if name[0] != '_')}."
PARAMETERS_HINT = "docs/reference/engine-parameters.md lists its parameters."


def check_engine_settings(settings: StreamSettings) -> None:
    """Raises `UsageProblem` for a model or parameter that the embedded engine does not know.

    By the protocol, servers ignore unknown names, so a typing error would go unnoticed.
    """
    if settings.speech_model not in _MODELS:
        problem = f"the embedded engine has no speech model “{settings.speech_model}”"
        raise UsageProblem(problem, _nearest_hint(settings.speech_model, _MODELS) or MODELS_HINT)
    for name, _ in settings.params:
        if name not in _PARAMETERS:
            problem = f"the embedded engine has no parameter “{name}”"
            raise UsageProblem(problem, _nearest_hint(name, _PARAMETERS) or PARAMETERS_HINT)
    try:
        parse_query(urlencode([("speech_model", settings.speech_model), *settings.params]))
    except Refusal as refusal:
        reason = refusal.message.removeprefix("User Input Validation Error: ")
        raise UsageProblem(f"the embedded engine refuses this: {reason}") from None


def unknown_name_warnings(settings: StreamSettings) -> Iterator[str]:
    """A sentence for each model or parameter that Paceline does not know. An endpoint may know it:
    the service gets new ones every few months."""
    if settings.speech_model not in _MODELS:
        hint = _nearest_hint(settings.speech_model, _MODELS)
        yield f"Paceline does not know the speech model “{settings.speech_model}”. {hint}".rstrip()
    for name, _ in settings.params:
        if name not in _PARAMETERS:
            hint = _nearest_hint(name, _PARAMETERS)
            yield f"Paceline does not know the parameter “{name}”. {hint}".rstrip()


def _nearest_hint(name: str, known: Iterable[str]) -> str:
    """A question with the known names that are most like this one; empty if none is."""
    names = [one for one in known if not one.startswith("_") and one not in MODEL_ALIASES]
    *others, last = difflib.get_close_matches(name, names, n=MAX_NEAREST_NAMES) or [""]
    nearest = f"{', '.join(others)} or {last}" if others else last
    return f"Did you mean {nearest}?" if nearest else ""
