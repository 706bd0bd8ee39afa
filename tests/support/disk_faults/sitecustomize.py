"""Records every change that a program and its children make below a folder, and lets some fail.

Python imports this module at its start if its folder is in ``PYTHONPATH``. It stands between the
program and the system, so that real processes meet a full disk at any single write.

``DISK_FOLDER``: the folder that is watched. ``DISK_LOG``: the file to which each change is
appended as a line of JSON; how many lines it has is the number of the next change.
``DISK_FAULT``: ``NUMBER:ERRNO:LAST``, the changes that fail, with this error, up to a last one.
"""

import fcntl
import json
import os
import sys
from typing import Any

FOLDER = os.environ.get("DISK_FOLDER", "")
LOG = os.environ.get("DISK_LOG", "")
FIRST, ERRNO, LAST = (int(part) for part in os.environ.get("DISK_FAULT", "0:0:0").split(":"))

CREATING = os.O_CREAT | os.O_TRUNC

_system = {
    name: getattr(os, name)
    for name in (
        "open",
        "write",
        "fsync",
        "ftruncate",
        "replace",
        "rename",
        "unlink",
        "mkdir",
        "rmdir",
        "close",
    )
}


def path_of(descriptor: int) -> str:
    """What an open file is, as /proc says."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""


def absolute(path: Any, dir_fd: int | None) -> str:
    text = os.fsdecode(path)
    if dir_fd is not None and not os.path.isabs(text):
        return os.path.join(path_of(dir_fd), text)
    return os.path.abspath(text)


def is_watched(path: str) -> bool:
    return path == FOLDER or path.startswith(f"{FOLDER}/")


def change(name: str, path: str, do: Any, do_half: Any = None, **details: Any) -> Any:
    """Makes a change, or lets it fail; both are recorded. One process at a time. Of the first write
    to a disk that stays full, one half still fits."""
    log = _system["open"](LOG, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(log, fcntl.LOCK_EX)
        number = os.pread(log, os.fstat(log).st_size, 0).count(b"\n") + 1
        failed = FIRST <= number <= LAST
        record = {"name": name, "path": path, "pid": os.getpid(), "failed": failed, **details}
        os.lseek(log, 0, os.SEEK_END)
        _system["write"](log, json.dumps(record).encode() + b"\n")
        if failed and do_half is not None and number == FIRST < LAST:
            return do_half()
        if failed:
            raise OSError(ERRNO, os.strerror(ERRNO), path)
        return do()
    finally:
        _system["close"](log)


def watched_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> Any:
    where = absolute(path, dir_fd)

    def do() -> int:
        return _system["open"](path, flags, mode, dir_fd=dir_fd)

    if flags & CREATING and is_watched(where) and not os.path.lexists(where):
        return change("create", where, do)
    return do()


def watched_write(descriptor: int, data: Any) -> Any:
    where = path_of(descriptor)

    def do() -> int:
        return _system["write"](descriptor, data)

    def do_half() -> int:
        return _system["write"](descriptor, bytes(data)[: len(data) // 2])

    if is_watched(where):
        at = os.fstat(descriptor).st_size
        if not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND:
            at = os.lseek(descriptor, 0, os.SEEK_CUR)
        return change("write", where, do, do_half, at=at, data=bytes(data).hex())
    return do()


def watched_fsync(descriptor: int) -> Any:
    where = path_of(descriptor)
    if is_watched(where):
        return change("fsync", where, lambda: _system["fsync"](descriptor))
    return _system["fsync"](descriptor)


def watched_ftruncate(descriptor: int, size: int) -> Any:
    where = path_of(descriptor)

    def do() -> None:
        _system["ftruncate"](descriptor, size)

    return change("truncate", where, do, size=size) if is_watched(where) else do()


def watched_rename(name: str) -> Any:
    def rename(
        source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> Any:
        where, to = absolute(source, src_dir_fd), absolute(target, dst_dir_fd)

        def do() -> None:
            _system[name](source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

        return change("rename", where, do, to=to) if is_watched(where) else do()

    return rename


def watched_name(name: str) -> Any:
    """``unlink``, ``mkdir`` or ``rmdir``."""

    def call(path: Any, *arguments: Any, dir_fd: int | None = None) -> Any:
        where = absolute(path, dir_fd)

        def do() -> None:
            _system[name](path, *arguments, dir_fd=dir_fd)

        exists = os.path.lexists(where)
        if is_watched(where) and exists is (name != "mkdir"):
            return change(name, where, do)
        return do()

    return call


def watch_call(event: str, arguments: tuple[Any, ...]) -> None:
    """``syncfs``, which Python has no name for."""
    if event == "ctypes.dlsym" and arguments[1] == "syncfs":
        change("syncfs", FOLDER, lambda: None)


if FOLDER:
    sys.addaudithook(watch_call)
    watched = {
        "open": watched_open,
        "write": watched_write,
        "fsync": watched_fsync,
        "ftruncate": watched_ftruncate,
        "replace": watched_rename("replace"),
        "rename": watched_rename("rename"),
        "unlink": watched_name("unlink"),
        "mkdir": watched_name("mkdir"),
        "rmdir": watched_name("rmdir"),
    }
    for name, function in watched.items():
        setattr(os, name, function)
