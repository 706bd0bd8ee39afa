"""Starts every thread of Paceline, so that none of them dies in silence.

What may fail in a thread is caught there. Anything else is a bug, and a program that goes on
without one of its threads waits for it for ever. So the first such fault is kept in `first_fault`:
the main thread of the program looks at it about five times a second, ends its sessions and says
what happened. A process without such a loop calls `exit_on_fault` at its start.
"""

import errno
import mmap
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass

STACK_BYTES = 8 << 20
"""What a thread usually needs, at least in addresses."""

EXIT_FAULT = 70
"""The exit code of a process that lost a thread: ``EX_SOFTWARE`` of ``sysexits.h``, and
`tui.cli.exit_codes.ExitCode.INTERNAL_ERROR`."""


@dataclass(frozen=True, slots=True)
class ThreadFault:
    """A thread died of a bug."""

    thread: str
    error: BaseException


_faults: list[ThreadFault] = []
_handlers: list[Callable[[ThreadFault], object]] = []


def new_thread(target: Callable[[], object], name: str) -> threading.Thread:
    """A daemon thread that is not started yet. It reports what ``target`` raises."""

    def run() -> None:
        try:
            target()
        except BaseException as error:  # SystemExit too: it would end only the thread
            record_fault(error)

    return threading.Thread(target=run, name=name, daemon=True)


def start_thread(target: Callable[[], object], name: str) -> threading.Thread:
    """Starts such a thread. Raises `OSError` if the system has no room for one."""
    thread = new_thread(target, name)
    start(thread)
    return thread


def start(thread: threading.Thread) -> None:
    """Starts a thread. Raises `OSError`, with the number of the error that Python does not tell, if
    the system has no room for one."""
    try:
        thread.start()
    except RuntimeError as error:
        number = errno.EAGAIN
        try:
            mmap.mmap(-1, STACK_BYTES).close()
        except OSError:  # there would be room for a thread, but not for its stack
            number = errno.ENOMEM
        raise OSError(number, os.strerror(number)) from error


def first_fault() -> ThreadFault | None:
    """Why a thread of this process died; None as long as all are well."""
    return _faults[0] if _faults else None


def record_fault(error: BaseException) -> None:
    """Records that the current thread dies of an error."""
    fault = ThreadFault(threading.current_thread().name, error)
    _faults.append(fault)
    for handler in _handlers:
        handler(fault)


def watch_foreign_threads() -> None:
    """Reports also the faults of threads that libraries have started."""

    def hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            record_fault(args.exc_value)

    threading.excepthook = hook


def exit_on_fault() -> None:
    """Makes a fault end this process, which others watch, with a traceback in its log."""

    def exit_now(fault: ThreadFault) -> None:
        traceback.print_exception(fault.error)
        sys.stderr.flush()
        os._exit(EXIT_FAULT)

    _handlers.append(exit_now)


def forget_faults() -> None:
    """For tests, which cause faults on purpose."""
    _faults.clear()
    _handlers.clear()
