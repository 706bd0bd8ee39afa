"""The door through which commands print."""

import os
import pty

import pytest

from tui.cli.console import ring_bell
from tui.terminal.stdio import CheckedOutput


def test_the_bell_rings_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed is cleaned of control characters, but the bell is our own."""
    desk, terminal = pty.openpty()
    try:
        with open(terminal, "w", encoding="utf-8", closefd=False) as stream:
            monkeypatch.setattr("sys.stdout", CheckedOutput(stream, terminal))
            ring_bell()

        assert b"\a" == os.read(desk, 100)
    finally:
        os.close(desk)
        os.close(terminal)
