"""How the value of a connection parameter is written in a URL, and which values there are.

`read` takes the text of the URL, `check` a value that came as JSON in a message; both raise
`InvalidValue`, which says why in words that follow the parameter's name.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Protocol

from workers.protocol.codec import Json


class InvalidValue(Exception):
    """A value that its parameter cannot have."""


class ParamType(Protocol):
    """A kind of values; what it reads is JSON, so that URL and message give the same."""

    def parse(self, text: str) -> Json:
        """The value of a text that fits."""

    def check(self, value: Json) -> None:
        """Nothing, if the value, of the right type already, fits."""


@dataclass(frozen=True, slots=True)
class BooleanParam:
    """``true`` or ``false``; Python clients write them with a capital letter."""

    def parse(self, text: str) -> Json:
        if text.lower() not in ("true", "false"):
            raise InvalidValue(f"'{text}' is neither true nor false")
        return text.lower() == "true"

    def check(self, value: Json) -> None:
        pass


@dataclass(frozen=True, slots=True)
class IntegerParam:
    """A whole number within limits, both included."""

    low: int
    high: float = math.inf
    unit: str = ""

    def parse(self, text: str) -> int:
        # Twenty digits are more than any limit, and few enough not to be laborious.
        if not re.fullmatch(r"[+-]?\d{1,20}", text, re.ASCII):
            raise InvalidValue("must be a whole number")
        value = int(text)
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        _check_range(value, self.low, self.high, self.unit)


@dataclass(frozen=True, slots=True)
class NumberParam:
    """A number within limits, both included."""

    low: float
    high: float

    def parse(self, text: str) -> Json:
        try:
            value = float(text)
        except ValueError:
            raise InvalidValue("must be a number") from None
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        _check_range(value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class ChoiceParam:
    """One of a few words, as they are."""

    values: tuple[str, ...]

    def parse(self, text: str) -> Json:
        self.check(text)
        return text

    def check(self, value: Json) -> None:
        if value not in self.values:
            raise InvalidValue(f"'{value}' is none of {', '.join(self.values)}")


@dataclass(frozen=True, slots=True)
class StringParam:
    """Any text up to a length in characters."""

    max_chars: float = math.inf

    def parse(self, text: str) -> Json:
        self.check(text)
        return text

    def check(self, value: Json) -> None:
        if isinstance(value, str) and len(value) > self.max_chars:
            raise InvalidValue(f"Max {self.max_chars} characters")


@dataclass(frozen=True, slots=True)
class StringListParam:
    """Several texts: in a URL one JSON array."""

    max_items: float = math.inf
    exclusive_item: str = ""
    """The one that may not stand beside others."""
    allows_commas: bool = False
    """Whether a URL may also hold them as a list with commas."""

    def parse(self, text: str) -> Json:
        value = _parse_json(text)
        if self.allows_commas and value is None:
            value = [each for part in text.split(",") if (each := part.strip())]
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise InvalidValue("Invalid JSON array")
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        assert isinstance(value, list)
        if len(value) > self.max_items:
            raise InvalidValue(f"Max {self.max_items} items")
        if self.exclusive_item in value and len(value) > 1:
            raise InvalidValue(f"'{self.exclusive_item}' must be the only one")


@dataclass(frozen=True, slots=True)
class ObjectParam:
    """A JSON object."""

    def parse(self, text: str) -> Json:
        value = _parse_json(text)
        if not isinstance(value, dict):
            raise InvalidValue("Invalid JSON object")
        return value

    def check(self, value: Json) -> None:
        pass


def _check_range(value: Json, low: float, high: float, unit: str = "") -> None:
    assert isinstance(value, int | float)
    if not value >= low:  # so that NaN is outside too
        raise InvalidValue(f"must be at least {low:,}{unit}")
    if not value <= high:
        raise InvalidValue(f"must be at most {high:,}{unit}")


def _parse_json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
