"""Sessions that are spawned, as on a system without a fork server."""

import os
import signal
from pathlib import Path

from tests.engine.support.ground_truth import write_numbered_recording
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.support.transcribing_server import transcribe
from tests.hostile.limited_programs import assert_whole, finished_run, run_program

SPAWN = {"PACELINE_START_METHOD": "spawn"}


def test_a_run_is_whole(tmp_path: Path) -> None:
    """Three sessions, each in a new Python."""
    assert_whole(run_program(tmp_path, environment=dict(SPAWN)))


def test_signals_to_sessions_that_are_starting_end_none(tmp_path: Path) -> None:
    """Ctrl-C and hang-ups come to all processes but the program while sessions import."""
    truths = [write_numbered_recording(tmp_path, 10, job) for job in range(3)]
    with (
        ScriptedServer(transcribe()) as endpoint,
        (tmp_path / "output").open("w+") as output,
        ProcessTree(
            *("-m", "tui", "run", "--endpoint", endpoint.url, "--out", tmp_path / "run"),
            *[truth.path for truth in truths],
            output=output.fileno(),
            environment={**os.environ, **SPAWN},
        ) as tree,
    ):
        while not _is_spawning(tree):
            assert tree.program.poll() is None
        for process in tree.processes():
            if process.pid != tree.program.pid:
                process.send_signal(signal.SIGINT)
                process.send_signal(signal.SIGHUP)
        code = tree.program.wait(2 * LONG_ENOUGH)
        tree.wait_until_gone()
        output.seek(0)
        written = output.read()
    run = finished_run(tmp_path / "run", truths, code, written, endpoint.received_sessions)
    assert_whole(run)


def _is_spawning(tree: ProcessTree) -> bool:
    return any("spawn_main" in " ".join(each.cmdline()) for each in tree.processes())
