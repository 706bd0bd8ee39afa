"""Lists the folders and recordings in a folder.

Reads the disk, which may be slow on a network: do not call it in the event loop.
"""

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from workers.audio.discovery import is_recording

GLOB_CHARS = frozenset("*?[")
"""Characters that make a name a pattern."""

_HEADER_BYTES = 44
"""Bytes at the beginning of a WAV or FLAC file from which its duration follows."""


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A line of the list: a folder or a recording."""

    name: str
    path: str
    is_folder: bool
    size_bytes: int | None = None
    """The size of a recording; None if unknown."""


def list_folder(folder: str, pattern: str = "") -> list[FolderEntry]:
    """Folders, then recordings, sorted by name, whose names start with or match ``pattern``.

    Hidden ones only if the pattern starts with a dot. Raises `OSError` or `ValueError`.
    """
    fits = _name_matcher(pattern)
    with os.scandir(folder or os.curdir) as found:
        entries = [
            _folder_entry(each, os.path.join(folder, each.name))
            for each in found
            if fits(each.name) and (is_recording(each.name) or _is_folder(each))
        ]
    return sorted(entries, key=lambda each: (not each.is_folder, each.name.casefold(), each.name))


def _name_matcher(pattern: str) -> Callable[[str], bool]:
    hidden, wanted = pattern.startswith("."), pattern.casefold()
    if GLOB_CHARS.isdisjoint(pattern):
        return lambda name: name.casefold().startswith(wanted) and hidden is name.startswith(".")
    return lambda name: fnmatchcase(name, pattern) and hidden is name.startswith(".")


def _folder_entry(dir_entry: "os.DirEntry[str]", path: str) -> FolderEntry:
    if _is_folder(dir_entry):
        return FolderEntry(dir_entry.name, path, is_folder=True)
    try:
        return FolderEntry(
            dir_entry.name, path, is_folder=False, size_bytes=dir_entry.stat().st_size
        )
    except OSError:
        return FolderEntry(dir_entry.name, path, is_folder=False)


def _is_folder(dir_entry: "os.DirEntry[str]") -> bool:
    try:
        return dir_entry.is_dir()
    except OSError:
        return False


def estimate_duration(entry: FolderEntry) -> float | None:
    """The duration that the header of a WAV or FLAC file claims, in seconds; nobody checks it."""
    if (
        entry.is_folder or not entry.size_bytes or not os.path.isfile(entry.path)
    ):  # a pipe would be waited for
        return None
    try:
        with open(entry.path, "rb") as file:
            head = file.read(_HEADER_BYTES)
    except OSError:
        return None
    if len(head) < _HEADER_BYTES:
        return None
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt ":
        (rate,) = struct.unpack_from("<I", head, 28)  # bytes a second
        return (entry.size_bytes - _HEADER_BYTES) / rate if rate else None
    if head[:4] == b"fLaC":
        facts = int.from_bytes(
            head[18:26], "big"
        )  # 20 bits of rate, 3 + 5 of format, 36 of samples
        rate, samples = facts >> 44, facts & (1 << 36) - 1
        return samples / rate if rate and samples else None
    return None


def glob_recordings(pattern: str, on_folder: Callable[[str], None]) -> Iterator[str]:
    """Folders and recordings that match a pattern, sorted by name; ``**`` means any depth.

    Links to folders are not followed below ``**``, to avoid endless loops. ``on_folder`` is called
    with each folder and may raise to end the search.
    """
    parts = pattern.split(os.sep)
    there = (at for at in range(len(parts) - 1, 0, -1) if os.path.isdir(os.sep.join(parts[:at])))
    fixed = next(there, 1 if pattern.startswith(os.sep) else 0)
    return _glob_below(
        os.sep.join(parts[:fixed]) or (os.sep if fixed else ""), parts[fixed:], on_folder
    )


def _glob_below(folder: str, parts: list[str], on_folder: Callable[[str], None]) -> Iterator[str]:
    on_folder(folder)
    first, *rest = parts
    try:
        entries = list_folder(folder, "" if first == "**" else first)
    except OSError:
        return
    if first == "**":
        yield from _glob_below(folder, rest or ["*"], on_folder)
        for each in entries:
            if each.is_folder and not os.path.islink(each.path):
                yield from _glob_below(each.path, parts, on_folder)
        return
    for each in entries:
        if GLOB_CHARS.isdisjoint(first) and each.name != first:
            continue
        if not any(rest):
            yield each.path
        elif each.is_folder:
            yield from _glob_below(each.path, rest, on_folder)
