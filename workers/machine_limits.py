"""What the system lets this program have: open files, processes, memory. Imports no other Paceline
module.

A limit is set by the user's shell (``ulimit``), by a container or service (a cgroup), or by the
machine. None of them binds every user alike: root may start more processes than its limit says.
"""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

RESERVED_FILES = 16
"""How many files stay free for the run folder, while sessions take the others."""

RAISED_FILES = 65_536
"""How many open files the program allows itself, if its hard limit does."""

_CGROUPS = Path("/sys/fs/cgroup")


def raise_file_limit() -> None:
    """Lets this program and its children open as many files as the hard limit allows, up to
    `RAISED_FILES`: shells often set a soft limit for programs that use ``select``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = RAISED_FILES if hard == resource.RLIM_INFINITY else min(hard, RAISED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def check_free_files() -> None:
    """Raises `OSError` (EMFILE) if fewer than `RESERVED_FILES` files may still be opened."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return
    with suppress(FileNotFoundError):  # no /proc
        if len(os.listdir("/proc/self/fd")) + RESERVED_FILES > limit:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def reached_limit(error: OSError) -> str | None:
    """Names the limit that an error of the system is about; None for errors of other kinds."""
    match error.errno:
        case errno.EMFILE:
            files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            return f"the limit of {files} open files is reached (ulimit -n)"
        case errno.ENFILE:
            return "the machine has no more open files (fs.file-max)"
        case errno.EAGAIN:
            return _process_limit()
        case errno.ENOMEM:
            size = resource.getrlimit(resource.RLIMIT_AS)[0]
            if size != resource.RLIM_INFINITY:
                return f"the limit of {size >> 20} MB of memory is reached (ulimit -v)"
            return "the machine has no memory left"
    return None


def memory_hint() -> str:
    """What to do about processes that die as soon as they start: empty without a limit of memory,
    which is the usual reason."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return ""
    return f"Is the limit of {limit >> 20} MB of memory (ulimit -v) too low?"


def memory_kills() -> int:
    """How many processes the system has killed because memory ran out: in this program's cgroup if
    that is known, else on the whole machine."""
    for name in ("memory.events", "memory.oom_control"):  # of versions 2 and 1
        for folder in _cgroup_folders("memory"):
            with suppress(OSError, ValueError):
                return _counter(folder / name, "oom_kill")
    with suppress(OSError, ValueError):
        return _counter(Path("/proc/vmstat"), "oom_kill")
    return 0


def process_limit() -> tuple[int | None, str]:
    """How many processes and threads this program and its neighbours may have, and what says so:
    the smaller of the container's limit and the user's. None: there is no limit."""
    limits: list[tuple[int, str]] = []
    for folder in _cgroup_folders("pids"):
        with suppress(OSError, ValueError):
            limits.append((int((folder / "pids.max").read_text()), "pids.max of the container"))
    user = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if user != resource.RLIM_INFINITY and os.geteuid() != 0:  # it does not bind root
        limits.append((user, "ulimit -u"))
    return min(limits) if limits else (None, "")


def used_processes() -> int:
    """How many processes and threads count towards `process_limit`: those of the container if that
    is known, else those of this user."""
    for folder in _cgroup_folders("pids"):
        with suppress(OSError, ValueError):
            return int((folder / "pids.current").read_text())
    count = 0
    for threads in Path("/proc").glob("[0-9]*/task"):
        with suppress(OSError):  # it has ended
            if threads.stat().st_uid == os.geteuid():
                count += len(os.listdir(threads))
    return count


def _process_limit() -> str:
    for folder in _cgroup_folders("pids"):
        with suppress(OSError, ValueError):  # "max": no limit
            limit = int((folder / "pids.max").read_text())
            if int((folder / "pids.current").read_text()) + 1 >= limit:
                return f"the container's limit of {limit} processes is reached (pids.max)"
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if limit == resource.RLIM_INFINITY:
        return "the machine has no more processes"
    return f"the limit of {limit} processes and threads of this user is reached (ulimit -u)"


def _cgroup_folders(controller: str) -> Iterator[Path]:
    """The cgroups of this process that may limit it, the innermost first."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            if names and controller not in names.split(","):
                continue
            # In a container, the cgroup's own folder may be mounted at the root.
            root = _CGROUPS / names if names else _CGROUPS
            inner = root / path.lstrip("/")
            yield from (inner, *[each for each in inner.parents if each.is_relative_to(root)])


def _counter(path: Path, name: str) -> int:
    """The value of a line such as ``oom_kill 2``; raises `ValueError` if there is none."""
    for line in path.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    raise ValueError(name)
