"""What a refusal means: too many sessions is a matter of waiting, anything else of being told."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import transcript_errors, write_numbered_recording
from tests.engine.support.scenario import Scenario, ScenarioResult, make_recordings, run_scenarios
from tests.engine.support.scripted_server import (
    ConnectionScript,
    ScriptedServer,
    ServerConnectionScript,
)
from tests.engine.support.supervisor_harness import (
    FAST_RETRIES,
    NO_RETRIES,
    AcceleratedStartRate,
    resume_supervisor,
    run_supervisor,
)
from tests.engine.support.transcribing_server import DEFAULT_STYLE, Fault, FaultMoment, transcribe
from workers.jobs.events import Ended, Outcome, Retrying
from workers.jobs.job_state import JobStatus

BUSY = [
    server_faults.error_then_close(1008, server_faults.BUSY),
    server_faults.error_then_close(3009, server_faults.BUSY),
    server_faults.error_then_close(3005, server_faults.BUSY),
    server_faults.error_without_close(1008, server_faults.BUSY),
    server_faults.close_without_error(1008, server_faults.BUSY),
    server_faults.close_without_error(3009),
]


def refusing(fault: Fault) -> ConnectionScript:
    return transcribe(DEFAULT_STYLE, fault, FaultMoment.CONNECT)


class Full:
    """A server with no more than two places."""

    def __init__(self) -> None:
        self.refused = self._guests = 0

    async def script(self, line: ServerConnectionScript) -> None:
        if self._guests == 2:
            self.refused += 1
            return await refusing(server_faults.error_then_close(1008, server_faults.BUSY))(line)
        self._guests += 1
        await transcribe()(line)
        self._guests -= 1


FULL = Full()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ScenarioResult]:
    folder = tmp_path_factory.mktemp("refusals")
    words = [script for fault in BUSY for script in (refusing(fault), transcribe())]
    incident = [500, 502, 503]
    return run_scenarios(
        folder,
        {
            "words": Scenario(
                make_recordings(folder / "a", len(BUSY) + 1, 3),
                words,
                NO_RETRIES,
                http_statuses=[429, 429],
            ),
            "full": Scenario(make_recordings(folder / "b", 6, 6), [FULL.script], NO_RETRIES),
            "trouble": Scenario(
                make_recordings(folder / "c", 1, 2), [transcribe()], http_statuses=incident
            ),
        },
    )


def test_a_job_that_there_is_no_place_for_waits_and_loses_no_attempt(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """However the server says so, and as often as it does."""
    scenario = scenes["words"]

    assert scenario.transcript_errors() == []
    for job_state in (*scenario.live_states, *scenario.replayed_states):
        assert (job_state.attempt, job_state.earlier_attempts) == (1, [])
    assert len(list(scenario.folder.glob("*.refused-*.trace.jsonl"))) == len(BUSY) + 2
    assert len(list(scenario.folder.glob("*.1.trace.jsonl"))) == len(BUSY) + 1


def test_starts_slow_down_for_a_server_that_is_full_and_recover(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """All jobs get a place, and it is not asked for one much more often than that."""
    assert scenes["full"].transcript_errors() == []
    assert 1 <= FULL.refused <= 14


def test_a_server_in_trouble_is_called_again(scenes: Mapping[str, ScenarioResult]) -> None:
    """A gateway may answer for it; each error counts as a failed attempt."""
    assert scenes["trouble"].transcript_errors() == []
    assert scenes["trouble"].live_states[0].attempt == 4


def test_who_waits_for_a_place_can_leave_and_come_back(tmp_path: Path) -> None:
    """The job keeps its position and all its attempts."""
    truth = write_numbered_recording(tmp_path, 3)
    busy = refusing(server_faults.error_then_close(3009, server_faults.BUSY))
    with (
        ScriptedServer(busy) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", starts=AcceleratedStartRate()) as observed,
    ):
        observed.supervisor.add([truth.path])
        observed.wait_for_event(Retrying, times=2)

        assert observed.job_states[1].status is JobStatus.QUEUED
        assert observed.supervisor.next_start_at is not None
    observed.wait_until_idle()
    assert observed.job_states[1].ended is not None
    assert observed.job_states[1].ended.outcome is Outcome.INTERRUPTED

    with (
        ScriptedServer(transcribe()) as endpoint,
        resume_supervisor(endpoint.url, tmp_path / "run") as again,
    ):
        again.wait_until_idle()

    assert transcript_errors(truth, again.job_states[1]) == []
    assert again.job_states[1].attempt == 1


FINAL = {
    "a key that is wrong": (
        server_faults.error_then_close(1008, "Invalid API key"),
        Outcome.UNAUTHORISED,
        "key",
    ),
    "an older code": (
        server_faults.error_then_close(4001, "Not authorized"),
        Outcome.UNAUTHORISED,
        "key",
    ),
    "no credit": (
        server_faults.close_without_error(1008, "Insufficient funds"),
        Outcome.UNAUTHORISED,
        "account",
    ),
    "a parameter": (
        server_faults.error_then_close(3006, "User Input Validation Error: Invalid 'mode'"),
        Outcome.REFUSED,
        "parameter",
    ),
    "a parameter, in 2025": (
        server_faults.close_without_error(3005, "User Input Validation Error: Invalid 'mode'"),
        Outcome.REFUSED,
        "parameter",
    ),
    "the length of a chunk": (
        server_faults.error_then_close(3007, "Input Duration Violation: 25.0 ms"),
        Outcome.REFUSED,
        "--chunk-ms",
    ),
    "the pace": (
        server_faults.error_then_close(3007, "Audio Transmission Rate Exceeded"),
        Outcome.REFUSED,
        "speed",
    ),
}
STATUSES = {
    401: Outcome.UNAUTHORISED,
    403: Outcome.UNAUTHORISED,
    404: Outcome.REFUSED,
    410: Outcome.REFUSED,
}


def test_what_a_further_attempt_would_only_meet_again_fails_at_once(tmp_path: Path) -> None:
    """With the server's reason, and what to change. The user releases the starts that are held."""

    def is_over() -> bool:
        if observed.supervisor.held_by_refusal:
            observed.supervisor.hold(False)
        return observed.supervisor.is_idle and observed.supervisor.reports.empty()

    truth = write_numbered_recording(tmp_path, 2)
    wanted = [(outcome, "") for outcome in STATUSES.values()]
    wanted += [(outcome, word) for _, outcome, word in FINAL.values()]
    scripts = [
        transcribe(DEFAULT_STYLE, fault, FaultMoment.BEGIN) for fault, _, _ in FINAL.values()
    ]
    with (
        ScriptedServer(*scripts, statuses=STATUSES) as endpoint,
        run_supervisor(
            endpoint.url,
            tmp_path / "run",
            sessions=1,
            starts=AcceleratedStartRate(),
            retry_policy=FAST_RETRIES,
        ) as observed,
    ):
        observed.supervisor.add([truth.path] * len(wanted))
        observed.wait_until(is_over)

    assert len(endpoint.received_sessions) == len(FINAL)
    for job, (outcome, word) in enumerate(wanted, start=1):
        (ended,) = observed.events_of(Ended, job)
        assert isinstance(ended, Ended)
        assert (ended.outcome, observed.job_states[job].attempt) == (outcome, 1)
        assert ended.hint
        assert word in ended.hint
