"""Parses and completes paths that users type, paste or drop into a terminal."""

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from tui.files.file_picker import parent_folder
from tui.files.folder_listing import FolderEntry, list_folder
from workers.audio.discovery import SkippedPaths
from workers.audio.source import STDIN_NAME
from workers.sources.addresses import is_url

MAX_PASTE_CHARS = 100_000
"""Maximum characters of pasted text; with more, every key press would take seconds."""

_UNTYPABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters and undecodable bytes, which the input would send to the terminal unchanged.
A file with such a name can be added from the list, or with its folder."""

_SHELL_SYNTAX = re.compile(r"^['\"]|\\|^file://")
"""Matches a line that is quoted for a shell, or is a URL."""

_SHELL_SPECIAL = re.compile(r"[ \\'\"]")


@dataclass(frozen=True, slots=True)
class PathCompletion:
    """The last path of a line and its possible completions."""

    leading_paths: str
    """The text before the last path, including the space."""
    last_path: str
    """The last path without quotes and escapes."""
    folder: str
    """The folder part of the last path; empty: the current folder."""
    entries: Sequence[FolderEntry]
    """Entries of the folder that match."""


def sanitize_paste(text: str) -> str:
    """Replaces characters that cannot be typed with spaces; keeps line breaks."""
    lines = re.split(r"\r\n?|\n", text[:MAX_PASTE_CHARS])
    return "\n".join(_UNTYPABLE.sub(" ", line) for line in lines)


def join_pasted_paths(text: str) -> str:
    """Joins pasted paths into one line; if there are several lines, each is one path."""
    lines = [line.strip() for line in sanitize_paste(text).splitlines() if line.strip()]
    if len(lines) < 2:
        return "".join(lines)
    return " ".join(line if _SHELL_SYNTAX.search(line) else shlex.quote(line) for line in lines)


def split_paths(line: str, base: str = "") -> list[str]:
    """The paths in a line: the whole line if it exists, otherwise split as a shell does.

    Relative paths are relative to ``base``; those that begin with a name which only the working
    folder has are relative to that, as in the shell.
    """
    line = line.strip()
    whole = _resolve_path(line, base)
    if not line or os.path.exists(whole):
        return [whole] if line else []
    try:
        return [_resolve_path(part, base) for part in shlex.split(line)]
    except ValueError:  # an apostrophe in a name, not a quote
        return [whole]


def _resolve_path(text: str, base: str) -> str:
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    if text == STDIN_NAME or is_url(text):
        return text
    path = os.path.expanduser(text)
    if not base or os.path.isabs(path):
        return path
    first, separator, rest = path.partition(os.sep)
    if first and not os.path.lexists(os.path.join(base, first)) and os.path.lexists(first):
        return path
    while first == os.pardir and separator:
        base, path = parent_folder(base), rest
        first, separator, rest = path.partition(os.sep)
    return os.path.join(base, path)


def find_completions(line: str, base: str = "") -> PathCompletion:
    """Completions of the whole line as one path; if there are none, those of its last path.

    Reads a folder: do not call it in the event loop. Raises `OSError` or `ValueError` if the folder
    cannot be read.
    """
    start, last = _last_path(line)
    whole = _folder_completions("", line, base) if start else None
    if whole is not None and whole.entries:
        return whole
    completion = _folder_completions(line[:start], last, base)
    if completion is None:
        raise NotADirectoryError
    return completion


def _folder_completions(leading_paths: str, text: str, base: str) -> PathCompletion | None:
    folder, begin = os.path.split(_resolve_path(text, base))
    if not os.path.isdir(folder or os.curdir):
        return None
    return PathCompletion(leading_paths, text, folder, list_folder(folder, begin))


def _last_path(line: str) -> tuple[int, str]:
    """The offset of the last path of a line, and the path without quotes and escapes."""
    start, word, quote, escaped = 0, "", "", False
    for index, char in enumerate(line):
        if escaped:
            word, escaped = word + char, False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            word, quote = (word, "") if char == quote else (word + char, quote)
        elif char in "'\"" and not word:  # inside a word it is an apostrophe
            quote = char
        elif char == " ":
            start, word = index + 1, ""
        else:
            word += char
    return start, word


def complete_path(line: str, base: str = "", *, folders_only: bool = False) -> str:
    """Completes a line up to the first difference between matches; ``folders_only``: no files.

    Reads a folder: do not call it in the event loop.
    """
    try:
        completion = find_completions(line, base)
    except (OSError, ValueError):  # ValueError: the path cannot exist
        return line
    names = [
        entry.name + (os.sep if entry.is_folder else "")
        for entry in completion.entries
        if not _UNTYPABLE.search(entry.name) and (entry.is_folder or not folders_only)
    ]
    parent, begin = os.path.split(os.path.expanduser(completion.last_path))
    common = os.path.commonprefix(names)  # noqa: RUF071  of characters, not of path components
    if not names or len(common) < len(begin):  # the typed part differs in case
        return line
    return append_path(completion.leading_paths, os.path.join(parent, common))


def append_path(leading_paths: str, path: str) -> str:
    """Appends a path to a line, and escapes it if there are paths before it."""
    return leading_paths + (_SHELL_SPECIAL.sub(r"\\\g<0>", path) if leading_paths else path)


def skipped_note(skipped: SkippedPaths, key: str) -> str:
    """A note on skipped paths, to append to a notice; ``key``: the key that lists them."""
    if not skipped.count:
        return ""
    path, reason = skipped.listed[0]
    example = f"{os.path.basename(path) or path}: {reason}"
    if skipped.count == 1:
        return f"; 1 skipped ({key} shows it): {example}"
    return f"; {skipped.count} skipped ({key} lists them), such as {example}"
