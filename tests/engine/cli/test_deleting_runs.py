"""``paceline runs``: sizes, and runs that are deleted."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine.support.pseudo_terminal import PseudoTerminal
from tests.support.run_builders import write_sample_run
from tui.cli.exit_codes import ExitCode
from workers.runs import run_folder
from workers.runs.index import INDEX_NAME, list_runs
from workers.runs.removal import folder_bytes


def paceline(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tui", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def two_runs() -> list[Path]:
    """A run of last month, and one of now."""
    runs = run_folder.runs_path()
    runs.mkdir(parents=True)
    names = ("2026-10-01_10-00-00", "2026-11-20_10-00-00")
    paths = [write_sample_run(runs / name) for name in names]
    month_ago = time.time() - 40 * 86_400
    os.utime(paths[0] / INDEX_NAME, (month_ago, month_ago))
    return paths


def test_runs_are_listed_with_their_sizes() -> None:
    """In the list and in --json."""
    old, new = two_runs()
    listed = json.loads(paceline("runs", "--json").stdout)["runs"]

    assert [run["bytes"] for run in listed] == [folder_bytes(new), folder_bytes(old)]
    assert " KB " in paceline("runs").stdout


@pytest.mark.slow
def test_runs_are_deleted_after_a_question(tmp_path: Path) -> None:
    """Without a terminal only with --yes; a link in a run leads to nothing that is deleted."""
    old, new = two_runs()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    (old / "link").symlink_to(precious)

    refused = paceline("runs", "--older-than", "30d")
    assert refused.returncode == ExitCode.USAGE
    assert "?. " not in refused.stderr
    assert "add --yes" in refused.stderr
    assert old.exists()
    with PseudoTerminal("runs", "--delete", "latest") as window:
        window.wait_for_output(b"Delete 1 run, with transcripts and traces?")
        window.send_keys(b"n\n")
        assert window.program.wait() != ExitCode.DONE
    assert new.exists()
    assert paceline("runs", "--older-than", "30d", "--yes").returncode == ExitCode.DONE
    assert [new] == list_runs(run_folder.runs_path())
    assert (precious / "file").read_text() == "kept"
    assert "No run is that old." in paceline("runs", "--older-than", "2w", "--yes").stdout
    with PseudoTerminal("runs", "--delete", new.name) as window:
        window.wait_for_output(b"Delete 1 run")
        window.send_keys(b"y\n")
        assert window.program.wait() == ExitCode.DONE
    assert not new.exists()
    assert paceline("runs", "--older-than", "soon").returncode == ExitCode.USAGE


def test_a_run_that_is_running_stays() -> None:
    """The others that were named are deleted."""
    old, new = two_runs()
    run = run_folder.reopen(new)
    try:
        ended = paceline("runs", "--delete", new, "--delete", old, "--yes")
    finally:
        run.close()

    assert ended.returncode == ExitCode.SOME_FAILED
    assert "is running now" in ended.stderr
    assert new.exists()
    assert not old.exists()
