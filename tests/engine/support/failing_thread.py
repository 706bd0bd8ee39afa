"""Runs ``paceline`` and lets one of its threads fail: as a program, ``NAME FILE ARGUMENTS…``.

The thread with that name fails when the file appears, with an exception that comes between two of
its instructions, as a bug would.
"""

import ctypes
import sys
import threading
import time
from pathlib import Path

POLL_S = 0.05


class PlantedBug(BaseException):
    """What the thread fails with. Nothing that expects an exception takes it for its own."""


def _fail_thread(name: str, file: Path) -> None:
    found: list[int] = []
    while not (found and file.exists()):
        time.sleep(POLL_S)
        found = [thread.ident or 0 for thread in threading.enumerate() if thread.name == name]
    raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
    raise_in_thread(ctypes.c_ulong(found[0]), ctypes.py_object(PlantedBug))


if __name__ == "__main__":
    arguments = (sys.argv.pop(1), Path(sys.argv.pop(1)))
    threading.Thread(target=_fail_thread, args=arguments, daemon=True).start()
    from tui.__main__ import main

    main()
