"""Runs ``paceline`` and lets one of its threads fail: as a program, ``NAME FILE ARGUMENTS…``.

The thread with that name fails when the file appears, with an exception out of the call in which it
waits for work. Anywhere else, it could come between taking a lock and entering its ``with`` block,
which no exception of a bug does, and leave the lock taken for good.
"""

import ctypes
import sys
import threading
import time
from pathlib import Path

POLL_S = 0.05
WAITING_FUNCTIONS = ("get", "wait")


class PlantedBug(BaseException):
    """What the thread fails with. Nothing that expects an exception takes it for its own."""


def _position(thread: int | None) -> tuple[int, int] | None:
    """The frame and instruction where a thread waits for work; None if it does something else."""
    frame = None if thread is None else sys._current_frames().get(thread)
    if frame is None or frame.f_code.co_name not in WAITING_FUNCTIONS:
        return None
    return id(frame), frame.f_lasti


def _fail_thread(name: str, file: Path) -> None:
    while not file.exists():
        time.sleep(POLL_S)
    earlier: tuple[int, int] | None = None
    while True:
        thread = next(
            (thread.ident for thread in threading.enumerate() if thread.name == name), None
        )
        position = _position(thread)
        if thread is not None and position is not None and position == earlier:
            break
        earlier = position
        time.sleep(POLL_S)
    raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
    raise_in_thread(ctypes.c_ulong(thread), ctypes.py_object(PlantedBug))


if __name__ == "__main__":
    arguments = (sys.argv.pop(1), Path(sys.argv.pop(1)))
    threading.Thread(target=_fail_thread, args=arguments, daemon=True).start()
    from tui.__main__ import main

    main()
