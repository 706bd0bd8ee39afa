"""Runs each session in a child process of this program, and talks to it through two queues."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from workers import machine_limits, processes, threads
from workers.jobs.events import JobReport
from workers.jobs.job import JobId
from workers.jobs.node_status import NodeStatus
from workers.secrecy import Secret, proxies_with_login
from workers.session.assignment import Assignment, ControlMessage
from workers.session.session_queue import Closed, SessionQueue

UNKNOWN_CODE = 255
"""The exit code of a process whose fork server was killed too, as far as multiprocessing knows."""


class LocalSession:
    """A session in a child process. Created before the process, so its start can be cancelled.

    Not thread-safe: the supervisor's thread calls `start`, and other calls must hold a lock.
    """

    def __init__(self, context: BaseContext, assignment: Assignment, key: Secret | None) -> None:
        self._context = context
        self._assignment, self._key = assignment, key
        self._reports = SessionQueue[JobReport](*context.Pipe(duplex=False))
        self._control = SessionQueue[ControlMessage](*context.Pipe(duplex=False))
        self._process: BaseProcess | None = None
        self._exited = False
        self._kill_requested = False
        self._memory_kills = machine_limits.memory_kills()

    def start(self, on_report: Callable[[JobReport], None], on_exit: Callable[[str], None]) -> None:
        """Starts the process and a thread that reads its reports; raises like `start_process`."""
        name = f"paceline-session-{self._assignment.job.id}"
        is_decided = threading.Event()  # whether there is a process

        def relay() -> None:
            is_decided.wait()
            if (process := self._process) is None:
                return
            try:
                while (report := self._next_report()) is not None:
                    on_report(report)
                self._exited = True
            except BaseException as error:  # the program ends, and still waits for this session
                threads.record_fault(error)
            self._reports.close_reader()
            process.join()
            self._exited = True
            on_exit(self._exit_text(process.exitcode))

        try:
            threads.start_thread(relay, f"{name} reports")  # first: there may be no room for it
            proxies = proxies_with_login(os.environ)
            arguments = self._assignment, self._key, proxies, self._reports, self._control
            self._process = processes.start_process(
                self._context, _child_main, *arguments, name=name
            )
            # It ends by itself when the program does, which must not wait for one that cannot.
            processes.disown(self._process)
        except BaseException:
            self._exited = True
            self._reports.close_reader()
            self.close()
            raise
        finally:
            self._control.close_reader()
            # The child holds the only write end now, so its death closes the queue.
            self._reports.close_writer()
            is_decided.set()
        if self._kill_requested:  # while the process was being started
            self.kill()

    def _next_report(self) -> JobReport | None:
        """Waits for the next report; None if there will be none. A process that sends anything else
        is out of its mind, so it is killed."""
        try:
            return self._reports.get()
        except Closed:
            return None
        except Exception:
            self.kill()
            return None

    def send(self, message: ControlMessage) -> None:
        """Sends a message; if the queue is full, a later call sends the rest."""
        self._control.put(message)

    @property
    def is_reachable(self) -> bool:
        """Always True: the system tells when the process ends."""
        return True

    def check_alive(self) -> bool:
        """Sends what did not fit earlier; returns False while the process is stopped (SIGSTOP)."""
        self._control.flush()
        return self._process is None or not processes.is_suspended(self._process.pid)

    def bytes_read_asleep(self) -> int | None:
        """How many bytes the process has read, if it sleeps now; None if it does not."""
        return None if self._process is None else processes.bytes_read_asleep(self._process.pid)

    def kill(self) -> None:
        """Kills by process id, since `Process.kill` does nothing after the fork server has died."""
        if self._exited:
            return
        self._kill_requested = True
        if self._process is None:
            processes.kill_fork_server()  # ends `start`, which may wait for it forever
        elif self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Closes the control queue."""
        self._control.close_writer()

    def _exit_text(self, code: int | None) -> str:
        killed = code is not None and code < 0
        is_from_system = code in (-signal.SIGKILL, UNKNOWN_CODE) and not self._kill_requested
        if is_from_system and machine_limits.memory_kills() > self._memory_kills:
            return "was killed because memory ran out; fewer sessions at once need less"
        return f"was killed (signal {-(code or 0)})" if killed else f"ended with code {code}"


class LocalLauncher:
    """Creates sessions that run in child processes."""

    def __init__(self) -> None:
        self._context = processes.mp_context()

    def create(self, assignment: Assignment, key: Secret | None) -> LocalSession:
        """Creates a session that is not started; raises `OSError` if its pipes cannot be made, or
        too few files could be opened then."""
        machine_limits.check_free_files()
        return LocalSession(self._context, assignment, key)

    def limit_sessions(self, max_sessions: int) -> None:
        """Does nothing: the scheduler keeps the limit."""

    def adopt(self, job: JobId, attempt: int) -> None:
        """Returns None: a session that runs here ends with the program that started it."""

    @property
    def machines(self) -> int:
        """One: this machine."""
        return 1

    @property
    def capacity(self) -> None:
        """None: the system says when there is no room."""
        return None

    def nodes(self) -> list[NodeStatus]:
        """Returns none: this machine is not a node."""
        return []

    def drain(self, node: str, on: bool) -> None:
        """Does nothing: there are no nodes."""


def _child_main(
    assignment: Assignment,
    key: Secret | None,
    proxies: Mapping[str, Secret],
    reports: SessionQueue[JobReport],
    control: SessionQueue[ControlMessage],
) -> None:
    """Runs in the child. The fork server has preloaded its imports; the parent never loads them."""
    from workers.session.main import run_session

    run_session(assignment, key, proxies, reports, control)
