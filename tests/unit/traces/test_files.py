"""Which files in a run folder are traces, and whose."""

from pathlib import Path

from workers.traces.files import (
    attempt_files,
    next_trace,
    set_aside,
    trace_files,
    trace_files_by_job,
)

NAMES = (
    "0001-a.1.trace.jsonl",
    "0001-a.2.trace.jsonl",
    "0001-a.10.trace.jsonl",
    "0001-a.2.refused-1.trace.jsonl",
    "0001-a.1.log",
    "0002-.1.trace.jsonl",
    "10001-a.1.trace.jsonl",
    "run.json",
    "0003-a.trace.jsonl",
)


def test_the_traces_of_each_job_are_found_in_order(tmp_path: Path) -> None:
    """Refused attempts do not count, and 10001 is not 1; both ways to list them agree."""
    for name in NAMES:
        (tmp_path / name).touch()
    expected = {
        1: ["0001-a.1.trace.jsonl", "0001-a.2.trace.jsonl", "0001-a.10.trace.jsonl"],
        2: ["0002-.1.trace.jsonl"],
        10001: ["10001-a.1.trace.jsonl"],
    }
    found = trace_files_by_job(tmp_path)

    assert {job: [path.name for _, path in files] for job, files in found.items()} == expected
    assert [number for number, _ in found[1]] == [1, 2, 10]
    assert {job: trace_files(tmp_path, job) for job in expected} == found
    assert trace_files(tmp_path, 3) == []
    assert trace_files(tmp_path / "nowhere", 1) == []


def test_the_trace_of_the_next_attempt_follows(tmp_path: Path) -> None:
    """A tail that has read a trace goes on with it."""
    for name in NAMES:
        (tmp_path / name).touch()
    second = tmp_path / "0001-a.2.trace.jsonl"

    assert next_trace(tmp_path / "0001-a.1.trace.jsonl") == second
    assert next_trace(second) is None


def test_files_of_many_jobs_are_divided_among_folders(tmp_path: Path) -> None:
    """No folder holds the files of more than 200 jobs, and both ways to list them agree."""
    numbers = (1, 200, 201, 400, 401, 20_000)
    expected = {}
    for job in numbers:
        trace, log = attempt_files(tmp_path, job, 1, "a.wav")
        trace.parent.mkdir(exist_ok=True)
        for path in (trace, log):
            path.touch()
        expected[job] = [(1, trace)]

    names = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert names == ["jobs-0201-0400", "jobs-0401-0600", "jobs-19801-20000"]
    assert trace_files_by_job(tmp_path) == expected
    assert {job: trace_files(tmp_path, job) for job in numbers} == expected


def test_a_job_of_an_earlier_program_goes_on_in_a_folder(tmp_path: Path) -> None:
    """Its first attempt lies in the run folder, the next one in a folder of its own."""
    before = tmp_path / "0300-a.1.trace.jsonl"
    before.touch()
    after, log = attempt_files(tmp_path, 300, 2, "a.wav")
    after.parent.mkdir()
    assert next_trace(before) is None
    for path in (after, log):
        path.touch()

    assert next_trace(before) == after
    assert trace_files(tmp_path, 300) == [(1, before), (2, after)]
    assert trace_files_by_job(tmp_path) == {300: [(1, before), (2, after)]}

    set_aside(tmp_path, 300, 2, "a.wav")
    assert trace_files(tmp_path, 300) == [(1, before)]
    assert {path.name for path in after.parent.iterdir()} == {
        "0300-a.2.refused-1.trace.jsonl",
        "0300-a.2.refused-1.log",
    }


def test_a_link_in_the_place_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    """A run folder may come from somebody else."""
    elsewhere, run = tmp_path / "elsewhere", tmp_path / "run"
    for folder in (elsewhere, run):
        folder.mkdir()
    (elsewhere / "0201-a.1.trace.jsonl").touch()
    (run / "jobs-0201-0400").symlink_to(elsewhere)

    assert trace_files(run, 201) == []
    assert trace_files_by_job(run) == {}
