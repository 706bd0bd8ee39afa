"""Threads of a real program that die, and a session that sends nonsense to the program."""

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.engine.cli.test_program import ROOT, cli_command
from tests.engine.cli.test_thread_faults import FAILING
from tests.engine.scenarios.test_process_signals import wait_until
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files
from tui.cli.exit_codes import ExitCode
from workers.jobs.events import Outcome
from workers.jobs.job_state import JobStatus
from workers.runs import reader

RECORDING_S = 6.0


def _write_recording(folder: Path, seconds: float) -> Path:
    folder.mkdir()
    path = folder / "a.wav"
    audio_files.write_recording(path, audio_files.distinct_samples(seconds))
    return path


def _is_streaming(server: ScriptedServer) -> bool:
    return any(session.audio for session in server.received_sessions)


@pytest.mark.parametrize(("name", "as_json"), [("supervisor", True), ("recordings", False)])
def test_every_part_of_a_run_that_dies_is_named(tmp_path: Path, name: str, as_json: bool) -> None:
    """All sessions end with Terminate, with JSON on stdout too; no process is left."""
    recording, flag = _write_recording(tmp_path / "in", 90), tmp_path / "flag"
    with ScriptedServer() as server:
        options = ["--endpoint", server.url, "--out", tmp_path / "run", "--watch", "--repeat", "1"]
        options += ["--json"] if as_json else []
        arguments = [*FAILING, name, flag, "run", *options, recording.parent]
        with psutil.Popen(
            [*map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
        ) as program:
            wait_until(lambda: _is_streaming(server))
            children = program.children(recursive=True)
            flag.touch()
            stdout, stderr = program.communicate(timeout=LONG_ENOUGH)
        assert all(session.closed.wait(LONG_ENOUGH) for session in server.received_sessions)

    assert program.returncode == ExitCode.INTERNAL_ERROR, stderr
    assert f"internal error in the thread “{name}”" in stderr.decode()
    assert (b'"type": "ended"' in stdout) == as_json
    assert {"type": "Terminate"} in server.received_sessions[0].control_messages
    assert not psutil.wait_procs(children, timeout=LONG_ENOUGH)[1]


def _pipes(process: psutil.Process, mode: int) -> dict[str, Path]:
    """The pipes that a process has open to read or to write, without its standard streams."""
    found = {}
    for path in Path(f"/proc/{process.pid}/fd").iterdir():
        text = Path(f"/proc/{process.pid}/fdinfo/{path.name}").read_text()
        flags = int(text.split("flags:")[1].split()[0], 8)
        name = os.readlink(path)
        if int(path.name) > 2 and name.startswith("pipe:") and flags & os.O_ACCMODE == mode:
            found[name] = path
    return found


def test_a_session_that_sends_nonsense_is_ended_and_continued(tmp_path: Path) -> None:
    """It is out of its mind, but the program is not: another attempt streams the rest."""
    recording = _write_recording(tmp_path / "in", RECORDING_S)
    folder = tmp_path / "run"
    with ScriptedServer() as server:
        command = cli_command("run", "--endpoint", server.url, "--out", folder, recording)
        with psutil.Popen(command, stderr=subprocess.PIPE, cwd=ROOT) as program:
            wait_until(lambda: _is_streaming(server))
            (session,) = (
                process
                for process in program.children(recursive=True)
                if Path(f"/proc/{process.pid}/comm").read_text().startswith("paceline 1.")
            )
            to_program = _pipes(session, os.O_WRONLY).keys() & _pipes(program, os.O_RDONLY).keys()
            (reports,) = to_program
            nonsense = os.open(_pipes(session, os.O_WRONLY)[reports], os.O_WRONLY)
            os.write(nonsense, (8).to_bytes(4, "big") + b"nonsense")
            os.close(nonsense)
            _, stderr = program.communicate(timeout=LONG_ENOUGH)

    assert program.returncode == ExitCode.DONE, stderr
    (job,) = reader.read_run(folder).jobs
    assert job.status is JobStatus.DONE
    assert [Outcome.CRASHED] == [attempt.ended.outcome for attempt in job.earlier_attempts]
