"""Damaged run folders: what every command makes of them, in this process and as real programs."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.engine.cli.test_program import run_cli
from tests.fuzz.run_folders import damage_folder, make_intact_folders, read_case, run_program
from tests.support.old_runs import OLD_RUNS
from tui.cli.exit_codes import ExitCode

CASES = 120
REAL_CASES = 3
SEED = 20261129


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("ASSEMBLYAI_API_KEY", raising=False)


@pytest.mark.slow
def test_a_damaged_folder_is_read_or_refused_in_words(tmp_path: Path) -> None:
    """No command hangs, crashes or prints control characters; a refusal names the field."""
    intact, folder = make_intact_folders(tmp_path / "intact"), tmp_path / "damaged"
    problems = {}
    for number in range(CASES):
        case = damage_folder(intact, SEED, number, folder)
        if problem := read_case(case, folder).problem:
            problems[case] = problem
        shutil.rmtree(folder)

    assert {} == problems


@pytest.mark.slow
def test_real_programs_do_so_too(tmp_path: Path) -> None:
    """With processes and threads of their own."""
    intact, folder = make_intact_folders(tmp_path / "intact"), tmp_path / "damaged"
    for number in range(REAL_CASES):
        case = damage_folder(intact, SEED + 1, number, folder)
        assert not run_program(case, folder).problem, case
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("settings", "chunk_ms"), 0),
        (("limits", "dead_after"), 1e300),
        (("limits", "start_rate"), -1),
    ],
)
def test_a_run_is_not_resumed_with_a_value_that_cannot_be(
    tmp_path: Path, path: tuple[str, str], value: float
) -> None:
    """The program says which one, at once."""
    folder = shutil.copytree(OLD_RUNS / "interrupted", tmp_path / "run")
    index = json.loads((folder / "run.json").read_text())
    index[path[0]][path[1]] = value
    (folder / "run.json").write_text(json.dumps(index))
    before = sorted(os.listdir(folder))
    result = run_cli("resume", folder, "--no-desk")

    assert (ExitCode.FATAL, "") == (result.returncode, result.stdout)
    assert f"run.json: {'.'.join(path)} is {value:g}; it must be " in result.stderr
    assert before == sorted(os.listdir(folder))
