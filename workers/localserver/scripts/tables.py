"""A TOML file's tables, taken apart strictly: every complaint names the place."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NoReturn, TypeGuard

from workers.errors import UsageProblem

MAX_SESSION_S = 3 * 3600
"""Seconds of the longest session: nothing is later, nothing takes longer."""


class ScriptTable:
    """A table of the file, and where it is. Its keys are all known."""

    def __init__(
        self, values: Mapping[str, object], location: str, known_keys: Sequence[str]
    ) -> None:
        self.values = values
        self.location = location
        for key in values:
            if key not in known_keys:
                self.fail(f"“{key}” means nothing here", _suggestion(key, known_keys))

    def fail(self, problem: str, hint: str = "") -> NoReturn:
        raise UsageProblem(f"{self.location}: {problem}", hint)

    def tables(self, key: str, known_keys: Sequence[str]) -> list["ScriptTable"]:
        given = self.values.get(key, [])
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            self.fail(f"“{key}” is no list of tables", "Write it in double brackets.")
        return [
            ScriptTable(each, f"{self.location}, {key} {number}", known_keys)
            for number, each in enumerate(given, 1)
        ]

    def seconds(self, key: str, default: float) -> float:
        value = self.values.get(key, default)
        if not _is_number(value) or not 0 <= value <= MAX_SESSION_S:
            self.fail(f"“{key}” is not a number of seconds from 0 to {MAX_SESSION_S}")
        return value

    def milliseconds(self, key: str) -> int:
        if key not in self.values:
            self.fail(f"“{key}” is missing", "It is in ms of the stream.")
        return self.as_milliseconds(self.values[key], f"“{key}”")

    def as_milliseconds(self, value: object, label: str) -> int:
        if not is_integer(value) or not 0 <= value <= MAX_SESSION_S * 1000:
            self.fail(f"{label} is not a whole number of ms from 0 to {MAX_SESSION_S * 1000}")
        return value

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fail(f"“{key}” is not a text")
        return value

    def one_of(self, key: str, names: Sequence[str]) -> str:
        name = self.text(key)
        if name not in names:
            self.fail(f"“{name}” is no “{key}”", _suggestion(name, names))
        return name


def _is_number(value: object) -> TypeGuard[float]:
    """Whether it is one, as TOML has it: a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _quoted_list(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _suggestion(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"Is it “{near[0]}”?" if near else f"There are {_quoted_list(known)}."
