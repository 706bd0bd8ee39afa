"""Notices recordings with the same content: copies, links, and paths to one file.

Most files differ in size, which costs nothing to compare. Files of one size are compared by short
samples, and read whole only if these are equal. Used by the thread that probes files.
"""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from workers.audio.source import ReadOptions
from workers.jobs.job import JobId

SAMPLE_BYTES = 16_384
"""Bytes that are compared at the start, in the middle and at the end of a file."""

_Key: TypeAlias = tuple[int, ReadOptions]
"""Size in bytes, and which audio of the file is read: its parts are different recordings."""


@dataclass(slots=True)
class _KnownFile:
    job: JobId
    name: str  # as the user named it
    path: str
    _sha256: bytes | None = None

    def is_same_as(self, other: "_KnownFile") -> bool:
        """Raises `OSError`."""
        return os.path.samefile(self.path, other.path) or self._hash() == other._hash()

    def _hash(self) -> bytes:
        if self._sha256 is None:
            with open(self.path, "rb") as file:
                self._sha256 = hashlib.file_digest(file, "sha256").digest()
        return self._sha256


class DuplicateFinder:
    """Remembers the recordings of a run. Not thread-safe; reads files."""

    def __init__(self) -> None:
        self._unique: dict[_Key, _KnownFile | None] = {}
        """The only file of its size; None if there are several, which are in the next one."""
        self._by_samples: dict[tuple[_Key, bytes], list[_KnownFile]] = {}

    def find(self, job: JobId, name: str, path: str, size: int, options: ReadOptions) -> str:
        """Returns the name of an earlier recording with the same content, empty if there is none;
        remembers this one. ``path``: where the file is; ``size``: in bytes."""
        key, file = (size, options), _KnownFile(job, name, path)
        if key not in self._unique:
            self._unique[key] = file
            return ""
        if (first := self._unique[key]) is not None:
            self._unique[key] = None
            with suppress(OSError):  # it has vanished
                self._by_samples[key, _samples(first.path)] = [first]
        with suppress(OSError):
            known = self._by_samples.setdefault((key, _samples(path)), [])
            for other in known:
                if other.job == job:
                    return ""
                if file.is_same_as(other):
                    return other.name
            known.append(file)
        return ""


def _samples(path: str) -> bytes:
    """A hash of the samples of a file; raises `OSError`."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        for start in (0, size // 2, max(0, size - SAMPLE_BYTES)):
            file.seek(start)
            digest.update(file.read(SAMPLE_BYTES))
    return digest.digest()
