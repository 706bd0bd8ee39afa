"""SIGHUP: the terminal's window was closed, or the connection to it broke. POSIX only."""

import errno
import os
import signal
from collections.abc import Callable
from types import FrameType


def handle_sighup(callback: Callable[[], None]) -> None:
    """Calls ``callback`` in the main thread on each SIGHUP.

    One hang-up may send several: from the window, the shell and the kernel. Before the call, stdout
    and stderr are redirected to the null device if their terminal is gone. Otherwise a write
    would end the thread that writes the screen, and Textual would wait for that thread forever.
    """

    def on_sighup(number: int, frame: FrameType | None) -> None:
        for fd in (1, 2):
            try:
                os.write(fd, b"")  # fails only on a terminal that is gone
            except OSError as error:
                if error.errno == errno.EIO:
                    null = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(null, fd)
                    os.close(null)
        callback()

    signal.signal(signal.SIGHUP, on_sighup)
