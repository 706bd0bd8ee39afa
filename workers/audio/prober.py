"""Probing in a process of its own: decoders are C, read foreign bytes, and print what they like.

One process probes one file after the other. A file that makes it crash or hang is an unreadable
file; the next one gets a new process. If somebody else ends it, the file is asked for again. What a
decoder writes to its standard error never reaches the screen.
"""

import os
import signal
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self, TypeAlias

from workers import processes
from workers.audio.recording import Recording
from workers.errors import ProbeFailed, Unreadable

MAX_PROBE_POLLS = 30
"""Looks of a second after which a file that is still being probed is given up."""

MAX_SUSPENDED_POLLS = 3
"""Looks in a row after which a process that is stopped is ended."""

MAX_PROBE_ATTEMPTS = 2

EXIT_CODE_TIMEOUT_S = 5.0
"""Seconds until it is known what a process that is gone has died of."""

_KILLED_EXIT_CODES = {
    -each for each in signal.Signals if each.name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
}
"""Exit codes of a process that somebody ended. A decoder dies of other signals."""

_UNKNOWN_EXIT_CODE = 255
"""That of one whose end nobody has seen, because its fork server was ended too."""

ProbeResult: TypeAlias = Recording | tuple[str, str]
"""The facts, or the words of an `Unreadable`."""


class Prober:
    """Probes files in a child process, started at the first file. For one thread at a time."""

    def __init__(self, context: BaseContext) -> None:
        self._context = context
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_process()

    def probe(self, path: str) -> Recording:
        """The facts of a recording; raises `Unreadable` with what is wrong with it.

        Raises `ProbeFailed` when there was nobody who could tell.
        """
        for _ in range(MAX_PROBE_ATTEMPTS):
            answer = self._request_probe(path)
            if isinstance(answer, Recording):
                return answer
            if answer is not None:
                raise Unreadable(*answer)
        raise ProbeFailed(
            "the process that was to read the file was killed, and so was the next", "Retry."
        )

    def _request_probe(self, path: str) -> ProbeResult | None:
        """None: somebody has ended the process, or what starts it."""
        if self._pipe is not None and self._pipe.poll():  # nothing was asked: it is dead
            self._stop_process()
        try:
            pipe = self._pipe or self._start_process()
        except (EOFError, ConnectionError):
            return None
        except OSError as error:
            raise ProbeFailed(
                f"no process could be started to read it ({error.strerror})", "Retry."
            ) from error
        try:
            pipe.send(path)
            if not self._wait_for_result(pipe):
                self._stop_process()
                return f"the file could not be read within {MAX_PROBE_POLLS} s", ""
            answer: ProbeResult = pipe.recv()
        except (OSError, EOFError):
            assert self._process is not None
            self._process.join(EXIT_CODE_TIMEOUT_S)
            code = self._stop_process()
            if code in _KILLED_EXIT_CODES or code == _UNKNOWN_EXIT_CODE:
                return None
            return "the file makes its decoder crash", "It is damaged."
        return answer

    def _wait_for_result(self, pipe: Connection) -> bool:
        """Waits for it, but not for ever. One that is stopped is ended, which is an answer too."""
        stopped = 0
        for _ in range(MAX_PROBE_POLLS):
            if pipe.poll(1.0):
                return True
            assert self._process is not None
            stopped = stopped + 1 if processes.is_suspended(self._process.pid) else 0
            if stopped == MAX_SUSPENDED_POLLS:
                self._process.kill()
        return False

    def _start_process(self) -> Connection:
        ours, theirs = self._context.Pipe()
        try:
            self._process = processes.start_process(
                self._context, _probe_main, theirs, name="paceline-prober"
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._pipe = ours
        return ours

    def _stop_process(self) -> int | None:
        """Ends the process; gives its exit code, None when there is none."""
        process, code = self._process, None
        if self._pipe is not None and process is not None:
            self._pipe.close()
            process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
            code = process.exitcode
        self._pipe = self._process = None
        return code


def _probe_main(pipe: Connection) -> None:
    """The child: a path in, an answer out, until the pipe ends."""
    from workers.audio.probe import probe  # loads decoders: not in the parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by which multiprocessing ends it at the latest
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    while True:
        try:
            path: str = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(probe(path))
        except Unreadable as error:
            pipe.send((error.reason, error.hint))
