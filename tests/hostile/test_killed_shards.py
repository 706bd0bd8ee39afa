"""Machines that die while they share the work, and a merge that dies too."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.engine.cli.test_program import ROOT, cli_command, run_cli
from tests.engine.support.ground_truth import transcript_errors, write_numbered_recording
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.transcribing_server import transcribe
from workers.runs import reader
from workers.runs.index import is_run

FIRST_SEED = int(os.environ.get("SEED", "1"))
RECORDINGS = 9
SHARDS = 3
MAX_ATTEMPTS = 6
"""How often a run or a merge is started again after it was killed."""


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        cli_command(*arguments),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def merge_with_kills(chance: Random, runs: Sequence[Path], into: Path) -> None:
    """Merges, killed at random moments; what is there in between is whole, or not there."""
    for _ in range(MAX_ATTEMPTS):
        merging = start("merge", *runs, "--into", into, "--keep-first")
        time.sleep(chance.uniform(0.1, 0.6))
        merging.send_signal(signal.SIGKILL)
        merging.communicate()
        if into.exists():
            break
    else:
        assert run_cli("merge", *runs, "--into", into, "--keep-first").returncode == 0
    assert len(reader.read_job_states(into)) == RECORDINGS
    assert [path.name for path in into.parent.iterdir() if "merging" in path.name] == []


@pytest.mark.engine
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [FIRST_SEED + number for number in range(4)])
def test_killed_shards_are_merged_and_resumed(tmp_path: Path, seed: int) -> None:
    """Each program is killed at any moment, some start again elsewhere, and their runs are merged,
    even while sessions of the dead are still ending. One resumption completes the merged run: no
    word is lost or doubled."""
    chance = Random(seed)
    folder = tmp_path / "rec"
    folder.mkdir()
    truths = [
        write_numbered_recording(folder, chance.randint(15, 60), job) for job in range(RECORDINGS)
    ]
    runs: list[Path] = []
    with ScriptedServer(transcribe()) as endpoint:
        options = ["--endpoint", endpoint.url, "--sessions", "6"]
        waiting = [f"{number}/{SHARDS}" for number in range(1, SHARDS + 1)]
        for round_number in range(MAX_ATTEMPTS):
            started = []
            for shard in waiting:
                out = tmp_path / f"run-{shard[0]}-{round_number}"
                started.append(
                    (shard, out, start("run", folder, *options, "--shard", shard, "--out", out))
                )
            time.sleep(chance.uniform(0.5, 4.0))
            waiting = []
            for shard, out, program in started:
                if chance.random() < 0.7:
                    program.send_signal(signal.SIGKILL)
                program.communicate()
                if not is_run(out):  # it died before it was one
                    waiting.append(shard)
                    continue
                runs.append(out)
                if program.returncode == -signal.SIGKILL and chance.random() < 0.3:
                    waiting.append(shard)  # another machine takes the shard as well
            if not waiting:
                break
        assert {path.name[4] for path in runs} == {"1", "2", "3"}
        merge_with_kills(chance, runs, tmp_path / "all")
        resumed = run_cli("resume", tmp_path / "all", "--no-desk")
    assert resumed.returncode == 0, resumed.stderr

    states = {Path(state.file).name: state for state in reader.read_job_states(tmp_path / "all")}
    assert len(states) == RECORDINGS
    errors = [
        error
        for truth in truths
        for error in transcript_errors(truth, states[Path(truth.path).name])
    ]
    assert errors == []
