"""``paceline view``: the program on runs that were, and on one that is."""

from pathlib import Path

from tests.engine.cli.test_program import paceline
from tests.engine.cli.test_terminal import ANSWERS
from tests.engine.support.pseudo_terminal import Window
from tests.engine.support.scripted_server import Endpoint
from tests.engine.support.supervisor_harness import supervised
from tests.support import audio_files
from tui.cli.summary import Exit
from workers.jobs.job_state import Status
from workers.runs import reader


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir()}


def looked_at(folder: Path, *shown: bytes) -> None:
    """Opens it, waits for what should be seen, plays it from the beginning, and leaves."""
    with Window("view", folder) as window:
        window.until_shown(b"\x1b[?2048$p")
        window.type(ANSWERS)
        for each in (*shown, b"1x"):
            window.until_shown(each)
        window.type(b"b+p")
        window.until_shown("▸".encode())
        window.type(b"q")
        window.until(lambda: window.program.poll() is not None)
        assert window.program.returncode == Exit.DONE


def test_a_run_is_looked_back_at_while_it_is_at_work_and_after(tmp_path: Path) -> None:
    """It says which; it writes nothing there, and hinders nobody."""
    path = audio_files.write(tmp_path / "talk.wav", audio_files.counting(0.4))
    folder = tmp_path / "run"
    with Endpoint() as endpoint, supervised(endpoint.url, folder) as watched:
        watched.supervisor.add([path])
        watched.until_idle()
        looked_at(folder, b"still at work", b"Hello world.")
    before = contents(folder)
    assert [Status.DONE] == [history.status for history in reader.histories(folder)]
    looked_at(folder, b"looking back at", b"Hello world.")
    assert before == contents(folder)


def test_what_cannot_be_looked_at_is_told(tmp_path: Path) -> None:
    """No run, no runs, no terminal."""
    empty = paceline("view", XDG_STATE_HOME=str(tmp_path))
    assert (empty.returncode, "no runs are kept" in empty.stderr) == (Exit.FATAL, True)

    piped = paceline("view", tmp_path)
    assert (piped.returncode, "needs a terminal" in piped.stderr) == (Exit.USAGE, True)
    with Window("view", tmp_path) as window:
        window.until_shown(b"is not a run folder")
        window.until(lambda: window.program.poll() is not None)
        assert window.program.returncode == Exit.FATAL
