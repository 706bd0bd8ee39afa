"""Sessions whose processes are struck from outside, beside each other in one program."""

from pathlib import Path

import psutil
import pytest

from tests.engine.support.process_tree import trace_name_of
from tests.engine.support.scenario import Scenario, ScenarioResult, make_recordings
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import (
    FAST_RETRIES,
    AcceleratedStartRate,
    ObservedSupervisor,
    run_supervisor,
)
from tests.engine.support.transcribing_server import transcribe
from workers.jobs.events import Began, Ended, Outcome, TurnReceived
from workers.jobs.job import JobId
from workers.traces import reader
from workers.traces.files import attempt_files
from workers.traces.format import TraceHead
from workers.traces.writer import TraceWriter

KILLED, KILLED_TWICE, STOPPED, FULL, UNTOUCHED, LATE = range(1, 7)
"""The jobs, by what is done to their sessions."""


def session(observed: ObservedSupervisor, job: int, times: int) -> psutil.Process:
    """A job's process, when so many readings of turns were heard by it and those before it."""
    observed.wait_for_event(TurnReceived, job, times)
    ours = psutil.Process().children(recursive=True)
    (found,) = [each for each in ours if (trace_name_of(each) or "").startswith(f"{job:04d}-")]
    return found


def write_late_trace(folder: Path, file: str) -> None:
    """Writes what a session does if its program is killed as it starts: it notices, and ends. This
    may happen after another program has resumed the run."""
    path, _ = attempt_files(folder, LATE, 1, file)
    ended = Ended(Outcome.INTERRUPTED, "the program has died")
    with TraceWriter(path, TraceHead(job=LATE, attempt=1, file=file)) as trace:
        trace.write(0.0, ended)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ScenarioResult:
    folder = tmp_path_factory.mktemp("struck")
    scenario = Scenario(make_recordings(folder, 6, 30), [transcribe()])
    with (
        ScriptedServer(*scenario.scripts) as endpoint,
        run_supervisor(
            endpoint.url, folder / "run", starts=AcceleratedStartRate(), retry_policy=FAST_RETRIES
        ) as observed,
    ):
        write_late_trace(folder / "run", scenario.ground_truths[LATE - 1].path)
        observed.supervisor.add([truth.path for truth in scenario.ground_truths])
        # In the order of their starts, as one may end before a later one has begun.
        session(observed, KILLED, 2).kill()
        session(observed, KILLED_TWICE, 2).kill()
        session(observed, STOPPED, 2).suspend()
        session(observed, FULL, 3).rlimit(psutil.RLIMIT_FSIZE, (1, 1))  # a final is next
        observed.wait_for_event(Began, KILLED_TWICE, times=2)
        session(observed, KILLED_TWICE, 4).kill()
        observed.wait_until_idle()
        observed.supervisor.retry(JobId(FULL))
        observed.wait_until_idle()
        assert [
            each for each in psutil.Process().children(recursive=True) if trace_name_of(each)
        ] == []
    return ScenarioResult(scenario, folder / "run", observed, endpoint.received_sessions)


def test_a_session_that_is_killed_again_and_again_goes_on(run: ScenarioResult) -> None:
    """Only audio without a final turn is sent again."""
    for job, attempts in (KILLED, 2), (KILLED_TWICE, 3):
        assert run.transcript_errors_of(job) == []
        assert run.live_states[job - 1].attempt == attempts
        assert run.outcomes(job) == [Outcome.CRASHED] * (attempts - 1) + [Outcome.DONE]


def test_a_session_of_a_killed_program_that_comes_late_takes_no_attempt_away(
    run: ScenarioResult,
) -> None:
    """It has written a trace with the number of the attempt; the next one has its own."""
    assert run.transcript_errors_of(LATE) == []
    assert run.outcomes(LATE) == [Outcome.LOST, Outcome.DONE]


def test_what_was_told_stands_in_a_trace(run: ScenarioResult) -> None:
    """Whatever happened to its session; else the job would be missing when the run is read."""
    traced = [
        each.event for file in run.folder.glob("*.trace.jsonl") for each in reader.read_trace(file)
    ]
    told = [each.event for each in run.observed.reports if isinstance(each.event, TurnReceived)]

    assert [event for event in told if event not in traced] == []


def test_a_session_that_is_stopped_is_found_and_goes_on(run: ScenarioResult) -> None:
    """Within seconds, although its connection is open."""
    assert run.transcript_errors_of(STOPPED) == []
    assert run.live_states[STOPPED - 1].attempt == 2
    assert "did not respond" in run.ended_events(STOPPED)[0].reason


def test_a_full_disk_ends_the_session_that_meets_it(run: ScenarioResult) -> None:
    """With a reason; once there is room again, nothing is missing."""
    first, last = run.ended_events(FULL)

    assert first.outcome is Outcome.UNWRITABLE
    assert "could not be written" in first.reason
    assert "Free disk space" in first.hint
    assert last.outcome is Outcome.DONE
    assert run.transcript_errors_of(FULL) == []


def test_a_session_that_nobody_struck_is_not_touched(run: ScenarioResult) -> None:
    """Whatever happens to the others."""
    assert run.transcript_errors_of(UNTOUCHED) == []
    assert run.live_states[UNTOUCHED - 1].attempt == 1
