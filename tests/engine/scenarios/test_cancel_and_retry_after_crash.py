"""What the user asks for again, or no more, is so whatever ended the program meanwhile."""

import json
import time
from pathlib import Path

from tests.engine.scenarios.test_reconnection import RetriesTomorrow
from tests.engine.support import server_faults
from tests.engine.support.ground_truth import transcript_errors, write_numbered_recording
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import (
    LONG_ENOUGH,
    NO_RETRIES,
    resume_supervisor,
    run_supervisor,
)
from tests.engine.support.transcribing_server import DEFAULT_STYLE, transcribe
from workers.jobs.events import Connecting, Ended, Queued, Retrying
from workers.jobs.job_state import JobStatus
from workers.runs import reader
from workers.runs.index import CHANGES_NAME, INDEX_NAME, read_index


def index_when(folder: Path, status: JobStatus) -> dict[str, bytes]:
    """The files of the index as soon as its only job has that status."""
    deadline = time.monotonic() + LONG_ENOUGH
    while (written := read_index(folder).jobs[0].status) != status.value:
        assert time.monotonic() < deadline, written
        time.sleep(0.02)
    return {name: (folder / name).read_bytes() for name in (INDEX_NAME, CHANGES_NAME)}


def restore_index(folder: Path, files: dict[str, bytes]) -> None:
    """Restores the files of the index as a kill would have left them."""
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_a_session_that_was_killed_before_it_called_has_used_its_number(tmp_path: Path) -> None:
    """Its trace exists but holds no event; the next attempt must not overwrite it."""
    truth, folder = write_numbered_recording(tmp_path, 9), tmp_path / "run"
    with (
        ScriptedServer(transcribe(DEFAULT_STYLE, server_faults.drop_connection, 5)) as endpoint,
        run_supervisor(endpoint.url, folder, retry_policy=NO_RETRIES) as observed,
    ):
        observed.supervisor.add([truth.path])
        observed.wait_until_idle()
    (first,) = folder.glob("*.1.trace.jsonl")
    head = first.read_bytes().splitlines(keepends=True)[0]
    (folder / first.name.replace(".1.", ".2.")).write_bytes(head)

    with (
        ScriptedServer(transcribe()) as endpoint,
        resume_supervisor(endpoint.url, folder, retry_policy=NO_RETRIES) as again,
    ):
        again.wait_until_idle()

    assert transcript_errors(truth, again.job_states[1]) == []
    assert again.job_states[1].attempt == 3


def test_what_was_cancelled_between_two_attempts_stays_cancelled(tmp_path: Path) -> None:
    """The attempt before broke, but the job was cancelled after that."""
    truth, folder = write_numbered_recording(tmp_path, 9), tmp_path / "run"
    with ScriptedServer(
        transcribe(DEFAULT_STYLE, server_faults.drop_connection, 5), transcribe()
    ) as endpoint:
        with run_supervisor(endpoint.url, folder, retry_policy=RetriesTomorrow()) as observed:
            (job,) = observed.supervisor.add([truth.path])
            observed.wait_for_event(Retrying)
            observed.supervisor.cancel(job)
            observed.wait_until_idle()
        with resume_supervisor(endpoint.url, folder) as again:
            again.wait_until_idle()
    (job_state,) = reader.read_job_states(folder)

    assert len(endpoint.received_sessions) == 1
    assert job_state.status is JobStatus.CANCELLED
    assert job_state.transcript.text == observed.job_states[1].transcript.text


def test_what_was_cancelled_and_is_wanted_again_is_not_forgotten(tmp_path: Path) -> None:
    """If the program is killed before the retry begins, the run remembers that it was requested."""
    truth, folder = write_numbered_recording(tmp_path, 3), tmp_path / "run"
    with ScriptedServer(transcribe()) as endpoint, run_supervisor(endpoint.url, folder) as observed:
        observed.supervisor.hold(True)
        (job,) = observed.supervisor.add([truth.path])
        observed.wait_for_event(Queued)
        observed.supervisor.cancel(job)
        index_when(folder, JobStatus.CANCELLED)
        observed.supervisor.retry(job)
        observed.wait_for_event(Queued, times=2)
        left = index_when(folder, JobStatus.QUEUED)
    restore_index(folder, left)
    (job_state,) = reader.read_run(folder).jobs

    assert not job_state.is_settled


def test_what_was_done_and_is_wanted_again_is_not_forgotten(tmp_path: Path) -> None:
    """If the program is killed before it begins, a resumed run streams it from the beginning."""
    truth, folder = write_numbered_recording(tmp_path, 3), tmp_path / "run"
    with ScriptedServer(transcribe()) as endpoint:
        with run_supervisor(endpoint.url, folder) as observed:
            (job,) = observed.supervisor.add([truth.path])
            observed.wait_until_idle()
            observed.supervisor.hold(True)
            observed.supervisor.retry(job)
            observed.wait_for_event(Queued, times=2)
            left = index_when(folder, JobStatus.QUEUED)
        restore_index(folder, left)
        with resume_supervisor(endpoint.url, folder) as again:
            again.wait_until_idle()
    (job_state,) = reader.read_job_states(folder)

    assert [event.from_ms for event in again.events_of(Connecting)] == [0]
    assert transcript_errors(truth, job_state) == []
    assert json.loads((folder / "run.json").read_text())["jobs"][0]["status"] == "done"


def test_a_file_that_was_away_for_a_moment_goes_on_where_it_broke(tmp_path: Path) -> None:
    """Its disk was not mounted. The file is not damaged, and what was streamed stays."""
    truth = write_numbered_recording(tmp_path, 9)
    with (
        ScriptedServer(
            transcribe(DEFAULT_STYLE, server_faults.drop_connection, 5), transcribe()
        ) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", retry_policy=NO_RETRIES) as observed,
    ):
        (job,) = observed.supervisor.add([truth.path])
        observed.wait_until_idle()
        away = Path(truth.path).rename(tmp_path / "away")
        observed.supervisor.retry(job)
        observed.wait_for_event(Ended, times=2)
        away.rename(truth.path)
        observed.supervisor.retry(job)
        observed.wait_until_idle()
    begun = [
        event.from_ms for event in observed.events_of(Connecting) if isinstance(event, Connecting)
    ]

    assert transcript_errors(truth, observed.job_states[1]) == []
    assert begun == [0, 380]
