"""Job control: the program is stopped for its shell (Ctrl-Z), until ``fg``. POSIX only."""

import os
import signal
import time
from collections.abc import Callable
from types import FrameType

MAX_STOP_DELAY_S = 0.5
"""A stop signal takes effect within microseconds; one that has none after this was ignored."""


def stop_for_shell() -> bool:
    """Stops the program, as Ctrl-Z does to others, and returns once it is in the foreground again.

    Returns False at once if nobody could continue it: the system ignores the signal if the program
    has no shell, as in a window or container of its own. The whole process group gets the signal,
    because a script that started the program is stopped with it; its sessions ignore it.
    """
    stopped = _stop(lambda: os.killpg(0, signal.SIGTSTP))
    wait_for_foreground()
    return stopped


def wait_for_foreground() -> None:
    """Stops the program again while it is in the background (``bg``), where it may not draw."""
    while not _is_in_foreground() and _stop(lambda: os.kill(os.getpid(), signal.SIGSTOP)):
        pass


def _is_in_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # no terminal any more
        return True


def _stop(send_signal: Callable[[], None]) -> bool:
    """Sends a signal that stops the program. Returns, after it was continued, whether it did."""
    continued = False

    def on_continue(number: int, frame: FrameType | None) -> None:
        nonlocal continued
        continued = True

    on_stop = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    on_continue_before = signal.signal(signal.SIGCONT, on_continue)
    try:
        send_signal()
        deadline = time.monotonic() + MAX_STOP_DELAY_S
        while not continued and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGTSTP, on_stop)
        signal.signal(signal.SIGCONT, on_continue_before)
    return continued
