"""How this system makes the processes of sessions, and that in which files are probed."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

START_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""A fork server starts a session in milliseconds and shares its memory; not every system has it."""

PRELOAD_MODULES = [
    "workers.session.local_launcher",
    "workers.session.main",
    "workers.audio.probe",
    "workers.session.preload",
]
"""What the fork server loads once for all sessions; importing these starts no thread."""

START_POLL_INTERVAL_S = 1.0
"""Seconds between two looks at a fork server that is to start a process."""

MAX_START_POLLS = 60
"""After so many it is given up: a new one loads its modules first, from a slow disk perhaps."""


GROUP_SIGNALS = {each for each in signal.Signals if each.name in ("SIGINT", "SIGTERM", "SIGHUP")}
"""What a terminal or a service manager sends to every process of a program: it is meant for the
first, which ends the others in its own way. Not every system has them."""


def mp_context() -> BaseContext:
    """What processes are made with."""
    return multiprocessing.get_context(START_METHOD)


def warm_up(context: BaseContext) -> None:
    """Starts the machinery. Before any screen replaces the standard error: it inherits that."""
    context.Event()  # starts the resource tracker
    if START_METHOD == "forkserver":
        context.set_forkserver_preload(PRELOAD_MODULES)
        _ensure_fork_server()


def start_process(
    context: BaseContext, target: Callable[..., None], *args: object, name: str
) -> BaseProcess:
    """A process at work, which ends with this one at the latest.

    Raises `OSError` when there is no room for it; and `EOFError` or `ConnectionError` when the fork
    server was ended meanwhile, for then there may be a process that nobody knows.
    """
    process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # BaseContext lacks it
        target=target, args=args, name=name, daemon=True
    )
    with _hide_main_module():
        if context.get_start_method() == "forkserver":
            _ensure_fork_server()
            try:
                with _start_watchdog():
                    process.start()
            except (EOFError, ConnectionError):
                kill_fork_server()  # dying it may still pass for alive at the next start
                raise
        else:
            process.start()
    return process


def is_suspended(pid: int | None) -> bool:
    """Whether somebody has stopped a process (SIGSTOP), where the system tells."""
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return stat.rpartition(")")[2].split()[0] in "Tt"
    return False


# --- the fork server -----------------------------------------------------------------------------


def kill_fork_server() -> None:
    """By force, and at once; the next start makes a new one. Nothing when there is none."""
    process = _fork_server_pid()
    if process is not None:
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)
            # Only looked at: multiprocessing wants to find it dead by itself.
            os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)


def kill_suspended_fork_server() -> None:
    """Ends a fork server that somebody has stopped.

    For as long as it is, no start ends, and no end of a process that it made is told.
    """
    if is_suspended(_fork_server_pid()):
        kill_fork_server()


def ignore_group_signals() -> None:
    """For the fork server, when it is ready: until then this was held back (`_ensure_fork_server`).

    What it makes inherits that.
    """
    for number in GROUP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, GROUP_SIGNALS)


def _fork_server_pid() -> int | None:
    from multiprocessing import forkserver

    server = forkserver._forkserver
    return server._forkserver_pid  # type: ignore[attr-defined,no-any-return]  # no public door


def _ensure_fork_server() -> None:
    """One that is deaf from its first moment: loading takes a second, and Ctrl-C comes when it
    comes."""
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # first: to start it would let these signals in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, GROUP_SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _start_watchdog() -> Iterator[None]:
    """Bounds a start: whoever waits for the fork server has no time limit of his own."""
    over = threading.Event()

    def watch() -> None:
        for _ in range(MAX_START_POLLS):  # and not seconds: the whole program may have been stopped
            if over.wait(START_POLL_INTERVAL_S):
                return
            kill_suspended_fork_server()
        kill_fork_server()

    threading.Thread(target=watch, name="start", daemon=True).start()
    try:
        yield
    finally:
        over.set()


_start_lock = threading.Lock()


@contextmanager
def _hide_main_module() -> Iterator[None]:
    """Lets multiprocessing see the program as it was before any screen.

    It runs the program's main script again in every child, so that a child finds what is defined
    there. Nothing of ours is, and it would cost each session some milliseconds and a quarter of its
    memory. And if its helpers were killed, it starts new ones, which inherit the standard error;
    that of a screen has no descriptor. One start at a time, since all threads see it.
    """
    with _start_lock:
        main, errors = sys.modules["__main__"], sys.stderr
        sys.modules["__main__"] = ModuleType("__main__")
        sys.stderr = sys.__stderr__
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            sys.stderr = errors
