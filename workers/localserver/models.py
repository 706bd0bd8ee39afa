"""The names of speech models, as the service knows them."""

import re
from dataclasses import dataclass

from workers.localserver.param_types import Unfit
from workers.protocol.codec import Json

UNIVERSAL_STREAMING = frozenset(
    {"universal-streaming-english", "universal-streaming-multilingual", "whisper-rt"}
)
MULTILINGUAL = UNIVERSAL_STREAMING - {"universal-streaming-english"}

KNOWN = (
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

SUCCESSORS = re.compile(r"(u3|universal-3)-[a-z0-9-]{1,40}")
"""The family grows every few months."""

RENAMED = {"u3-pro": "u3-rt-pro"}
"""The vendor's SDK still has the older name, the service does not."""


@dataclass(frozen=True, slots=True)
class Model:
    """The kind of values that `speech_model` has."""

    def read(self, text: str) -> Json:
        self.check(text)
        return RENAMED.get(text, text)

    def check(self, value: Json) -> None:
        if value not in KNOWN and not SUCCESSORS.fullmatch(str(value)):
            raise Unfit(f"'{value}' is none of {', '.join(KNOWN)}")
