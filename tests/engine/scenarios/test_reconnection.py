"""An attempt that breaks is continued: each word once, in order, at its time, whatever happened."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import pytest

from tests.engine.support import server_faults
from tests.engine.support.ground_truth import transcript_errors, write_numbered_recording
from tests.engine.support.scenario import Scenario, ScenarioResult, make_recordings, run_scenarios
from tests.engine.support.scripted_server import ScriptedServer
from tests.engine.support.supervisor_harness import FAST_RETRIES, resume_supervisor, run_supervisor
from tests.engine.support.transcribing_server import (
    DEFAULT_STYLE,
    Fault,
    FaultMoment,
    ServerSession,
    TranscriptionStyle,
    transcribe,
)
from tests.support.run_builders import observable_state
from workers.jobs.events import Connecting, Ended, Outcome, Retrying
from workers.jobs.job_state import JobState, JobStatus
from workers.runs import reader
from workers.runs.job_timeline import IncidentKind
from workers.runs.timeline import RunTimeline
from workers.scheduling.retry_policy import RetryPolicy
from workers.session.assignment import Timeouts

BRISK = Timeouts(begin_s=1.0, next_message_s=1.0, silence_s=1.0)


class DelayedRetries(RetryPolicy):
    """When the others have begun, or one job would meet what was meant for several."""

    def random_delay(self, failed_attempts: int) -> float:
        return 1.0


PATIENTLY = DelayedRetries(max_attempts=50)

FLUENT = TranscriptionStyle(word_by_word=True)

BREAKING: dict[str, tuple[Fault, FaultMoment | int]] = {
    "a cut before Begin": (server_faults.drop_connection, FaultMoment.CONNECT),
    "a cut behind Begin": (server_faults.drop_connection, FaultMoment.BEGIN),
    "a cut before anything is final": (server_faults.drop_connection, 3),
    "a cut within a turn": (server_faults.drop_connection, 7),
    "a cut behind a final": (server_faults.drop_connection, FaultMoment.FINAL),
    "a cut before the last words": (server_faults.drop_connection, FaultMoment.TERMINATE),
    "a reset": (server_faults.reset_connection, 5),
    "1011": (server_faults.error_then_close(1011), 6),
    "1013 and no Error": (server_faults.close_without_error(1013), 9),
    "3005": (server_faults.error_then_close(3005), 10),
    "3005 and no close": (server_faults.error_without_close(3005), 10),
    "3008": (
        server_faults.error_then_close(3008, "Session Expired: Maximum session duration exceeded"),
        11,
    ),
    "a close for no reason": (server_faults.close_without_error(1000), 8),
    "a Termination that nobody asked for": (server_faults.terminate_early, 6),
    "no Begin": (server_faults.stop_answering, FaultMoment.CONNECT),
    "no Termination": (server_faults.stop_answering, FaultMoment.TERMINATE),
    "no answer to anything": (server_faults.stop_reading(), 7),
    "text that is none, and the end": (server_faults.INVALID_UTF8, 8),
    "bytes that are no frame": (server_faults.INVALID_FRAME, 9),
    "no place any more, in the middle": (
        server_faults.error_then_close(3009, server_faults.BUSY),
        9,
    ),
}
STRANGE = [
    transcribe(DEFAULT_STYLE, server_faults.UNEXPECTED_MESSAGES, 5),
    transcribe(DEFAULT_STYLE, server_faults.repeat_finals, 9),
    transcribe(FLUENT, server_faults.repeat_finals, 9),
    transcribe(DEFAULT_STYLE, server_faults.send_empty_final, 6),
    transcribe(FLUENT, server_faults.send_empty_final, FaultMoment.BEGIN),
    transcribe(TranscriptionStyle(wordless=True)),
    transcribe(DEFAULT_STYLE, server_faults.pause(0.5), FaultMoment.BEGIN),
    transcribe(DEFAULT_STYLE, server_faults.stop_reading(0.4), 5),
]


def then_cut(first: Fault) -> Fault:
    async def struck(session: ServerSession) -> None:
        await first(session)
        await server_faults.drop_connection(session)

    return struck


STRANGE_AND_BREAKING = [
    transcribe(DEFAULT_STYLE, then_cut(server_faults.repeat_finals), 9),
    transcribe(FLUENT, then_cut(server_faults.repeat_finals), 9),
    transcribe(DEFAULT_STYLE, then_cut(server_faults.send_empty_final), 6),
    transcribe(TranscriptionStyle(wordless=True), server_faults.drop_connection, 9),
    transcribe(TranscriptionStyle(words_per_turn=1), server_faults.drop_connection, 9),
    transcribe(TranscriptionStyle(words_per_turn=100), server_faults.drop_connection, 9),
]
LATE_MS = 1500


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ScenarioResult]:
    folder = tmp_path_factory.mktemp("continuation")
    breaking = [
        transcribe(manner, fault, at)
        for manner, (fault, at) in zip(
            cycle([DEFAULT_STYLE, FLUENT]), BREAKING.values(), strict=False
        )
    ]
    late = [
        transcribe(
            TranscriptionStyle(padding_ms=LATE_MS), server_faults.drop_connection, FaultMoment.FINAL
        )
    ] * 2
    return run_scenarios(
        folder,
        {
            "breaking": Scenario(
                make_recordings(folder / "a", len(BREAKING), 13, silent=[6]),
                [*breaking, transcribe()],
                PATIENTLY,
                BRISK,
            ),
            "strange": Scenario(make_recordings(folder / "b", len(STRANGE), 12), STRANGE),
            "both": Scenario(
                make_recordings(folder / "c", len(STRANGE_AND_BREAKING), 12),
                [
                    *STRANGE_AND_BREAKING,
                    transcribe(TranscriptionStyle(word_by_word=True, words_per_turn=100)),
                ],
                PATIENTLY,
            ),
            "late": Scenario(
                make_recordings(folder / "d", len(late), 18, silent=range(4, 14)),
                [*late, transcribe()],
            ),
        },
    )


def test_a_session_that_breaks_loses_no_word_and_doubles_none(
    scenes: Mapping[str, ScenarioResult],
) -> None:
    """However it breaks: each further attempt begins at the end of the last final turn."""
    scenario = scenes["breaking"]

    assert scenario.transcript_errors() == []
    assert len(scenario.connections) > 1.5 * len(BREAKING)
    assert len(list(scenario.folder.glob("*.trace.jsonl"))) == len(scenario.connections)


def test_what_is_only_strange_breaks_nothing(scenes: Mapping[str, ScenarioResult]) -> None:
    """Unspecified messages, repeated ones, and final turns without words."""
    assert scenes["strange"].transcript_errors() == []
    assert len(scenes["strange"].connections) == len(STRANGE)


def test_what_is_strange_may_also_break(scenes: Mapping[str, ScenarioResult]) -> None:
    """Final turns that come twice, have no times or are misnumbered lose nothing."""
    assert scenes["both"].transcript_errors() == []


def test_ends_that_are_told_too_late_lose_nothing(scenes: Mapping[str, ScenarioResult]) -> None:
    """A word that ends in audio that had not been sent yet does not count."""
    assert scenes["late"].transcript_errors(LATE_MS) == []


def test_a_job_that_breaks_all_the_time_fails_and_keeps_what_was_heard(tmp_path: Path) -> None:
    """Four attempts after the last new final turn, each with its trace; retry continues."""
    truth = write_numbered_recording(tmp_path, 12)
    hearing = transcribe(TranscriptionStyle(words_per_turn=2), server_faults.drop_connection, 3)
    deaf = transcribe(DEFAULT_STYLE, server_faults.drop_connection, FaultMoment.BEGIN)
    scripts = [deaf, hearing, hearing, hearing, deaf, deaf, deaf]
    with (
        ScriptedServer(*scripts, transcribe()) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", retry_policy=FAST_RETRIES) as observed,
    ):
        observed.supervisor.add([truth.path])
        observed.wait_until_idle()
        job_state = observed.job_states[1]
        begun = [event.from_ms for event in observed.events_of(Connecting)]

        assert job_state.status is JobStatus.FAILED
        assert [ended.outcome for ended in observed.events_of(Ended)] == [Outcome.LOST] * 7
        assert begun == [0, 0, 180, 380, 580, 580, 580]
        assert job_state.transcript.text.split() == truth.texts[:6]
        assert len(list((tmp_path / "run").glob("*.trace.jsonl"))) == 7

        observed.supervisor.retry(job_state.job)
        observed.wait_until_idle()

    (replayed,) = reader.read_job_states(tmp_path / "run")
    assert transcript_errors(truth, job_state) == transcript_errors(truth, replayed) == []
    assert [resume_point.at_ms for resume_point in job_state.transcript.resume_points] == [
        180,
        380,
        580,
    ]
    assert [attempt.number for attempt in job_state.earlier_attempts] == [*range(1, 8)]


def test_a_line_that_breaks_now_and_then_does_not_fail_a_long_recording(tmp_path: Path) -> None:
    """A balancer closes each session, as it does after minutes; each has brought new words."""
    truth = write_numbered_recording(tmp_path, 24)
    going_away = server_faults.close_without_error(1001, "")
    script = transcribe(TranscriptionStyle(words_per_turn=2), going_away, 3)
    two_attempts = RetryPolicy(max_attempts=2, first_delay_s=0.01, max_delay_s=0.01)
    with (
        ScriptedServer(script) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", retry_policy=two_attempts) as observed,
    ):
        observed.supervisor.add([truth.path])
        observed.wait_until_idle()
        job_state = observed.job_states[1]

    assert job_state.status is JobStatus.DONE
    assert transcript_errors(truth, job_state) == []
    assert len(endpoint.received_sessions) > 8


class RetriesTomorrow(RetryPolicy):
    """Nobody lives to see it."""

    def random_delay(self, failed_attempts: int) -> float:
        return 86_400.0


def test_a_further_attempt_waits_for_its_time_and_can_be_taken_out(tmp_path: Path) -> None:
    """The wait and its reason are reported; others go first; cancelling ends it at once."""
    truths = make_recordings(tmp_path, 2, 3)
    with (
        ScriptedServer(
            transcribe(DEFAULT_STYLE, server_faults.drop_connection, 2), transcribe()
        ) as endpoint,
        run_supervisor(
            endpoint.url, tmp_path / "run", sessions=1, retry_policy=RetriesTomorrow()
        ) as observed,
    ):
        observed.supervisor.add([truth.path for truth in truths])
        observed.wait_for_event(Retrying)
        observed.wait_for_event(Ended, job=2)
        (retrying,) = observed.events_of(Retrying)

        assert observed.job_states[1].status is JobStatus.RETRYING
        assert retrying.in_seconds == 86_400.0
        assert "connection broke" in retrying.reason
        assert observed.job_states[2].status is JobStatus.DONE

        observed.supervisor.cancel(observed.job_states[1].job)
        observed.wait_until_idle()

        assert observed.job_states[1].status is JobStatus.CANCELLED
        assert len(endpoint.received_sessions) == 2


def test_a_file_that_has_changed_is_not_continued(tmp_path: Path) -> None:
    """Half of each would be a transcript of neither."""
    truth = write_numbered_recording(tmp_path, 12)
    with (
        ScriptedServer(
            transcribe(DEFAULT_STYLE, server_faults.drop_connection, 6), transcribe()
        ) as endpoint,
        run_supervisor(endpoint.url, tmp_path / "run", retry_policy=RetriesTomorrow()) as observed,
    ):
        observed.supervisor.add([truth.path])
        observed.wait_for_event(Retrying)
        observed.supervisor.stop()
        observed.wait_until_idle()
    write_numbered_recording(tmp_path, 12, silent=[3])
    with resume_supervisor(endpoint.url, tmp_path / "run") as again:
        again.wait_until_idle()
    (ended,) = again.events_of(Ended)

    assert ended.outcome is Outcome.UNREADABLE
    assert "has changed" in ended.reason
    assert len(endpoint.received_sessions) == 1


def test_a_look_back_ends_as_the_traces_tell(scenes: Mapping[str, ScenarioResult]) -> None:
    """It skips what was replaced; resuming from halfway gives the same."""
    for scenario in scenes.values():
        timeline = RunTimeline(scenario.folder)
        halfway = timeline.duration_s / 2
        steps = [
            *timeline.reports_between(-1.0, halfway),
            *timeline.reports_between(halfway, timeline.duration_s),
        ]
        for moments in (timeline.reports_between(-1.0, timeline.duration_s), steps):
            seen: dict[int, JobState] = {}
            for _, report in moments:
                job_state = seen.setdefault(report.job, JobState(report.job, report.file))
                job_state.apply(report)
            assert [observable_state(each) for each in scenario.replayed_states] == [
                observable_state(seen[job]) for job in sorted(seen)
            ]
    assert {incident for _, incident in RunTimeline(scenes["breaking"].folder).incidents} == {
        IncidentKind.RETRIED
    }
