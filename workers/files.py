"""Opens, creates, replaces and removes the files that the program keeps.

Files of a run, settings and other files of our own are opened only here. A link in the place of
such a file is never followed: somebody else may have put it there, even between a check and its
use. A folder that the user names may be a link; the names inside it may not.

Everything is written by calls of `os`, so that a test can record each of them, or let it fail.
Functions raise `OSError`. Imports no other Paceline module.
"""

import errno
import os
import shutil
import stat
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self, TypeAlias

AnyPath: TypeAlias = str | os.PathLike[str]

PRIVATE_FOLDER_MODE, PRIVATE_FILE_MODE = 0o700, 0o600
SHARED_FOLDER_MODE, SHARED_FILE_MODE = 0o777, 0o666
"""For files that the user asked for; the umask applies."""
GROUP_FOLDER_MODE, GROUP_FILE_MODE = 0o750, 0o640
"""For the files of a run that the group may read; the umask does not apply."""

_OWN_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""`O_NONBLOCK` matters only for a pipe or a device, which would block before it is refused."""
_APPEND_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MAX_REMOVALS = 10
"""How often `open_log` removes what lies at its name."""
_BATCH_CHARACTERS = 1 << 20
_DRAFT_SUFFIX = ".part"
_NO_LINK = (
    errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS
)  # fmt: skip
"""Why a file gets no second name: it is on another file system, or belongs to another user, or the
file system has no hard links."""
_NO_COPY_CALL = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM, errno.EIO)
"""Why the system does not copy by itself; reading and writing tells what the problem is."""
_COPY_BYTES = 16 << 20
_NO_SYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
"""The answers of file systems that cannot wait for a disk."""


_group_folders: set[str] = set()
"""The folders in which this process creates files that the group may read, as absolute paths."""


class NotOwnFile(OSError):
    """A link, a pipe or a device lies in the place of a file of the program."""

    def __init__(self, path: AnyPath, what: str) -> None:
        name = os.path.basename(os.fspath(path))
        super().__init__(errno.ELOOP, f"{name} is {what}, which is not followed", os.fspath(path))


def open_to_read(path: AnyPath, *, buffering: int = -1) -> BinaryIO:
    """Opens a file of the program to read it."""
    return open(path, "rb", buffering, opener=_open_own)


def is_own_file(path: AnyPath) -> bool:
    """Whether a file is there, and not a link or anything else in its place."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def read_bytes(path: AnyPath) -> bytes:
    """The content of a file of the program."""
    with open_to_read(path) as file:
        return file.read()


def create_file(path: AnyPath) -> int:
    """Creates a file that does not exist yet, and opens it to append. Returns its descriptor."""
    flags = _APPEND_FLAGS | os.O_EXCL
    descriptor = os.open(path, flags | _OWN_FLAGS, PRIVATE_FILE_MODE)
    _let_group_read(descriptor, path)
    return descriptor


def share_new_files(folder: AnyPath) -> None:
    """Lets the group read what this process creates in a folder from now on, and below it."""
    _group_folders.add(os.path.abspath(folder))


def share_folder(folder: AnyPath) -> None:
    """Lets the group read a folder, and what this process will create there."""
    with Folder.open(folder) as opened:
        opened.let_group_read()
    share_new_files(folder)


def open_to_append(path: AnyPath) -> int:
    """Opens a file, or creates it; returns its descriptor. Refuses a file that has another name,
    a hard link, because that may lie elsewhere."""
    descriptor = _open_own(path, _APPEND_FLAGS)
    _refuse_hard_link(descriptor, path)
    return descriptor


def open_lock(path: AnyPath) -> int:
    """Opens a file that is only locked, or creates it; returns its descriptor. Its content does
    not matter and stays as it is."""
    return _open_own(path, os.O_RDWR | os.O_CREAT)


def open_log(path: AnyPath) -> int:
    """Like `open_to_append`, but replaces a link by a new file: a log should not be lost. What the
    link leads to stays as it is."""
    for _ in range(_MAX_REMOVALS):
        with suppress(NotOwnFile, FileNotFoundError):
            return open_to_append(path)
        with suppress(FileNotFoundError):
            os.unlink(path)
    return open_to_append(path)


def append_to_log(path: AnyPath, text: str) -> None:
    """Appends to a log, see `open_log`."""
    descriptor = open_log(path)
    try:
        write_all(descriptor, text.encode(errors="backslashreplace"))
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of ``data``. If the disk becomes full, the first part of it stays written."""
    while (written := os.write(descriptor, data)) < len(data):
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = data[written:]


class ScratchFile:
    """A file without a name, for what need not stay in memory. It vanishes with this object, or
    with the process. If it cannot be written, as on a full disk, the rest stays in memory."""

    def __init__(self, folder: AnyPath) -> None:
        """``folder``: on the file system that has room for it."""
        self._end = 0
        self._unwritten: dict[int, bytes] = {}  # by offset
        self._descriptor: int | None = None
        with suppress(OSError, ValueError):  # no path has such a name
            self._descriptor = _open_unnamed(folder)
            weakref.finalize(self, os.close, self._descriptor)

    def append(self, data: bytes) -> int:
        """Adds data at the end; returns its offset."""
        offset = self._end
        self._end += len(data)
        if self._descriptor is not None:
            with suppress(OSError):
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                write_all(self._descriptor, data)
                return offset
        self._unwritten[offset] = data
        return offset

    def read(self, offset: int, size: int) -> bytes:
        """What was added, or a part of it that begins or ends with it. Raises `OSError`."""
        for start, data in self._unwritten.items():
            if start <= offset < start + len(data):
                return data[offset - start : offset - start + size]
        if self._descriptor is None:
            return b""
        return os.pread(self._descriptor, size, offset)


def _open_unnamed(folder: AnyPath) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC
    if hasattr(os, "O_TMPFILE"):
        with suppress(OSError):  # some network file systems lack it
            return os.open(folder, flags | os.O_TMPFILE, PRIVATE_FILE_MODE)
    path = os.path.join(folder, f".{os.urandom(8).hex()}{_DRAFT_SUFFIX}")
    descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE)
    os.unlink(path)
    return descriptor


def make_folders(path: AnyPath, mode: int = PRIVATE_FOLDER_MODE) -> None:
    """Creates a folder and those above it, as far as they are missing. With `GROUP_FOLDER_MODE`,
    the umask does not apply."""
    missing = [Path(path)]
    while not missing[-1].is_dir() and missing[-1] != missing[-1].parent:
        missing.append(missing[-1].parent)
    for folder in reversed(missing[:-1]):
        folder.mkdir(mode, exist_ok=True)
        if mode == GROUP_FOLDER_MODE:
            with Folder.open(folder) as made:
                made.let_group_read()
        with Folder.open(folder.parent) as parent:
            parent.sync()


def open_output(path: AnyPath, mode: int = SHARED_FILE_MODE) -> int:
    """Opens a file that the user named, to append; returns its descriptor. It may be a device, or a
    pipe that somebody reads. Of links, only those of the system are followed, such as
    ``/dev/stdout``."""
    if _is_of_system(path):
        return os.open(path, _APPEND_FLAGS, mode)
    try:
        descriptor = os.open(path, _APPEND_FLAGS | _OWN_FLAGS, mode)
    except OSError as error:
        raise _refusal(error, path) from error
    _refuse_hard_link(descriptor, path)
    if mode == PRIVATE_FILE_MODE:
        _let_group_read(descriptor, path)
    os.set_blocking(descriptor, True)
    return descriptor


def move_folder(folder: AnyPath, target: AnyPath) -> None:
    """Gives a folder another name on the same file system, where nothing or an empty folder is."""
    os.rename(folder, target)
    with Folder.open(Path(target).parent) as parent:
        parent.sync()


def remove_folder(folder: AnyPath) -> None:
    """Removes a folder with all that is in it, and what links in it lead to stays. Raises
    `OSError`."""
    shutil.rmtree(folder)


def write_output(path: AnyPath, data: bytes) -> None:
    """Writes a file that the user named, see `replace_file`; a pipe or a device gets the data
    instead."""
    path = Path(path)
    if not _is_of_system(path) and (path.is_file() or not path.exists()):
        replace_file(path, data, SHARED_FILE_MODE)
        return
    descriptor = open_output(path)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes, mode: int = PRIVATE_FILE_MODE) -> None:
    """Writes a file as a whole, in the place of whatever has its name."""
    with Folder.open(path.parent) as folder:
        folder.replace({path.name: [data]}, mode)


class Folder:
    """An open folder, whose files are reached by its descriptor: nobody can exchange the folder
    meanwhile. A context manager. Not for files that other threads may be closing."""

    def __init__(self, path: AnyPath, descriptor: int) -> None:
        self.path = Path(path)
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: AnyPath) -> Self:
        """Opens a folder that the user named."""
        return cls(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the folder; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def subfolder(self, name: str) -> "Folder":
        """Opens a folder in this one, which is created if it is missing; it may not be a link."""
        is_new = False
        with suppress(FileExistsError):
            os.mkdir(name, PRIVATE_FOLDER_MODE, dir_fd=self._descriptor)
            is_new = True
            self.sync()
        path, flags = self.path / name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            folder = Folder(path, os.open(name, flags, dir_fd=self._descriptor))
        except NotADirectoryError as error:
            if path.is_symlink():
                raise NotOwnFile(path, "a link") from error
            raise
        if is_new and _is_for_group(path):
            folder.let_group_read()
        return folder

    def let_group_read(self) -> None:
        """Lets the group list the folder and open what is in it."""
        mode = stat.S_IMODE(os.fstat(self._descriptor).st_mode)
        os.fchmod(self._descriptor, mode | (GROUP_FOLDER_MODE & 0o070))

    def has(self, name: str) -> bool:
        """Whether anything has that name, if only a broken link."""
        return self._status(name) is not None

    def replace(self, files: Mapping[str, Iterable[bytes]], mode: int = PRIVATE_FILE_MODE) -> None:
        """Writes files, each in pieces, and puts them in the place of those with the same names
        once all are on the disk. A failure before that leaves everything as it was."""
        drafts: dict[str, str] = {}
        try:
            for name, pieces in files.items():
                drafts[name] = self._write_draft(name, pieces, mode)
            for name, draft in list(drafts.items()):
                os.replace(draft, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
                del drafts[name]
        finally:
            for draft in drafts.values():
                with suppress(OSError):
                    self.remove(draft)
        self.sync()

    def append(self, name: str, data: bytes, at: int) -> None:
        """Appends to a file of which the first ``at`` bytes are valid. A file that has another name
        is copied first, as that may lie elsewhere."""
        flags = os.O_RDWR | os.O_CREAT
        descriptor = _open_own(name, flags, folder=self)
        try:
            status = os.fstat(descriptor)
            if status.st_nlink > 1:
                self.replace({name: [os.pread(descriptor, at, 0), data]})
                return
            if status.st_size > at:  # a line that was cut off
                os.ftruncate(descriptor, at)
            os.lseek(descriptor, at, os.SEEK_SET)
            write_all(descriptor, data)
        finally:
            os.close(descriptor)

    def take(self, name: str, source: AnyPath, *, may_link: bool = True) -> int | None:
        """Gives a file of another folder a second name in this one. If the file system cannot, or
        without ``may_link``, copies it. Returns how many bytes were copied; None if none were."""
        if may_link and self._link(name, source):
            return None
        with open_to_read(source, buffering=0) as original:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            descriptor = _open_own(name, flags, folder=self)
            try:
                return _copy(original.fileno(), descriptor)
            finally:
                os.close(descriptor)

    def _link(self, name: str, source: AnyPath) -> bool:
        """Makes a hard link; returns False if a copy is needed."""
        for_group = _is_for_group(self.path / name)
        if for_group and not os.lstat(source).st_mode & stat.S_IRGRP:
            return False  # a link has the mode of the file, which its owner wants to be private
        try:
            os.link(source, name, dst_dir_fd=self._descriptor, follow_symlinks=False)
        except OSError as error:
            if error.errno in _NO_LINK:
                return False
            raise
        status = self._status(name)
        if status is None or not stat.S_ISREG(status.st_mode):
            self.remove(name)
            raise NotOwnFile(source, "not a file")
        return True

    def remove_all(self, but: str = "") -> None:
        """Removes everything in the folder ``but`` the file of that name; of a link, the link
        itself."""
        for name in os.listdir(self._descriptor):
            if name == but:
                continue
            status = self._status(name)
            if status is not None and stat.S_ISDIR(status.st_mode):
                with self.subfolder(name) as below:
                    below.remove_all()
                os.rmdir(name, dir_fd=self._descriptor)
            else:
                self.remove(name)

    def remove(self, name: str) -> None:
        """Removes a file if it exists; of a link, the link itself."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._descriptor)

    def remove_drafts(self) -> None:
        """Removes what a killed program has left of files that it was going to replace."""
        for name in os.listdir(self._descriptor):
            if name.startswith(".") and name.endswith(_DRAFT_SUFFIX):
                self.remove(name)

    def sync(self) -> None:
        """Waits until the names in the folder are on the disk."""
        _sync(self._descriptor)

    def sync_all(self) -> None:
        """Waits until everything on the folder's file system is on the disk: of thousands of files,
        each would need milliseconds by itself."""
        import ctypes  # Python has no name for this call

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(self._descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def _status(self, name: str) -> os.stat_result | None:
        try:
            return os.lstat(name, dir_fd=self._descriptor)
        except FileNotFoundError:
            return None

    def _write_draft(self, name: str, pieces: Iterable[bytes], mode: int) -> str:
        """Writes a file under another name, with the permissions of the one that it will replace;
        returns that name."""
        before = self._status(name)
        draft = f".{os.urandom(8).hex()}{_DRAFT_SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OWN_FLAGS
        descriptor = os.open(draft, flags, mode, dir_fd=self._descriptor)
        try:
            if before is not None and stat.S_ISREG(before.st_mode):
                os.fchmod(descriptor, before.st_mode & 0o777)
            elif mode == PRIVATE_FILE_MODE:
                _let_group_read(descriptor, self.path / name)
            for batch in _batches(pieces):
                write_all(descriptor, batch)
            _sync(descriptor)
        except BaseException:
            with suppress(OSError):
                self.remove(draft)
            raise
        finally:
            os.close(descriptor)
        return draft


def _open_own(path: AnyPath, flags: int, folder: Folder | None = None) -> int:
    at = None if folder is None else folder._descriptor
    try:
        descriptor = os.open(path, flags | _OWN_FLAGS, PRIVATE_FILE_MODE, dir_fd=at)
    except OSError as error:
        raise _refusal(error, path) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        os.close(descriptor)
        raise NotOwnFile(path, "not a file")
    if flags & os.O_CREAT:
        _let_group_read(descriptor, path if folder is None else folder.path / path)
    return descriptor


def _is_for_group(path: AnyPath) -> bool:
    """Whether a new file with this path is one that the group may read."""
    if not _group_folders:
        return False
    path = os.path.abspath(path)
    return any(path.startswith(f"{folder}/") for folder in _group_folders)


def _let_group_read(descriptor: int, path: AnyPath) -> None:
    """Lets the group read a file that was opened to write, if its folder is shared."""
    if _is_for_group(path) and os.fstat(descriptor).st_nlink == 1:
        with suppress(PermissionError):  # it belongs to somebody else
            os.fchmod(descriptor, GROUP_FILE_MODE)


def _refuse_hard_link(descriptor: int, path: AnyPath) -> None:
    if os.fstat(descriptor).st_nlink > 1:
        os.close(descriptor)
        raise NotOwnFile(path, "a hard link")


def _is_of_system(path: AnyPath) -> bool:
    return os.path.abspath(path).startswith(("/dev/", "/proc/"))


def _refusal(error: OSError, path: AnyPath) -> OSError:
    """`NotOwnFile` in the place of what the system says of links and of pipes without readers."""
    if error.errno == errno.ELOOP:
        return NotOwnFile(path, "a link")
    return NotOwnFile(path, "a pipe") if error.errno == errno.ENXIO else error


def _copy(source: int, target: int) -> int:
    """Copies an open file into an empty one, and returns its size. File systems that can share the
    blocks of both, such as Btrfs and XFS, do; a server copies by itself."""
    copied = 0
    while True:
        try:
            count = os.copy_file_range(source, target, _COPY_BYTES)
        except OSError as error:
            if error.errno not in _NO_COPY_CALL:
                raise
            break
        if not count:
            break
        copied += count
    while data := os.read(source, _BATCH_CHARACTERS):  # what is left
        write_all(target, data)
        copied += len(data)
    return copied


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def _batches(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Joins pieces, so that each call to the system writes many."""
    batch: list[bytes] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece)
        if size >= _BATCH_CHARACTERS:
            yield b"".join(batch)
            batch, size = [], 0
    yield b"".join(batch)
