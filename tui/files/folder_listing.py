"""Lists the folders and recordings in a folder.

Reads the disk, and network drives may be slow: do not call these functions in the event loop.
"""

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tui.files import confinement
from workers.audio.discovery import is_recording
from workers.sources.manifest import is_manifest_name

GLOB_CHARS = frozenset("*?[")
"""A name that contains one of these characters is a pattern."""

_HEADER_BYTES = 44
"""Bytes of a WAV or FLAC header that are enough to compute the duration."""


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A folder or a recording."""

    name: str
    path: str
    is_folder: bool
    size_bytes: int | None = None
    """None for a folder, or if unknown."""


def list_folder(folder: str, pattern: str = "") -> list[FolderEntry]:
    """Lists the folders, then the recordings, whose names start with or match ``pattern``.

    Includes hidden ones only if the pattern starts with a dot, and manifests only if it is a name,
    or ends like one. Raises `OSError` or `ValueError`.
    """
    confinement.require_inside(folder or os.curdir)
    entries = []
    # Only if they are asked for: other tables may lie beside recordings.
    lists_manifests = is_manifest_name(pattern) or (pattern and GLOB_CHARS.isdisjoint(pattern))
    with os.scandir(folder or os.curdir) as found:
        for entry in found:
            name, is_folder, size_bytes = entry.name, False, None
            if not _matches(name, pattern):
                continue
            with suppress(OSError):  # such as a broken link, or one to itself
                is_folder = entry.is_dir()
                size_bytes = None if is_folder or not is_recording(name) else entry.stat().st_size
            if is_folder or is_recording(name) or (lists_manifests and is_manifest_name(name)):
                path = os.path.join(folder, name)
                entries.append(FolderEntry(name, path, is_folder, size_bytes))
    return sorted(entries, key=lambda at: (not at.is_folder, at.name.casefold(), at.name))


def _matches(name: str, pattern: str) -> bool:
    if name.startswith(".") is not pattern.startswith("."):
        return False
    if GLOB_CHARS.isdisjoint(pattern):
        return name.casefold().startswith(pattern.casefold())
    return fnmatchcase(name, pattern)


def estimate_duration(path: str) -> float | None:
    """Duration in seconds according to the header of a WAV or FLAC file; reads no audio."""
    try:
        confinement.require_inside(path)
        if not os.path.isfile(path) or not (size_bytes := os.path.getsize(path)):
            return None  # reading a pipe would block
        with open(path, "rb") as file:
            head = file.read(_HEADER_BYTES)
    except OSError:
        return None
    if len(head) < _HEADER_BYTES:
        return None
    if head[:4] == b"RIFF" and head[8:16] == b"WAVEfmt ":
        (bytes_per_s,) = struct.unpack_from("<I", head, 28)
        return (size_bytes - _HEADER_BYTES) / bytes_per_s if bytes_per_s else None
    if head[:4] == b"fLaC":  # 20 bits of sample rate, 8 of format, 36 of samples
        stream_info = int.from_bytes(head[18:26], "big")
        rate, samples = stream_info >> 44, stream_info & (1 << 36) - 1
        return samples / rate if rate and samples else None
    return None


def glob_recordings(pattern: str, on_folder: Callable[[str], None]) -> Iterator[str]:
    """Yields folders and recordings that match a pattern, by name; ``**`` means any depth.

    Links to folders are not followed below ``**``, to avoid endless loops. ``on_folder`` is called
    with each folder and may raise to end the search.
    """
    folder, parts = _split_pattern(pattern)
    return _glob_below(folder, parts, on_folder)


def fixed_folder(pattern: str) -> str:
    """The folder that a pattern is searched in: as many of its first parts as are a folder."""
    return _split_pattern(pattern)[0]


def _split_pattern(pattern: str) -> tuple[str, list[str]]:
    parts = pattern.split(os.sep)
    root = int(pattern.startswith(os.sep))
    counts = range(len(parts) - 1, root, -1)
    fixed = next((count for count in counts if os.path.isdir(os.sep.join(parts[:count]))), root)
    return os.sep.join(parts[:fixed]) or os.sep * root, parts[fixed:]


def _glob_below(folder: str, parts: list[str], on_folder: Callable[[str], None]) -> Iterator[str]:
    on_folder(folder)
    first, *rest = parts
    try:
        entries = list_folder(folder, "" if first == "**" else first)
    except OSError:
        return
    if first == "**":
        yield from _glob_below(folder, rest or ["*"], on_folder)
        for entry in entries:
            if entry.is_folder and not os.path.islink(entry.path):
                yield from _glob_below(entry.path, parts, on_folder)
        return
    for entry in entries:
        if GLOB_CHARS.isdisjoint(first) and entry.name != first:
            continue
        if not any(rest):
            yield entry.path
        elif entry.is_folder:
            yield from _glob_below(entry.path, rest, on_folder)
