"""A program whose terminal is gone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PROGRAM = """
import sys
from tui.terminal.sighup import handle_sighup

handle_sighup(lambda: print("hung up", file=sys.stderr, flush=True))
print("ready", file=sys.stderr, flush=True)
sys.stdin.read()
print("for nobody", flush=True)
print("still here", file=sys.stderr)
"""


def test_output_to_a_terminal_that_is_gone_is_lost_without_an_error() -> None:
    """Each hang-up calls the callback, and a stream that still has a reader keeps it."""
    master, terminal = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as program:
        assert program.stderr is not None
        assert "ready\n" == program.stderr.readline()
        os.close(terminal)
        os.close(master)
        for _ in range(2):
            program.send_signal(signal.SIGHUP)
            assert "hung up\n" == program.stderr.readline()
        _, errors = program.communicate()

    assert (0, "still here\n") == (program.returncode, errors)
