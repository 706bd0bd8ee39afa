"""How the value of a connection parameter is written in a URL, and which values there are.

`read` takes the text of the URL, `check` a value that came as JSON in a message; both raise
`Unfit`, which says why in words that follow the parameter's name.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Protocol

from workers.protocol.codec import Json


class Unfit(Exception):
    """A value that its parameter cannot have."""


class Kind(Protocol):
    """A kind of values; what it reads is JSON, so that URL and message give the same."""

    def read(self, text: str) -> Json:
        """The value of a text that fits."""

    def check(self, value: Json) -> None:
        """Nothing, if the value, of the right type already, fits."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``; Python clients write them with a capital letter."""

    def read(self, text: str) -> Json:
        if text.lower() not in ("true", "false"):
            raise Unfit(f"'{text}' is neither true nor false")
        return text.lower() == "true"

    def check(self, value: Json) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within limits, both included."""

    low: int
    high: float = math.inf
    unit: str = ""

    def read(self, text: str) -> int:
        # Twenty digits are more than any limit, and few enough not to be laborious.
        if not re.fullmatch(r"[+-]?\d{1,20}", text, re.ASCII):
            raise Unfit("must be a whole number")
        value = int(text)
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        _within(value, self.low, self.high, self.unit)


@dataclass(frozen=True, slots=True)
class Number:
    """A number within limits, both included."""

    low: float
    high: float

    def read(self, text: str) -> Json:
        try:
            value = float(text)
        except ValueError:
            raise Unfit("must be a number") from None
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        _within(value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words, as they are."""

    of: tuple[str, ...]

    def read(self, text: str) -> Json:
        self.check(text)
        return text

    def check(self, value: Json) -> None:
        if value not in self.of:
            raise Unfit(f"'{value}' is none of {', '.join(self.of)}")


@dataclass(frozen=True, slots=True)
class Text:
    """Any text up to a length in characters."""

    longest: float = math.inf

    def read(self, text: str) -> Json:
        self.check(text)
        return text

    def check(self, value: Json) -> None:
        if isinstance(value, str) and len(value) > self.longest:
            raise Unfit(f"Max {self.longest} characters")


@dataclass(frozen=True, slots=True)
class Texts:
    """Several texts: in a URL one JSON array."""

    most: float = math.inf
    alone: str = ""
    """The one that may not stand beside others."""
    commas: bool = False
    """Whether a URL may also hold them as a list with commas."""

    def read(self, text: str) -> Json:
        value = _json(text)
        if self.commas and value is None:
            value = [each for part in text.split(",") if (each := part.strip())]
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Unfit("Invalid JSON array")
        self.check(value)
        return value

    def check(self, value: Json) -> None:
        assert isinstance(value, list)
        if len(value) > self.most:
            raise Unfit(f"Max {self.most} items")
        if self.alone in value and len(value) > 1:
            raise Unfit(f"'{self.alone}' must be the only one")


@dataclass(frozen=True, slots=True)
class Record:
    """A JSON object."""

    def read(self, text: str) -> Json:
        value = _json(text)
        if not isinstance(value, dict):
            raise Unfit("Invalid JSON object")
        return value

    def check(self, value: Json) -> None:
        pass


def _within(value: Json, low: float, high: float, unit: str = "") -> None:
    assert isinstance(value, int | float)
    if not value >= low:  # so that NaN is outside too
        raise Unfit(f"must be at least {low:,}{unit}")
    if not value <= high:
        raise Unfit(f"must be at most {high:,}{unit}")


def _json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
