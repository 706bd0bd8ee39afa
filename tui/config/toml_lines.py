"""Finds the line of a value in TOML text, which `tomllib` does not report."""

import tomllib
from typing import Any, TypeAlias

KeyPath: TypeAlias = tuple[str, ...]
"""The keys of the tables around a value, and its own."""


def line_number(key_path: KeyPath, text: str) -> int:
    """The line where a value begins in valid TOML; 1 if it is missing.

    Parses more and more lines until the value is there.
    """
    lines = [f"{line}\n" for line in text.split("\n")]
    begun = 0
    for count in range(1, len(lines) + 1):
        try:
            value: Any = tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue  # in the midst of a value of several lines
        for key in key_path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            rest = range(begun, count)
            return next(
                (at + 1 for at in rest if lines[at].strip() and lines[at].strip()[0] != "#"), count
            )
        begun = count
    return 1
