"""What the user asks for again, or no more, is so whatever ended the program meanwhile."""

import json
import time
from pathlib import Path
from typing import Any

from tests.engine.scenarios.test_reconnection import Tomorrow
from tests.engine.support import server_faults
from tests.engine.support.ground_truth import complaints, record
from tests.engine.support.scripted_server import Endpoint
from tests.engine.support.supervisor_harness import LONG_ENOUGH, ONCE, resumed, supervised
from tests.engine.support.transcribing_server import PLAIN, telling
from workers.jobs.events import Connecting, Ended, Queued, Retrying
from workers.jobs.job_state import Status
from workers.runs import reader


def index_when(folder: Path, status: Status) -> str:
    """The index as soon as its only job has that status."""
    deadline = time.monotonic() + LONG_ENOUGH
    while time.monotonic() < deadline:
        written = (folder / "run.json").read_text()
        job: dict[str, Any] = json.loads(written)["jobs"][0]
        if job["status"] == status.value:
            return written
        time.sleep(0.02)
    raise AssertionError(written)


def test_a_session_that_was_killed_before_it_called_has_used_its_number(tmp_path: Path) -> None:
    """Its trace holds no event, and is there: the next attempt cannot write it again."""
    truth, folder = record(tmp_path, 9), tmp_path / "run"
    with (
        Endpoint(telling(PLAIN, server_faults.cut, 5)) as endpoint,
        supervised(endpoint.url, folder, retries=ONCE) as watched,
    ):
        watched.supervisor.add([truth.path])
        watched.until_idle()
    (first,) = folder.glob("*.1.trace.jsonl")
    head = first.read_bytes().splitlines(keepends=True)[0]
    (folder / first.name.replace(".1.", ".2.")).write_bytes(head)

    with Endpoint(telling()) as endpoint, resumed(endpoint.url, folder, retries=ONCE) as again:
        again.until_idle()

    assert complaints(truth, again.histories[1]) == []
    assert again.histories[1].attempt == 3


def test_what_was_cancelled_between_two_attempts_stays_cancelled(tmp_path: Path) -> None:
    """The one before broke; that is not the last word about the job."""
    truth, folder = record(tmp_path, 9), tmp_path / "run"
    with Endpoint(telling(PLAIN, server_faults.cut, 5), telling()) as endpoint:
        with supervised(endpoint.url, folder, retries=Tomorrow()) as watched:
            (job,) = watched.supervisor.add([truth.path])
            watched.until_said(Retrying)
            watched.supervisor.cancel(job)
            watched.until_idle()
        with resumed(endpoint.url, folder) as again:
            again.until_idle()
    (history,) = reader.histories(folder)

    assert len(endpoint.heard) == 1
    assert history.status is Status.CANCELLED
    assert history.transcript.text == watched.histories[1].transcript.text


def test_what_was_cancelled_and_is_wanted_again_is_not_forgotten(tmp_path: Path) -> None:
    """Killed before it began, the program leaves what the user asked for last."""
    truth, folder = record(tmp_path, 3), tmp_path / "run"
    with Endpoint(telling()) as endpoint, supervised(endpoint.url, folder) as watched:
        watched.supervisor.hold(True)
        (job,) = watched.supervisor.add([truth.path])
        watched.until_said(Queued)
        watched.supervisor.cancel(job)
        index_when(folder, Status.CANCELLED)
        watched.supervisor.retry(job)
        watched.until_said(Queued, times=2)
        left = index_when(folder, Status.QUEUED)
    (folder / "run.json").write_text(left)  # as a kill would have left it
    (history,) = reader.past(folder).histories

    assert not history.finished


def test_what_was_done_and_is_wanted_again_is_not_forgotten(tmp_path: Path) -> None:
    """Killed before it began, it is streamed anew by whoever goes on with the run."""
    truth, folder = record(tmp_path, 3), tmp_path / "run"
    with Endpoint(telling()) as endpoint:
        with supervised(endpoint.url, folder) as watched:
            (job,) = watched.supervisor.add([truth.path])
            watched.until_idle()
            watched.supervisor.hold(True)
            watched.supervisor.retry(job)
            watched.until_said(Queued, times=2)
            left = index_when(folder, Status.QUEUED)
        (folder / "run.json").write_text(left)  # as a kill would have left it
        with resumed(endpoint.url, folder) as again:
            again.until_idle()
    (history,) = reader.histories(folder)

    assert [event.from_ms for event in again.said(Connecting)] == [0]
    assert complaints(truth, history) == []
    assert json.loads((folder / "run.json").read_text())["jobs"][0]["status"] == "done"


def test_a_file_that_was_away_for_a_moment_goes_on_where_it_broke(tmp_path: Path) -> None:
    """Its disk was not mounted: that is not the file's fault, and what was heard is paid for."""
    truth = record(tmp_path, 9)
    with (
        Endpoint(telling(PLAIN, server_faults.cut, 5), telling()) as endpoint,
        supervised(endpoint.url, tmp_path / "run", retries=ONCE) as watched,
    ):
        (job,) = watched.supervisor.add([truth.path])
        watched.until_idle()
        away = Path(truth.path).rename(tmp_path / "away")
        watched.supervisor.retry(job)
        watched.until_said(Ended, times=2)
        away.rename(truth.path)
        watched.supervisor.retry(job)
        watched.until_idle()
    begun = [event.from_ms for event in watched.said(Connecting) if isinstance(event, Connecting)]

    assert complaints(truth, watched.histories[1]) == []
    assert begun == [0, 380]
