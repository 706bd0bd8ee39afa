"""Rarer ways to stop the desk and to continue it, under a real shell."""

import os
import shlex
import signal
import termios
from pathlib import Path

import psutil
import pytest

from tests.engine.support.pseudo_terminal import PACELINE, PseudoTerminal
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.terminal import test_job_control
from tests.engine.terminal.test_guard import ended_politely
from tests.engine.terminal.test_job_control import CTRL_Z, SHELL, ShellWindow
from tests.support import audio_files

pytestmark = test_job_control.pytestmark
CTRL_C = b"\x03"

endpoint, shell = test_job_control.endpoint, test_job_control.shell


def desk_process(shell: ShellWindow) -> psutil.Process:
    """The shell's child."""
    (desk,) = shell.window.program.children()
    return desk


def has_signal_keys(shell: ShellWindow) -> bool:
    """Whether Ctrl-C is a signal in the terminal, as in a shell; the desk turns that off."""
    return bool(shell.window.settings[3] & termios.ISIG)


def test_a_desk_in_the_background_is_stopped_again(shell: ShellWindow) -> None:
    """It may not draw there; `fg` brings it back."""
    shell.window.send_keys(CTRL_Z)
    shell.wait_for_shell()
    shell.type_command("bg")
    shell.window.wait_until(lambda: shell.window.output.count(b" &\r\n") > 0)
    shell.window.wait_until(lambda: desk_process(shell).status() == psutil.STATUS_STOPPED)
    shell.wait_for_audio()
    shell.bring_back()
    shell.wait_for_audio()


def test_a_desk_that_was_stopped_from_outside_sets_its_terminal_up_again(
    shell: ShellWindow, endpoint: ScriptedServer
) -> None:
    """Nobody can catch SIGSTOP, and the shell changes the terminal meanwhile. In the end the shell
    has its own settings again."""
    for number in (signal.SIGSTOP, signal.SIGTSTP):
        shell.window.wait_until(lambda: not has_signal_keys(shell))
        desk_process(shell).send_signal(number)
        shell.window.wait_until(lambda: desk_process(shell).status() == psutil.STATUS_STOPPED)
        shell.window.wait_until(lambda: has_signal_keys(shell))
        shell.bring_back()
    shell.leave()

    assert ended_politely(endpoint)
    assert shell.window.settings == shell.window.initial_settings
    assert shell.window.pushed_keyboard_modes == 0


def test_without_a_shell_the_desk_stays_and_says_why(
    endpoint: ScriptedServer, tmp_path: Path
) -> None:
    """As the command of a window or container, nobody could continue it."""
    path = audio_files.write_recording(tmp_path / "long.wav", audio_files.distinct_samples(120.0))
    arguments = ("--endpoint", endpoint.url, "--out", tmp_path / "run", path)
    with PseudoTerminal(*arguments, command=PACELINE) as window:
        window.wait_for_output(b"Heard 0.")
        window.processes += window.program.children(recursive=True)
        window.send_keys(CTRL_Z)
        window.wait_for_output(b"There is no shell to go back to.")
        window.send_keys(b"qq")  # the first asks
        window.wait_until_gone()

    assert ended_politely(endpoint)


def test_a_run_that_is_stopped_goes_on_sending(
    endpoint: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-Z stops the program that reports; its session cannot pause, and does not."""
    path = audio_files.write_recording(tmp_path / "long.wav", audio_files.distinct_samples(120.0))
    command = [*PACELINE, "run", "--endpoint", endpoint.url, "--out", str(tmp_path / "run"), path]
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    with PseudoTerminal(command=SHELL) as window:
        shell = ShellWindow(window, endpoint)
        shell.type_command(shlex.join(command))
        window.wait_for_output(b"Heard ")
        window.processes += window.program.children(recursive=True)
        window.send_keys(CTRL_Z)
        window.wait_for_output(b"Stopped")
        assert desk_process(shell).status() == psutil.STATUS_STOPPED
        shell.wait_for_audio()
        seen = window.output.count(b"Heard")
        shell.type_command("fg")
        window.wait_until(lambda: window.output.count(b"Heard") > seen)
        window.send_keys(CTRL_C)
        window.wait_until(lambda: ended_politely(endpoint))
        shell.type_command("exit")
        window.wait_until_gone()


@pytest.mark.parametrize("number", [signal.SIGTTIN, signal.SIGTTOU])
def test_a_desk_that_draws_in_the_background_stops_no_session(
    shell: ShellWindow, number: signal.Signals
) -> None:
    """The system stops the whole process group of a program that uses the terminal then."""
    desk = desk_process(shell)
    os.killpg(desk.pid, number)
    shell.window.wait_until(lambda: desk.status() == psutil.STATUS_STOPPED)
    shell.wait_for_audio()

    shell.bring_back()
    shell.wait_for_audio()
