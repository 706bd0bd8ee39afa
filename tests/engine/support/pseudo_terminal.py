"""Runs the program in a pseudo-terminal and reads what it writes, as a terminal emulator does."""

import os
import re
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from tests.engine.support.supervisor_harness import LONG_ENOUGH

ROOT = Path(__file__).parents[3]

LAUNCHER_SOURCE = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.Handlers[sys.argv[1]])
os.login_tty(0)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""What a terminal emulator runs before a program: it makes the terminal the controlling one and
resets SIGHUP, so that the program notices a hang-up even when the tests run under nohup."""

PACELINE = (sys.executable, "-m", "tui")

DEFAULT_MODES = {b"7", b"25"}
"""The modes that a shell expects: long lines wrap, and the cursor is visible."""


class PseudoTerminal:
    """A pseudo-terminal; ``paceline`` with these arguments is the leader of its session."""

    def __init__(
        self,
        *arguments: str | Path,
        hang_ups: signal.Handlers = signal.SIG_DFL,
        command: Sequence[str | Path] = PACELINE,
        working_folder: Path = ROOT,
        size: tuple[int, int] = (24, 80),  # rows, columns
    ) -> None:
        master, slave = os.openpty()
        termios.tcsetwinsize(master, size)
        self._master = open(master, "r+b", buffering=0)  # noqa: SIM115  (closed when it is left)
        self.terminal = open(slave, "r+b", buffering=0)  # noqa: SIM115  (the same)
        self.initial_settings = self.settings
        self.output = b""
        self.program = psutil.Popen(
            [sys.executable, "-I", "-c", LAUNCHER_SOURCE, hang_ups.name]
            + [str(each) for each in (*command, *arguments)],
            **dict.fromkeys(("stdin", "stdout", "stderr"), slave),
            cwd=working_folder,
        )
        self.processes: list[psutil.Process] = [self.program]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in psutil.wait_procs(self.processes, timeout=0)[1]:
            process.kill()
        self.program.wait()
        self.terminal.close()
        self._master.close()

    @property
    def guard_process(self) -> psutil.Process:
        """The one process besides the program that leads a process group."""
        return next(p for p in self.processes[1:] if os.getpgid(p.pid) == p.pid)

    def wait_for_output(self, text: bytes) -> None:
        self.wait_until(lambda: text in self.output)

    def wait_until_gone(self) -> None:
        """Waits until no process is left and everything they wrote has been read."""
        self.wait_until(lambda: not psutil.wait_procs(self.processes, timeout=0)[1])
        if not self._master.closed:
            self.terminal.write(b"That was all.")  # a terminal keeps the order
            self.wait_for_output(b"That was all.")

    def wait_until(self, there: Callable[[], bool]) -> None:
        """Reads what the program writes until the condition holds."""
        deadline = time.monotonic() + LONG_ENOUGH
        while not there():
            assert time.monotonic() < deadline, f"it never came: {self.output[-500:]!r}"
            if self._master.closed:
                time.sleep(0.05)
            elif select.select([self._master], [], [], 0.05)[0]:
                self.output += os.read(self._master.fileno(), 1 << 16)

    def send_keys(self, keys: bytes) -> None:
        self._master.write(keys)

    def hang_up(self) -> None:
        """Closes the window: the system signals the program, as a shell would its group."""
        os.killpg(self.program.pid, signal.SIGHUP)
        self._master.close()

    def close(self) -> None:
        """Closes the window without a signal."""
        self._master.close()

    @property
    def settings(self) -> list[Any]:
        """The terminal's input settings: line mode, echo, signals and so on."""
        return termios.tcgetattr(self.terminal)

    @property
    def modes(self) -> set[bytes]:
        """The terminal modes that are on after all that was written."""
        on = set(DEFAULT_MODES)
        for mode, switch in re.findall(rb"\x1b\[\?(\d+)([hl])", self.output):
            (on.add if switch == b"h" else on.discard)(mode)
        return on

    @property
    def pushed_keyboard_modes(self) -> int:
        """How many keyboard modes of the kitty protocol are pushed and not popped."""
        pushed = re.findall(rb"\x1b\[>\d+u", self.output)
        return len(pushed) - self.output.count(b"\x1b[<u")

    def is_restored(self) -> bool:
        """Whether the terminal is as a shell expects it."""
        return (
            self.modes == DEFAULT_MODES
            and self.pushed_keyboard_modes == 0
            and self.settings == self.initial_settings
        )
