"""Output that cannot be written, and terminals that cannot show it: the real program.

`tests/hostile/test_every_command.py` does the same with every command.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.engine.cli.test_program import ROOT, cli_command, run_cli
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.support import audio_files
from tests.support.run_builders import write_sample_run
from workers.jobs.job_state import JobStatus
from workers.runs import reader


def run_into(output: str | int, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the program with its stdout redirected to this file, or to a descriptor it closes."""
    with open(output, "w") as out:
        return subprocess.run(
            cli_command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            timeout=LONG_ENOUGH,
        )


@pytest.mark.slow
def test_a_run_goes_on_though_its_events_cannot_be_written(tmp_path: Path) -> None:
    """As on a full disk. The run folder has everything; the exit code says what is missing."""
    path = audio_files.write_recording(tmp_path / "a.wav", audio_files.distinct_samples(0.3))
    with ScriptedServer() as endpoint:
        options = ("--json", "--endpoint", endpoint.url, "--out", tmp_path / "run")
        ended = run_into("/dev/full", "run", *options, path)
    (job_state,) = reader.read_job_states(tmp_path / "run")
    told = [line for line in ended.stderr.splitlines() if "could not be written" in line]

    assert ended.returncode == 1
    assert job_state.status is JobStatus.DONE
    assert told == [
        "paceline: the events could not be written (No space left on device). The run goes on; "
        "its folder has them all."
    ]


def test_an_export_is_written_though_nothing_can_be_printed(tmp_path: Path) -> None:
    """The files are complete; one sentence says what is missing."""
    run = write_sample_run(tmp_path / "run")
    ended = run_into("/dev/full", "export", run, "--to", "txt", "--into", tmp_path)

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "paceline: the output could not be written (No space left on device). Files that the "
        "command writes are complete; repeat it to see the rest."
    ]
    assert (tmp_path / "1.txt").read_text() == "Good morning all.\nThis is one.\n"


def test_a_reader_that_has_seen_enough_is_no_mistake(tmp_path: Path) -> None:
    """As “head”: nothing is said, and what the command writes is complete."""
    run = write_sample_run(tmp_path / "run")
    reader_end, pipe = os.pipe()
    os.close(reader_end)
    ended = run_into(pipe, "export", run, "--to", "txt", "--into", tmp_path)

    assert (ended.returncode, ended.stderr) == (1, "")
    assert (tmp_path / "1.txt").exists()


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_help_is_shown_in_the_characters_of_the_terminal(encoding: str) -> None:
    """What its encoding lacks is replaced by what looks like it."""
    ended = run_cli("--help", PYTHONIOENCODING=encoding)

    assert ended.returncode == 0
    assert '"paceline FOLDER" opens the desk' in ended.stdout
    assert ended.stdout.isascii()
