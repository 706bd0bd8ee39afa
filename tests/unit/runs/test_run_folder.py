import json
import os
import platform
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.support.report_builders import connecting, ended_done, report
from tests.support.run_builders import save
from workers.audio.source import Source
from workers.errors import RunFolderProblem
from workers.jobs.events import Event
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.messages import UpdateConfiguration
from workers.runs import run_folder
from workers.runs.index import (
    CHANGES_NAME,
    COMPLETE_VERSION,
    DIVIDED_VERSION,
    INDEX_NAME,
    PARTIAL_VERSION,
    read_index,
)
from workers.runs.run_folder import MAX_CHANGES_BYTES

ONE, TWO = JobId(1), JobId(2)
CHANGES = UpdateConfiguration(max_turn_silence=300, keyterms_prompt=("Halvorsen",))


def after(event: Event) -> JobState:
    job_state = JobState(ONE, "1.wav")
    job_state.apply(report(ONE, event))
    return job_state


def left(folder: Path) -> None:
    """A run of two jobs, steered and saved."""
    with closing(run_folder.create(folder)) as made:
        for job in (ONE, TWO):
            made.add_job(job, Source(f"{job}.wav"))
        made.set_order([TWO, ONE])
        made.set_changes(ONE, CHANGES)
        made.set_header(None, StreamSettings())  # what was noted before stays
        save(made)


def test_order_and_changes_are_there_when_a_run_goes_on(tmp_path: Path) -> None:
    """A change that is undone is no change."""
    left(tmp_path / "run")
    with closing(run_folder.reopen(tmp_path / "run")) as again:
        assert again.order == [TWO, ONE]
        assert again.changes_of(ONE) == CHANGES
        assert again.changes_of(TWO) == NO_CHANGES
        assert again.take_unsaved() is None

        again.set_changes(ONE, CHANGES)
        assert again.take_unsaved() is None
        again.set_changes(ONE, NO_CHANGES)
        assert again.take_unsaved() is not None
        assert again.changes_of(ONE) == NO_CHANGES


def test_a_run_of_nothing_is_none(tmp_path: Path) -> None:
    """If the program is killed before it has files, `resume` does not claim that all is done."""
    with closing(run_folder.create(tmp_path / "run")) as made:
        made.set_header(None, StreamSettings())
        assert made.take_unsaved() is None
        made.add_job(ONE, Source("1.wav"))
        save(made)
    index = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps(index | {"jobs": []}))

    with pytest.raises(RunFolderProblem, match="lists no recordings"):
        run_folder.reopen(tmp_path / "run")
    assert (tmp_path / "run" / "run.json").exists()


def test_a_recording_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path counts from where the run started, or else as it was named."""
    there, here = tmp_path / "there", tmp_path / "here"
    for folder in (there, here):
        folder.mkdir()
    (there / "1.wav").touch()
    monkeypatch.chdir(there)
    left(tmp_path / "run")
    monkeypatch.chdir(here)
    with closing(run_folder.reopen(tmp_path / "run")) as again:
        assert again.recording_path(ONE) == str(there / "1.wav")
        assert again.recording_path(TWO) == "2.wav"

    here.rmdir()
    with closing(run_folder.create(tmp_path / "other")) as made:
        made.add_job(ONE, Source("1.wav"))
        assert made.recording_path(ONE) == "1.wav"


def test_what_streamed_it_is_noted_when_a_session_does(tmp_path: Path) -> None:
    """It stays when the run is resumed without one."""
    left(tmp_path / "run")
    with closing(run_folder.reopen(tmp_path / "run")) as again:
        assert "versions" not in read_index(again.path).header
        again.record(after(connecting()), report(ONE, connecting()))
        again.set_header(None, StreamSettings())
        save(again)
        head = read_index(again.path).header

    assert isinstance(head["versions"], dict)
    assert isinstance(head["host"], dict)
    assert head["versions"]["numpy"] == np.__version__
    assert head["host"]["python"] == platform.python_version()


def content(folder: Path) -> dict[int, object]:
    """The status of each job as another program reads it."""
    return {job.id: job.saved.status for job in read_index(folder).jobs}


def test_a_change_is_appended_and_the_index_is_whole_in_the_end(tmp_path: Path) -> None:
    """So a change costs the same in a run of any size, and a finished run is one file."""
    folder = tmp_path / "run"
    with closing(run_folder.create(folder)) as made:
        for job in (ONE, TWO):
            made.add_job(job, Source(f"{job}.wav"))
        save(made)
        whole = (folder / INDEX_NAME).read_bytes()
        made.record(after(ended_done()), report(ONE, ended_done()))
        save(made)

        assert (folder / INDEX_NAME).read_bytes() == whole
        assert json.loads(whole)["format"] == PARTIAL_VERSION
        assert (folder / CHANGES_NAME).read_text().count("\n") == 1
        assert content(folder) == {ONE: "done", TWO: "queued"}

        save(made, final=True)
        assert json.loads((folder / INDEX_NAME).read_bytes())["format"] == COMPLETE_VERSION
        assert not (folder / CHANGES_NAME).exists()
        assert content(folder) == {ONE: "done", TWO: "queued"}


def test_nothing_is_lost_wherever_the_program_is_killed(tmp_path: Path) -> None:
    """Every prefix of the changes is a state that the run was in, and the run goes on from it."""
    folder = tmp_path / "run"
    with closing(run_folder.create(folder)) as made:
        made.add_job(ONE, Source("caf\udce9\n.wav"))
        save(made)
        made.record(after(connecting()), report(ONE, connecting()))
        save(made)
        made.add_job(TWO, Source("2.wav"))
        save(made)
    changes = (folder / CHANGES_NAME).read_bytes()
    states = []
    for size in range(len(changes) + 1):
        (folder / CHANGES_NAME).write_bytes(changes[:size])
        if content(folder) not in states:
            states.append(content(folder))

    assert states == [{ONE: "queued"}, {ONE: "connecting"}, {ONE: "connecting", TWO: "queued"}]

    torn = changes[: changes.rindex(b"\n", 0, -1) + 20]
    (folder / CHANGES_NAME).write_bytes(torn)
    with closing(run_folder.reopen(folder)) as again:
        again.add_job(TWO, Source("3.wav"))
        save(again)
        (folder / CHANGES_NAME).write_bytes(torn)  # killed before the changes were removed

    assert content(folder) == {ONE: "connecting", TWO: "queued"}


def test_changes_that_a_new_index_includes_change_nothing(tmp_path: Path) -> None:
    """The program may be killed after it replaced the index and before it removed the changes."""
    folder = tmp_path / "run"
    with closing(run_folder.create(folder)) as made:
        made.add_job(ONE, Source("1.wav"))
        save(made)
        made.record(after(connecting()), report(ONE, connecting()))
        save(made)
        made.record(after(ended_done()), report(ONE, ended_done()))
        with open(folder / CHANGES_NAME, "rb") as changes:
            save(made, final=True)
            (folder / CHANGES_NAME).write_bytes(changes.read())

    assert content(folder) == {ONE: "done"}


def test_many_changes_become_a_new_index(tmp_path: Path) -> None:
    """A run of weeks with a server that refuses sessions must not fill the disk."""
    folder, long = tmp_path / "run", "x" * 100_000
    with closing(run_folder.create(folder)) as made:
        made.add_job(ONE, Source("1.wav"))
        save(made)
        sizes = []
        for number in range(3 * MAX_CHANGES_BYTES // len(long)):
            made.set_changes(ONE, UpdateConfiguration(keyterms_prompt=(f"{number} {long}",)))
            save(made)
            changes = folder / CHANGES_NAME
            sizes.append(changes.stat().st_size if changes.exists() else 0)
        latest = made.changes_of(ONE)

    assert max(sizes) < MAX_CHANGES_BYTES + 2 * len(long)
    assert sizes.count(0) >= 2
    with closing(run_folder.reopen(folder)) as again:
        assert again.changes_of(ONE) == latest


def test_a_failed_save_is_made_up_for(tmp_path: Path) -> None:
    """The disk may be full for a while."""
    folder = tmp_path / "run"
    with closing(run_folder.create(folder)) as made:
        made.add_job(ONE, Source("1.wav"))
        save(made)
        (folder / CHANGES_NAME).mkdir()
        made.add_job(TWO, Source("2.wav"))
        unsaved = made.take_unsaved()
        assert unsaved is not None
        with pytest.raises(OSError, match="directory"):
            made.save(unsaved)
        made.mark_unsaved(unsaved)
        assert not made.is_job_saved(TWO)
        (folder / CHANGES_NAME).rmdir()
        save(made)

    assert content(folder) == {ONE: "queued", TWO: "queued"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"caf\xe9.wav", id="not UTF-8"),
        pytest.param(b"two\nlines \x1b[2J.wav", id="a line break and an escape"),
        pytest.param("\u202evaw.wav".encode(), id="from right to left"),
        pytest.param(b"x" * 251 + b".wav", id="255 bytes"),
        pytest.param('\u2028\x85{"job": 1}.wav'.encode(), id="other line breaks, and JSON"),
    ],
)
def test_any_name_is_found_again_when_a_run_goes_on(tmp_path: Path, name: bytes) -> None:
    """Also by its changes, one of which is one line."""
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb") as file:
        file.write(b"audio")
    folder = tmp_path / "run"
    with closing(run_folder.create(folder)) as made:
        made.add_job(ONE, Source("1.wav"))
        save(made)
        made.add_job(TWO, Source(os.fsdecode(path)))
        save(made)
        assert len((folder / CHANGES_NAME).read_bytes().splitlines()) == 1
    with closing(run_folder.reopen(folder)) as again:
        assert os.fsencode(again.recording_path(TWO)) == path
        assert again.source_of(TWO) == Source(os.fsdecode(path))


def format_of(folder: Path) -> object:
    return json.loads((folder / INDEX_NAME).read_bytes())["format"]


def test_a_run_of_many_jobs_has_another_format_before_its_files_are_divided(tmp_path: Path) -> None:
    """So an earlier program, which would not find them, refuses the run."""
    folder = tmp_path / "run"
    with closing(run_folder.create(folder)) as made:
        for number in range(1, 201):
            made.add_job(JobId(number), Source("a.wav"))
        save(made)
        assert made.attempt_files(JobId(200), 1, "a.wav")[0].parent == folder
        assert format_of(folder) == PARTIAL_VERSION

        made.add_job(JobId(201), Source("a.wav"))
        save(made)
        trace, _ = made.attempt_files(JobId(201), 1, "a.wav")
        assert format_of(folder) == DIVIDED_VERSION
        assert trace.parent == folder / "jobs-0201-0400"
        assert trace.parent.is_dir()
        save(made, final=True)
        assert format_of(folder) == DIVIDED_VERSION
    assert len(read_index(folder).jobs) == 201


def test_no_session_writes_through_a_link(tmp_path: Path) -> None:
    """A run folder may come from somebody else, with a link in the place of a folder."""
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with closing(run_folder.create(folder)) as made:
        made.add_job(JobId(201), Source("a.wav"))
        save(made)
        (folder / "jobs-0201-0400").symlink_to(elsewhere)
        with pytest.raises(OSError, match="not followed"):
            made.attempt_files(JobId(201), 1, "a.wav")
