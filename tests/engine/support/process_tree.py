"""Starts a run as a program and watches, stops or kills its processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.engine.support.supervisor_harness import LONG_ENOUGH
from workers.traces import files

ROOT = Path(__file__).parents[3]


class ProcessTree:
    """The program and every process that it starts, in a session and group of their own.

    Leaving the block ends all that is left.
    """

    def __init__(
        self,
        *arguments: object,
        output: int | None = subprocess.DEVNULL,
        through: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``through``: a command, such as ``prlimit``, that becomes the program after it has set
        what the program must live with."""
        self.program = subprocess.Popen(
            [*through, sys.executable, *map(str, arguments)],
            stdout=output,
            stderr=output,
            text=True,
            cwd=ROOT,
            start_new_session=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        send_signal(self.processes(), signal.SIGKILL)
        self.program.wait()
        for stream in (self.program.stdout, self.program.stderr):
            if stream is not None:
                stream.close()

    # --- who is there ----------------------------------------------------------------------------

    def processes(self) -> list[psutil.Process]:
        """All living processes, whatever their parent is by now."""
        found = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.program.pid and _is_alive(process):
                    found.append(process)
            except (OSError, psutil.Error):
                continue
        return found

    def session_processes(self) -> list[psutil.Process]:
        """The processes that write a trace. The program itself reads traces when it resumes."""
        children = (each for each in self.processes() if each.pid != self.program.pid)
        return [each for each in children if trace_name_of(each)]

    def fork_servers(self) -> list[psutil.Process]:
        return self._multiprocessing_helpers("forkserver")

    def resource_trackers(self) -> list[psutil.Process]:
        return self._multiprocessing_helpers("resource_tracker")

    def _multiprocessing_helpers(self, name: str) -> list[psutil.Process]:
        """The helpers of multiprocessing that the program itself has started."""
        found = []
        for each in self.processes():
            try:
                if each.ppid() == self.program.pid and name in " ".join(each.cmdline()):
                    found.append(each)
            except psutil.Error:
                continue
        return found

    # --- what is done to them --------------------------------------------------------------------

    def signal_all(self, number: signal.Signals) -> None:
        """Sends a signal to the whole group, as a terminal does."""
        os.killpg(self.program.pid, number)

    def wait_until_gone(self) -> None:
        """Waits until no process is left."""
        deadline = time.monotonic() + LONG_ENOUGH
        self.program.wait(LONG_ENOUGH)
        while left := self.processes():
            assert time.monotonic() < deadline, f"they never left: {left}"
            time.sleep(0.02)


def send_signal(victims: Iterable[psutil.Process], number: signal.Signals) -> int:
    """Sends a signal to each and returns how many were alive."""
    hit = 0
    for each in victims:
        try:
            each.send_signal(number)
            hit += 1
        except psutil.NoSuchProcess:
            continue
    return hit


def _is_alive(process: psutil.Process) -> bool:
    return bool(process.status() != psutil.STATUS_ZOMBIE)


def trace_name_of(process: psutil.Process) -> str | None:
    """The name of the trace that a session process writes; None for other processes."""
    try:
        names = [Path(file.path).name for file in process.open_files()]
    except psutil.Error:
        return None
    return next((name for name in names if name.endswith(files.TRACE_SUFFIX)), None)
