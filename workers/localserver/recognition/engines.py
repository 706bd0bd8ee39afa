"""The interface of an engine, and how a recogniser process loads one.

An engine is loaded once per process and repeatedly transcribes growing segments of the same
speech. Its callers decide when to transcribe and where to cut, so an engine knows no streams or
turns. ``docs/recipes/recogniser.md`` shows how to add one.
"""

import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from workers.localserver.engine_registry import ENGINES
from workers.localserver.recognition.sound import Samples


@dataclass(frozen=True, slots=True)
class EngineWord:
    """A word as an engine writes it, punctuation included."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    """Seconds from the first sample; None if the engine reports no times."""
    confidence: float | None = None  # 0 to 1; None if the engine reports none


EngineWords = tuple[EngineWord, ...]


class Engine(Protocol):
    """A loaded speech recognition model; always called from the same thread."""

    def transcribe(self, samples: Samples) -> EngineWords:
        """Returns the words in at most 30 s of mono audio at 16 kHz."""


@cache
def load_engine(name: str) -> Engine:
    """Returns an engine of `ENGINES`; the first call takes a second or more."""
    engine: Engine = pkgutil.resolve_name(ENGINES[name].class_path)()
    return engine
