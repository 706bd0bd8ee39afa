"""Paths as a person types, pastes or drops them into a terminal."""

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from tui.files import folder_listing
from tui.files.folder_listing import Entry

LONGEST = 100_000
"""Characters that are pasted: some thousand paths. With more, a line takes seconds for each key."""

_UNTYPED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What nobody types. Controls, and bytes that are no text, would go from the line that is typed in
to the terminal as they are; a file with such a name is chosen in the list, or with its folder."""

_SHELL = re.compile(r"^['\"]|\\|^file://")
"""What a line of several shows that a shell, or a list of URLs, was meant."""

_SPECIAL = re.compile(r"[ \\'\"]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file system the end of a line is."""

    head: str
    """The paths before, with the space behind them."""
    typed: str
    """The last one as it stands, without quotes and escapes."""
    folder: str
    """What it names; empty: where the program was started."""
    entries: Sequence[Entry]
    """What of the folder fits."""


def typed(text: str) -> str:
    """A pasted text as somebody could have typed it, in as many lines as there are."""
    return "\n".join(_UNTYPED.sub(" ", line) for line in re.split(r"\r\n?|\n", text[:LONGEST]))


def dropped(text: str) -> str:
    """The paths in a pasted text on one line. Of several lines each is a path, spaces and all."""
    lines = [line.strip() for line in typed(text).splitlines() if line.strip()]
    if len(lines) < 2:
        return "".join(lines)
    return " ".join(line if _SHELL.search(line) else shlex.quote(line) for line in lines)


def named(text: str, base: str = "") -> list[str]:
    """The paths in a line: one as it stands if it exists, else as a shell would split it.

    Relative ones begin at ``base``.
    """
    text = text.strip()
    whole = _path(text, base)
    if not text or os.path.exists(whole):
        return [whole] if text else []
    try:
        return [_path(part, base) for part in shlex.split(text)]
    except ValueError:  # an apostrophe in a name is not a quote
        return [whole]


def _path(text: str, base: str) -> str:
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    return os.path.join(base, os.path.expanduser(text))


def place(line: str, base: str = "") -> Place:
    """What the last path of a line could become. Reads a folder: not for the event loop.

    The whole line is one path as long as that leads somewhere. Raises `OSError` or `ValueError`
    for a folder that cannot be read.
    """
    start, last = _last(line)
    whole = _place("", line, base) if start else None
    if whole is not None and whole.entries:
        return whole
    found = _place(line[:start], last, base)
    if found is None:
        raise NotADirectoryError
    return found


def _place(head: str, text: str, base: str) -> Place | None:
    folder, begin = os.path.split(_path(text, base))
    if not os.path.isdir(folder or os.curdir):
        return None
    return Place(head, text, folder, folder_listing.listing(folder, begin))


def _last(line: str) -> tuple[int, str]:
    """Where the last path of a line begins, and what a shell would make of it."""
    start, word, quote, escaped = 0, "", "", False
    for index, char in enumerate(line):
        if escaped:
            word, escaped = word + char, False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            word, quote = (word, "") if char == quote else (word + char, quote)
        elif char in "'\"" and not word:  # within a word it is an apostrophe
            quote = char
        elif char == " ":
            start, word = index + 1, ""
        else:
            word += char
    return start, word


def complete(line: str, base: str = "", *, folders: bool = False) -> str:
    """The line typed on, as far as there is only one way. Reads a folder: not for the event loop.

    ``folders``: files do not count.
    """
    try:
        here = place(line, base)
    except (OSError, ValueError):  # the latter for a path that no system has
        return line
    names = [
        each.name + (os.sep if each.folder else "")
        for each in here.entries
        if not _UNTYPED.search(each.name) and (each.folder or not folders)
    ]
    if not names:
        return line
    parent, begin = os.path.split(os.path.expanduser(here.typed))
    common = os.path.commonprefix(names)  # noqa: RUF071  by character is what is wanted
    if len(common) < len(begin):  # they differ in what was typed, by capitals
        return line
    return joined(here.head, os.path.join(parent, common))


def joined(head: str, path: str) -> str:
    """A line with one more path; alone it stands as it is, behind others as a shell wants it."""
    return head + (_SPECIAL.sub(r"\\\g<0>", path) if head else path)


def told(skipped: Sequence[tuple[str, str]], key: str) -> str:
    """What was no recording, behind what was added; empty when all was. ``key``: lists them."""
    if not skipped:
        return ""
    return f", {len(skipped)} skipped, as {': '.join(skipped[0])}; {key} lists them"
