"""What is wrong in a run folder is told with the file, the field and its value."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.old_runs import OLD_RUNS
from tests.support.run_builders import save
from workers.audio.source import ReadOptions, Source
from workers.errors import RunFolderProblem
from workers.jobs.job import Half, JobId, Limits, StreamSettings
from workers.protocol.messages import UpdateConfiguration
from workers.runs import run_folder
from workers.runs.index import CHANGES_NAME, INDEX_NAME, Extent, read_index

HUGE = "x" * 1_000_000
DEEP = json.loads('{"x":' * 40 + "1" + "}" * 40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of a recording and of a call, with everything that an index may contain."""
    path = tmp_path / "run"
    with closing(run_folder.create(path)) as made:
        made.add_job(JobId(1), Source("1.wav", ReadOptions(start_s=1.0), params=(("a", "b"),)))
        for channel, name in ((1, "agent"), (2, "caller")):
            options = ReadOptions(channel=channel, speakers=("agent", "caller"))
            made.add_job(JobId(2 + channel), Source("2.wav", options), Half(2, channel, name))
        made.set_changes(JobId(1), UpdateConfiguration(max_turn_silence=300))
        made.set_order([JobId(3), JobId(1)])
        made.set_header(None, StreamSettings(), Limits())
        save(made, final=True)
    index = json.loads((path / INDEX_NAME).read_text())
    ended = json.loads((OLD_RUNS / "retried" / INDEX_NAME).read_text())["jobs"][0]
    index["jobs"][0] |= {key: ended[key] for key in ("attempts", "ended", "attempt", "sha256")}
    (path / INDEX_NAME).write_text(json.dumps(index))
    return path


def _change(folder: Path, path: str, value: Any) -> None:
    """Replaces the value at ``path``, such as ``jobs.0.id``."""
    index = json.loads((folder / INDEX_NAME).read_text())
    *outer, last = path.split(".")
    at: Any = index
    for name in outer:
        at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
    at[int(last) if isinstance(at, list) else last] = value
    (folder / INDEX_NAME).write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("settings.chunk_ms", 0, "settings.chunk_ms is 0; it must be from 50 to 1,000 ms"),
        ("settings.chunk_ms", -100, "settings.chunk_ms is -100; it must be"),
        ("settings.chunk_ms", 10**30, "settings.chunk_ms is 1000000000000000000000000000000; it"),
        ("settings.chunk_ms", "100", "settings.chunk_ms is '100'; it must be a number"),
        ("settings.rate", 7999, "settings.rate is 7999; it must be from 8,000 to 48,000 Hz"),
        ("settings.speed", 0, "settings.speed is 0; it must be from 0.5 to 20"),
        ("settings.release", "never", "settings.release is 'never'; it must be one of start, end"),
        ("settings.params", [["a"]], "settings.params[0] is a list; it must be a list of 2"),
        ("settings", 5, "settings is 5; it must be an object"),
        ("limits.dead_after", 0, "limits.dead_after is 0; it must be from 1 to 1,000,000 s"),
        ("limits.dead_after", 1e300, "limits.dead_after is 1e+300; it must be"),
        (
            "limits.dead_after",
            float("nan"),
            "limits.dead_after is nan; it must be a number from 1",
        ),
        ("limits.start_rate", -5, "limits.start_rate is -5; it must be from 1 to 1,000,000"),
        ("limits.attempts", True, "limits.attempts is true; it must be a number"),
        ("limits.sessions", 10**9, "limits.sessions is 1000000000; it must be from 1 to 100,000"),
        ("endpoint", {"kind": "mine"}, "endpoint.kind is 'mine'; it must be one of service, "),
        ("order", [1, "x"], "order[1] is 'x'; it must be a number"),
        ("order", DEEP, "order is an object; it must be a list"),
        ("started", HUGE, "started is 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'…; it must be"),
        ("format", 0, "format is 0; it must be from 1 to 3"),
        ("format", 99, "has format version 99"),
        ("format", True, "format is true; it must be from 1 to 3"),
        ("jobs", {}, "jobs is an object; it must be a list"),
        ("jobs.0", None, "jobs[0] is null; it must be an object"),
        ("jobs.0.id", True, "jobs[0].id is true; it must be a number"),
        ("jobs.0.id", -1, "jobs[0].id is -1; it must be from 1 to"),
        ("jobs.0.id", 3, "jobs[1].id is 3, as that of another job"),
        ("jobs.0.id", 2, "half.pair of job 3 is 2, which is a job of its own"),
        ("jobs.0.file", "a\0b", r"jobs[0].file is 'a\x00b'; it must be a path"),
        ("jobs.0.file", "\ud800", r"jobs[0].file is '\ud800'; it must be a path"),
        ("jobs.0.file", None, "jobs[0] lacks the field “file”"),
        ("jobs.0.path", "\x1b]0;x\x07" + HUGE, r"jobs[0].path is '\x1b]0;x\x07xxxxxxxxxxxx"),
        ("jobs.0.source.file", "https://a/b.wav", "must be the same as “file”"),
        ("jobs.0.source.options.start_s", -1, "jobs[0].source.options.start_s is -1; it must be"),
        ("jobs.0.source.options.end_s", 0.5, "the part from 1 s until 0.5 s is empty"),
        ("jobs.0.source.options.channel", 0, "source.options.channel is 0; it must be from 1"),
        ("jobs.0.source.options.track", "..", "source.options.track is '..'; it must be the num"),
        ("jobs.0.source.options.speakers", ["a"], "speakers has 1 names; it must have 2, or none"),
        ("jobs.0.source.conditions", [["chunk_ms", "0"]], "source.conditions: “0” is not a valid"),
        ("jobs.1.half.channel", 3, "jobs[1].half.channel is 3; it must be from 1 to 2"),
        ("jobs.1.half.pair", 7, "jobs[1].half.pair is 7; it must be 2, as its id is 3"),
        ("jobs.0.attempt", 10**12, "jobs[0].attempt is 1000000000000; it must be"),
        ("jobs.0.attempts", [], "jobs[0].attempts is a list; it must be an object"),
        ("jobs.0.attempts.x", {"outcome": "done", "reason": ""}, "attempts has the name 'x'"),
        ("jobs.0.attempts.1.outcome", "won", "attempts['1'].outcome is 'won'; it must be one of"),
        ("jobs.0.ended.sent_seconds", -1, "jobs[0].ended.sent_seconds is -1; it must be from 0"),
        ("jobs.0.sha256", "..", "jobs[0].sha256 is '..'; it must be a hash in hexadecimal"),
        ("jobs.0.seconds", -3, "jobs[0].seconds is -3; it must be from 0"),
        ("jobs.0.changes.max_turn_silence", 7, "changes.max_turn_silence must be from 50"),
        ("jobs.0.seconds", 3, "jobs[0] lacks the field “rate”"),
        ("jobs.0.changes", "x", "jobs[0].changes is 'x'; it must be an object"),
    ],
)
def test_a_value_that_cannot_be_is_named(folder: Path, path: str, value: Any, words: str) -> None:
    """So a run is never resumed with another value than the one that it had."""
    _change(folder, path, value)
    with pytest.raises(RunFolderProblem) as error:
        read_index(folder)
    with pytest.raises(RunFolderProblem):
        run_folder.reopen(folder)

    assert words in error.value.reason
    assert str(folder / INDEX_NAME) in error.value.reason
    assert len(str(error.value)) < 600
    assert error.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"\0" * 100, "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"jobs": [], "x": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b"[]", "is not a JSON object"),
        (b"{}", "jobs is null; it must be a list"),
        (b'{"jobs": [' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"]}", "is nested too deeply"),
    ],
)
def test_a_file_that_is_no_index_is_told_as_such(folder: Path, content: bytes, words: str) -> None:
    (folder / INDEX_NAME).write_bytes(content)
    with pytest.raises(RunFolderProblem, match=words):
        read_index(folder)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
@pytest.mark.parametrize("name", [INDEX_NAME, CHANGES_NAME])
def test_what_is_no_file_is_not_waited_for(
    folder: Path, name: str, make: Callable[[Path], None]
) -> None:
    """A pipe would block the program for ever."""
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    with pytest.raises(RunFolderProblem, match="cannot be read"):
        read_index(folder)


def test_unknown_fields_of_newer_versions_stay(folder: Path) -> None:
    """In the header and in jobs; a field of that name twice counts as its last value."""
    _change(folder, "later", {"a": [1]})
    _change(folder, "jobs.0.later", 7)
    text = (folder / INDEX_NAME).read_text().replace('"chunk_ms":', '"chunk_ms": 0, "chunk_ms":')
    (folder / INDEX_NAME).write_text(text)
    index = read_index(folder, Extent.EVERYTHING)

    assert index.header["later"] == {"a": [1]}
    assert json.loads(index.jobs[0].text)["later"] == 7
    assert index.saved.settings.chunk_ms == 100


def test_a_damaged_line_of_the_changes_is_skipped_with_a_warning(folder: Path) -> None:
    """At the end of the file it is what a killed program leaves, and no warning."""
    change = json.dumps({"job": {"id": 9, "file": "9.wav", "status": "done"}}).encode() + b"\n"
    (folder / CHANGES_NAME).write_bytes(b"\0" * 40 + b"\n" + change + b'{"job": {"id"')
    index = read_index(folder)

    assert [1, 3, 4, 9] == [job.id for job in index.jobs]
    assert index.warnings == (f"{folder / CHANGES_NAME}, line 1 is damaged",)
    assert index.changes_size == 41 + len(change)
    with closing(run_folder.reopen(folder)) as again:
        assert JobId(9) in [job.id for job in read_index(again.path).jobs]


def test_a_value_in_the_changes_is_named_with_its_line(folder: Path) -> None:
    """Unless a later line replaces it."""
    wrong = json.dumps({"job": {"id": 1, "file": "1.wav", "attempt": -2}}) + "\n"
    right = json.dumps({"job": {"id": 1, "file": "1.wav", "attempt": 2}}) + "\n"
    (folder / CHANGES_NAME).write_text(right + wrong)
    with pytest.raises(RunFolderProblem) as error:
        read_index(folder)

    where = f"{folder / CHANGES_NAME}, line 2: job.attempt is -2; it must be"
    assert error.value.reason.startswith(where)
    (folder / CHANGES_NAME).write_text(right + wrong + right)
    assert read_index(folder).jobs[0].attempt == 2


def test_half_of_a_call_whose_other_half_was_lost_is_a_job(folder: Path) -> None:
    """It streams its channel; the number of the pair names nothing."""
    index = json.loads((folder / INDEX_NAME).read_text())
    del index["jobs"][2]
    (folder / INDEX_NAME).write_text(json.dumps(index))
    found = read_index(folder)

    assert [None, None] == [job.half for job in found.jobs]
    assert found.jobs[1].source.options.channel == 1
    assert found.warnings == ("job 3 is half of a call whose other half is missing",)


@pytest.mark.parametrize("run", sorted(path.name for path in OLD_RUNS.iterdir()))
def test_every_old_run_is_valid(tmp_path: Path, run: str) -> None:
    assert read_index(shutil.copytree(OLD_RUNS / run, tmp_path / run)).jobs
