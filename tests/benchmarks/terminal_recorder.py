"""Runs a program in a terminal and records what it paints, and when."""

import os
import re
import select
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

from tests.benchmarks import ROOT

PATIENCE = 60.0
"""Seconds to wait for expected output."""

FAREWELL = 10.0
"""Seconds between asking the program to end and killing it."""

_CURSOR = rb"\x1b\[(%b);1H(?:\x1b\[[0-9;]*m)*\xe2\x96\x8c"
"""Matches a table row that begins with the cursor."""

_FOREIGN = ("ASSEMBLYAI_API_KEY", "PYTHONDONTWRITEBYTECODE")
"""Variables that are removed from the environment: without bytecode every start compiles."""

_LONGEST = 200
"""Bytes of earlier output that are searched together with new output."""


class TerminalRecorder:
    """Runs a program in a terminal of a given size; leaving the block ends the program."""

    def __init__(
        self,
        command: Sequence[str],
        size: tuple[int, int],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        master, slave = os.openpty()
        termios.tcsetwinsize(slave, (size[1], size[0]))
        own = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        self._master = master
        self._awaited: tuple[re.Pattern[bytes], bytes] | None = None
        self._found: re.Match[bytes]
        self._lock = threading.Lock()
        self._seen = 0.0
        self._there = threading.Event()
        self._painted = 0
        self.began = time.monotonic()
        self.program = psutil.Popen(
            command,
            cwd=ROOT,
            env={**own, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,  # Textual paints there
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        everything = [self.program]
        with suppress(psutil.NoSuchProcess):
            everything += self.program.children(recursive=True)
            self.program.terminate()
        _, left = psutil.wait_procs(everything, FAREWELL)
        for process in left:
            process.kill()
        self.program.wait()
        self.close()

    def close(self) -> None:
        """Cleans up after the program has ended."""
        self._reader.join(FAREWELL)
        os.close(self._master)

    @property
    def painted(self) -> int:
        """Bytes painted so far."""
        return self._painted

    def type(self, keys: bytes) -> None:
        """Types these bytes."""
        os.write(self._master, keys)

    def seen(self, pattern: bytes, after: Callable[[], None] | None = None) -> float:
        """Waits for output that matches; returns when its last byte was read."""
        with self._lock:
            self._there.clear()
            self._awaited = re.compile(pattern), b""
        if after is not None:
            after()
        if not self._there.wait(PATIENCE):
            raise TimeoutError(f"{pattern!r} was never painted")
        return self._seen

    def row_of_cursor(self, after: Callable[[], None] | None = None) -> int:
        """The terminal row in which the desk draws its cursor next."""
        self.seen(_CURSOR % rb"\d+", after)
        return int(self._found.group(1))

    def cursor_in(self, row: int, after: Callable[[], None]) -> float:
        """When the cursor is seen in that row."""
        return self.seen(_CURSOR % str(row).encode(), after)

    def _read(self) -> None:
        while True:
            try:
                select.select([self._master], [], [])
                data = os.read(self._master, 1 << 16)
            except OSError:  # the program has ended
                return
            now = time.monotonic()
            self._painted += len(data)
            with self._lock:
                self._look(data, now)

    def _look(self, data: bytes, now: float) -> None:
        if self._awaited is None:
            return
        pattern, before = self._awaited
        if found := pattern.search(before + data):
            self._found = found
            self._awaited, self._seen = None, now
            self._there.set()
        else:
            self._awaited = pattern, (before + data)[-_LONGEST:]
