"""The list of runs."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.run_builders import write_sample_run
from tui.cli.runs import MIN_COMPRESSED_BYTES, ListedRun, RunState
from workers.runs.compression import compress_run
from workers.runs.index import read_index


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        (RunState.RUNNING, "connecting", "1 in progress"),
        (RunState.RUNNING, "retrying", "1 retrying"),
        (RunState.UNFINISHED, "connecting", "1 interrupted"),
        (RunState.UNFINISHED, "retrying", "1 interrupted"),
        (RunState.UNFINISHED, "queued", "1 queued"),
    ],
)
def test_a_run_is_listed_with_what_its_recordings_are_now(
    tmp_path: Path, state: RunState, status: str, words: str
) -> None:
    """The index may have an older status: of a session that streams since, or of a killed run."""
    index = read_index(write_sample_run(tmp_path / "run"))
    job = index.jobs[0]
    job = replace(job, saved=replace(job.saved, status=status), ended=None)
    index = replace(index, jobs=[job])

    assert ListedRun(tmp_path, state, 1, index).lines[0].split("  ")[1] == words


def test_a_run_without_recordings_says_so(tmp_path: Path) -> None:
    """In the word that users have for them."""
    index = replace(read_index(write_sample_run(tmp_path / "run")), jobs=[])

    assert "no recordings" in ListedRun(tmp_path, RunState.FINISHED, 1, index).lines[0]


def test_a_large_run_says_that_its_traces_can_be_compressed(tmp_path: Path) -> None:
    """Neither one that a program is working on, nor a small one, nor one that was compressed."""
    run = write_sample_run(tmp_path / "run")
    index, size = read_index(run), MIN_COMPRESSED_BYTES

    def advice(state: RunState, bytes_: int) -> list[str]:
        return ListedRun(run, state, bytes_, index).lines[2:]

    assert [f"  its traces take a twentieth after: paceline compress {run}"] == advice(
        RunState.FINISHED, size
    )
    assert [] == advice(RunState.RUNNING, size) == advice(RunState.FINISHED, size - 1)
    compress_run(run, lambda done, of: None)
    assert [] == advice(RunState.FINISHED, size)
