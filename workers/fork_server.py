"""Prepares the fork server, which imports this module first.

The fork server inherits the terminal, and writes a traceback to it when it dies; the screen is
there. And it dies of a `fork` that fails, though only the process that was asked for is missing. So
its output is dropped, and the program gets the error instead of a process id.
"""

import errno
import os
import select
import sys
from multiprocessing import forkserver

MAX_REQUEST_WAIT_MS = 1000
"""How long the program may take to write the rest of its request."""

_system_fork = os.fork


def fork() -> int:
    """Forks. If that fails, answers the request with the negative error number as process id, and
    raises the error that the fork server's loop ignores (Python 3.11 to 3.14)."""
    try:
        return _system_fork()
    except OSError as error:
        request = sys._getframe(1).f_locals  # the variables of `multiprocessing.forkserver.main`
        fds = request["child_r"], request["child_w"], *request["fds"]
        poll = select.poll()
        poll.register(request["child_r"], select.POLLIN)
        poll.poll(MAX_REQUEST_WAIT_MS)  # else the program's write would break
        forkserver.write_signed(request["child_w"], -(error.errno or errno.EAGAIN))
        for fd in fds:
            os.close(fd)
        raise ConnectionAbortedError(errno.ECONNABORTED, "no process to fork") from error


def redirect_output() -> None:
    """Drops what this process and its children write to the terminal."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
    os.close(null)


def _is_imported_by_fork_server() -> bool:
    frame = sys._getframe()
    while (outer := frame.f_back) is not None:
        frame = outer
        if frame.f_globals.get("__name__") == forkserver.__name__:
            return True
    return False


if _is_imported_by_fork_server():  # not by a program that only looks at this module
    redirect_output()
    os.fork = fork
