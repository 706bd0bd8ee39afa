"""What becomes of a real program when one of its threads dies."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.cli.test_program import ROOT, run_cli
from tests.engine.scenarios.test_process_signals import wait_until
from tests.engine.support.pseudo_terminal import PseudoTerminal
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files
from tui.cli.exit_codes import ExitCode

pytestmark = pytest.mark.slow

FAILING = (sys.executable, "-m", "tests.engine.support.failing_thread")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Longer than any test takes."""
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "a.wav"
    audio_files.write_recording(path, audio_files.distinct_samples(90))
    return path


def _is_streaming(server: ScriptedServer) -> bool:
    return any(session.audio for session in server.received_sessions)


@pytest.mark.parametrize("name", ["supervisor", "paceline-session-1 reports"])
def test_a_run_that_loses_a_thread_ends_politely_and_says_so(
    tmp_path: Path, recording: Path, name: str
) -> None:
    """It does not wait for ever. Its session sends Terminate, and what it heard is kept."""
    folder, flag = tmp_path / "run", tmp_path / "flag"
    with ScriptedServer() as server:
        options = ["--watch", "--endpoint", server.url, "--out", folder, recording.parent]
        arguments = [*FAILING, name, flag, "run", *options]
        with subprocess.Popen(
            [*map(str, arguments)], stderr=subprocess.PIPE, text=True, cwd=ROOT
        ) as program:
            wait_until(lambda: _is_streaming(server))
            flag.touch()
            _, stderr = program.communicate(timeout=LONG_ENOUGH)
        (session,) = server.received_sessions
        assert session.closed.wait(LONG_ENOUGH)

    assert program.returncode == ExitCode.INTERNAL_ERROR, stderr
    assert f"a part of Paceline failed ({name}); ending sessions gracefully" in stderr
    log = folder / "faults.log"
    fault = f"internal error in the thread “{name}” (PlantedBug). The traceback is in {log}"
    assert fault in stderr
    assert "PlantedBug" in log.read_text()
    assert "Traceback" not in stderr
    assert {"type": "Terminate"} in session.control_messages
    assert "✓" in run_cli("export", folder, "--to", "txt").stdout


def test_a_desk_that_loses_a_thread_closes_and_says_so(tmp_path: Path, recording: Path) -> None:
    """The terminal is as it was before."""
    folder, flag = tmp_path / "run", tmp_path / "flag"
    with ScriptedServer() as server:
        options: list[str | Path] = ["--endpoint", server.url, "--out", folder]
        arguments = ["supervisor", flag, *options, recording]
        with PseudoTerminal(*arguments, command=FAILING) as window:
            window.wait_until(lambda: _is_streaming(server))
            flag.touch()
            window.wait_for_output("internal error in the thread “supervisor”".encode())
            window.wait_until(lambda: window.program.poll() is not None)
            assert window.program.returncode == ExitCode.INTERNAL_ERROR
            assert window.is_restored()
        (session,) = server.received_sessions
        assert session.closed.wait(LONG_ENOUGH)

    assert {"type": "Terminate"} in session.control_messages
    assert "PlantedBug" in (folder / "faults.log").read_text()
