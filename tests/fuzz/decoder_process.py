"""A decoder that may crash, never return or take all memory: it is C, and reads foreign bytes.

So it works in a process with little memory, and what becomes of that is told like the rest.
"""

import multiprocessing
import os
import resource
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from workers.audio import decode
from workers.audio.probe import probe
from workers.errors import Unreadable

MEMORY = 1 << 29
"""Bytes that the process that decodes may take, besides those that it has before the first file."""

PATIENCE = 60.0
"""Seconds after which a decoder is taken to hang."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one: ``decoded``, ``refused`` or what is wrong with that; and the words."""

    kind: str
    words: str = ""

    @property
    def is_right(self) -> bool:
        return self.kind in ("decoded", "refused")


class Decoder:
    """Decodes files in a process of its own; a new one whenever that is lost."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
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
        self._end()

    def outcome(self, path: str) -> Outcome:
        """Probes and decodes a file."""
        pipe = self._pipe or self._start()
        try:
            pipe.send(path)
            if not pipe.poll(PATIENCE):
                self._end()
                return Outcome("hangs")
            answer: Outcome = pipe.recv()
        except (OSError, EOFError):
            assert self._process is not None
            self._process.join(PATIENCE)
            code = self._process.exitcode
            self._end()
            return Outcome("crashes", f"exit code {code}")
        return answer

    def _start(self) -> Connection:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_answer, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self._pipe

    def _end(self) -> None:
        if self._process is not None and self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None


def _answer(pipe: Connection) -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)  # MP3's decoder complains there
    while True:
        try:
            path: str = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(_decoded(path))
        except Exception:
            pipe.send(Outcome("raises", traceback.format_exc()))


def _decoded(path: str) -> Outcome:
    """Probed, then decoded at two rates, as it is streamed and as it goes on after a while."""
    try:
        recording = probe(path)
        own = recording.rate if 8000 <= recording.rate <= 48000 else 8000
        for rate, start in ((16000, 0), (own, 0), (16000, 3210), (own, 3210)):
            heard = sum(map(len, decode.blocks(recording, rate, rate // 10, start))) // 2
            expected = max(0, decode.length(recording, rate) - start)
            if not expected - rate // 5 <= heard <= expected + rate:
                return Outcome("is of no plausible length", f"{heard} of {expected}: {recording}")
    except Unreadable as error:
        words = str(error)
        if not words.isprintable() or os.path.dirname(path) in words or len(words) > 300:
            return Outcome("is refused in unfit words", repr(words))
        return Outcome("refused", error.reason)
    return Outcome("decoded", recording.format)
