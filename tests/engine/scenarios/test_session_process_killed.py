"""Sessions whose processes are struck from outside, beside each other in one program."""

import psutil
import pytest

from tests.engine.support.process_tree import trace_of
from tests.engine.support.scenario import Played, Scene, recordings
from tests.engine.support.scripted_server import Endpoint
from tests.engine.support.supervisor_harness import SOON, Hurried, Watched, supervised
from tests.engine.support.transcribing_server import telling
from workers.jobs.events import Began, Outcome, TurnHeard
from workers.jobs.job import JobId
from workers.traces import trace_file

KILLED, KILLED_TWICE, STOPPED, FULL, UNTOUCHED = range(1, 6)
"""The jobs, by what is done to their sessions."""


def session(watched: Watched, job: int, times: int) -> psutil.Process:
    """A job's process, when so many readings of turns were heard by it and those before it."""
    watched.until_said(TurnHeard, job, times)
    ours = psutil.Process().children(recursive=True)
    (found,) = [each for each in ours if (trace_of(each) or "").startswith(f"{job:04d}-")]
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("struck")
    scene = Scene(recordings(folder, 5, 16), [telling()])
    with (
        Endpoint(*scene.scripts) as endpoint,
        supervised(endpoint.url, folder / "run", starts=Hurried(), retries=SOON) as watched,
    ):
        watched.supervisor.add([truth.path for truth in scene.truths])
        session(watched, STOPPED, 2).suspend()
        session(watched, FULL, 3).rlimit(psutil.RLIMIT_FSIZE, (1, 1))  # a final is next
        session(watched, KILLED, 2).kill()
        session(watched, KILLED_TWICE, 2).kill()
        watched.until_said(Began, KILLED_TWICE, times=2)
        session(watched, KILLED_TWICE, 4).kill()
        watched.until_idle()
        watched.supervisor.retry(JobId(FULL))
        watched.until_idle()
        assert [each for each in psutil.Process().children(recursive=True) if trace_of(each)] == []
    return Played(scene, folder / "run", watched, endpoint.heard)


def test_a_session_that_is_killed_again_and_again_goes_on(run: Played) -> None:
    """Only what had not arrived is sent again."""
    for job, attempts in (KILLED, 2), (KILLED_TWICE, 3):
        assert run.complaints_of(job) == []
        assert run.histories[job - 1].attempt == attempts
        assert run.outcomes(job) == [Outcome.CRASHED] * (attempts - 1) + [Outcome.DONE]


def test_what_was_told_stands_in_a_trace(run: Played) -> None:
    """Whatever became of its session: else it would be missing when the run is read again."""
    traced = [
        each.event for file in run.folder.glob("*.trace.jsonl") for each in trace_file.read(file)
    ]
    told = [each.event for each in run.watched.reports if isinstance(each.event, TurnHeard)]

    assert [event for event in told if event not in traced] == []


def test_a_session_that_is_stopped_is_found_and_goes_on(run: Played) -> None:
    """Within seconds, though its connection stands."""
    assert run.complaints_of(STOPPED) == []
    assert run.histories[STOPPED - 1].attempt == 2
    assert "stood still" in run.ends(STOPPED)[0].reason


def test_a_full_disk_ends_the_session_that_meets_it(run: Played) -> None:
    """In words; when there is room again, nothing is missing that was in no trace."""
    first, last = run.ends(FULL)

    assert first.outcome is Outcome.UNWRITABLE
    assert "could not be written" in first.reason
    assert "Make room" in first.hint
    assert last.outcome is Outcome.DONE
    assert run.complaints_of(FULL) == []


def test_a_session_that_nobody_struck_is_not_touched(run: Played) -> None:
    """Whatever happens beside it."""
    assert run.complaints_of(UNTOUCHED) == []
    assert run.histories[UNTOUCHED - 1].attempt == 1
