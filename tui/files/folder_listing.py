"""What a folder holds that can be added: folders and recordings.

Reads the disk, and a network's disk takes its time: not for the event loop.
"""

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from workers.audio.discovery import is_recording

MAGIC = frozenset("*?[")
"""What makes a pattern of a name."""

_HEAD = 44
"""Bytes at the beginning of a file that tell its length, if it is one of those that do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the picker's list."""

    name: str
    path: str
    folder: bool
    size: int | None = None
    """Bytes, of a recording; None when it cannot be told."""


def listing(folder: str, begin: str = "") -> list[Entry]:
    """Folders, then recordings, whose names begin so or fit the pattern, in the order of names.

    Hidden ones only when asked for by their dot. Raises `OSError` or `ValueError`.
    """
    fits = _fits(begin)
    with os.scandir(folder or os.curdir) as found:
        entries = [
            _entry(each, os.path.join(folder, each.name))
            for each in found
            if fits(each.name) and (is_recording(each.name) or _is_folder(each))
        ]
    return sorted(entries, key=lambda each: (not each.folder, each.name.casefold(), each.name))


def _fits(begin: str) -> Callable[[str], bool]:
    hidden, wanted = begin.startswith("."), begin.casefold()
    if MAGIC.isdisjoint(begin):
        return lambda name: name.casefold().startswith(wanted) and hidden is name.startswith(".")
    return lambda name: fnmatchcase(name, begin) and hidden is name.startswith(".")


def _entry(found: "os.DirEntry[str]", path: str) -> Entry:
    if _is_folder(found):
        return Entry(found.name, path, folder=True)
    try:
        return Entry(found.name, path, folder=False, size=found.stat().st_size)
    except OSError:
        return Entry(found.name, path, folder=False)


def _is_folder(found: "os.DirEntry[str]") -> bool:
    try:
        return found.is_dir()
    except OSError:
        return False


def seconds(entry: Entry) -> float | None:
    """How long a recording is by its first bytes, if it is a WAV or a FLAC; nobody checks it."""
    if (
        entry.folder or not entry.size or not os.path.isfile(entry.path)
    ):  # a pipe would be waited for
        return None
    try:
        with open(entry.path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    if len(head) < _HEAD:
        return None
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt ":
        (rate,) = struct.unpack_from("<I", head, 28)  # bytes a second
        return (entry.size - _HEAD) / rate if rate else None
    if head[:4] == b"fLaC":
        facts = int.from_bytes(
            head[18:26], "big"
        )  # 20 bits of rate, 3 + 5 of format, 36 of samples
        rate, samples = facts >> 44, facts & (1 << 36) - 1
        return samples / rate if rate and samples else None
    return None


def fitting(pattern: str, looked: Callable[[str], None]) -> Iterator[str]:
    """Folders and recordings that a pattern names, in the order of names; ``**`` is any depth.

    No link to a folder is followed below ``**``, so that none is searched for ever. ``looked`` is
    told each folder, and may raise to end it.
    """
    parts = pattern.split(os.sep)
    there = (at for at in range(len(parts) - 1, 0, -1) if os.path.isdir(os.sep.join(parts[:at])))
    fixed = next(there, 1 if pattern.startswith(os.sep) else 0)
    return _fitting(os.sep.join(parts[:fixed]) or (os.sep if fixed else ""), parts[fixed:], looked)


def _fitting(folder: str, parts: list[str], looked: Callable[[str], None]) -> Iterator[str]:
    looked(folder)
    first, *rest = parts
    try:
        entries = listing(folder, "" if first == "**" else first)
    except OSError:
        return
    if first == "**":
        yield from _fitting(folder, rest or ["*"], looked)
        for each in entries:
            if each.folder and not os.path.islink(each.path):
                yield from _fitting(each.path, parts, looked)
        return
    for each in entries:
        if MAGIC.isdisjoint(first) and each.name != first:
            continue
        if not any(rest):
            yield each.path
        elif each.folder:
            yield from _fitting(each.path, rest, looked)
