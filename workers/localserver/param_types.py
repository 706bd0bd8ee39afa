"""The types of connection parameters: their syntax in a URL, and their valid values.

`parse` takes the text of the URL, `check` a JSON value from a message. Both raise `InvalidValue`.
The Error message consists of the parameter's name and the text of the exception.
"""

import json
import math
import re
from dataclasses import dataclass

from workers.protocol.codec import Json

MULTILINGUAL_MODELS = ("universal-streaming-multilingual", "whisper-rt")
STREAMING_MODELS = ("universal-streaming-english", *MULTILINGUAL_MODELS)
KNOWN_MODELS = (
    *STREAMING_MODELS,
    "u3-rt-pro",
    "u3-rt-pro-beta-1",
    "u3-rt-agent",
    "universal-3-5-pro",
    "universal-3-6-pro",
    "universal-3-6",
    "universal-3-7-preview",
    "_universal-3-5-notetaker",
)
"""The models that the service listed in an Error message."""

U3_MODEL_PATTERN = re.compile(r"(u3|universal-3)-[a-z0-9-]{1,40}")
"""Names of U3 models. New ones appear every few months, so unknown names are accepted."""

MODEL_ALIASES = {"u3-pro": "u3-rt-pro"}
"""The vendor's SDK still uses the older name; the service does not know it."""


class InvalidValue(Exception):
    """The value is not valid for its parameter."""


class ParamType:
    """A parameter type, by default any text. URLs and messages yield the same JSON values."""

    def parse(self, text: str) -> Json:
        self.check(text)
        return text

    def check(self, value: Json) -> None:
        """Checks a value that already has the right JSON type; raises `InvalidValue`."""


class BooleanParam(ParamType):
    """``true`` or ``false``; also ``True`` and ``False``, as Python clients write them."""

    def parse(self, text: str) -> Json:
        if text.lower() not in ("true", "false"):
            raise InvalidValue(f"'{text}' is neither true nor false")
        return text.lower() == "true"


@dataclass(frozen=True, slots=True)
class NumberParam(ParamType):
    """A number from ``low`` to ``high``."""

    low: float
    high: float = math.inf
    unit: str = ""

    def parse(self, text: str) -> Json:
        try:
            value = float(text)
        except ValueError:
            raise InvalidValue("must be a number") from None
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        assert isinstance(value, int | float)
        if not value >= self.low:  # not `value < self.low`, which is false for NaN
            raise InvalidValue(f"must be at least {self.low:,}{self.unit}")
        if not value <= self.high:
            raise InvalidValue(f"must be at most {self.high:,}{self.unit}")


@dataclass(frozen=True, slots=True)
class IntegerParam(NumberParam):
    """A whole number from ``low`` to ``high``."""

    def parse(self, text: str) -> int:
        # No valid number has more than twenty digits, and longer ones are slow to convert.
        if not re.fullmatch(r"[+-]?\d{1,20}", text, re.ASCII):
            raise InvalidValue("must be a whole number")
        value = int(text)
        self.check(value)
        return value


@dataclass(frozen=True, slots=True)
class ChoiceParam(ParamType):
    """One of a few words; case-sensitive."""

    values: tuple[str, ...]

    def check(self, value: Json) -> None:
        if value not in self.values:
            raise InvalidValue(f"'{value}' is not one of {', '.join(self.values)}")


@dataclass(frozen=True, slots=True)
class StringParam(ParamType):
    """Any text up to ``max_chars``."""

    max_chars: float = math.inf

    def check(self, value: Json) -> None:
        if isinstance(value, str) and len(value) > self.max_chars:
            raise InvalidValue(f"Max {self.max_chars} characters")


@dataclass(frozen=True, slots=True)
class StringListParam(ParamType):
    """A list of texts, written in a URL as a JSON array."""

    max_items: float = math.inf
    exclusive_item: str = ""  # if present, it must be the only item
    allows_commas: bool = False  # whether a URL may also separate the items by commas

    def parse(self, text: str) -> Json:
        value = _parse_json(text)
        if self.allows_commas and value is None:
            value = [item for part in text.split(",") if (item := part.strip())]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InvalidValue("Invalid JSON array")
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        assert isinstance(value, list)
        if len(value) > self.max_items:
            raise InvalidValue(f"Max {self.max_items} items")
        if self.exclusive_item in value and len(value) > 1:
            raise InvalidValue(f"'{self.exclusive_item}' must be the only item")


class ObjectParam(ParamType):
    """A JSON object."""

    def parse(self, text: str) -> Json:
        value = _parse_json(text)
        if not isinstance(value, dict):
            raise InvalidValue("Invalid JSON object")
        return value


class ModelParam(ParamType):
    """A speech model of the service."""

    def parse(self, text: str) -> Json:
        self.check(text)
        return MODEL_ALIASES.get(text, text)

    def check(self, value: Json) -> None:
        if value not in KNOWN_MODELS and not U3_MODEL_PATTERN.fullmatch(str(value)):
            raise InvalidValue(f"'{value}' is not one of {', '.join(KNOWN_MODELS)}")


def _parse_json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
