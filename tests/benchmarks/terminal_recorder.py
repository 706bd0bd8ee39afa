"""A terminal with a program in it: notes what is painted and when."""

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
"""Seconds after which a thing will not come any more."""

FAREWELL = 10.0
"""Seconds that the program gets to end when asked to, before it is killed."""

_CURSOR = rb"\x1b\[(%b);1H(?:\x1b\[[0-9;]*m)*\xe2\x96\x8c"
"""A row of the table that begins with the cursor's sign."""

_FOREIGN = ("ASSEMBLYAI_API_KEY", "PYTHONDONTWRITEBYTECODE")
"""What a user's environment must not, or may not, hold: without bytecode every start compiles."""

_LONGEST = 200
"""Bytes of what was painted before that are looked at together with what comes."""


class TerminalRecorder:
    """A program at work in a terminal of so many cells and rows; leaving it ends the program."""

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
        """The program has ended."""
        self._reader.join(FAREWELL)
        os.close(self._master)

    @property
    def painted(self) -> int:
        """Bytes so far."""
        return self._painted

    def type(self, keys: bytes) -> None:
        """As if somebody did."""
        os.write(self._master, keys)

    def seen(self, pattern: bytes, after: Callable[[], None] | None = None) -> float:
        """Waits for what is painted from now on; the moment at which its last byte was read."""
        with self._lock:
            self._there.clear()
            self._awaited = re.compile(pattern), b""
        if after is not None:
            after()
        if not self._there.wait(PATIENCE):
            raise TimeoutError(f"{pattern!r} was never painted")
        return self._seen

    def row_of_cursor(self) -> int:
        """The row of the terminal in which the desk's cursor is drawn next."""
        self.seen(_CURSOR % rb"\d+")
        return int(self._found.group(1))

    def cursor_in(self, row: int, after: Callable[[], None]) -> float:
        """The moment at which the cursor is seen in that row."""
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
