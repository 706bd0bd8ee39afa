"""Where in a text of TOML a value stands, which its reader does not tell."""

import tomllib
from typing import Any, TypeAlias

KeyPath: TypeAlias = tuple[str, ...]
"""A value's tables and its key."""


def line_number(key_path: KeyPath, text: str) -> int:
    """The line where a value begins, in a text that is TOML; 1 when it is nowhere.

    The value is there as soon as the lines up to it are read.
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
