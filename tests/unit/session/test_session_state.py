from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.session.recorder_harness import CollectedReports, open_recorder
from workers.jobs.events import Ended, Outcome, TurnReceived
from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.protocol.connection import Closed
from workers.protocol.messages import Begin, Error, Termination, Turn, Word
from workers.session.recorder import Recorder
from workers.session.session_state import SessionState


@pytest.fixture
def told() -> CollectedReports:
    return CollectedReports()


@pytest.fixture
def recorder(tmp_path: Path, told: CollectedReports) -> Iterator[Recorder]:
    with open_recorder(tmp_path, told) as opened:
        yield opened


@pytest.fixture
def course(recorder: Recorder) -> SessionState:
    """A session that has begun."""
    begun = SessionState(recorder, RECORDING_START)
    begun.apply(Begin("id"))
    return begun


def test_only_a_termination_that_was_asked_for_confirms_the_end(course: SessionState) -> None:
    """One that comes before Terminate ends no open turn, though all audio was sent."""
    course.all_audio_sent = True
    course.apply(Termination())

    assert course.finalize().outcome is Outcome.LOST


def test_a_termination_that_was_asked_for_confirms_everything(course: SessionState) -> None:
    """Whatever was to end the session meanwhile."""
    course.all_audio_sent = course.terminate_sent = True
    course.end(Ended(Outcome.CANCELLED, "stopped by the user"))
    course.apply(Termination())

    assert course.finalize().outcome is Outcome.DONE


@pytest.mark.parametrize("code", [1008, 3009])
def test_there_was_a_place_for_what_has_begun(
    course: SessionState, recorder: Recorder, code: int
) -> None:
    """So it was no attempt only as long as it had not."""
    full = Error("Unauthorized Connection: Too many concurrent sessions", code)
    refused = SessionState(recorder, RECORDING_START)
    refused.apply(full)
    course.apply(full)

    assert refused.finalize().outcome is Outcome.BUSY
    assert course.finalize().outcome is Outcome.LOST


HANDED_OVER = Ended(Outcome.HANDED_OVER, "the session neared its longest duration")


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        (Termination(), Outcome.HANDED_OVER),
        (Closed(1006, ""), Outcome.LOST),
        (Error("Session Expired", 3008), Outcome.LOST),
    ],
)
def test_a_session_has_handed_over_when_the_server_confirms_it(
    course: SessionState, ends: Termination | Closed | Error, outcome: Outcome
) -> None:
    """Else nobody knows what it had heard."""
    course.end(HANDED_OVER)
    course.terminate_sent = True
    course.apply(ends)

    assert course.finalize().outcome is outcome


def test_who_cancels_a_session_that_hands_over_has_cancelled_it(course: SessionState) -> None:
    """No further one is to go on."""
    course.end(HANDED_OVER)
    course.end(Ended(Outcome.CANCELLED, "stopped by the user"))

    assert course.finalize().outcome is Outcome.CANCELLED


def test_a_turn_is_placed_behind_what_was_heard_before(
    recorder: Recorder, told: CollectedReports
) -> None:
    """In time, and in number."""
    later = SessionState(recorder, ResumePoint(9000, 4))
    later.apply(Turn(1, True, "word", words=(Word("word", 20, 80),)))

    (heard,) = told.events
    assert isinstance(heard, TurnReceived)
    assert (heard.turn.turn_order, heard.turn.words[0].start) == (5, 9020)
