"""Paths as a person types, pastes or drops them into a terminal."""

import os
import re
import shlex
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_UNTYPED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What nobody types. Controls, and bytes that are no text, would go from the line that is typed in
to the terminal as they are; a file with such a name is added with its folder."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A path typed further, and what it could become."""

    text: str
    choices: tuple[str, ...] = ()
    """Names in the folder, sorted; a folder's ends with the separator."""


def typed(text: str) -> str:
    """A pasted text as somebody could have typed it, on one line."""
    return _UNTYPED.sub(" ", text)


def named(text: str) -> list[str]:
    """The paths in a line: one as it stands if it exists, else as a shell would split it."""
    text = text.strip()
    whole = _path(text)
    if not text or os.path.exists(whole):
        return [whole] if text else []
    try:
        return [_path(part) for part in shlex.split(text)]
    except ValueError:  # an apostrophe in a name is not a quote
        return [whole]


def _path(text: str) -> str:
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    return os.path.expanduser(text)


def complete(text: str) -> Completion:
    """As far as there is only one way to go on. Reads a folder: not for the event loop."""
    folder, start = os.path.split(os.path.expanduser(text))
    try:
        names = sorted(_entries(folder or os.curdir, start))
    except (OSError, ValueError):  # the latter for a path that no system has
        return Completion(text)
    if not names:
        return Completion(text)
    common = os.path.commonprefix(names)  # noqa: RUF071  by character is what is wanted
    return Completion(os.path.join(folder, common), tuple(names) if len(names) > 1 else ())


def _entries(folder: str, start: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [
            entry.name + (os.sep if entry.is_dir() else "")
            for entry in entries
            if entry.name.startswith(start) and (start or not entry.name.startswith("."))
            if not _UNTYPED.search(entry.name)
        ]
