"""The lock of a run folder: one program at a time works on a run.

The system releases the lock when the program ends, however it ends. The package filelock is not
used, because it empties the file at the name of the lock, which may be a link to any other.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers import files
from workers.errors import RunFolderProblem

NAME = "run.lock"


class RunLock:
    """A lock that is held until `release`. ``folder``: the open run folder."""

    def __init__(self, folder: files.Folder, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor

    def release(self) -> None:
        """Releases the lock, and closes the folder."""
        os.close(self._descriptor)
        self.folder.close()


def acquire(path: Path) -> RunLock:
    """Locks the run in folder ``path``. Raises `RunFolderProblem` if another program is working on
    it, and `OSError` if the folder cannot be written."""
    folder = files.Folder.open(path)
    try:
        descriptor = files.open_lock(path / NAME)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(descriptor)
            raise
    except BlockingIOError as error:
        folder.close()
        reason = f"another program is working on {path}"
        raise RunFolderProblem(reason, "Wait until it finishes, or stop it.") from error
    except BaseException:
        folder.close()
        raise
    return RunLock(folder, descriptor)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Keeps others from working on the run in folder ``path`` meanwhile. Raises `RunFolderProblem`
    if a program works on it. A folder that was copied without its lock needs none."""
    try:
        file = files.open_to_read(path / NAME)
    except OSError:
        yield
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            reason = f"another program is working on {path}"
            raise RunFolderProblem(reason, "Wait until it finishes, or stop it.") from error
        except OSError:  # the file system has no locks
            pass
        yield


def is_running(path: Path) -> bool:
    """Whether a program is working on that run."""
    try:
        with files.open_to_read(path / NAME) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is no lock, or it may not be read
        pass
    return False
