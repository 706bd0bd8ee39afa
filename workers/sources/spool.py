"""A spool: the file in which a run folder keeps what a pipe or a download delivers.

While it is not complete, a marker lies beside it. It tells which version of the file arrives, and
why it stopped arriving.
"""

import errno
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Self

from workers import files
from workers.errors import Unreadable

MARKER_SUFFIX = ".part"
SPOOL_PATTERN = "*.recording*"
"""Matches the spools of a run folder, and their markers."""
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")

MIN_FREE_BYTES = 512 * 1024 * 1024
"""What a spool leaves free on its disk."""
_CHECK_INTERVAL_BYTES = 64 * 1024 * 1024
"""How much is written between two looks at the free space."""


class ReceptionCancelled(Exception):
    """No job needs the rest of a recording."""


def spool_name(job: int, file: str) -> str:
    """The name of a job's spool. It keeps the suffix of a recording without a header."""
    suffix = os.path.splitext(file)[1]
    return f"{job:04d}.recording{suffix if _SUFFIX.fullmatch(suffix) else ''}"


def marker_of(path: str | Path) -> Path:
    """The marker of a spool."""
    return Path(f"{path}{MARKER_SUFFIX}")


def is_complete(path: str | Path) -> bool:
    """Whether everything that is to come is in the spool."""
    return files.is_own_file(path) and not os.path.lexists(marker_of(path))


def reception_problem(path: str | Path) -> str:
    """Why a spool will get no more, although it is not complete; empty if nothing is known."""
    return _read_marker(path).get("problem", "")


def _read_marker(path: str | Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        record = json.loads(files.read_bytes(marker_of(path)))
        if isinstance(record, dict):
            return {str(name): str(value) for name, value in record.items()}
    return {}


def remove_spool(path: str | Path) -> None:
    """Removes a spool and its marker, if they exist."""
    for each in (Path(path), marker_of(path)):
        with suppress(OSError):
            each.unlink(missing_ok=True)


class SpoolWriter:
    """Appends to a spool. Leaving it without `finish` keeps the marker.

    Raises `Unreadable` if it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self._path, self._marker = Path(path), marker_of(path)
        try:
            self._validator = _read_marker(path).get("validator", "")
            self._write_marker()
            self._fd = files.open_to_append(self._path)
        except OSError as error:
            raise _unwritable(error) from error
        self.size = os.fstat(self._fd).st_size
        """How many bytes have arrived, including those of earlier receptions."""
        self._checked_size = -_CHECK_INTERVAL_BYTES

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def write(self, data: bytes) -> None:
        """Appends bytes, which readers see at once."""
        try:
            if self.size - self._checked_size >= _CHECK_INTERVAL_BYTES:
                self._checked_size = self.size
                status = os.fstatvfs(self._fd)
                if status.f_bavail * status.f_frsize < MIN_FREE_BYTES + len(data):
                    raise OSError(errno.ENOSPC, "the disk is almost full")
            files.write_all(self._fd, data)
            self.size += len(data)
        except OSError as error:
            raise _unwritable(error) from error

    def skip_to(self, size: int) -> None:
        """Leaves a hole up to ``size`` bytes, where nothing will be read."""
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            raise _unwritable(error) from error
        self.size = size

    def head(self, length: int) -> bytes:
        """The first bytes that have arrived."""
        with files.open_to_read(self._path) as file:
            return file.read(length)

    def finish(self) -> None:
        """Marks the spool as complete, once all of it is on the disk: a power failure must not
        leave a shorter one that looks complete."""
        try:
            os.fsync(self._fd)
            self._marker.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(error) from error

    def fail(self, reason: str) -> None:
        """Records why it stopped arriving."""
        with suppress(OSError):
            self._write_marker(problem=reason)

    @property
    def validator(self) -> str:
        """What identifies the version of the file that is arriving: its ETag, or its time; empty
        if that is not known. Another reception must be of the same version."""
        return self._validator if self.size else ""

    @validator.setter
    def validator(self, validator: str) -> None:
        if validator != self._validator:
            self._validator = validator
            with suppress(OSError):  # then another reception cannot compare
                self._write_marker()

    def _write_marker(self, **problem: str) -> None:
        record = {"validator": self._validator, **problem}
        files.replace_file(self._marker, json.dumps(record).encode())


def _unwritable(error: OSError) -> Unreadable:
    reason = f"what arrives cannot be kept in the run folder ({error.strerror})"
    if isinstance(error, files.NotOwnFile):
        return Unreadable(reason, "Remove it; then retry.")
    return Unreadable(reason, "Free some space on its disk; then retry.")
