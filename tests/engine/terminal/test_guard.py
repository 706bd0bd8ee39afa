"""The terminal after every way out of the program: the real desk in a real terminal."""

import os
import shutil
import signal
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.support.pseudo_terminal import DEFAULT_MODES, PACELINE, PseudoTerminal
from tests.engine.support.scripted_server import (
    BEGIN,
    TERMINATION,
    ScriptedServer,
    ServerConnectionScript,
    turn_message,
)
from tests.support import audio_files
from tui.cli.exit_codes import ExitCode
from workers.secrecy import KEY_VARIABLE

pytestmark = pytest.mark.slow

OF_A_DESK = {b"1000", b"1003", b"1004", b"1006", b"1015", b"1016", b"1049", b"2004", b"2048"}

ANSWERS = b"\x1b[?2026;2$y\x1b[?2048;2$y"
"""To what the desk asks a terminal: this one can draw at once, and report a new size."""


async def talkative(line: ServerConnectionScript) -> None:
    """A turn at once, and one for every few chunks until Terminate."""
    await line.send(BEGIN)
    while not line.received.control_messages:
        chunks = len(line.received.audio)
        await line.send(turn_message(chunks, f"Heard {chunks}.", final=True))
        await line.receive(chunks=chunks + 2)
    await line.send(TERMINATION)


@pytest.fixture
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer(talkative) as endpoint:
        yield endpoint


@pytest.fixture
def arguments(endpoint: ScriptedServer, tmp_path: Path) -> list[str | Path]:
    """Options and a recording that is longer than any test."""
    path = audio_files.write_recording(tmp_path / "long.wav", audio_files.distinct_samples(120.0))
    return ["--endpoint", endpoint.url, "--out", tmp_path / "a run", path]


@pytest.fixture
def desk(arguments: list[str | Path]) -> Iterator[PseudoTerminal]:
    """A running desk, which has set all its terminal modes."""
    with PseudoTerminal(*arguments) as window:
        window.wait_for_output(b"\x1b[?2048$p")
        window.send_keys(ANSWERS)
        window.wait_for_output(b"Heard 0.")
        window.wait_until(lambda: window.modes >= OF_A_DESK)
        window.processes += window.program.children(recursive=True)
        assert window.pushed_keyboard_modes == 1
        assert window.settings != window.initial_settings
        yield window


def ended_politely(endpoint: ScriptedServer) -> bool:
    session = endpoint.received_sessions[0]
    return session.closed.is_set() and session.control_messages == [{"type": "Terminate"}]


def test_a_killed_desk_leaves_the_terminal_in_order(
    desk: PseudoTerminal, endpoint: ScriptedServer, tmp_path: Path
) -> None:
    """Its session ends politely; its guard prints how to continue and ends."""
    desk.program.kill()
    desk.wait_until_gone()

    assert desk.is_restored()
    assert f"paceline resume '{tmp_path / 'a run'}'\r".encode() in desk.output
    assert ended_politely(endpoint)


def test_a_shell_that_was_quicker_than_the_guard_keeps_its_settings(desk: PseudoTerminal) -> None:
    """It may be editing a line by then. And the guard survives the kill of the desk's group."""
    guard = desk.guard_process
    guard.suspend()
    os.killpg(desk.program.pid, signal.SIGKILL)
    desk.program.wait()
    termios.tcsetattr(desk.terminal, termios.TCSANOW, desk.initial_settings)
    tty.setcbreak(desk.terminal.fileno())
    of_the_shell = desk.settings
    guard.resume()
    desk.wait_until_gone()

    assert desk.settings == of_the_shell != desk.initial_settings
    assert desk.modes == DEFAULT_MODES


def test_a_desk_that_is_left_needs_no_guard(desk: PseudoTerminal, endpoint: ScriptedServer) -> None:
    """It has put everything back by itself, and no message mentions a kill."""
    assert (
        desk.guard_process.num_fds() == 2
    )  # a pipe and the terminal: nothing that anybody else waits for
    desk.send_keys(b"qq")  # the first asks, as a session is live
    desk.wait_until_gone()

    assert desk.modes == DEFAULT_MODES
    assert desk.settings == desk.initial_settings
    assert b"was killed" not in desk.output
    assert ended_politely(endpoint)


def test_a_guard_does_not_know_the_key(
    arguments: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It outlives the program, and anybody of the same user can read its environment."""
    monkeypatch.setenv(KEY_VARIABLE, "n0b0dyMayReadThis")
    monkeypatch.setenv("OTHER", "of no interest")
    with PseudoTerminal(*arguments) as desk:
        desk.wait_for_output(b"Heard 0.")
        desk.processes += desk.program.children(recursive=True)
        known = desk.guard_process.environ()
        desk.send_keys(b"qq")  # the first asks, as a session is live
        desk.wait_until_gone()

    assert known["OTHER"] == "of no interest"
    assert "n0b0dyMayReadThis" not in repr(known)


def test_a_guard_that_is_killed_is_not_missed(
    arguments: list[str | Path], endpoint: ScriptedServer
) -> None:
    """Even before the desk opens; which puts everything back by itself when it is to end."""
    with PseudoTerminal(*arguments) as desk:
        desk.wait_until(lambda: bool(desk.program.children()))
        desk.program.children()[0].kill()
        desk.wait_for_output(b"Heard 0.")
        desk.processes += desk.program.children(recursive=True)
        desk.program.terminate()
        desk.wait_until_gone()

        assert desk.is_restored()
    assert ended_politely(endpoint)


def test_a_desk_that_is_interrupted_from_outside_is_left(
    desk: PseudoTerminal, endpoint: ScriptedServer
) -> None:
    """In its terminal Ctrl-C is a key; a signal of that name is an order to end, as elsewhere."""
    os.kill(desk.program.pid, signal.SIGINT)
    desk.wait_until_gone()

    assert desk.modes == DEFAULT_MODES
    assert desk.program.returncode == ExitCode.INTERRUPTED
    assert ended_politely(endpoint)


def test_a_closed_window_ends_everything_politely(
    desk: PseudoTerminal, endpoint: ScriptedServer
) -> None:
    """There is no terminal to be put in order, and nobody who reads it."""
    desk.hang_up()
    desk.wait_until_gone()

    assert ended_politely(endpoint)


def test_a_window_that_vanishes_without_a_signal_ends_everything_politely(
    arguments: list[str | Path], endpoint: ScriptedServer
) -> None:
    """A program in a session of its own is not told; it notices when it writes."""
    command = (shutil.which("setsid") or "", "--wait", *PACELINE)
    with PseudoTerminal(*arguments, command=command) as desk:
        desk.wait_for_output(b"Heard 0.")
        desk.processes += desk.program.children(recursive=True)
        desk.terminal.close()
        desk.close()
        desk.wait_until_gone()

    assert ended_politely(endpoint)


def test_a_desk_killed_with_its_window_leaves_nothing(desk: PseudoTerminal) -> None:
    """The guard finds no terminal any more, and does not wait for one."""
    guard = desk.guard_process
    guard.suspend()
    desk.program.kill()
    desk.hang_up()
    guard.resume()
    desk.wait_until_gone()


def test_a_desk_that_did_not_open_leaves_the_terminal_alone(tmp_path: Path) -> None:
    """Nothing is undone that was never done, and no guard stays."""
    with PseudoTerminal(tmp_path / "nothing.wav") as window:
        window.wait_for_output(b"no file or folder")
        window.terminal.close()
        with pytest.raises(OSError, match="Input/output"):  # nobody has the terminal any more
            window.wait_until(lambda: False)

    assert b"\x1b" not in window.output


def test_a_broken_settings_file_stops_the_desk_before_any_screen(
    arguments: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names its line; nothing was started."""
    (tmp_path / "my.toml").write_text("\nrefrsh = 1")
    monkeypatch.setenv("PACELINE_SETTINGS", str(tmp_path / "my.toml"))
    with PseudoTerminal(*arguments) as window:
        window.wait_until_gone()

        assert b"my.toml, line 2: there is no setting" in window.output.replace(b"\r\n", b"")
        assert window.program.returncode == ExitCode.USAGE
    assert b"\x1b" not in window.output
    assert not (tmp_path / "a run").exists()


def test_a_run_in_a_closed_window_ends_politely(
    arguments: list[str | Path], endpoint: ScriptedServer
) -> None:
    """As with SIGTERM, though every word that it says about it goes nowhere."""
    with PseudoTerminal("run", *arguments) as window:
        window.wait_for_output(b"Heard ")
        window.processes += window.program.children(recursive=True)
        window.hang_up()
        window.wait_until_gone()

    assert window.program.returncode == ExitCode.INTERRUPTED
    assert ended_politely(endpoint)


def test_a_run_that_ignores_hang_ups_continues(
    arguments: list[str | Path], endpoint: ScriptedServer
) -> None:
    """As under nohup; what it says goes nowhere, and is no reason to stop."""
    with PseudoTerminal("run", *arguments, hang_ups=signal.SIG_IGN) as window:
        window.wait_for_output(b"Heard ")
        window.processes += window.program.children(recursive=True)
        window.hang_up()
        so_far = len(endpoint.received_sessions[0].audio)
        window.wait_until(lambda: len(endpoint.received_sessions[0].audio) > so_far + 5)
        window.program.terminate()
        window.wait_until_gone()

    assert ended_politely(endpoint)
