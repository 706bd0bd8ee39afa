"""A file that another program may still write: when it is complete, and its bytes as they come."""

import fcntl
import os
import time

from workers.audio.reader import WaitCallback

CLOSED_GRACE_S = 2.0
"""A file ends when no program has had it open for writing, and it has not grown, for this long. The
grace is for programs that open a file for each piece that they append."""

IDLE_LIMIT_S = 10.0
"""The same limit if the system does not tell whether a program has the file open."""


class GrowthWatch:
    """Finds out when a file is complete. ``fd`` must be open for reading only."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = -1
        self._grew_at = 0.0

    def is_finished(self) -> bool:
        """Whether its writer has closed it, or seems to have. Call it when all of it was read, at
        least once a second."""
        size, now = os.fstat(self._fd).st_size, time.monotonic()
        if size != self._size:
            self._size, self._grew_at = size, now
            return False
        idle_s = now - self._grew_at
        if idle_s < CLOSED_GRACE_S:
            return False
        is_written = has_writer(self._fd)
        return idle_s >= IDLE_LIMIT_S if is_written is None else not is_written


class GrowingBytes:
    """The bytes of a file that is still being written, as a file object for FFmpeg. It cannot seek,
    because the end is not known; ``wait`` None reads only what is there. Raises `OSError`."""

    def __init__(self, path: str, wait: WaitCallback | None) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  (closed by `close`)
        self._watch = GrowthWatch(self._file.fileno())
        self._wait = wait
        self._is_at_end = False

    def read(self, size: int) -> bytes:
        """Waits for at least one byte; returns none at the end, or if nothing more is needed."""
        while not self._is_at_end:
            if block := self._file.read(size):
                return block
            if self._wait is None or self._watch.is_finished() or not self._wait():
                self._is_at_end = True
        return b""

    @property
    def size(self) -> int:
        """The size so far, in bytes."""
        return os.fstat(self._file.fileno()).st_size

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


def has_writer(fd: int) -> bool | None:
    """Whether any program has the file open for writing; None if the system does not tell.

    Linux grants a read lease only if none has (fcntl(2)). ``fd`` must be open for reading only. A
    process that calls this must ignore SIGIO, which says that another program opens the file.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return None
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:  # another user's file, or a file system without leases
        return None
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def has_been_closed(path: str) -> bool:
    """Whether a file seems to be written no more."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        is_written = has_writer(fd)
        idle_s = time.time() - os.fstat(fd).st_mtime
        return idle_s >= IDLE_LIMIT_S if is_written is None else not is_written
    finally:
        os.close(fd)
