"""Sessions that near their end hand over: a recording may be longer than any session lives."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import transcript_errors, write_numbered_recording
from tests.engine.support.scenario import Scenario, ScenarioResult, make_recordings, run_scenarios
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import (
    FAST_RETRIES,
    NO_RETRIES,
    resume_supervisor,
    run_supervisor,
)
from tests.engine.support.transcribing_server import FaultMoment, TranscriptionStyle, transcribe
from workers.jobs.events import Connecting, Ended, Outcome, Warned
from workers.jobs.job import StreamSettings
from workers.jobs.job_state import JobStatus
from workers.runs import reader
from workers.scheduling.retry_policy import RetryPolicy
from workers.session.assignment import Timeouts

SHORT = TranscriptionStyle(words_per_turn=3, lifetime=2)
"""Some tenths of a second from one to two: the server tells whole seconds."""

ENDLESS = TranscriptionStyle(words_per_turn=1000, lifetime=2)
UNTIMELY = StreamSettings(chunk_ms=70)
"""Chunks that end anywhere in a word."""

YEAR = 365 * 86_400
LONG = [
    TranscriptionStyle(lifetime=4),
    TranscriptionStyle(lifetime=10_800),
    TranscriptionStyle(expires_at=0),
    TranscriptionStyle(expires_at=-7),
    TranscriptionStyle(expires_at=int(time.time()) - YEAR),
    TranscriptionStyle(expires_at=int(time.time()) + YEAR),
    TranscriptionStyle(expires_at=2**62),
]
"""Sessions that last long enough, or of which nobody can tell how long they last."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ScenarioResult]:
    folder = tmp_path_factory.mktemp("handover")
    mute = transcribe(
        TranscriptionStyle(lifetime=1), server_faults.stop_answering, FaultMoment.BEGIN
    )
    unconfirmed = transcribe(SHORT, server_faults.drop_connection, FaultMoment.TERMINATE)
    return run_scenarios(
        folder,
        {
            "talk": Scenario(make_recordings(folder / "a", 1, 34), [transcribe(SHORT)], NO_RETRIES),
            "silence": Scenario(
                make_recordings(folder / "b", 1, 34, silent=range(3, 31)),
                [transcribe(SHORT)],
                NO_RETRIES,
            ),
            "long": Scenario(
                make_recordings(folder / "c", len(LONG), 18), [*map(transcribe, LONG)], NO_RETRIES
            ),
            "endless": Scenario(
                make_recordings(folder / "d", 6, 34),
                [transcribe(replace(ENDLESS, word_by_word=each)) for each in (True, False)],
                NO_RETRIES,
                settings=UNTIMELY,
            ),
            "nowhere": Scenario(
                make_recordings(folder / "e", 1, 30),
                [mute],
                RetryPolicy(max_attempts=2, first_delay_s=0.01),
                Timeouts(next_message_s=0.2, min_life_s=0.0),
            ),
            "unconfirmed": Scenario(
                make_recordings(folder / "f", 1, 24), [unconfirmed, transcribe()], FAST_RETRIES
            ),
        },
    )


def test_a_recording_longer_than_its_sessions_is_one_job(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """Several of them, none of which was an attempt that failed; each was ended as it should be."""
    scenario = scenes["talk"]
    handovers = len(scenario.connections) - 1

    assert scenario.transcript_errors() == []
    assert scenario.outcomes() == [Outcome.HANDED_OVER] * handovers + [Outcome.DONE]
    assert handovers >= 1
    for job_state in (*scenario.live_states, *scenario.replayed_states):
        assert len(job_state.transcript.resume_points) == handovers
    assert [each.control_messages for each in scenario.connections] == [
        [{"type": "Terminate"}]
    ] * len(scenario.connections)


def test_hours_without_a_word_are_not_sent_for_ever(scenes: Mapping[str, ScenarioResult]) -> None:
    """Audio that a session has confirmed is not sent again, even if it held no words."""
    scenario = scenes["silence"]

    assert scenario.transcript_errors() == []
    assert scenario.outcomes()[-1] is Outcome.DONE
    assert len(scenario.outcomes()) >= 2


def test_a_session_that_lives_long_enough_hands_nothing_over(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """Nor does one whose last words fit; and no clock that is wrong cuts anything short."""
    scenario = scenes["long"]

    assert scenario.transcript_errors() == []
    assert len(scenario.connections) == len(LONG)


def test_a_clock_that_is_wrong_makes_no_storm_of_sessions(tmp_path: Path) -> None:
    """Each session seems to end at once; it is timed from its start, and that is said once."""
    truth = write_numbered_recording(tmp_path, 12)
    seems_over = transcribe(replace(ENDLESS, words_per_turn=3, lifetime=3))
    long_past = transcribe(TranscriptionStyle(expires_at=int(time.time()) - 3 * 3600))
    with (
        ScriptedServer(seems_over, long_past) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", timeouts=Timeouts()) as observed,
    ):
        observed.supervisor.add([truth.path, truth.path])
        observed.wait_until_idle()

    assert len(endpoint.received_sessions) == 2
    for job in (1, 2):
        warnings = [event.warning for event in observed.events_of(Warned, job)]
        assert len(warnings) == 1
        assert "is a clock wrong?" in warnings[0]
        assert transcript_errors(truth, observed.job_states[job]) == []


def test_a_turn_longer_than_a_session_is_divided(scenes: Mapping[str, ScenarioResult]) -> None:
    """The job continues; one turn is split in two, but no word is."""
    scenario = scenes["endless"]

    assert scenario.transcript_errors() == []
    for job_state in scenario.live_states:
        outcomes = scenario.outcomes(job_state.job)
        assert outcomes == [Outcome.HANDED_OVER] * (len(outcomes) - 1) + [Outcome.DONE]
        assert len(job_state.transcript.resume_points) == len(outcomes) - 1 >= 1


def test_sessions_that_never_get_anywhere_are_given_up(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """They would be opened, and paid for, for ever."""
    scenario = scenes["nowhere"]

    assert scenario.live_states[0].status is JobStatus.FAILED
    assert scenario.outcomes() == [Outcome.LOST] * 2
    assert len(scenario.connections) == 2


def test_a_server_that_does_not_confirm_its_end_costs_an_attempt(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """Nobody knows what it had heard: the next one goes on from the last final turn."""
    assert scenes["unconfirmed"].transcript_errors() == []
    assert scenes["unconfirmed"].outcomes() == [Outcome.LOST, Outcome.DONE]


@pytest.mark.parametrize("manner", [SHORT, ENDLESS])
def test_a_program_killed_between_two_sessions_goes_on(
    tmp_path: Path, manner: TranscriptionStyle
) -> None:
    """As far as the trace of the first one tells."""
    truth = write_numbered_recording(tmp_path, 22)
    run = tmp_path / "run"
    with (
        ScriptedServer(transcribe(manner)) as endpoint,
        run_supervisor(endpoint.url, run, settings=UNTIMELY, retry_policy=NO_RETRIES) as observed,
    ):
        observed.supervisor.add([truth.path])
        observed.wait_for_event(Connecting)
        observed.supervisor.hold(True)  # no second session
        observed.wait_for_event(Ended)
    with ScriptedServer(transcribe()) as endpoint, resume_supervisor(endpoint.url, run) as again:
        again.wait_until_idle()

    for job_state in (again.job_states[1], *reader.read_job_states(run)):
        assert transcript_errors(truth, job_state) == []
        assert len(job_state.transcript.resume_points) == 1
