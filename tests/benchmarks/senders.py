"""The three tools that are compared, each started as its user would start it, all files at once.

Ours is the real command, without a screen and with the desk open in a terminal; the scripts are one
Python process a file. Leaving a sender ends the processes that it started, and no others.
"""

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import psutil

from tests.benchmarks import ROOT
from tests.benchmarks.terminal_recorder import TerminalRecorder

FAREWELL = 10.0
"""Seconds between asking a process to end and killing it."""

WINDOW = (120, 34)
"""Columns and rows of the desk's terminal."""

_COMMAND = Path(sysconfig.get_path("scripts")) / "paceline"
_SCRIPT = Path(__file__).with_name("quickstart_client.py")


class Tool(Enum):
    """The tools that are compared; the value is the name in tables."""

    OURS = "paceline"
    DESK = "paceline, desk open"
    QUICKSTART = "quickstart"
    FIXED_SLEEP = "fixed sleep"


OURS = (Tool.OURS, Tool.DESK)


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a tool in mid-stream."""

    sessions: list[psutil.Process]
    """One for each session."""
    others: dict[str, psutil.Process] = field(default_factory=dict)
    """Its other processes, by name."""


class Sender:
    """A running tool; made by `start_sender`."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool
        self._started: list[psutil.Popen] = []
        self._terminal: TerminalRecorder | None = None

    def start(self, commands: Sequence[Sequence[str]]) -> None:
        """Starts one process a command, one right after the other."""
        if self._tool is Tool.DESK:
            self._terminal = TerminalRecorder(commands[0], WINDOW)
            self._started.append(self._terminal.program)
            return
        environment = {k: v for k, v in os.environ.items() if k != "ASSEMBLYAI_API_KEY"}
        for command in commands:
            self._started.append(
                psutil.Popen(
                    command,
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )

    def type(self, keys: bytes) -> None:
        """Types these bytes on the desk."""
        assert self._terminal is not None
        self._terminal.type(keys)

    def processes(self) -> Processes:
        """The processes as they are now."""
        if self._tool not in OURS:
            return Processes(list(self._started))
        parent = psutil.Process(self._started[0].pid)
        below = parent.children(recursive=True)
        sessions = [process for process in below if _is_session_process(process)]
        server = {}
        with suppress(psutil.NoSuchProcess):  # a session has just ended
            server = {"fork server": sessions[0].parent()} if sessions else {}
        return Processes(sessions, {"parent": parent, **server})

    def wait(self, seconds: float) -> None:
        """Waits until all files are sent; raises `TimeoutError`, or `RuntimeError` if it failed."""
        if self._terminal is not None:
            self._leave(self._terminal, time.monotonic() + seconds)
        _, left = psutil.wait_procs(self._started, seconds)
        if left:
            raise TimeoutError(f"{self._tool.value} did not end within {seconds:.0f} s")
        if failed := [process for process in self._started if process.returncode]:
            raise RuntimeError(f"{self._tool.value} ended with code {failed[0].returncode}")

    def _leave(self, terminal: TerminalRecorder, deadline: float) -> None:
        """A desk stays open after the last session, so it is told to quit."""
        while time.monotonic() < deadline and self.processes().sessions:
            time.sleep(0.5)
        terminal.type(b"qq")  # the first asks if a session has not ended for the desk

    def end(self) -> None:
        """Ends every process that still runs: politely, then by force."""
        everything = [*self._started, *(p for each in self._started for p in _descendants(each))]
        for process in self._started:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, left = psutil.wait_procs(everything, FAREWELL)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, FAREWELL)
        if self._terminal is not None:
            self._terminal.close()


@contextmanager
def start_sender(tool: Tool, url: str, files: Sequence[Path], run_folder: Path) -> Iterator[Sender]:
    """Starts a tool over ``files``, all of them at once."""
    sender = Sender(tool)
    try:
        sender.start(_commands(tool, url, files, run_folder))
        yield sender
    finally:
        sender.end()


def _commands(tool: Tool, url: str, files: Sequence[Path], run_folder: Path) -> list[list[str]]:
    if tool in OURS:
        options = ["--endpoint", url, "--sessions", str(len(files)), "--out", str(run_folder)]
        how = ["run"] if tool is Tool.OURS else []
        return [[str(_COMMAND), *how, *options, *map(str, files)]]
    pacing = "clock" if tool is Tool.QUICKSTART else "sleep"
    return [[sys.executable, str(_SCRIPT), url, str(file), pacing] for file in files]


def _is_session_process(process: psutil.Process) -> bool:
    """Whether it is a session process of ours: those are named after job and attempt."""
    with suppress(OSError):  # it has just ended
        return Path(f"/proc/{process.pid}/comm").read_text().startswith("paceline ")
    return False


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
        return found
    except psutil.NoSuchProcess:
        return []
