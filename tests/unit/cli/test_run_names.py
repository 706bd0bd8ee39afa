"""Which run a user names."""

import json
from pathlib import Path

import pytest

from tui.cli.run_names import RunFolderParam
from workers.errors import RunFolderProblem, UsageProblem
from workers.runs import run_lock


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which runs are kept; it is empty. The working folder is another one."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "paceline" / "runs"


def make_run(folder: Path, *statuses: str) -> Path:
    """A run whose jobs have these statuses."""
    folder.mkdir(parents=True)
    jobs = [{"id": i, "file": f"{i}.wav", "status": s} for i, s in enumerate(statuses, start=1)]
    (folder / "run.json").write_text(json.dumps({"jobs": jobs}))
    return folder


def named(name: str) -> Path:
    return RunFolderParam().convert(name, None, None)


def test_a_run_is_named_as_it_is_listed(runs: Path) -> None:
    """Or by the beginning of its name, or as the latest."""
    first, second = make_run(runs / "2026-01-02_a"), make_run(runs / "2026-01-03_b")

    assert first == named("2026-01-02_a") == named("2026-01-02")
    assert second == named("latest")


def test_a_whole_name_is_not_the_beginning_of_another(runs: Path) -> None:
    """Also if the other one begins with it."""
    first, _ = make_run(runs / "monday"), make_run(runs / "monday-2")

    assert first == named("monday")


def test_what_is_in_the_working_folder_goes_first(runs: Path) -> None:
    """A path stays what it is."""
    make_run(runs / "monday")
    make_run(Path("monday"))
    make_run(Path("latest"))

    assert (Path("monday"), Path("latest")) == (named("monday"), named("latest"))
    assert Path("./monday") == named("./monday")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("tuesday", "there is no run “tuesday”"),
        ("runs/tuesday", "there is no run at runs/tuesday"),
        (".", "is not a run folder"),
        ("latest", "no runs are kept under"),
    ],
)
def test_a_run_that_does_not_exist_is_said_to(runs: Path, name: str, problem: str) -> None:
    """Before anything else is looked at."""
    with pytest.raises(RunFolderProblem, match=problem):
        named(name)


def test_an_ambiguous_beginning_lists_the_runs(runs: Path) -> None:
    """The latest of them, because they are most likely meant."""
    for day in range(1, 6):
        make_run(runs / f"2026-01-0{day}")

    with pytest.raises(UsageProblem) as raised:
        named("2026")
    assert "5 runs begin with “2026”: 2026-01-03, 2026-01-04, 2026-01-05 and 2 more" in str(
        raised.value
    )


def test_the_latest_unfinished_run_is_continued(runs: Path) -> None:
    """Neither one that is all done, nor one that a program is working on, nor a damaged one."""
    make_run(runs / "1", "interrupted")
    expected = make_run(runs / "2", "done", "failed")
    make_run(runs / "3", "done", "cancelled")
    running = make_run(runs / "4", "interrupted")
    (make_run(runs / "5") / "run.json").write_text("{")
    lock = run_lock.acquire(running)
    try:
        assert expected == named("unfinished")
    finally:
        lock.release()


def test_without_an_unfinished_run_nothing_is_continued(runs: Path) -> None:
    """Whether there are runs or not."""
    with pytest.raises(RunFolderProblem, match=r"no run under .* is unfinished"):
        named("unfinished")
    make_run(runs / "1", "done")
    with pytest.raises(RunFolderProblem, match=r"no run under .* is unfinished"):
        named("unfinished")


def test_a_run_of_recordings_that_cannot_be_read_is_not_unfinished(runs: Path) -> None:
    """The end of its attempt stands twice in the index, as the program writes it."""
    ended = {"outcome": "unreadable", "reason": "it is no recording"}
    job = {"id": 1, "file": "1.wav", "status": "failed", "attempt": 1, "ended": ended}
    (runs / "monday").mkdir(parents=True)
    index = {"jobs": [{**job, "attempts": {"1": ended}}]}
    (runs / "monday" / "run.json").write_text(json.dumps(index))

    with pytest.raises(RunFolderProblem, match="is unfinished"):
        named("unfinished")
