"""The guard of the terminal: a process that lives a moment longer than a desk that is killed.

While the desk is drawn, the terminal is as no shell expects it, and a killed program puts nothing
back. So a second process sleeps on a pipe whose only writing end the program holds: the end of the
program, whatever it was, reads as end-of-file. It runs this file alone, which therefore imports
nothing of ours at its head.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_PIPE_FD, _TERMINAL_FD = 0, 1
"""The only descriptors that the guard keeps."""

_LFLAG_INDEX, _CC_INDEX = 3, 6
"""Where the local modes stand in what `termios.tcgetattr` gives, and the characters that do things.
"""

_MAX_INHERITED_FD = 1024
"""Above this nothing is inherited: when the guard is made, the program has opened nothing yet."""

_RESTORE_TIMEOUT_S = 5
"""Seconds for a terminal that takes nothing, before the guard gives it up."""

_IGNORED_SIGNALS = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
"""What the guard outlives. Without the last it would be stopped for writing in the background."""

_RESET_SEQUENCES = (
    b"\x1b\\"  # the kill may have cut a sequence short: whatever it was ends here
    b"\x1b[?2026l"  # draw at once again
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"  # no reports of the mouse
    b"\x1b]22;\x07"  # its usual pointer
    b"\x1b[?2004l"  # pasting as if typed
    b"\x1b[?7h"  # long lines wrap
    b"\x1b[?2048l"  # no reports of a new size
    b"\x1b[<u"  # the usual keyboard; it belongs to the alternate screen, so before leaving that
    b"\x1b[0m"
    b"\x1b[?1049l"  # the normal screen
    b"\x1b[?25h"  # the cursor
    b"\x1b[?1004l"  # no reports of focus
    b"\r\x1b[K"
)
"""All that Textual and its driver for POSIX do to a terminal, undone."""


class TerminalGuard:
    """Making one starts its process; it has to come before anything is drawn.

    Without a terminal, or on a system of another kind, it does nothing.
    """

    def __init__(self) -> None:
        self._pid_and_pipe: tuple[int, int] | None = None
        """The guard's process, and the writing end of its pipe."""
        if os.name == "posix" and os.isatty(_TERMINAL_FD):
            with suppress(OSError):  # no process to be had: the desk is worth more than its guard
                self._pid_and_pipe = _spawn_guard()

    @contextmanager
    def watch(
        self, run_folder: Path, resume_hint: str = "To go on: paceline resume"
    ) -> Iterator[None]:
        """Whoever kills the program in here finds the terminal in order, and how to go on.

        ``resume_hint`` says that, before the run's path. Afterwards the guard is gone. One that
        never watched leaves the terminal alone.
        """
        if self._pid_and_pipe is None:
            yield
            return
        process, pipe = self._pid_and_pipe
        with suppress(OSError):  # somebody ended the guard; the desk goes on
            os.write(pipe, _kill_notice(run_folder, resume_hint))
        try:
            yield
        finally:
            self._pid_and_pipe = None
            with suppress(OSError):  # somebody else has reaped it
                os.kill(process, signal.SIGKILL)  # gone at once and silent, even a stopped one
                os.waitpid(process, 0)
            os.close(pipe)  # not before: its end is what the guard would act upon


def _kill_notice(run_folder: Path, resume_hint: str) -> bytes:
    """What a killed desk leaves behind, in the terminal's own encoding."""
    from tui.cli.summary import shell_quoted
    from tui.text.width import clean

    words = f"Paceline was killed. {resume_hint} {clean(shell_quoted(run_folder))}\r\n"
    return words.encode(sys.stdout.encoding, "replace")


def _spawn_guard() -> tuple[int, int]:
    import termios

    from tui.cli.api_key import KEY_VARIABLE

    settings = termios.tcgetattr(_TERMINAL_FD)
    settings[_CC_INDEX] = [each[0] if isinstance(each, bytes) else each for each in settings[-1]]
    reader, writer = os.pipe()  # neither end survives an exec: no other child will have one
    try:
        process = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", __file__, json.dumps(settings)],
            {name: value for name, value in os.environ.items() if name != KEY_VARIABLE},
            file_actions=[(os.POSIX_SPAWN_DUP2, reader, _PIPE_FD)],
            setpgroup=0,  # what kills the program's whole group spares the guard
            setsigmask=(),
        )
    except BaseException:
        os.close(writer)
        raise
    finally:
        os.close(reader)
    return process, writer


# --- the guard's process -------------------------------------------------------------------------


def _run_guard(termios_attrs: list[Any]) -> None:
    for name in _IGNORED_SIGNALS:
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    # Whatever it was that whoever started us left open: a pipe or a lock lives on as long as
    # anybody has it.
    os.closerange(_TERMINAL_FD + 1, _MAX_INHERITED_FD)
    last_words = b""
    while told := os.read(_PIPE_FD, 4096):
        last_words += told
    if last_words:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_RESTORE_TIMEOUT_S)
        _restore_modes(termios_attrs)
        os.write(_TERMINAL_FD, _RESET_SEQUENCES + last_words)


def _restore_modes(termios_attrs: list[Any]) -> None:
    """Gives the terminal the settings from before the desk, if it still has those of the desk.

    Those are known by Ctrl-C, which is a key like others there. A shell that was quicker has put
    its own, and may be editing a line with them by now.
    """
    import termios

    if not termios.tcgetattr(_TERMINAL_FD)[_LFLAG_INDEX] & termios.ISIG:
        termios.tcflush(_TERMINAL_FD, termios.TCIFLUSH)  # reports of the mouse are not for a shell
        termios.tcsetattr(_TERMINAL_FD, termios.TCSANOW, termios_attrs)


if __name__ == "__main__":
    _run_guard(json.loads(sys.argv[1]))
