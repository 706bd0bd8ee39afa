"""A run whose traces were compressed is the same run."""

import json
from pathlib import Path

import pytest

from tests.support.run_builders import observable_state, write_sample_run, write_summarised_run
from workers.errors import RunFolderProblem
from workers.runs import run_lock
from workers.runs.compression import compress_run
from workers.runs.index import INDEX_NAME
from workers.runs.reader import read_job_states, read_run
from workers.runs.timeline import RunTimeline
from workers.traces.files import trace_files_by_job


def silent(done: int, of: int) -> None:
    pass


@pytest.mark.parametrize("write", [write_sample_run, write_summarised_run])
def test_a_compressed_run_reads_as_before(tmp_path: Path, write: object) -> None:
    """Exports, replays and resuming; a second compression has nothing left to do."""
    assert callable(write)
    run = write(tmp_path / "run")
    before = [observable_state(state) for state in read_job_states(run)]
    length = RunTimeline(run).duration_s
    resumed = [observable_state(state) for state in read_run(run).jobs]
    result = compress_run(run, silent)

    assert result.traces > 1
    assert all(
        path.suffix == ".zst" for found in trace_files_by_job(run).values() for _, path in found
    )
    assert [observable_state(state) for state in read_job_states(run)] == before
    assert [observable_state(state) for state in read_run(run).jobs] == resumed
    assert RunTimeline(run).duration_s == length
    assert compress_run(run, silent).traces == 0


def test_earlier_programs_refuse_a_compressed_run(tmp_path: Path) -> None:
    """They would take its recordings for unfinished ones."""
    run = write_summarised_run(tmp_path / "run")
    assert json.loads((run / INDEX_NAME).read_text())["format"] == 1
    compress_run(run, silent)

    assert json.loads((run / INDEX_NAME).read_text())["format"] == 3


def test_a_run_in_progress_is_not_compressed(tmp_path: Path) -> None:
    """Its traces are being written."""
    run = write_summarised_run(tmp_path / "run")
    lock = run_lock.acquire(run)
    try:
        with pytest.raises(RunFolderProblem, match="another program is working"):
            compress_run(run, silent)
    finally:
        lock.release()
