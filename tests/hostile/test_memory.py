"""Machines without memory."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.scenarios.test_process_signals import all_transcript_errors, wait_for_audio
from tests.engine.support.ground_truth import write_numbered_recording
from tests.engine.support.process_tree import ProcessTree
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import LONG_ENOUGH
from tests.engine.support.transcribing_server import transcribe
from tests.hostile.limited_programs import assert_whole, needs_root, run_program
from workers.runs import reader

MEMORY_CGROUPS = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
"""Of version 1, and of version 2."""


@pytest.fixture
def memory_cgroup() -> Iterator[Path]:
    """A cgroup of its own, whose processes may be killed for want of memory."""
    for root in MEMORY_CGROUPS:
        folder = root / f"hostile-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        if (folder / "memory.limit_in_bytes").exists() or (folder / "memory.max").exists():
            yield folder
            folder.rmdir()
            return
        folder.rmdir()
    pytest.skip("needs a cgroup that limits memory")


@needs_root
def test_a_session_that_the_system_kills_for_memory_is_told_from_others(
    tmp_path: Path, memory_cgroup: Path
) -> None:
    """The kernel kills one session. The reason says so, and its job continues where it broke."""
    truths = [write_numbered_recording(tmp_path, 50, job) for job in range(2)]
    limit, used = memory_cgroup / "memory.max", memory_cgroup / "memory.current"
    if not limit.exists():
        limit = memory_cgroup / "memory.limit_in_bytes"
        used = memory_cgroup / "memory.usage_in_bytes"
    enter = ("sh", "-c", f'echo $$ > {memory_cgroup / "cgroup.procs"}; exec "$@"', "--")
    with (
        ScriptedServer(transcribe()) as endpoint,
        (tmp_path / "output").open("w+") as output,
        ProcessTree(
            *("-m", "tui", "run", "--endpoint", endpoint.url, "--out", tmp_path / "run"),
            *[truth.path for truth in truths],
            output=output.fileno(),
            through=enter,
        ) as tree,
    ):
        wait_for_audio(endpoint, 1.0, sessions=2)
        victim = tree.session_processes()[0]
        Path(f"/proc/{victim.pid}/oom_score_adj").write_text("1000")
        deadline = time.monotonic() + LONG_ENOUGH
        while victim.is_running() and victim.status() != "zombie":
            assert time.monotonic() < deadline
            with suppress(OSError):  # it cannot be less than what is used
                limit.write_text(used.read_text())
            time.sleep(0.01)
        limit.write_text("-1" if "limit_in_bytes" in limit.name else "max")
        code = tree.program.wait(LONG_ENOUGH)
        tree.wait_until_gone()
        output.seek(0)
        written = output.read()

    assert code == 0, written
    assert "was killed because memory ran out" in written
    assert all_transcript_errors(truths, reader.read_job_states(tmp_path / "run")) == []


@needs_root
def test_a_kill_by_somebody_else_is_not_called_memory(tmp_path: Path) -> None:
    """Signal 9 comes from people, too."""
    truth = write_numbered_recording(tmp_path, 30)
    with (
        ScriptedServer(transcribe()) as endpoint,
        (tmp_path / "output").open("w+") as output,
        ProcessTree(
            *("-m", "tui", "run", "--endpoint", endpoint.url, "--out", tmp_path / "run"),
            truth.path,
            output=output.fileno(),
        ) as tree,
    ):
        wait_for_audio(endpoint, 1.0, sessions=1)
        tree.session_processes()[0].send_signal(signal.SIGKILL)
        tree.program.wait(LONG_ENOUGH)
        output.seek(0)
        written = output.read()

    assert "was killed (signal 9)" in written
    assert all_transcript_errors([truth], reader.read_job_states(tmp_path / "run")) == []


@needs_root
@pytest.mark.parametrize("megabytes", [60, 100, 150, 250, 400, 800])
def test_a_limit_of_memory_ends_in_words(tmp_path: Path, megabytes: int) -> None:
    """Either all is transcribed, or a sentence says what is missing. No process is left."""
    limit = megabytes << 20
    run = run_program(tmp_path, through=("prlimit", f"--as={limit}:{limit}"))

    if run.code == 0:
        assert_whole(run)
    else:
        assert re.search(rf"limit of {megabytes} MB of memory", run.output), run.output
        assert "Traceback" not in run.output
