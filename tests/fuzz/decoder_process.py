"""Probes and decodes files in a process of its own, with the limits that prober and sessions have.

A decoder is C code that reads foreign bytes: it may crash, never return, or take all memory. What
becomes of it is a result like any other.
"""

import multiprocessing
import os
import traceback
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from workers.audio import decode, limits
from workers.audio.probe import probe
from workers.audio.recording import Damage, Recording
from workers.errors import Unreadable

MAX_MEMORY_BYTES = 300 << 20
TIMEOUT_S = 10.0
"""A decoder that takes longer hangs. The files are small, so a slow machine needs a tenth of it."""

_MAX_DECODED_S = 120
"""How much of a file is decoded: a damaged header may promise days of silence."""


@dataclass(frozen=True, slots=True)
class DecodeResult:
    """What became of a file."""

    kind: str
    """``decoded``, ``refused``, or what is wrong."""
    message: str = ""
    peak_bytes: int = 0
    """The most memory that the process held meanwhile; 0 if that is not known."""

    @property
    def is_acceptable(self) -> bool:
        return self.kind in ("decoded", "refused")


class IsolatedDecoder:
    """Decodes files in a child process; starts a new one whenever that is lost."""

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
            if not pipe.poll(TIMEOUT_S):
                self._stop()
                return DecodeResult("hangs")
            result: DecodeResult = pipe.recv()
        except (OSError, EOFError):
            assert self._process is not None
            self._process.join(TIMEOUT_S)
            code = self._process.exitcode
            self._stop()
            return DecodeResult("crashes", f"exit code {code}")
        return result

    def _start(self) -> Connection:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_serve_requests, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        assert self._pipe.recv() == "ready"  # imports take seconds on a busy machine
        return self._pipe

    def _stop(self) -> None:
        if self._process is not None and self._pipe is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._pipe = None


def _serve_requests(pipe: Connection) -> None:
    limits.limit_memory()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)  # decoders complain there
    pipe.send("ready")
    while True:
        try:
            path: str = pipe.recv()
        except EOFError:
            return
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        kind, message = _result(path)
        status = Path("/proc/self/status").read_text()
        peak_bytes = int(status.split("VmHWM:")[1].split()[0]) << 10
        if peak_bytes > MAX_MEMORY_BYTES:
            kind, message = "takes too much memory", f"{peak_bytes >> 20} MB; {kind} {message}"
        pipe.send(DecodeResult(kind, message, peak_bytes))


def _result(path: str) -> tuple[str, str]:
    """Probes a file and decodes it. Returns the kind and message of a `DecodeResult`."""
    try:
        with limits.read_refusal():
            recording = probe(path)
        if (wrong := _decode(recording)) is not None:
            return "is cut short silently", f"{wrong}: {recording}"
    except Unreadable as error:
        words = str(error)
        if not words.isprintable() or os.path.dirname(path) in words or len(words) > 300:
            return "is refused in unfit words", repr(words)
        return "refused", error.reason
    except Exception:
        return "raises", traceback.format_exc()
    return "decoded", recording.format


def _decode(recording: Recording) -> str | None:
    """Decodes as a first attempt does, and as a further one, at the file's rate and another.

    Returns how much was left out without a word; None if nothing was.
    """
    own = recording.rate if 8000 <= recording.rate <= 48000 else 8000
    for rate, start in ((16000, 0), (own, 0), (16000, 3210), (own, 3210)):
        damages: list[Damage] = []
        blocks = decode.pcm_blocks(recording, rate, rate // 10, start, on_damage=damages.append)
        heard = sum(len(block) // 2 for block in islice(blocks, _MAX_DECODED_S * 10))
        expected = max(0, decode.sample_count(recording, rate) - start)
        is_told = damages or not recording.is_exact or heard >= _MAX_DECODED_S * rate
        if heard < expected - rate // 5 and not is_told:
            return f"{heard} of {expected} samples at {rate} Hz"
    return None
