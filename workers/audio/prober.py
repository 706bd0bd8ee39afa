"""Probing in a process of its own: decoders are C, read foreign bytes, and print what they like.

One process probes one file after the other. A file that makes it crash or hang is an unreadable
file; the next one gets a new process. What a decoder writes to its standard error never reaches the
screen.
"""

import os
import signal
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from workers.audio.recording import Recording
from workers.errors import Unreadable

PATIENCE = 30.0
"""Seconds after which a file that is still being probed is given up."""


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
        self._stop()

    def probe(self, path: str) -> Recording:
        """The facts of a recording; raises `Unreadable` with what is wrong with it."""
        if self._pipe is not None and self._pipe.poll():  # nothing was asked: it is dead
            self._stop()
        try:
            pipe = self._pipe or self._start()
        except OSError as error:
            raise Unreadable(
                f"no process could be started to read it ({error.strerror})", "Retry."
            ) from error
        try:
            pipe.send(path)
            if not pipe.poll(PATIENCE):
                raise Unreadable(f"the file could not be read within {PATIENCE:.0f} s")
            answer: Recording | tuple[str, str] = pipe.recv()
        except (OSError, EOFError) as error:
            self._stop()
            raise Unreadable("the file makes its decoder crash", "It is damaged.") from error
        except Unreadable:
            self._stop()
            raise
        if isinstance(answer, Recording):
            return answer
        raise Unreadable(*answer)

    def _start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        self._process = self._context.Process(  # type: ignore[attr-defined]  # BaseContext lacks it
            target=_answer, args=(theirs,), name="paceline-prober", daemon=True
        )
        self._process.start()
        theirs.close()
        self._pipe = ours
        return ours

    def _stop(self) -> None:
        if self._pipe is not None and self._process is not None:
            self._pipe.close()
            self._process.join(1.0)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._pipe = self._process = None


def _answer(pipe: Connection) -> None:
    """The child: a path in, a recording or an `Unreadable`'s words out, until the pipe ends."""
    from workers.audio.probe import probe  # loads decoders: not in the parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
