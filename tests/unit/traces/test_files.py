"""Which files in a run folder are traces, and whose."""

from pathlib import Path

from workers.traces.files import next_trace, trace_files, trace_files_by_job

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
