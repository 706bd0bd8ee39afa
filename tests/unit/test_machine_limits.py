"""Sentences about the limits of the system."""

import errno
import resource
import subprocess
import sys

from workers.machine_limits import memory_kills, reached_limit


def test_a_limit_of_files_names_its_number() -> None:
    """The soft limit is the one that was reached."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    assert reached_limit(OSError(errno.EMFILE, "")) == (
        f"the limit of {soft} open files is reached (ulimit -n)"
    )


def test_errors_that_are_no_limit_have_no_sentence() -> None:
    """A missing file is no reason to wait."""
    assert reached_limit(OSError(errno.ENOENT, "")) is None


def test_a_limit_of_memory_or_processes_is_named_as_the_shell_names_it() -> None:
    """In a program of its own, whose limits are set."""
    program = (
        "import errno, resource; from workers.machine_limits import reached_limit as limit;"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30));"
        "resource.setrlimit(resource.RLIMIT_NPROC, (32, 32));"
        "print(limit(OSError(errno.ENOMEM, '')), limit(OSError(errno.EAGAIN, '')), sep='\\n')"
    )
    printed = subprocess.check_output([sys.executable, "-c", program], text=True)

    assert printed.splitlines() == [
        "the limit of 1024 MB of memory is reached (ulimit -v)",
        "the limit of 32 processes and threads of this user is reached (ulimit -u)",
    ]


def test_kills_for_want_of_memory_are_counted() -> None:
    """Wherever this runs there is a counter; nothing was killed meanwhile."""
    assert memory_kills() >= 0
