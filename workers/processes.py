"""Starts child processes: sessions, and the one that probes files."""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import util
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from workers import secrecy, threads
from workers.errors import PacelineError

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

START_METHOD = (
    "forkserver"
    if "forkserver" in multiprocessing.get_all_start_methods()
    and os.environ.get("PACELINE_START_METHOD") != "spawn"
    else "spawn"
)
"""A fork server starts a session in milliseconds and shares memory. Not every system has one, and
``PACELINE_START_METHOD=spawn`` does without it, so that tests show what such a system does."""

PRELOAD_MODULES = [
    "workers.fork_server",
    "workers.session.local_launcher",
    "workers.session.main",
    "workers.audio.probe",
    "workers.session.preload",
]
"""Modules that the fork server imports once for all sessions; importing them starts no thread."""

MAX_START_POLLS = 60
"""Limit for starting a process, in polls of one second; after it, the fork server is killed. A new
fork server first imports modules, perhaps from a slow disk."""

MAX_SOCKET_FOLDER_CHARS = 70
"""How long the path of a folder with sockets may be: the path of a socket has at most 107 bytes."""

GROUP_SIGNALS = {
    s
    for s in signal.Signals
    if s.name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
}
"""Signals that a terminal or service manager sends to every process of a program. The parent
handles them and ends its children itself; a stop for the shell is no stop for sessions. Not every
system has them."""


def mp_context() -> BaseContext:
    """The multiprocessing context of all child processes."""
    return multiprocessing.get_context(START_METHOD)


def warm_up(context: BaseContext) -> None:
    """Starts the resource tracker and the fork server, which inherit the standard error.

    Call this before a screen replaces it. Raises `OSError` if the system starts no process.
    """
    from multiprocessing import resource_tracker

    # Else it would say on the screen that it was killed and started again.
    warnings.filterwarnings("ignore", "resource_tracker: process died unexpectedly")
    with secrecy.hide_from_children():
        resource_tracker.ensure_running()
    if START_METHOD == "forkserver":
        context.set_forkserver_preload(PRELOAD_MODULES)
        _ensure_fork_server()


def ensure_temporary_folder(fallback: Path | None = None) -> None:
    """Makes ``fallback``, which can be written, the folder of temporary files if there is no other:
    not TMPDIR, /tmp, /var/tmp or the working folder. Raises `PacelineError` without one."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        if fallback is None:
            reason = "no folder for temporary files can be written"
            raise PacelineError(reason, "Set TMPDIR to one that can.") from error
        tempfile.tempdir = str(fallback)


def start_process(
    context: BaseContext, target: Callable[..., None], *args: object, name: str
) -> BaseProcess:
    """Starts a daemon process.

    Raises `OSError` if the system cannot start it, perhaps because of a limit, and `EOFError` or
    `ConnectionError` if the fork server died meanwhile, which may leave an unknown process behind.
    """
    if START_METHOD == "spawn":
        target, args = _run_spawned, (target, *args)
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
                kill_fork_server()  # otherwise the next start may still use it
                raise
            except FileNotFoundError as error:  # somebody has removed its socket
                kill_fork_server()
                raise ConnectionError("the socket of the fork server is gone") from error
            if (process.pid or 0) < 0:  # see `workers.fork_server`
                process.join()
                raise OSError(-(process.pid or 0), os.strerror(-(process.pid or 0)))
        else:
            blocked = _blocked_group_signals() if START_METHOD == "spawn" else nullcontext()
            with secrecy.hide_from_children(), blocked:
                process.start()
    return process


def process_pool(count: int) -> "ProcessPoolExecutor":
    """A pool of processes for work that needs no secret and draws nothing."""
    from concurrent.futures import ProcessPoolExecutor

    context = mp_context()
    if START_METHOD == "forkserver":
        _ensure_fork_server()
    return ProcessPoolExecutor(count, context)


def is_suspended(pid: int | None) -> bool:
    """Whether a process is stopped (SIGSTOP); False on a system without /proc."""
    return _state(pid) in ("T", "t")


def bytes_read_asleep(pid: int | None) -> int | None:
    """How many bytes a process has read, if it sleeps now, perhaps until a file system answers;
    None if it does not, and on a system without /proc."""
    if _state(pid) not in ("S", "D"):
        return None
    with suppress(OSError, ValueError):
        counts = Path(f"/proc/{pid}/io").read_text().split()
        return int(counts[counts.index("rchar:") + 1])
    return None


def disown(process: BaseProcess) -> None:
    """Makes multiprocessing forget a process that it has started. Else it asks each at every later
    start whether it has ended, and the program ends only after all of them: one that was killed may
    wait for a file system that does not answer."""
    multiprocessing.process._children.discard(process)  # type: ignore[attr-defined]  # not public


def _state(pid: int | None) -> str:
    """The state of a process as ``ps`` shows it; empty if it is not known."""
    with suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return stat.rpartition(")")[2].split()[0]
    return ""


# --- the fork server -----------------------------------------------------------------------------


def kill_fork_server() -> None:
    """Kills the fork server, if there is one; the next start creates a new one."""
    pid = _fork_server_pid()
    if pid is not None:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            # WNOWAIT, because multiprocessing reaps it itself.
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def kill_suspended_fork_server() -> None:
    """Kills the fork server if it is suspended, as it would delay starts and hide exits."""
    if is_suspended(_fork_server_pid()):
        kill_fork_server()


def ignore_group_signals() -> None:
    """Makes the fork server and its children ignore `GROUP_SIGNALS`, then unblocks these."""
    for number in GROUP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_UNBLOCK, GROUP_SIGNALS)


def _run_spawned(target: Callable[..., None], *args: object) -> None:
    """Runs in a spawned process, which starts with `GROUP_SIGNALS` blocked, as a fork server does:
    a Ctrl-C during its imports must not end it."""
    ignore_group_signals()
    target(*args)


@contextmanager
def _blocked_group_signals() -> Iterator[None]:
    """Makes processes that start in the block inherit `GROUP_SIGNALS` as blocked."""
    from multiprocessing import resource_tracker

    if not hasattr(signal, "pthread_sigmask"):  # on Windows, which has no resource tracker either
        yield
        return
    resource_tracker.ensure_running()  # first, because starting it unblocks these signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, GROUP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fork_server_pid() -> int | None:
    from multiprocessing import forkserver

    server = forkserver._forkserver
    return server._forkserver_pid  # type: ignore[attr-defined,no-any-return]  # no public name


def _ensure_fork_server() -> None:
    """Starts the fork server with `GROUP_SIGNALS` blocked: Ctrl-C may come during its imports."""
    from multiprocessing import forkserver

    _ensure_socket_folder()
    if _is_running(_fork_server_pid()):
        return
    # Threads of downloads read the environment too, so it is changed only when that is needed.
    with secrecy.hide_from_children(), _blocked_group_signals():
        forkserver.ensure_running()


def _is_running(pid: int | None) -> bool:
    """Whether a child process has not ended yet."""
    with suppress(ChildProcessError):
        if pid is not None:
            return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None
    return False


def _ensure_socket_folder() -> None:
    """Makes the folder of the fork server's socket, or makes it again if somebody removed it.

    A path through the folder's descriptor stands for one that is too long for a socket. An address
    without a file would be open to every user of the machine.
    """
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    if (known := config.get("tempdir")) is not None:
        with suppress(OSError):
            if os.stat(known).st_nlink:  # 0: removed, but open
                return
        config["tempdir"] = None
        kill_fork_server()  # nobody reaches it any more
    try:
        folder = util.get_temp_dir()
    except FileNotFoundError:  # TMPDIR was there when the program started
        tempfile.tempdir = None
        folder = util.get_temp_dir()
    if len(os.fsencode(folder)) > MAX_SOCKET_FOLDER_CHARS:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        config["tempdir"] = f"/proc/self/fd/{descriptor}"


@contextmanager
def _start_watchdog() -> Iterator[None]:
    """Kills a fork server that does not answer, since a start would wait for it forever."""
    started = threading.Event()

    def watch() -> None:
        for _ in range(MAX_START_POLLS):  # polls, not seconds: the whole program may be suspended
            if started.wait(1.0):
                return
            kill_suspended_fork_server()
        kill_fork_server()

    threads.start_thread(watch, "start-watchdog")
    try:
        yield
    finally:
        started.set()


_start_lock = threading.Lock()


@contextmanager
def _hide_main_module() -> Iterator[None]:
    """Hides the main module and the screen's standard error from multiprocessing.

    Multiprocessing would run the main module again in every child. None needs that, and it costs
    each session some milliseconds and a quarter of its memory. When it replaces helper processes
    that were killed, they inherit `sys.stderr`, but a screen's has no file descriptor. All threads
    see the change, so only one may start a process at a time.
    """
    with _start_lock:
        main, stderr = sys.modules["__main__"], sys.stderr
        sys.modules["__main__"] = ModuleType("__main__")
        sys.stderr = sys.__stderr__
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            sys.stderr = stderr
