"""``paceline view``: on finished runs, and on a running one."""

from pathlib import Path

import pytest

from tests.engine.cli.test_program import run_cli
from tests.engine.support.pseudo_terminal import PseudoTerminal
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import run_supervisor
from tests.engine.terminal.test_guard import ANSWERS
from tests.support import audio_files
from tui.cli.exit_codes import ExitCode
from workers.jobs.job_state import JobStatus
from workers.runs import reader


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir()}


def looked_at(folder: Path, *shown: bytes) -> None:
    """Opens it, waits for what should be seen, plays it from the beginning, and leaves."""
    with PseudoTerminal("view", folder) as window:
        window.wait_for_output(b"\x1b[?2048$p")
        window.send_keys(ANSWERS)
        for output in (*shown, b"1x"):
            window.wait_for_output(output)
        window.send_keys(b"b+p")
        window.wait_for_output("▸".encode())
        window.send_keys(b"q")
        window.wait_until(lambda: window.program.poll() is not None)
        assert window.program.returncode == ExitCode.DONE


def test_a_run_can_be_viewed_while_it_runs_and_after(tmp_path: Path) -> None:
    """The title says which; the run folder does not change."""
    path = audio_files.write_recording(tmp_path / "talk.wav", audio_files.distinct_samples(0.4))
    folder = tmp_path / "run"
    with ScriptedServer() as endpoint, run_supervisor(endpoint.url, folder) as observed:
        observed.supervisor.add([path])
        observed.wait_until_idle()
        looked_at(folder, b"still running", b"Hello world.")
    before = contents(folder)
    assert [JobStatus.DONE] == [job_state.status for job_state in reader.read_job_states(folder)]
    looked_at(folder, b"looking back at", b"Hello world.")
    assert before == contents(folder)


@pytest.mark.slow
def test_what_cannot_be_viewed_is_refused(tmp_path: Path) -> None:
    """No runs, no run, no terminal; a run that does not exist is said to first."""
    empty = run_cli("view", XDG_STATE_HOME=str(tmp_path))
    assert (empty.returncode, "no runs are kept" in empty.stderr) == (ExitCode.FATAL, True)

    piped = run_cli("view", tmp_path)
    assert (piped.returncode, "is not a run folder" in piped.stderr) == (ExitCode.FATAL, True)
    (tmp_path / "run.json").write_text('{"jobs": []}')
    for command in ("view", "resume"):
        piped = run_cli(command, tmp_path)
        assert (piped.returncode, "needs a terminal" in piped.stderr) == (ExitCode.USAGE, True)
