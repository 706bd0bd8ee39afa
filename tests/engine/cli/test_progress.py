"""``paceline run`` on a terminal: a live display below the lines that are printed."""

from pathlib import Path

import pytest

from tests.engine.support.pseudo_terminal import PseudoTerminal
from tests.engine.support.scripted_server import ScriptedServer
from tests.support import audio_files
from tui.cli.exit_codes import ExitCode

CURSOR_UP = b"\x1b[1A"


@pytest.mark.parametrize(
    ("term", "options", "is_live"),
    [("xterm", (), True), ("dumb", (), False), ("xterm", ("--quiet",), False)],
)
def test_a_display_is_drawn_where_lines_can_be_replaced(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    term: str,
    options: tuple[str, ...],
    is_live: bool,
) -> None:
    """It has a line for each session and one for all, and is gone in the end."""
    monkeypatch.setenv("TERM", term)
    recording = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.5))
    with ScriptedServer() as endpoint:
        arguments = ("run", "--endpoint", endpoint.url, "--out", str(tmp_path / "run"), *options)
        with PseudoTerminal(*arguments, recording) as window:
            window.wait_for_output(b"1 done")
            window.wait_until(lambda: window.program.poll() is not None)
            assert window.program.returncode == ExitCode.DONE

    assert is_live == (b"of 1 recording" in window.output)
    assert is_live == (CURSOR_UP in window.output)
