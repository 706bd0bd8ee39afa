"""Watches the file of a recording: hashes it before and after, and notices what happened to it.

Nothing is read between the two hashes, so that watching never delays a chunk. The file stays open,
because a file that was deleted or replaced can still be read to its end, and so can be compared.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Self

from workers.audio.limits import read_failure
from workers.jobs.events import Ended, Outcome

_READ_BYTES = 1 << 15
"""Small, because a large buffer would stay in memory."""


FILE_CHANGED = Ended(
    Outcome.UNREADABLE,
    "the file has changed since its first session",
    "It cannot be continued; add the file again.",
)


class FileChange(Enum):
    """What happened to a file while its recording was streamed; the value is a sentence for the
    end, `notice` one for the moment at which it is noticed."""

    notice: str

    def __new__(cls, value: str, notice: str = "") -> "FileChange":
        member = object.__new__(cls)
        member._value_, member.notice = value, notice
        return member

    NONE = ""
    DELETED = (
        "the file was deleted while it was streamed; all of it was sent",
        "the file was deleted; it is streamed on, because it is still open",
    )
    REPLACED = (
        "the file was replaced while it was streamed; the old one was sent",
        "another file has replaced this one; the old one is streamed on",
    )
    GROWN = (
        "the file grew while it was streamed; --follow sends what is still being written",
        "the file is growing; --follow sends what is still being written",
    )
    CUT = (
        "the file was cut short while it was streamed",
        "the file was cut short; what is left of it is streamed",
    )
    OVERWRITTEN = (
        "the file was changed while it was streamed, so old and new audio may be mixed",
        "the file is being changed, so old and new audio may be mixed",
    )
    RESTORED = (
        "the file was written to or touched while it was streamed; it is the same again, but other "
        "audio may have been sent",
    )


class RecordingFile:
    """An open recording. ``start`` and ``end`` limit what is hashed, in bytes: a file that is still
    being written changes its header and its end. Raises `Unreadable` if it cannot be opened."""

    def __init__(self, path: str, start: int = 0, end: int | None = None) -> None:
        self._path = path
        self._start, self.end = start, end
        self.sha256 = ""
        """The SHA-256 before streaming; see `hash_before`."""
        self._noticed: set[FileChange] = set()
        """The changes that `new_change` has returned."""
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._stat = os.fstat(self._fd)
        except OSError as error:
            raise read_failure(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            os.close(self._fd)

    @property
    def is_partial(self) -> bool:
        """Whether only a part of the file is hashed."""
        return self.end is not None

    def hash_before(self, check: Callable[[], object]) -> None:
        """Computes `sha256`. ``check`` is called repeatedly, and may raise."""
        try:
            self.sha256 = _sha256(self._fd, self._start, self.end, check)
        except OSError as error:
            raise read_failure(error) from error

    def is_current(self) -> bool:
        """Whether the path still leads to this file, and not to another or a shorter one."""
        with suppress(OSError):
            now = os.stat(self._path)
            return _identity(now) == _identity(self._stat) and now.st_size >= self._stat.st_size
        return False

    def new_change(self) -> FileChange | None:
        """What seems to have happened to the file since `hash_before`, judged by its size, its time
        and its path; None if nothing has, or if this was returned before. Reads nothing of it."""
        change = FileChange.NONE
        with suppress(OSError):
            change = self._apparent_change()
        if change is FileChange.NONE or change in self._noticed:
            return None
        self._noticed.add(change)
        return change

    def was_noticed(self, change: FileChange) -> bool:
        """Whether `new_change` has returned it."""
        return change in self._noticed

    def _apparent_change(self) -> FileChange:
        now, before = os.fstat(self._fd), self._stat
        if now.st_size < before.st_size:
            return FileChange.CUT
        if not self.is_partial and (now.st_size, now.st_mtime_ns) != (
            before.st_size,
            before.st_mtime_ns,
        ):
            return FileChange.GROWN if now.st_size > before.st_size else FileChange.OVERWRITTEN
        try:
            is_same = _identity(os.stat(self._path)) == _identity(before)
        except FileNotFoundError:
            return FileChange.DELETED
        return FileChange.NONE if is_same else FileChange.REPLACED

    def check_readable(self, share: float) -> None:
        """Reads where ``share`` of the file ends: a decoder takes the failure of a disk for the end
        of the audio. Raises `Unreadable`."""
        try:
            size = os.fstat(self._fd).st_size
            os.pread(self._fd, _READ_BYTES, int(size * min(share, 1.0)))
        except OSError as error:
            raise read_failure(error) from error

    def change_after(self, check: Callable[[], object]) -> tuple[FileChange, str]:
        """Compares the file with what it was before. Returns what happened to it, and the SHA-256
        of all of the file that was streamed. ``check`` is called repeatedly, and may raise. Raises
        `Unreadable` if the file cannot be read any more."""
        try:
            whole = _sha256(self._fd, 0, None, check)
            same = whole if not self.is_partial else _sha256(self._fd, self._start, self.end, check)
            grown = os.fstat(self._fd).st_size > self._stat.st_size
            if same != self.sha256:
                if not grown or self.is_partial:
                    return FileChange.OVERWRITTEN, whole
                first = _sha256(self._fd, self._start, self._stat.st_size, check)
                change = FileChange.GROWN if first == self.sha256 else FileChange.OVERWRITTEN
                return change, whole
            if {FileChange.OVERWRITTEN, FileChange.CUT} & self._noticed:
                return FileChange.RESTORED, whole
        except OSError as error:
            raise read_failure(error) from error
        return self._path_change(check), whole

    def _path_change(self, check: Callable[[], object]) -> FileChange:
        """What happened to the path, if the content of the open file is the same as before."""
        try:
            if _identity(os.stat(self._path)) == _identity(self._stat):
                return FileChange.NONE
            other = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                same = _sha256(other, self._start, self.end, check) == self.sha256
            finally:
                os.close(other)
            return FileChange.NONE if same else FileChange.REPLACED
        except FileNotFoundError:
            return FileChange.DELETED
        except OSError:
            return FileChange.REPLACED


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


def _sha256(fd: int, start: int, end: int | None, check: Callable[[], object]) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_READ_BYTES))
    while True:
        wanted = _READ_BYTES if end is None else min(_READ_BYTES, end - start)
        count = os.preadv(fd, [buffer[:wanted]], start) if wanted > 0 else 0
        if not count:
            return digest.hexdigest()
        digest.update(buffer[:count])
        start += count
        check()
