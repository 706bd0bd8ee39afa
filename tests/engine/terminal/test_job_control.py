"""The desk under a shell with job control: Ctrl-Z, ``fg``, and what others wrote meanwhile.

`tests/hostile/test_job_control.py` has the rarer ways to stop and to continue it.
"""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.support.pseudo_terminal import DEFAULT_MODES, PACELINE, PseudoTerminal
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.terminal.test_guard import OF_A_DESK, ended_politely, talkative
from tests.support import audio_files
from tui.cli.exit_codes import ExitCode

SHELL = (shutil.which("bash") or "bash", "--norc", "--noprofile", "-i")
CTRL_L, CTRL_Z = b"\x0c", b"\x1a"

ALTERNATE_SCREEN = b"\x1b[?1049h"

PROMPT = "The shell waits: "

OF_A_SHELL = {b"2004"}
"""Modes that are on at its prompt: bash has pastes reported to it."""

pytestmark = pytest.mark.skipif(not Path(SHELL[0]).is_absolute(), reason="needs bash")


class ShellWindow:
    """A terminal with a shell, in which a desk streams a long recording."""

    def __init__(self, window: PseudoTerminal, endpoint: ScriptedServer) -> None:
        self.window = window
        self._endpoint = endpoint

    def type_command(self, command: str) -> None:
        self.window.send_keys(f"{command}\n".encode())

    def press_and_wait(self, keys: bytes, text: bytes) -> None:
        """Presses keys and waits until this is written again."""
        seen = len(self.window.output)
        self.window.send_keys(keys)
        self.window.wait_until(lambda: text in self.window.output[seen:])

    def wait_for_shell(self) -> None:
        """Waits until the shell has said that the desk is stopped, and has its terminal back."""
        seen = self.window.output.count(b"Stopped")
        self.window.wait_until(lambda: self.window.output.count(b"Stopped") > seen)
        self.window.wait_until(lambda: self.window.modes - OF_A_SHELL == DEFAULT_MODES)

    def wait_for_desk(self) -> None:
        """Waits until the desk has its terminal."""
        self.window.wait_until(lambda: self.window.modes >= OF_A_DESK - {b"1016", b"2048"})

    def bring_back(self) -> None:
        """Types `fg` and waits until the desk has drawn its row again."""
        screens = self.window.output.count(ALTERNATE_SCREEN)
        self.type_command("fg")
        self.window.wait_until(lambda: self.window.output.count(ALTERNATE_SCREEN) > screens)
        self.window.wait_until(
            lambda: b"long.wav" in self.window.output.split(ALTERNATE_SCREEN)[-1]
        )
        self.wait_for_desk()

    def wait_for_audio(self) -> None:
        """Waits until the session has sent more."""
        audio = self._endpoint.received_sessions[0].audio
        so_far = len(audio)
        self.window.wait_until(lambda: len(audio) > so_far + 5)

    def leave(self) -> int:
        """Leaves the desk and the shell, and returns the exit code of the desk.

        The desk throws away what was typed before it is gone (it may be reports of the mouse),
        thus the command has to wait for the shell's prompt.
        """
        self.press_and_wait(b"qq", PROMPT.encode())
        assert self.window.modes - OF_A_SHELL == DEFAULT_MODES
        self.type_command("exit $?")
        self.window.wait_until_gone()
        return int(self.window.program.wait())


@pytest.fixture
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer(talkative) as endpoint:
        yield endpoint


@pytest.fixture
def shell(
    endpoint: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ShellWindow]:
    path = audio_files.write_recording(tmp_path / "long.wav", audio_files.distinct_samples(120.0))
    command = [*PACELINE, "--endpoint", endpoint.url, "--out", str(tmp_path / "run"), path]
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("PS1", PROMPT)
    with PseudoTerminal(command=SHELL) as window:
        shell = ShellWindow(window, endpoint)
        shell.type_command(shlex.join(command))
        window.wait_for_output(b"Heard 0.")
        shell.wait_for_desk()
        window.processes += window.program.children(recursive=True)
        yield shell


def test_ctrl_z_gives_the_terminal_back_while_the_session_goes_on(
    shell: ShellWindow, endpoint: ScriptedServer
) -> None:
    """The shell works; `fg` shows the whole desk again, over whatever was written there."""
    window = shell.window
    window.send_keys(CTRL_Z)
    shell.wait_for_shell()
    assert b"Paceline is suspended; its sessions go on. To return to it: fg" in window.output
    shell.type_command("echo written$((1))over")
    window.wait_for_output(b"written1over")
    shell.wait_for_audio()
    shell.bring_back()
    shell.press_and_wait(CTRL_L, b"long.wav")

    assert shell.leave() == ExitCode.INTERRUPTED
    assert ended_politely(endpoint)
    assert window.settings == window.initial_settings
