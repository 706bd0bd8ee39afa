"""The log of real runs: what sessions write to it, and that nothing is written unless it is on."""

import re
import signal
from pathlib import Path

import pytest

from tests.engine.cli.test_program import run_cli
from tests.engine.cli.test_serve import ServeProcess, script, session
from tests.engine.support.scripted_server import BEGIN, ScriptedServer, ServerConnectionScript
from tests.support import audio_files

KEY = "n0b0dyMayEverReadThis9876543210"


async def repeat_the_key(line: ServerConnectionScript) -> None:
    """As a server does that explains an error by the key it got."""
    await line.send(BEGIN, {"type": "Warning", "warning": f"weak key {KEY}", "warning_code": 1})
    await line.receive(chunks=2)
    await line.send({"type": "Error", "error_code": 3005, "error": f"lost track of {KEY}"})
    await line.socket.close(3005, KEY)


def run(tmp_path: Path, *options: str | Path) -> Path:
    """Streams two recordings, with the key in the environment; returns the run folder."""
    files = [
        audio_files.write_recording(tmp_path / name, audio_files.distinct_samples(0.5))
        for name in ("a.wav", "b.wav")
    ]
    folder = tmp_path / "run"
    with ScriptedServer(repeat_the_key) as endpoint:
        where = ("--endpoint", endpoint.url, "--out", folder, "--attempts", "2")
        result = run_cli("run", *where, *options, *files, ASSEMBLYAI_API_KEY=KEY)
    assert result.returncode == 3, result.stderr
    return folder


def test_the_log_tells_what_each_session_did(tmp_path: Path) -> None:
    """From dialing to the ending, with job and attempt in each line, and without the key."""
    text = (run(tmp_path, "--log-level", "debug") / "paceline.log").read_text()

    for job, attempt in ((1, 1), (1, 2), (2, 1), (2, 2)):
        lines = re.findall(rf"paceline\.session job={job} attempt={attempt}: (.*)", text)
        steps = ["attempt at", "dialing ws://", "connected", "Begin: session 7a1d", "warning: "]
        for step in [*steps, "Error: 3005", "ending: lost", "ended: lost"]:
            assert any(line.startswith(step) for line in lines), (step, text)
        lines = re.findall(rf"paceline\.scheduler job={job} attempt={attempt}: (.*)", text)
        assert any(line.startswith("starting, ") for line in lines), text
        assert any(line.startswith("ended: lost (") for line in lines), text
    assert "lost; next attempt in" in text
    assert "[the key]" in text
    assert KEY not in text


@pytest.mark.slow
def test_nothing_is_logged_unless_asked(tmp_path: Path) -> None:
    """No file, and nothing in what the processes print."""
    folder = run(tmp_path)

    assert not (folder / "paceline.log").exists()
    assert [log.read_text() for log in folder.glob("*.log")] == [""] * 4


@pytest.mark.slow
def test_a_log_file_of_its_own_is_appended_to(tmp_path: Path) -> None:
    """Its level is info: no single steps."""
    file = tmp_path / "own.log"
    file.write_text("before\n")
    folder = run(tmp_path, "--log-file", file)
    text = file.read_text()

    assert text.startswith("before\n")
    assert " INFO paceline.session job=1 attempt=1: " in text
    assert " DEBUG " not in text
    assert not (folder / "paceline.log").exists()


def test_a_log_file_that_cannot_be_written_is_a_usage_problem(tmp_path: Path) -> None:
    """Before anything is streamed."""
    with ScriptedServer() as endpoint:
        path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.5))
        where = ("--endpoint", endpoint.url, "--out", tmp_path / "run")
        result = run_cli("run", *where, "--log-file", tmp_path / "no" / "a.log", path)

    assert result.returncode == 2
    assert "cannot be written" in result.stderr
    assert endpoint.received_sessions == []


def test_serve_logs_its_sessions_to_stderr(tmp_path: Path) -> None:
    """It has no run folder; its key stays out of the log as well."""
    with ServeProcess("--script", script(tmp_path), "--log-level", "debug") as server:
        session(server)
        _, _, text = server.end(signal.SIGINT)

    assert " INFO paceline.server: serving at port " in text
    assert re.search(r"paceline\.server: session \S+ begins, model ", text)
    assert re.search(r"paceline\.server: session \S+ ended: Session Ended \(1000\)", text)
    assert server.key not in text
