"""Probes files in a separate process, because decoders are C code that reads untrusted bytes.

One process probes one file after the other. A file that makes it crash or hang is unreadable, and
the next file gets a new process. If the process is killed from outside, the file is probed again.
What a decoder prints never reaches the screen, and what it may compute and allocate is limited.
"""

import os
import signal
import time
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Self, TypeAlias

from workers import machine_limits, processes
from workers.audio import limits
from workers.audio.recording import Recording
from workers.audio.source import DEFAULT_OPTIONS, ReadOptions
from workers.errors import ProbeFailed, Unreadable

MAX_PROBE_CPU_S = 8
"""How long a probe of a small file may compute. Only a hostile file takes longer: counting the
packets of a day of audio takes a fraction of that."""
MIN_PROBE_BYTES_PER_CPU_S = 8 << 20
"""A larger file may take a second more for each part of this size."""

MAX_PROBE_POLLS = 30
"""Limit for a probe, in polls of one second; a file that takes longer counts as unreadable. Disks
may be slow, so it is longer than the limit for computing."""

PROBER_NICENESS = 10
"""How much lower its priority is than that of sessions, whose chunks are due."""

MAX_START_TRIES = 20
START_RETRY_INTERVAL_S = 1.0
"""How often a process is tried to be started while the machine has no room for one, and how long
it waits before the next try."""

MAX_KILL_WAIT_S = 5.0
"""How long a process that was killed is waited for; its file system may not answer."""

MAX_SUSPENDED_POLLS = 3
"""The process is killed after this many polls in a row have found it suspended."""

_KILLED_EXIT_CODES = {-number for number in processes.GROUP_SIGNALS} | {-9, 255}
"""Exit codes of a process killed from outside; a crashing decoder dies from other signals. 9 is
SIGKILL; 255 means that the exit code is unknown, because the fork server was killed too."""

ProbeResult: TypeAlias = Recording | tuple[str, str]
"""A recording, or the reason and hint of an `Unreadable`."""


class Prober:
    """Probes files in a child process, started for the first file. Not thread-safe."""

    def __init__(self, context: BaseContext) -> None:
        self._context = context
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._start_tries = 0
        """How often in a row no process could be started: later files do not wait again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_process()

    def probe(self, path: str, options: ReadOptions = DEFAULT_OPTIONS) -> Recording:
        """Probes a file; raises `Unreadable` with what is wrong with it.

        Raises `ProbeFailed` if the processes that probed it were killed, or could not be started.
        """
        for _ in range(2):
            result = self._request_probe(path, options)
            if isinstance(result, Recording):
                return result
            if result is not None:
                raise Unreadable(*result)
        hint = machine_limits.memory_hint() or "Retry."
        raise ProbeFailed("two processes that read the file were killed", hint)

    def _request_probe(self, path: str, options: ReadOptions) -> ProbeResult | None:
        """Probes a file; returns None if the process or the fork server was killed from outside."""
        if self._pipe is not None and self._pipe.poll():  # readable without a request: it died
            self._stop_process()
        try:
            pipe = self._pipe or self._start_process()
        except (EOFError, ConnectionError):
            return None
        try:
            pipe.send((path, options))
            if not self._wait_for_result(pipe):
                self._stop_process()
                return f"the file could not be read within {MAX_PROBE_POLLS} s", ""
            result: ProbeResult = pipe.recv()
        except (OSError, EOFError):
            assert self._process is not None
            self._process.join(5.0)
            code = self._stop_process()
            if code in _KILLED_EXIT_CODES:
                return None
            if code == -signal.SIGXCPU:
                reason = f"the decoder was still computing after {_probe_cpu_s(path):.0f} s"
                return reason, "The file is damaged."
            return "the decoder crashed on this file", "The file is damaged."
        return result

    def _wait_for_result(self, pipe: Connection) -> bool:
        """Waits a limited time for a result; False if none came. Kills a suspended process."""
        suspended_polls = 0
        for _ in range(MAX_PROBE_POLLS):
            if pipe.poll(1.0):
                return True
            assert self._process is not None
            is_suspended = processes.is_suspended(self._process.pid)
            suspended_polls = suspended_polls + 1 if is_suspended else 0
            if suspended_polls == MAX_SUSPENDED_POLLS:
                self._process.kill()
        return False

    def _start_process(self) -> Connection:
        """Starts the process. While the machine is at a limit, waits for a session to end."""
        while True:
            self._start_tries += 1
            try:
                pipe = self._try_to_start_process()
                self._start_tries = 0
                return pipe
            except (EOFError, ConnectionError):
                raise
            except OSError as error:
                limit = machine_limits.reached_limit(error)
                if limit is None or self._start_tries >= MAX_START_TRIES:
                    reason = f"no process could be started to read it ({limit or error.strerror})"
                    raise ProbeFailed(reason, "Retry.") from error
            time.sleep(START_RETRY_INTERVAL_S)

    def _try_to_start_process(self) -> Connection:
        parent_end, child_end = self._context.Pipe()
        with child_end:
            try:
                self._process = processes.start_process(
                    self._context, _probe_main, child_end, name="paceline-prober"
                )
            except BaseException:
                parent_end.close()
                raise
        self._pipe = parent_end
        return parent_end

    def _stop_process(self) -> int | None:
        """Ends the process; returns its exit code, None if there was no process."""
        process, code = self._process, None
        if self._pipe is not None and process is not None:
            self._pipe.close()
            process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join(MAX_KILL_WAIT_S)
            if process.is_alive():
                processes.disown(process)
            code = process.exitcode
        self._pipe = self._process = None
        return code


def _probe_cpu_s(path: str) -> float:
    """How long a probe of this file may compute, in seconds."""
    try:
        size = os.stat(path).st_size
    except OSError:  # the probe says why
        size = 0
    return MAX_PROBE_CPU_S + size / MIN_PROBE_BYTES_PER_CPU_S


def _probe_main(pipe: Connection) -> None:
    """Runs in the child: receives paths and sends results until the pipe is closed."""
    from workers.audio.part import check_part
    from workers.audio.probe import probe  # loads decoders, which the parent must not

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # see `growing_bytes.has_writer`
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # multiprocessing uses it at exit
    if hasattr(os, "nice"):
        os.nice(PROBER_NICENESS)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    limits.limit_memory()
    while True:
        try:
            path, options = pipe.recv()
        except EOFError:
            return
        limits.limit_cpu(_probe_cpu_s(path))
        result: ProbeResult
        try:
            with limits.read_refusal():
                result = check_part(probe(path, options))
        except Unreadable as error:
            result = error.reason, error.hint
        pipe.send(result)
