"""The terminal after every way out of the program: the real desk in a real terminal."""

import os
import signal
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.support.pseudo_terminal import NORMAL, Window
from tests.engine.support.scripted_server import BEGIN, TERMINATION, Endpoint, Line, turn
from tests.support import audio_files
from tui.cli.api_key import KEY_VARIABLE
from tui.cli.summary import Exit

OF_A_DESK = {b"1000", b"1003", b"1004", b"1006", b"1015", b"1016", b"1049", b"2004", b"2048"}

LEFT_ON = b"1016"
"""By Textual, when it ends. It says in what unit the mouse is reported, which it is no longer."""

ANSWERS = b"\x1b[?2026;2$y\x1b[?2048;2$y"
"""To what the desk asks a terminal: this one can draw at once, and report a new size."""


async def talkative(line: Line) -> None:
    """A turn at once, and one for every few chunks until Terminate."""
    await line.say(BEGIN)
    while not line.heard.control:
        chunks = len(line.heard.audio)
        await line.say(turn(chunks, f"Heard {chunks}.", final=True))
        await line.listen(chunks=chunks + 2)
    await line.say(TERMINATION)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(talkative) as endpoint:
        yield endpoint


@pytest.fixture
def arguments(endpoint: Endpoint, tmp_path: Path) -> list[str | Path]:
    """Options and a recording that is longer than any test."""
    path = audio_files.write(tmp_path / "long.wav", audio_files.counting(120.0))
    return ["--endpoint", endpoint.url, "--out", tmp_path / "a run", path]


@pytest.fixture
def desk(arguments: list[str | Path]) -> Iterator[Window]:
    """A desk at work, which has made of the terminal whatever it makes of one."""
    with Window(*arguments) as window:
        window.until_shown(b"\x1b[?2048$p")
        window.type(ANSWERS)
        window.until_shown(b"Heard 0.")
        window.until(lambda: window.modes >= OF_A_DESK)
        window.family += window.program.children(recursive=True)
        assert window.keyboards == 1
        assert window.settings != window.unused
        yield window


def ended_politely(endpoint: Endpoint) -> bool:
    heard = endpoint.heard[0]
    return heard.closed.is_set() and heard.control == [{"type": "Terminate"}]


def test_a_killed_desk_leaves_the_terminal_in_order(
    desk: Window, endpoint: Endpoint, tmp_path: Path
) -> None:
    """Nothing of it remains: its session ends politely, its guard says how to go on and leaves."""
    desk.program.kill()
    desk.until_gone()

    assert desk.is_in_order()
    assert f"paceline resume '{tmp_path / 'a run'}'\r".encode() in desk.shown
    assert ended_politely(endpoint)


def test_a_shell_that_was_quicker_than_the_guard_keeps_its_settings(desk: Window) -> None:
    """It may be editing a line by then. And the guard survives the kill of the desk's group."""
    guard = desk.guard
    guard.suspend()
    os.killpg(desk.program.pid, signal.SIGKILL)
    desk.program.wait()
    termios.tcsetattr(desk.terminal, termios.TCSANOW, desk.unused)
    tty.setcbreak(desk.terminal.fileno())
    of_the_shell = desk.settings
    guard.resume()
    desk.until_gone()

    assert desk.settings == of_the_shell != desk.unused
    assert desk.modes == NORMAL


def test_a_desk_that_is_left_needs_no_guard(desk: Window, endpoint: Endpoint) -> None:
    """It has put everything back by itself, and nothing is said of a kill."""
    assert desk.guard.num_fds() == 2  # a pipe and the terminal: nothing that anybody else waits for
    desk.type(b"q")
    desk.until_gone()

    assert desk.modes - {LEFT_ON} == NORMAL
    assert desk.settings == desk.unused
    assert b"was killed" not in desk.shown
    assert ended_politely(endpoint)


def test_a_guard_does_not_know_the_key(
    arguments: list[str | Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It outlives the program, and anybody of the same user can read its environment."""
    monkeypatch.setenv(KEY_VARIABLE, "n0b0dyMayReadThis")
    monkeypatch.setenv("OTHER", "of no interest")
    with Window(*arguments) as desk:
        desk.until_shown(b"Heard 0.")
        desk.family += desk.program.children(recursive=True)
        known = desk.guard.environ()
        desk.type(b"q")
        desk.until_gone()

    assert known["OTHER"] == "of no interest"
    assert "n0b0dyMayReadThis" not in repr(known)


def test_a_guard_that_is_killed_is_not_missed(
    arguments: list[str | Path], endpoint: Endpoint
) -> None:
    """Even before the desk opens; which puts everything back by itself when it is to end."""
    with Window(*arguments) as desk:
        desk.until(lambda: bool(desk.program.children()))
        desk.program.children()[0].kill()
        desk.until_shown(b"Heard 0.")
        desk.family += desk.program.children(recursive=True)
        desk.program.terminate()
        desk.until_gone()

        assert desk.is_in_order()
    assert ended_politely(endpoint)


def test_a_desk_that_is_interrupted_from_outside_is_left(desk: Window, endpoint: Endpoint) -> None:
    """In its terminal Ctrl-C is a key; a signal of that name is an order to end, as elsewhere."""
    os.kill(desk.program.pid, signal.SIGINT)
    desk.until_gone()

    assert desk.modes - {LEFT_ON} == NORMAL
    assert desk.program.returncode == Exit.INTERRUPTED
    assert ended_politely(endpoint)


def test_a_closed_window_ends_everything_politely(desk: Window, endpoint: Endpoint) -> None:
    """There is no terminal to be put in order, and nobody who reads it."""
    desk.hang_up()
    desk.until_gone()

    assert ended_politely(endpoint)


def test_a_desk_killed_with_its_window_leaves_nothing(desk: Window) -> None:
    """The guard finds no terminal any more, and does not wait for one."""
    guard = desk.guard
    guard.suspend()
    desk.program.kill()
    desk.hang_up()
    guard.resume()
    desk.until_gone()


def test_a_desk_that_did_not_open_leaves_the_terminal_alone(tmp_path: Path) -> None:
    """Nothing is undone that was never done, and no guard stays."""
    with Window(tmp_path / "nothing.wav") as window:
        window.until_shown(b"no file or folder")
        window.terminal.close()
        with pytest.raises(OSError, match="Input/output"):  # nobody has the terminal any more
            window.until(lambda: False)

    assert b"\x1b" not in window.shown


def test_a_broken_settings_file_stops_the_desk_before_any_screen(
    arguments: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its line; nothing was begun."""
    (tmp_path / "my.toml").write_text("\nrefrsh = 1")
    monkeypatch.setenv("PACELINE_SETTINGS", str(tmp_path / "my.toml"))
    with Window(*arguments) as window:
        window.until_gone()

        assert b"my.toml, line 2: there is no setting" in window.shown.replace(b"\r\n", b"")
        assert window.program.returncode == Exit.USAGE
    assert b"\x1b" not in window.shown
    assert not (tmp_path / "a run").exists()


def test_a_run_in_a_closed_window_ends_politely(
    arguments: list[str | Path], endpoint: Endpoint
) -> None:
    """As with SIGTERM, though every word that it says about it goes nowhere."""
    with Window("run", *arguments) as window:
        window.until_shown(b"Heard 0.")
        window.family += window.program.children(recursive=True)
        window.hang_up()
        window.until_gone()

    assert window.program.returncode == Exit.INTERRUPTED
    assert ended_politely(endpoint)


def test_a_run_that_ignores_hang_ups_goes_on(
    arguments: list[str | Path], endpoint: Endpoint
) -> None:
    """As under nohup; what it says goes nowhere, and is no reason to stop."""
    with Window("run", *arguments, hang_ups=signal.SIG_IGN) as window:
        window.until_shown(b"Heard 0.")
        window.family += window.program.children(recursive=True)
        window.hang_up()
        so_far = len(endpoint.heard[0].audio)
        window.until(lambda: len(endpoint.heard[0].audio) > so_far + 5)
        window.program.terminate()
        window.until_gone()

    assert ended_politely(endpoint)
