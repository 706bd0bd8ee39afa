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

MAX_MEMORY_BYTES = 1 << 29
"""Bytes that the process that decodes may take, besides those that it has before the first file."""

TIMEOUT_SECONDS = 60.0
"""Seconds after which a decoder is taken to hang."""


@dataclass(frozen=True, slots=True)
class DecodeResult:
    """What became of one: ``decoded``, ``refused`` or what is wrong with that; and the words."""

    kind: str
    message: str = ""

    @property
    def is_acceptable(self) -> bool:
        return self.kind in ("decoded", "refused")


class IsolatedDecoder:
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
        self._stop()

    def decode(self, path: str) -> DecodeResult:
        """Probes and decodes a file."""
        pipe = self._pipe or self._start()
        try:
            pipe.send(path)
            if not pipe.poll(TIMEOUT_SECONDS):
                self._stop()
                return DecodeResult("hangs")
            answer: DecodeResult = pipe.recv()
        except (OSError, EOFError):
            assert self._process is not None
            self._process.join(TIMEOUT_SECONDS)
            code = self._process.exitcode
            self._stop()
            return DecodeResult("crashes", f"exit code {code}")
        return answer

    def _start(self) -> Connection:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_serve_requests, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self._pipe

    def _stop(self) -> None:
        if self._process is not None and self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None


def _serve_requests(pipe: Connection) -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MAX_MEMORY_BYTES, taken + MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)  # MP3's decoder complains there
    while True:
        try:
            path: str = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(_probe_and_decode(path))
        except Exception:
            pipe.send(DecodeResult("raises", traceback.format_exc()))


def _probe_and_decode(path: str) -> DecodeResult:
    """Probed, then decoded at two rates, as it is streamed and as it goes on after a while."""
    try:
        recording = probe(path)
        own = recording.rate if 8000 <= recording.rate <= 48000 else 8000
        for rate, start in ((16000, 0), (own, 0), (16000, 3210), (own, 3210)):
            heard = sum(map(len, decode.pcm_blocks(recording, rate, rate // 10, start))) // 2
            expected = max(0, decode.sample_count(recording, rate) - start)
            if not expected - rate // 5 <= heard <= expected + rate:
                return DecodeResult(
                    "is of no plausible length", f"{heard} of {expected}: {recording}"
                )
    except Unreadable as error:
        words = str(error)
        if not words.isprintable() or os.path.dirname(path) in words or len(words) > 300:
            return DecodeResult("is refused in unfit words", repr(words))
        return DecodeResult("refused", error.reason)
    return DecodeResult("decoded", recording.format)
