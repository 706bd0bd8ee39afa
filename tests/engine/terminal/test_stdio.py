"""A program that was started without standard input, output or error."""

import subprocess
from pathlib import Path

import pytest

from tests.engine.cli.test_program import ROOT, cli_command
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files
from workers.jobs.job_state import JobStatus
from workers.runs import reader


@pytest.mark.parametrize("closed", ["0<&- 1>&-", "0<&- 2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.slow
def test_a_program_without_its_usual_descriptors_streams_all_the_same(
    tmp_path: Path, closed: str
) -> None:
    """Some services start programs so; no pipe of a session may get such a number."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.2))
    with ScriptedServer() as endpoint:
        options = ("--attempts", "1", "--endpoint", endpoint.url, "--out", tmp_path / "run")
        program = ["sh", "-c", f'exec "$@" {closed}', "sh", *cli_command("run", *options, path)]
        ended = subprocess.run(program, cwd=ROOT, timeout=LONG_ENOUGH)
    (job_state,) = reader.read_job_states(tmp_path / "run")

    assert job_state.status is JobStatus.DONE
    assert ended.returncode == 0
