"""A hang-up: the terminal's window was closed, or the line to it broke. On POSIX only."""

import errno
import os
import signal
from collections.abc import Callable
from types import FrameType


def handle_sighup(callback: Callable[[], None]) -> None:
    """Calls ``callback`` in the main thread, at any moment; and not only once.

    A window, a shell and the system may each tell a program of the same hang-up.
    """

    def hung_up(number: int, frame: FrameType | None) -> None:
        for stream in (1, 2):
            _redirect_if_dead(stream)
        callback()

    signal.signal(signal.SIGHUP, hung_up)


def _redirect_if_dead(fd: int) -> None:
    """Lets what is still to be said go nowhere, if the terminal is gone.

    Else whoever says that it is ending would fail; and the thread that writes the screen would, and
    the screen wait for it for ever.
    """
    try:
        os.write(fd, b"")  # neither a file nor a pipe refuses that
    except OSError as error:
        if error.errno == errno.EIO:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, fd)
            os.close(nowhere)
