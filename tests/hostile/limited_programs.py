"""Commands that start a program within limits, and what it must have done in them."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.scenarios.test_process_signals import all_transcript_errors
from tests.engine.support.ground_truth import GroundTruth, write_numbered_recording
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import ReceivedSession, ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.support.transcribing_server import transcribe
from workers.jobs.job_state import JobState
from workers.runs import reader

AS_STRANGER, AS_CROWDED_STRANGER = (
    (
        *("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"),
        # It may read what root may: Python itself may be in root's home.
        *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
    )
    for user in (23_456, 23_457)
)
"""Runs a program as a user without an entry in the system's list. The second one's processes are
counted, so only one test at a time may use it."""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("setpriv", "unshare", "prlimit"))),
    reason="needs root, and util-linux",
)


def with_mounts(script: str) -> tuple[str, ...]:
    """Runs a shell script in a mount namespace of its own, then the program."""
    return ("unshare", "-m", "sh", "-ec", f'{script}\nexec "$@"', "--")


@dataclass(frozen=True)
class FinishedRun:
    """A run that is over; none of its processes is left."""

    code: int
    output: str
    job_states: Sequence[JobState]
    errors: Sequence[str]
    """Errors in the transcripts of all recordings."""
    sessions: Sequence[ReceivedSession]
    """What the server received."""


def run_program(
    folder: Path,
    *options: str,
    recordings: int = 3,
    tenths: int = 10,
    through: Sequence[str] = (),
    environment: dict[str, str | None] | None = None,
) -> FinishedRun:
    """Runs ``paceline run`` on new recordings in ``folder``, with ``run`` below it as run folder.

    ``through``: a command within which it runs, with ``FOLDER`` for the folder; ``environment``:
    variables to set, or to unset (None). Waits until no process is left.
    """
    folder.chmod(0o777)
    truths = [write_numbered_recording(folder, tenths, job) for job in range(recordings)]
    variables = {**os.environ, **(environment or {})}
    with (
        ScriptedServer(transcribe()) as endpoint,
        (folder / "output").open("w+") as output,
        ProcessTree(
            *("-m", "tui", "run", "--endpoint", endpoint.url, "--out", folder / "run", *options),
            *[truth.path for truth in truths],
            output=output.fileno(),
            through=[word.replace("FOLDER", str(folder)) for word in through],
            environment={name: value for name, value in variables.items() if value is not None},
        ) as tree,
    ):
        code = tree.program.wait(2 * LONG_ENOUGH)
        tree.wait_until_gone()
        output.seek(0)
        written = output.read()
    return finished_run(folder / "run", truths, code, written, endpoint.received_sessions)


def finished_run(
    run: Path,
    truths: Sequence[GroundTruth],
    code: int,
    output: str,
    sessions: Sequence[ReceivedSession],
) -> FinishedRun:
    """Reads the run folder of a program that has ended, if it got that far."""
    job_states = reader.read_job_states(run) if (run / "run.json").exists() else []
    errors = all_transcript_errors(truths, job_states) if job_states else []
    return FinishedRun(code, output, job_states, errors, sessions)


def assert_whole(run: FinishedRun, attempts: int = 1) -> None:
    """Checks that every recording was transcribed, in so many attempts at most."""
    assert run.code == 0, run.output
    assert run.errors == []
    assert all(state.attempt <= attempts for state in run.job_states), run.output
    assert "Traceback" not in run.output
