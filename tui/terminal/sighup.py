"""SIGHUP: the terminal's window was closed, or the line to it broke. POSIX only."""

import errno
import os
import signal
from collections.abc import Callable
from types import FrameType


def handle_sighup(callback: Callable[[], None]) -> None:
    """Calls ``callback`` in the main thread on each SIGHUP.

    One hang-up may send several: from the window, the shell and the kernel.
    """

    def on_sighup(number: int, frame: FrameType | None) -> None:
        for stream in (1, 2):
            _redirect_if_dead(stream)
        callback()

    signal.signal(signal.SIGHUP, on_sighup)


def _redirect_if_dead(fd: int) -> None:
    """Points a descriptor to the null device if its terminal is gone.

    Otherwise the last messages would raise, and so would the thread that writes the screen, for
    which Textual then waits forever.
    """
    try:
        os.write(fd, b"")  # fails only on a terminal that is gone
    except OSError as error:
        if error.errno == errno.EIO:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, fd)
            os.close(nowhere)
