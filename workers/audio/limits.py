"""Limits for processes that decode foreign audio, so that a hostile file harms nothing else."""

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path

from workers.errors import DiskFailed, Unreadable

_DISK_ERRORS = {errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ETIMEDOUT}
"""Errors of a disk, or of a file system in the network, that fails or is away."""

MAX_MEMORY_BYTES = 224 << 20
"""How much a process may allocate from the moment it is limited. No kind of recording needs a tenth
of it, but a header may ask for anything."""


def limit_memory() -> None:
    """Makes every allocation fail that takes this process beyond `MAX_MEMORY_BYTES` from now on.

    Processes that it forks inherit the limit: the fork server sets it for all sessions. What they
    share with it counts as allocated before; files that they map do not count.
    """
    with suppress(OSError, ValueError):  # no /proc, or a lower limit is set
        pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack
        limit = pages * resource.getpagesize() + MAX_MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with suppress(OSError, ValueError):  # a decoder that crashes leaves no file behind
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_cpu(seconds: float) -> None:
    """Ends this process with SIGXCPU after this many more seconds of computing. Another call starts
    the count again."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(OSError, ValueError):  # a lower limit is set
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        soft = ceil(usage.ru_utime + usage.ru_stime + seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


@contextmanager
def read_refusal() -> Iterator[None]:
    """Raises `Unreadable` if decoding fails because memory runs out, or because the system
    cannot read the file."""
    try:
        yield
    except MemoryError as error:
        reason = f"reading it takes more than {MAX_MEMORY_BYTES >> 20} MB of memory"
        raise Unreadable(reason, "It is damaged, or it is no recording of speech.") from error
    except OSError as error:
        raise read_failure(error) from error


def read_failure(error: OSError) -> Unreadable:
    """What an error of the system says of a recording."""
    reason = f"the file cannot be read ({error.strerror})"
    if error.errno in _DISK_ERRORS:
        return DiskFailed(reason, "Is its disk away? What was heard is kept; retry continues.")
    return Unreadable(reason)
