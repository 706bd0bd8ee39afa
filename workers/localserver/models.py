"""The names of speech models, as the service knows them."""

import re
from dataclasses import dataclass

from workers.localserver.param_types import InvalidValue
from workers.protocol.codec import Json

STREAMING_MODELS = frozenset(
    {"universal-streaming-english", "universal-streaming-multilingual", "whisper-rt"}
)
MULTILINGUAL_MODELS = STREAMING_MODELS - {"universal-streaming-english"}

KNOWN_MODELS = (
    "universal-streaming-english",
    "universal-streaming-multilingual",
    "whisper-rt",
    "u3-rt-pro",
    "u3-rt-pro-beta-1",
    "u3-rt-agent",
    "universal-3-5-pro",
    "universal-3-6-pro",
    "universal-3-6",
    "universal-3-7-preview",
    "_universal-3-5-notetaker",
)
"""The service's own list, from a rejection that was observed."""

U3_MODEL_PATTERN = re.compile(r"(u3|universal-3)-[a-z0-9-]{1,40}")
"""The family grows every few months."""

MODEL_ALIASES = {"u3-pro": "u3-rt-pro"}
"""The vendor's SDK still has the older name, the service does not."""


@dataclass(frozen=True, slots=True)
class ModelParam:
    """The kind of values that `speech_model` has."""

    def parse(self, text: str) -> Json:
        self.check(text)
        return MODEL_ALIASES.get(text, text)

    def check(self, value: Json) -> None:
        if value not in KNOWN_MODELS and not U3_MODEL_PATTERN.fullmatch(str(value)):
            raise InvalidValue(f"'{value}' is none of {', '.join(KNOWN_MODELS)}")
