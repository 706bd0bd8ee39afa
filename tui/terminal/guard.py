"""The terminal guard: a process that restores the terminal after the desk was killed.

The desk changes the terminal's modes, and a killed program cannot change them back. So a second
process waits on a pipe whose only write end the program holds: however the program ends, the guard
reads end-of-file. The guard's process runs only this file, which imports no other Paceline module.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

_PIPE_FD, _TERMINAL_FD = 0, 1
"""The only file descriptors that the guard keeps open."""

_LFLAG_INDEX, _CC_INDEX = 3, 6
"""Indices of the local modes and the control characters in the result of `termios.tcgetattr`."""

_IGNORED_SIGNALS = ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGTSTP", "SIGTTIN", "SIGTTOU")
"""The guard ignores these. SIGTTOU, for example, would stop it when it writes in the background."""

_RESET_SEQUENCES = (
    b"\x1b\\"  # ends a sequence that the kill may have cut short
    b"\x1b[?2026l"  # synchronised output off
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"  # mouse reports off
    b"\x1b]22;\x07"  # the default mouse pointer
    b"\x1b[?2004l"  # bracketed paste off
    b"\x1b[?7h"  # long lines wrap
    b"\x1b[?2048l"  # resize reports off
    b"\x1b[<u"  # the default keyboard protocol; set per screen, so reset before leaving this one
    b"\x1b[0m"
    b"\x1b[?1049l"  # the normal screen
    b"\x1b[?25h"  # the cursor
    b"\x1b[?1004l"  # focus reports off
    b"\r\x1b[K"
)
"""Undoes everything that Textual and its POSIX driver do to a terminal."""


RESTORE_TITLE = b"\x1b[23;2t"
"""Brings back the title of the window that the desk kept on the terminal's stack."""

LEFT_ON_BY_TEXTUAL = b"\x1b[?1016l"
"""Ends mouse reports in pixels, which Textual leaves on at its end. A program that asks for mouse
reports later would get them in a unit that it does not expect."""


class TerminalGuard:
    """Starts the guard's process, if this is POSIX with a terminal. Create it before drawing."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """``environment``: what the guard's process gets; it needs no secret."""
        self._pid_and_pipe: tuple[int, int] | None = None
        """PID of the guard's process, and the file descriptor of the write end of its pipe."""
        if os.name != "posix" or not os.isatty(_TERMINAL_FD):
            return
        import termios

        settings = termios.tcgetattr(_TERMINAL_FD)
        settings[_CC_INDEX] = [cc[0] if isinstance(cc, bytes) else cc for cc in settings[-1]]
        reader, writer = os.pipe()  # not inheritable: no other child gets an end
        try:
            process = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", __file__, json.dumps(settings)],
                environment,
                file_actions=[(os.POSIX_SPAWN_DUP2, reader, _PIPE_FD)],
                setpgroup=0,  # a signal to the program's group does not reach the guard
                setsigmask=(),
            )
            self._pid_and_pipe = process, writer
        except OSError:  # no process available: the desk works without a guard
            os.close(writer)
        os.close(reader)

    @contextmanager
    def watch(self, kill_notice: str) -> Iterator[None]:
        """Restores the terminal and prints ``kill_notice`` if the program is killed in the block.

        The guard ends on exit. Without a call of `watch`, it leaves the terminal unchanged.
        """
        if self._pid_and_pipe is None:
            yield
            return
        process, pipe = self._pid_and_pipe
        with suppress(OSError):  # the guard was killed; the desk continues
            os.write(pipe, f"{kill_notice}\r\n".encode(sys.stdout.encoding, "replace"))
        try:
            yield
        finally:
            self._pid_and_pipe = None
            with suppress(OSError):  # the terminal is gone
                os.write(_TERMINAL_FD, LEFT_ON_BY_TEXTUAL + RESTORE_TITLE)
            with suppress(OSError):  # it has already been reaped
                os.kill(process, signal.SIGKILL)  # works at once, even on a stopped process
                os.waitpid(process, 0)
            os.close(pipe)  # last: the guard acts when it is closed


# --- the guard's process -------------------------------------------------------------------------


def _run_guard(termios_attrs: list[Any]) -> None:
    for name in _IGNORED_SIGNALS:
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    # An inherited pipe or lock would stay open as long as the guard runs. The program itself has
    # opened nothing yet, and inherited descriptors have numbers below 1024.
    os.closerange(_TERMINAL_FD + 1, 1024)
    kill_notice = b""
    while data := os.read(_PIPE_FD, 4096):
        kill_notice += data
    if not kill_notice:
        return
    import termios

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(5)  # seconds until it gives up on a terminal that accepts no output
    # The desk turns off signals from keys (ISIG). If they are on, a shell was quicker: it has set
    # its own modes and may be editing a line with them.
    if not termios.tcgetattr(_TERMINAL_FD)[_LFLAG_INDEX] & termios.ISIG:
        termios.tcflush(_TERMINAL_FD, termios.TCIFLUSH)  # else a shell reads mouse reports
        termios.tcsetattr(_TERMINAL_FD, termios.TCSANOW, termios_attrs)
    os.write(_TERMINAL_FD, _RESET_SEQUENCES + RESTORE_TITLE + kill_notice)


if __name__ == "__main__":
    _run_guard(json.loads(sys.argv[1]))
