"""How “paceline runs” lists a run."""

from pathlib import Path

from tests.unit.runs.test_merge import two_shards
from tui.cli.runs import ListedRun, RunState
from workers.runs.index import read_index
from workers.runs.merge import merge_runs


def listed(run: Path) -> str:
    """The first line of a run."""
    return ListedRun(run, RunState.FINISHED, 1000, read_index(run)).lines[0]


def test_shards_and_merged_runs_say_what_they_are(tmp_path: Path) -> None:
    """So that a part is not taken for the whole."""
    parts = two_shards(tmp_path)
    merge_runs(parts, tmp_path / "all")

    assert listed(parts[1]).startswith("two  1 failed  shard 2 of 2  ")
    assert listed(tmp_path / "all").startswith("all  2 done, 1 failed  merged from 2 runs  ")
