"""SIGHUP: the terminal's window was closed, or the connection to it broke. POSIX only.

The system sends it only to programs whose controlling terminal is gone. Others, such as one that
was started with ``setsid``, notice the loss when they write to the terminal.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO, cast


def handle_sighup(callback: Callable[[], None]) -> None:
    """Calls ``callback`` in the main thread on each SIGHUP.

    One hang-up may send several: from the window, the shell and the kernel. Before the call, stdout
    and stderr are redirected to the null device if their terminal is gone. Otherwise a write
    would end the thread that writes the screen, and Textual would wait for that thread forever.
    """

    def on_sighup(number: int, frame: FrameType | None) -> None:
        _leave_lost_terminal()
        callback()

    signal.signal(signal.SIGHUP, on_sighup)


@contextmanager
def treat_lost_terminal_as_sighup() -> Iterator[None]:
    """While this is entered, a failed write of the screen has the effect of SIGHUP.

    Textual writes to ``sys.__stderr__`` in a thread that would end with the error; the program
    would then wait for that thread forever, and its sessions would go on.
    """
    stream = sys.__stderr__
    sys.__stderr__ = cast(Any, _ScreenStream(stream))  # type: ignore[misc]  # Final in typeshed
    try:
        yield
    finally:
        sys.__stderr__ = stream  # type: ignore[misc]  # the same


class _ScreenStream:
    """The stream of the screen; a write to a terminal that is gone is dropped, and reported."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._attempt(lambda: self._stream.write(text) if self._stream else 0) or 0

    def flush(self) -> None:
        self._attempt(lambda: self._stream.flush() if self._stream else None)

    def _attempt(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            _leave_lost_terminal()
            os.kill(os.getpid(), signal.SIGHUP)
        return None


def _leave_lost_terminal() -> None:
    """Redirects stdout and stderr to the null device if their terminal is gone."""
    for fd in (1, 2):
        try:
            os.write(fd, b"")  # fails only on a terminal that is gone
        except OSError as error:
            if error.errno == errno.EIO:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, fd)
                os.close(null)
