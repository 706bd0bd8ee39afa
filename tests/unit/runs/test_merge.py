"""Several runs that become one."""

import json
import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.report_builders import ended_failed
from tests.support.run_builders import (
    index_entry,
    observable_state,
    session_events,
    write_run_folder,
    write_sample_run,
    write_trace,
)
from workers.audio.source import Source
from workers.errors import RunFolderProblem, UsageProblem
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.runs import run_folder, run_lock
from workers.runs.index import CHANGES_NAME, INDEX_NAME, read_index
from workers.runs.merge import MAX_CONFLICTS, merge_runs
from workers.runs.reader import read_job_states, read_run
from workers.sources.shard import Shard
from workers.sources.spool import SpoolWriter, spool_name

BROKEN = ended_failed("the connection broke", seconds=4.0)


def entry(number: int, name: str, **known: Any) -> dict[str, Any]:
    """A job as the index of a shard holds it."""
    file = f"/machine/rec/{name}"
    known = {"attempt": 1, **known}
    return index_entry(number, file=file, path=file, relative_path=name, **known)


def write_shard(
    folder: Path, number: int, jobs: Sequence[Mapping[str, Any]], *, count: int = 2, **head: Any
) -> Path:
    """A run with a shard, with a trace of each job: of a sentence, or of one that broke."""
    head = {"shard": {"number": number, "count": count}, "is_listed": True, **head}
    write_run_folder(folder, jobs, **head)
    for job in jobs:
        end = None if job["status"] == "done" else BROKEN
        texts = job.get("texts") or [f"This is {job['relative_path']}."]
        write_trace(folder, job["id"], session_events(*texts, end=end))
    return folder


def two_shards(folder: Path) -> list[Path]:
    return [
        write_shard(folder / "one", 1, [entry(1, "a.wav"), entry(2, "deep/b.wav")]),
        write_shard(folder / "two", 2, [entry(1, "c.wav", status="failed")]),
    ]


def facts_of(state: JobState) -> dict[str, Any]:
    """What is known about a job, besides its number."""
    facts = observable_state(state)
    return {name: value for name, value in facts.items() if name not in ("job", "half")}


def texts_of(run: Path) -> list[list[str]]:
    states = read_job_states(run)
    return [[turn.transcript for turn in state.transcript.turns] for state in states]


def problem_of(paths: Sequence[Path], into: Path, **options: Any) -> str:
    """Why runs cannot be merged. Nothing is left of the attempt."""
    with pytest.raises((UsageProblem, RunFolderProblem)) as caught:
        merge_runs(paths, into, **options)
    assert not into.exists()
    assert [path.name for path in into.parent.glob(".*merging*")] == []
    return str(caught.value)


def test_a_merged_run_has_the_jobs_of_all_runs(tmp_path: Path) -> None:
    """Each is what it was: its attempts, its words, how it ended."""
    parts = [write_sample_run(tmp_path / "sample"), *two_shards(tmp_path)]
    result = merge_runs(parts, tmp_path / "all")

    before = [facts_of(state) for part in parts for state in read_job_states(part)]
    after = read_job_states(tmp_path / "all")
    assert before == [facts_of(state) for state in after]
    assert [1, 2, 3, 4, 5, 6] == [state.job for state in after]
    assert {"done": 4, "cancelled": 1, "failed": 1} == dict(result.statuses)


def test_a_merged_run_remembers_what_it_was_made_of(tmp_path: Path) -> None:
    """And which job comes from where; but it is no shard."""
    merge_runs(two_shards(tmp_path), tmp_path / "all")
    merge_runs([tmp_path / "all", write_sample_run(tmp_path / "sample")], tmp_path / "more")

    saved = read_index(tmp_path / "more").saved
    assert saved.shard is None
    assert [Shard(1, 2), Shard(2, 2), None] == [part.shard for part in saved.parts]
    assert ["one", "two", "sample"] == [part.run for part in saved.parts]
    assert [1, 1, 2, 3, 3, 3] == [job.saved.part for job in read_index(tmp_path / "more").jobs]


def test_nothing_is_copied_on_one_disk(tmp_path: Path) -> None:
    """A trace has a second name, so the merged run stays whole without the others. Empty logs are
    left out."""
    parts = two_shards(tmp_path)
    (parts[0] / "0001-1.1.log").write_bytes(b"")
    (parts[0] / "0002-2.1.log").write_bytes(b"a library complained")
    (parts[1] / "0001-1.1.refused-1.trace.jsonl").write_bytes(b"")
    result = merge_runs(parts, tmp_path / "all")

    assert (5, 0, 0) == (result.linked_files, result.copied_files, result.copied_bytes)
    names = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert names == [
        "0001-1.1.trace.jsonl",
        "0002-2.1.log",
        "0002-2.1.trace.jsonl",
        "0003-1.1.refused-1.trace.jsonl",
        "0003-1.1.trace.jsonl",
        "run.json",
        "run.lock",
    ]
    assert os.path.samefile(
        parts[1] / "0001-1.1.trace.jsonl", tmp_path / "all" / "0003-1.1.trace.jsonl"
    )
    before = texts_of(tmp_path / "all")
    for part in parts:
        shutil.rmtree(part)
    assert before == texts_of(tmp_path / "all")


def test_files_of_another_disk_are_copied(tmp_path: Path) -> None:
    """They have the same content, and no second name."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    parts = two_shards(tmp_path)
    into = memory / f"paceline-{os.getpid()}"
    try:
        result = merge_runs(parts, into)
        sizes = [path.stat().st_size for part in parts for path in part.glob("*.trace.jsonl")]
        assert (0, 3, sum(sizes)) == (
            result.linked_files, result.copied_files, result.copied_bytes
        )  # fmt: skip
        assert texts_of(parts[0]) + texts_of(parts[1]) == texts_of(into)
        assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in into.iterdir()}
    finally:
        shutil.rmtree(into, ignore_errors=True)


def test_the_group_may_read_a_merged_run_for_the_group(tmp_path: Path) -> None:
    """Private traces are copied, since a second name would have their mode, and those that the
    group may read already are linked."""
    parts = two_shards(tmp_path)
    for path in parts[0].iterdir():
        path.chmod(0o600)
    for path in parts[1].iterdir():
        path.chmod(0o640)
    result = merge_runs(parts, tmp_path / "all", for_group=True)

    assert (1, 2) == (result.linked_files, result.copied_files)
    files = [*(tmp_path / "all").iterdir()]
    assert {0o640} == {stat.S_IMODE(path.stat().st_mode) for path in files}
    assert 0o750 == stat.S_IMODE((tmp_path / "all").stat().st_mode)
    assert read_index(tmp_path / "all").saved.shared_with_group
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in parts[0].iterdir()}


def test_calls_that_are_split_stay_pairs(tmp_path: Path) -> None:
    """Their two jobs and their number are next to each other."""

    def halves(pair: int) -> list[dict[str, Any]]:
        return [
            entry(pair + at, "call.wav", half={"pair": pair, "channel": at, "speaker": name})
            for at, name in ((1, "agent"), (2, "caller"))
        ]

    one = write_shard(tmp_path / "one", 1, [entry(1, "a.wav"), *halves(2)])
    two = write_run_folder(tmp_path / "two", [*halves(1)], shard={"number": 2, "count": 2})
    (tmp_path / "two" / INDEX_NAME).write_text(
        (two / INDEX_NAME).read_text().replace("call.wav", "other.wav")
    )
    merge_runs([one, two], tmp_path / "all")

    jobs = read_index(tmp_path / "all").jobs
    assert [1, 3, 4, 6, 7] == [job.id for job in jobs]
    assert [None, 2, 2, 5, 5] == [job.half and job.half.pair for job in jobs]
    assert [1, 2, 5] == [state.job for state in read_job_states(tmp_path / "all")]


def test_many_jobs_are_divided_among_folders(tmp_path: Path) -> None:
    """As in any run; the numbers of their files change with those of the jobs."""
    parts = []
    for number, count in ((1, 150), (2, 60)):
        jobs = [entry(at, f"{number}/{at}.wav") for at in range(1, count + 1)]
        parts.append(write_shard(tmp_path / f"{number}", number, jobs))
    merge_runs(parts, tmp_path / "all")

    assert 10 == len([*(tmp_path / "all" / "jobs-0201-0400").iterdir()])
    assert texts_of(tmp_path / "all")[209] == ["This is 2/60.wav."]
    merge_runs([tmp_path / "all"], tmp_path / "again")
    assert texts_of(tmp_path / "all") == texts_of(tmp_path / "again")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_run_that_was_killed_is_merged_as_far_as_it_came(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Its index and its trace may end at any byte. What reads it alone, reads the same in the
    merged run."""
    folder = tmp_path_factory.mktemp("killed")
    one, two = two_shards(folder)
    changes = "".join(
        json.dumps({"job": job}) + "\n"
        for job in (entry(2, "d.wav", status="streaming"), entry(1, "c.wav", status="streaming"))
    ).encode()
    (two / CHANGES_NAME).write_bytes(changes[: data.draw(st.integers(0, len(changes)))])
    trace = next(two.glob("*.trace.jsonl"))
    whole = trace.read_bytes()
    trace.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    merge_runs([one, two], folder / "all")

    before = [facts_of(state) for part in (one, two) for state in read_run(part).jobs]
    assert before == [facts_of(state) for state in read_run(folder / "all").jobs]


def test_a_merged_run_can_be_resumed(tmp_path: Path) -> None:
    """Its unfinished jobs continue where they broke; new attempts follow the old ones."""
    merge_runs(two_shards(tmp_path), tmp_path / "all")

    states = {state.file: state for state in read_run(tmp_path / "all").jobs}
    broken = states["/machine/rec/c.wav"]
    assert not broken.is_settled
    assert 1 == broken.resume_point.turn
    with closing(run_folder.reopen(tmp_path / "all")) as folder:
        assert 2 == folder.next_attempt(JobId(3), 1, "1.wav")


# --- recordings in several runs


def test_a_result_replaces_what_is_unfinished(tmp_path: Path) -> None:
    """A machine died, and another one took its shard, which had the files in another place."""
    died = write_shard(tmp_path / "died", 1, [entry(1, "a.wav", status="streaming")])
    again = write_shard(tmp_path / "again", 1, [entry(1, "a.wav"), entry(2, "b.wav")])
    text = (again / INDEX_NAME).read_text().replace("/machine/", "/other/place/")
    (again / INDEX_NAME).write_text(text)
    for number, order in enumerate(([died, again], [again, died])):
        result = merge_runs(order, tmp_path / f"all-{number}")

        assert {"done": 2} == dict(result.statuses)
        assert 1 == result.doubled


def test_what_came_furthest_continues(tmp_path: Path) -> None:
    """Of two attempts that broke; the first of equal ones."""
    texts = (["One."], ["One.", "Two.", "Three."], ["Uno.", "Dos.", "Tres."])
    parts = [
        write_shard(tmp_path / f"{at}", 1, [entry(1, "a.wav", status="failed", texts=spoken)])
        for at, spoken in enumerate(texts)
    ]
    merge_runs(parts, tmp_path / "all")

    assert [["One.", "Two.", "Three."]] == texts_of(tmp_path / "all")


def test_two_results_of_a_recording_are_a_conflict(tmp_path: Path) -> None:
    """Only the user knows which one is right."""
    one = write_shard(tmp_path / "one", 1, [entry(1, "a.wav", texts=["One."])])
    two = write_shard(tmp_path / "two", 1, [entry(1, "b.wav"), entry(2, "a.wav", texts=["Two."])])
    trace = two / "0002-2.1.trace.jsonl"
    trace.write_text(trace.read_text().replace("T09:00:00", "T10:00:00"))

    assert problem_of([one, two], tmp_path / "all") == (
        f"the runs cannot be merged:\n/machine/rec/a.wav is done in {one} and in {two}. Leave one "
        "of the runs out, or take the first result of each with --keep-first."
    )
    merge_runs([two, one], tmp_path / "all", keep_first=True)
    assert [["This is b.wav."], ["Two."]] == texts_of(tmp_path / "all")


def test_a_result_that_two_merged_runs_share_is_no_conflict(tmp_path: Path) -> None:
    """Merging may be done in steps, which may overlap."""
    one, two = two_shards(tmp_path)
    merge_runs([one, two], tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "copy")
    merge_runs([one, tmp_path / "first", tmp_path / "copy"], tmp_path / "all")

    assert texts_of(tmp_path / "first") == texts_of(tmp_path / "all")


def test_different_files_with_one_name_are_a_conflict(tmp_path: Path) -> None:
    """Even if neither is done: the words would belong to another recording."""
    one = write_shard(tmp_path / "one", 1, [entry(1, "a.wav", sha256="a" * 64)])
    two = write_shard(tmp_path / "two", 1, [entry(1, "a.wav", sha256="b" * 64, status="failed")])

    assert problem_of([one, two], tmp_path / "all", keep_first=True) == (
        f"the runs cannot be merged:\n/machine/rec/a.wav has different content in {one} and {two} "
        "(SHA-256 aaaaaaaa and bbbbbbbb). Leave out the run with the wrong file."
    )


def test_runs_of_different_lists_may_have_equal_paths(tmp_path: Path) -> None:
    """Without shards, only the name that the user wrote counts, or equal content."""

    def run(name: str, folder: str, **known: Any) -> Path:
        job = entry(1, "1.wav", **known) | {"file": f"{folder}/1.wav", "path": f"{folder}/1.wav"}
        return write_run_folder(tmp_path / name, [job])

    one = run("one", "/monday", sha256="a" * 64)
    two = run("two", "/tuesday", sha256="b" * 64)
    unread = run("unread", "/wednesday", status="queued")
    same = run("same", "/copy/of/monday", sha256="a" * 64, status="failed")
    merge_runs([one, two, unread, same], tmp_path / "all")

    files = [job.file for job in read_index(tmp_path / "all").jobs]
    assert ["/monday/1.wav", "/tuesday/1.wav", "/wednesday/1.wav"] == files


def test_conditions_and_parts_of_a_recording_are_apart(tmp_path: Path) -> None:
    """A run with a matrix has each recording several times, and so may a manifest."""

    def jobs() -> list[dict[str, Any]]:
        made = []
        for number, value in enumerate(("50", "100"), 1):
            job = entry(number, "a.wav")
            job["source"] = {"file": job["file"], "conditions": [["chunk_ms", value]]}
            made.append(job)
        return [*made, entry(3, "a.wav"), entry(4, "a.wav")]

    one = write_run_folder(tmp_path / "one", jobs(), shard={"number": 1, "count": 1})
    two = write_run_folder(
        tmp_path / "two",
        [job | {"status": "failed"} for job in jobs()],
        shard={"number": 1, "count": 1},
    )
    result = merge_runs([one, two], tmp_path / "all")

    assert {"done": 4} == dict(result.statuses)
    assert 4 == result.doubled


# --- conflicts between runs


def test_runs_with_different_settings_are_not_merged(tmp_path: Path) -> None:
    """Each difference is named, with its values."""
    one, two = two_shards(tmp_path)

    def change(**settings: Any) -> None:
        index = json.loads((two / INDEX_NAME).read_text())
        index["settings"] = settings
        (two / INDEX_NAME).write_text(json.dumps(index))

    change(chunk_ms=50, speech_model="u3", release="end", params=[["language", "de"]])
    assert problem_of([one, two], tmp_path / "all") == (
        "the runs cannot be merged:\n"
        f"chunk_ms is 100 in {one} and 50 in {two}\n"
        f"release is start in {one} and end in {two}\n"
        f"speech_model is u3-rt-pro in {one} and u3 in {two}\n"
        f"params is empty in {one} and language=de in {two}. "
        "Runs with different settings are compared, not merged: paceline compare."
    )
    change()
    index = (two / INDEX_NAME).read_text()
    (two / INDEX_NAME).write_text(index.replace("127.0.0.1:1/", "127.0.0.1:2/"))
    assert f"{one} streamed to ws://127.0.0.1:1/v3/ws and {two} to ws://127.0.0.1:2/v3/ws" in (
        problem_of([one, two], tmp_path / "all")
    )


def test_embedded_engines_are_the_same_server(tmp_path: Path) -> None:
    """Although each run has one at another address. A run that never began has none."""
    servers = [
        {"kind": "embedded", "url": f"ws://127.0.0.1:{port}/v3/ws", "name": "embedded engine"}
        for port in (1, 2)
    ]
    parts = [
        write_shard(tmp_path / f"{at}", at, [entry(1, f"{at}.wav")], endpoint=server, count=3)
        for at, server in enumerate([*servers, None], 1)
    ]

    assert merge_runs(parts, tmp_path / "all").statuses.total() == 3


def test_shards_of_different_divisions_are_not_merged(tmp_path: Path) -> None:
    """Recordings could be in both, or in neither."""
    one = write_shard(tmp_path / "one", 1, [entry(1, "a.wav")], count=2)
    two = write_shard(tmp_path / "two", 2, [entry(1, "b.wav")], count=3)

    assert (
        f"{one} is shard 1 of 2, but {two} is shard 2 of 3. Merge the shards of one division"
        in (problem_of([one, two], tmp_path / "all"))
    )


def test_missing_shards_are_named(tmp_path: Path) -> None:
    """A shard without recordings is not missing; a rerun of one is no other shard."""
    empty = write_shard(tmp_path / "empty", 2, [], count=4)
    one = write_shard(tmp_path / "one", 4, [entry(1, "a.wav", status="failed")], count=4)
    again = write_shard(tmp_path / "again", 4, [entry(1, "a.wav")], count=4)

    result = merge_runs([empty, one, again], tmp_path / "all")
    assert (Shard(1, 4), Shard(3, 4)) == result.missing_shards
    three = write_shard(tmp_path / "three", 3, [], count=4)
    assert (Shard(1, 4),) == merge_runs([tmp_path / "all", three], tmp_path / "more").missing_shards
    merge_runs([empty], tmp_path / "nothing")
    assert read_job_states(tmp_path / "nothing") == []


def test_a_shard_that_ended_while_its_folder_was_searched_is_named(tmp_path: Path) -> None:
    """Unless another run has all of it."""
    one = write_shard(tmp_path / "one", 1, [entry(1, "a.wav")])
    two = write_shard(tmp_path / "two", 2, [entry(1, "b.wav")], is_listed=False)
    result = merge_runs([one, two], tmp_path / "all")
    assert ((), (Shard(2, 2),)) == (result.missing_shards, result.unlisted_shards)

    again = write_shard(tmp_path / "again", 2, [entry(1, "b.wav"), entry(2, "c.wav")])
    assert () == merge_runs([tmp_path / "all", again], tmp_path / "more").unlisted_shards


def test_not_all_conflicts_are_listed(tmp_path: Path) -> None:
    """Nobody reads thousands of lines."""
    numbers = range(1, MAX_CONFLICTS + 6)
    one, two = (
        write_run_folder(
            tmp_path / name, [entry(at, f"{at}.wav", sha256=letter * 64) for at in numbers]
        )
        for name, letter in (("one", "a"), ("two", "b"))
    )

    lines = problem_of([one, two], tmp_path / "all").splitlines()
    assert MAX_CONFLICTS + 2 == len(lines)
    assert lines[-1].startswith("and 5 more conflicts. ")


# --- places


def test_a_run_in_progress_is_not_merged(tmp_path: Path) -> None:
    """Its files still grow."""
    one, two = two_shards(tmp_path)
    lock = run_lock.acquire(two)
    try:
        assert f"another program is working on {two}" in problem_of([one, two], tmp_path / "all")
    finally:
        lock.release()
    merge_runs([one, two], tmp_path / "all")
    run_lock.acquire(two).release()  # it may be resumed afterwards


def test_the_new_run_needs_a_place_of_its_own(tmp_path: Path) -> None:
    """Nothing is replaced, and it does not lie in what may be deleted."""
    one, two = two_shards(tmp_path)
    for into, problem in (
        (one, "is one of the runs to be merged"),
        (two / "all", "is one of the runs to be merged"),
    ):
        with pytest.raises(UsageProblem, match=problem):
            merge_runs([one, two], into)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    with pytest.raises(UsageProblem, match="full is not empty"):
        merge_runs([one, two], tmp_path / "full")
    with pytest.raises(UsageProblem, match="is named twice"):
        merge_runs([one, tmp_path / "x" / ".." / "one"], tmp_path / "all")
    (tmp_path / "empty").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "empty")
    merge_runs([one, two], tmp_path / "linked")
    merge_runs([one, two], tmp_path / "new" / "folder" / "all")
    assert texts_of(tmp_path / "empty") == texts_of(tmp_path / "new" / "folder" / "all")


def test_what_a_killed_merge_left_is_replaced(tmp_path: Path) -> None:
    """The new run appears as a whole or not at all; while another merge works, it is refused."""
    parts = two_shards(tmp_path)
    left = tmp_path / ".all.merging"
    (left / "jobs-0201-0400").mkdir(parents=True)
    (left / "jobs-0201-0400" / "0201-x.1.trace.jsonl").touch()
    (left / "0001-x.1.trace.jsonl").symlink_to(parts[0] / INDEX_NAME)
    lock = run_lock.acquire(left)
    try:
        with pytest.raises(RunFolderProblem, match="another program is working on"):
            merge_runs(parts, tmp_path / "all")
    finally:
        lock.release()
    merge_runs(parts, tmp_path / "all")

    assert not left.exists()
    assert (parts[0] / INDEX_NAME).exists()
    assert 3 == len(read_job_states(tmp_path / "all"))


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """A run may come from somebody else."""
    one, two = two_shards(tmp_path)
    (tmp_path / "secret").write_text("secret")
    (two / "0001-1.1.trace.jsonl").unlink()
    (two / "0001-1.1.trace.jsonl").symlink_to(tmp_path / "secret")

    assert "cannot be written" in problem_of([one, two], tmp_path / "all")


def test_a_damaged_run_is_named(tmp_path: Path) -> None:
    """With the field that is wrong."""
    one, two = two_shards(tmp_path)
    (two / INDEX_NAME).write_text('{"format": 1, "jobs": [{"id": "x"}]}')

    assert f"{two / INDEX_NAME}: jobs[0].id is 'x'" in problem_of([one, two], tmp_path / "all")


# --- recordings from the network


@pytest.fixture
def remote_runs(tmp_path: Path) -> list[Path]:
    """A run with a recording that has arrived, one with half of one, and one that needs neither."""
    runs = []
    for number, status in enumerate(("failed", "failed", "done"), 1):
        url = f"https://rec.example/{number}.wav"
        job = index_entry(1, file=url, path=url, status=status, attempt=1)
        run = write_run_folder(tmp_path / f"{number}", [job])
        with SpoolWriter(run / spool_name(1, url)) as spool:
            spool.write(b"audio")
            if number != 2:
                spool.finish()
        runs.append(run)
    return runs


def test_what_had_arrived_is_taken_along(tmp_path: Path, remote_runs: list[Path]) -> None:
    """Where it is still needed. What is to be appended to is copied, so that the part stays as it
    is."""
    result = merge_runs(remote_runs, tmp_path / "all")

    names = sorted(path.name for path in (tmp_path / "all").glob("*.recording*"))
    assert names == ["0001.recording.wav", "0002.recording.wav", "0002.recording.wav.part"]
    assert (1, 2) == (result.linked_files, result.copied_files)
    with SpoolWriter(tmp_path / "all" / "0002.recording.wav") as spool:
        spool.write(b" and more")
    assert b"audio" == (remote_runs[1] / "0001.recording.wav").read_bytes()
    with closing(run_folder.reopen(tmp_path / "all")) as folder:
        assert Source("https://rec.example/1.wav") == folder.source_of(JobId(1))
        assert folder.recording_path(JobId(2)) == f"{tmp_path}/all/0002.recording.wav"
