"""A TOML file's tables, taken apart strictly: every complaint names the place."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NoReturn, TypeGuard

from workers.errors import UsageProblem

LONGEST = 3 * 3600
"""Seconds of the longest session: nothing is later, nothing takes longer."""


class Table:
    """A table of the file, and where it is. Its keys are all known."""

    def __init__(self, values: Mapping[str, object], place: str, known: Sequence[str]) -> None:
        self.values = values
        self.place = place
        for key in values:
            if key not in known:
                self.refuse(f"“{key}” means nothing here", _close_to(key, known))

    def refuse(self, why: str, hint: str = "") -> NoReturn:
        raise UsageProblem(f"{self.place}: {why}", hint)

    def tables(self, key: str, known: Sequence[str]) -> list["Table"]:
        given = self.values.get(key, [])
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            self.refuse(f"“{key}” is no list of tables", "Write it in double brackets.")
        return [
            Table(each, f"{self.place}, {key} {number}", known)
            for number, each in enumerate(given, 1)
        ]

    def seconds(self, key: str, default: float) -> float:
        value = self.values.get(key, default)
        if not _is_number(value) or not 0 <= value <= LONGEST:
            self.refuse(f"“{key}” is not a number of seconds from 0 to {LONGEST}")
        return value

    def milliseconds(self, key: str) -> int:
        if key not in self.values:
            self.refuse(f"“{key}” is missing", "It is in ms of the stream.")
        return self.as_milliseconds(self.values[key], f"“{key}”")

    def as_milliseconds(self, value: object, what: str) -> int:
        if not is_whole(value) or not 0 <= value <= LONGEST * 1000:
            self.refuse(f"{what} is not a whole number of ms from 0 to {LONGEST * 1000}")
        return value

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            self.refuse(f"“{key}” is not a text")
        return value

    def one_of(self, key: str, names: Sequence[str]) -> str:
        name = self.text(key)
        if name not in names:
            self.refuse(f"“{name}” is no “{key}”", _close_to(name, names))
        return name


def _is_number(value: object) -> TypeGuard[float]:
    """Whether it is one, as TOML has it: a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _close_to(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"Is it “{near[0]}”?" if near else f"There are {_listed(known)}."
