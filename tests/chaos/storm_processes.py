"""The processes of a program under a kill storm: which there are, and what each of them does."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from uuid import uuid4

import psutil

from tests.engine.support.process_tree import trace_name_of

MARKER_VARIABLE = "PACELINE_TEST_STORM"
"""Inherited by every process of the program, however far down, also by those in other sessions."""


class Role(Enum):
    """What a process of the program does."""

    PROGRAM = "program"
    GUARD = "terminal guard"
    FORK_SERVER = "fork server"
    RESOURCE_TRACKER = "resource tracker"
    SESSION = "session"
    PROBER = "prober"
    SCORER = "scorer"
    PLAYER = "player"
    ENGINE = "embedded engine"
    RECOGNISER = "recogniser"


@contextmanager
def storm_marker() -> Iterator[str]:
    """Marks all programs that are started in this block; yields the marker."""
    marker = os.environ[MARKER_VARIABLE] = uuid4().hex
    try:
        yield marker
    finally:
        del os.environ[MARKER_VARIABLE]


def marked_processes(marker: str) -> list[psutil.Process]:
    """All living processes with this marker, whatever their parent is by now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER_VARIABLE) == marker and is_alive(process):
                found.append(process)
        except psutil.Error:
            continue
    return found


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def role_of(process: psutil.Process, program: psutil.Process) -> Role | None:
    """What a process does; None if it ended meanwhile."""
    try:
        command = " ".join(process.cmdline())
        if process.pid == program.pid:
            return Role.PROGRAM
        for name, role in _COMMANDS.items():
            if name in command:
                is_engine = role is Role.ENGINE and "workers.localserver" not in " ".join(
                    process.parent().cmdline() if process.parent() else []
                )
                return Role.RECOGNISER if role is Role.ENGINE and not is_engine else role
        if "forkserver" not in command:
            return None
        if process.ppid() == program.pid:
            return Role.FORK_SERVER
        if trace_name_of(process):
            return Role.SESSION
        libraries = " ".join(region.path for region in process.memory_maps())
    except psutil.Error:
        return None
    if "miniaudio" in libraries:
        return Role.PLAYER
    return Role.SCORER if "rapidfuzz" in libraries else Role.PROBER


_COMMANDS = {
    "guard.py": Role.GUARD,
    "resource_tracker": Role.RESOURCE_TRACKER,
    "localserver": Role.ENGINE,
}
"""Parts of the command lines of processes that are not forked from the fork server."""


def kill(process: psutil.Process) -> bool:
    """Kills a process; False if it was gone."""
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.Error:
        return False
    return True
