import json
import platform
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.support.report_builders import connecting, ended_done, report
from workers.audio.source import Source
from workers.errors import RunFolderProblem
from workers.jobs.events import Event
from workers.jobs.job import JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.messages import UpdateConfiguration
from workers.runs import reader, run_folder

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
        made.save(made.take_index_text() or "", durable=False)


def test_order_and_changes_are_there_when_a_run_goes_on(tmp_path: Path) -> None:
    """A change that is undone is no change."""
    left(tmp_path / "run")
    with closing(run_folder.reopen(tmp_path / "run")) as again:
        assert again.order == [TWO, ONE]
        assert again.changes_of(ONE) == CHANGES
        assert again.changes_of(TWO) == NO_CHANGES
        assert again.take_index_text() is None

        again.set_changes(ONE, CHANGES)
        assert again.take_index_text() is None
        again.set_changes(ONE, NO_CHANGES)
        assert again.take_index_text() is not None
        assert again.changes_of(ONE) == NO_CHANGES


def test_a_run_of_nothing_is_none(tmp_path: Path) -> None:
    """If the program is killed before it has files, `resume` does not claim that all is done."""
    with closing(run_folder.create(tmp_path / "run")) as made:
        made.set_header(None, StreamSettings())
        assert made.take_index_text() is None
        made.add_job(ONE, Source("1.wav"))
        made.save(made.take_index_text() or "", durable=False)
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
        assert '"versions"' not in (again.take_index_text() or "")
        again.record(after(connecting()), report(ONE, connecting()))
        again.set_header(None, StreamSettings())
        head = json.loads(again.take_index_text() or "")

    assert head["versions"]["numpy"] == np.__version__
    assert head["host"]["python"] == platform.python_version()


DEEP = json.loads('{"x":' * 500 + "1" + "}" * 500)


@pytest.mark.parametrize("damaged", [7, "x", None, ["x"], {"max_turn_silence": "x"}, DEEP])
def test_what_cannot_be_read_of_them_is_left_out(tmp_path: Path, damaged: object) -> None:
    """A run folder may hold anything; the run is resumed anyway."""
    left(tmp_path / "run")
    index = json.loads((tmp_path / "run" / "run.json").read_text())
    index["order"] = damaged
    index["jobs"][0]["changes"] = index["jobs"][0]["attempts"] = damaged
    (tmp_path / "run" / "run.json").write_text(json.dumps(index))
    with closing(run_folder.reopen(tmp_path / "run")) as again:
        assert again.order == []
        assert again.changes_of(ONE) == NO_CHANGES
        again.record(after(ended_done()), report(ONE, ended_done()))
        assert '"attempts": {' in (again.take_index_text() or "")


def test_a_number_that_is_none_is_no_job(tmp_path: Path) -> None:
    """In Python, true equals 1, and must not be written for it."""
    left(tmp_path / "run")
    index = json.loads((tmp_path / "run" / "run.json").read_text())
    index["jobs"][0]["id"] = True
    (tmp_path / "run" / "run.json").write_text(json.dumps(index))
    with closing(run_folder.reopen(tmp_path / "run")) as again:
        assert again.changes_of(TWO) == NO_CHANGES
    assert [TWO] == [job_state.job for job_state in reader.read_job_states(tmp_path / "run")]
