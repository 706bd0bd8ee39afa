import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.session.recorder_harness import CollectedReports, open_recorder
from workers.jobs.events import Ended, MessageReceived, Outcome, TurnReceived, Warned
from workers.jobs.resume_point import RECORDING_START, ResumePoint
from workers.protocol.connection import CloseFrame
from workers.protocol.messages import Begin, Error, Termination, Turn, Warning, Word
from workers.session.recorder import Recorder
from workers.session.session_state import MAX_WARNINGS, SessionState
from workers.traces.files import TRACE_SUFFIX
from workers.traces.reader import read_trace


@pytest.fixture
def reports() -> CollectedReports:
    return CollectedReports()


@pytest.fixture
def recorder(tmp_path: Path, reports: CollectedReports) -> Iterator[Recorder]:
    with open_recorder(tmp_path, reports) as opened:
        yield opened


@pytest.fixture
def state(recorder: Recorder) -> SessionState:
    """A session after Begin."""
    started = SessionState(recorder, RECORDING_START)
    started.apply(Begin("id"))
    return started


def test_only_a_termination_that_was_asked_for_confirms_the_end(state: SessionState) -> None:
    """A Termination before Terminate leaves the last turn open, even if all audio was sent."""
    state.mark_all_audio_sent()
    state.apply(Termination())

    assert state.final_ending().outcome is Outcome.LOST


def test_a_termination_that_was_asked_for_confirms_everything(state: SessionState) -> None:
    """It overrides any other reason to end the session."""
    state.mark_all_audio_sent()
    state.mark_terminate_sent()
    state.end(Ended(Outcome.CANCELLED, "stopped by the user"))
    state.apply(Termination())

    assert state.final_ending().outcome is Outcome.DONE


@pytest.mark.parametrize("code", [1008, 3009])
def test_there_was_a_place_for_what_has_begun(
    state: SessionState, recorder: Recorder, code: int
) -> None:
    """The error counts as BUSY only before Begin; after it the session is lost."""
    full = Error("Unauthorized Connection: Too many concurrent sessions", code)
    refused = SessionState(recorder, RECORDING_START)
    refused.apply(full)
    state.apply(full)

    assert refused.final_ending().outcome is Outcome.BUSY
    assert state.final_ending().outcome is Outcome.LOST


HANDED_OVER = Ended(Outcome.HANDED_OVER, "the session neared its maximum duration")


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        (Termination(), Outcome.HANDED_OVER),
        (CloseFrame(1006, ""), Outcome.LOST),
        (Error("Session Expired", 3008), Outcome.LOST),
    ],
)
def test_a_session_has_handed_over_when_the_server_confirms_it(
    state: SessionState, ends: Termination | CloseFrame | Error, outcome: Outcome
) -> None:
    """Without the confirmation, words may be missing."""
    state.end(HANDED_OVER)
    state.mark_terminate_sent()
    state.apply(ends)

    assert state.final_ending().outcome is outcome


def test_who_cancels_a_session_that_hands_over_has_cancelled_it(state: SessionState) -> None:
    """No further session may continue the job."""
    state.end(HANDED_OVER)
    state.end(Ended(Outcome.CANCELLED, "stopped by the user"))

    assert state.final_ending().outcome is Outcome.CANCELLED


def test_a_turn_is_placed_behind_what_was_heard_before(
    recorder: Recorder, reports: CollectedReports
) -> None:
    """Its times and its number continue those of earlier attempts."""
    later = SessionState(recorder, ResumePoint(9000, 4))
    later.apply(Begin("id"))
    later.apply(Turn(1, True, "word", words=(Word("word", 20, 80),)))

    (event,) = reports.events
    assert isinstance(event, TurnReceived)
    (word,) = event.turn.words
    assert (event.turn.turn_order, word.start, word.end) == (5, 9020, 9080)


def test_a_new_session_has_neither_sent_nor_heard_anything(recorder: Recorder) -> None:
    """It is not streaming before Begin, and nothing stops it."""
    new = SessionState(recorder, RECORDING_START)

    assert (new.all_audio_sent, new.terminate_sent, new.finished) == (False, False, False)
    assert (new.last_message_at, new.ended_at) == (0.0, 0.0)
    assert not new.is_streaming
    assert not new.is_stopping


@pytest.mark.parametrize(
    ("all_sent", "terminate_sent", "cut"),
    [(False, False, False), (True, False, False), (True, True, False), (False, True, True)],
)
def test_a_turn_is_cut_when_its_audio_was_not_all_sent(
    state: SessionState,
    reports: CollectedReports,
    all_sent: bool,
    terminate_sent: bool,
    cut: bool,
) -> None:
    """After an early Terminate, the last turn may lack words that were spoken."""
    state.all_audio_sent, state.terminate_sent = all_sent, terminate_sent
    turn = Turn(0, True, "word")
    state.apply(turn)

    assert reports.events == [TurnReceived(turn, cut)]


@pytest.mark.parametrize("last", [CloseFrame(1006, ""), Error("Session Expired", 3008)])
def test_the_last_message_finishes_a_session(state: SessionState, last: CloseFrame | Error) -> None:
    """Its time is kept, because the wait for the next message depends on it."""
    before = time.monotonic()
    assert state.is_streaming
    state.apply(last)

    assert state.finished is True
    assert state.is_stopping
    assert before <= state.last_message_at <= time.monotonic()
    assert before <= state.ended_at <= time.monotonic()


def test_termination_says_how_a_session_ended_whatever_comes_after_it(
    state: SessionState, reports: CollectedReports
) -> None:
    """Late turns are kept until the server closes; nothing undoes the success."""
    state.mark_all_audio_sent()
    state.mark_terminate_sent()
    state.apply(Termination(), sent_seconds=1.0)
    for late in (Turn(0, True, "late"), Termination(), Error("Session Expired", 3008)):
        state.apply(late, sent_seconds=1.0)
    assert not state.finished
    state.apply(CloseFrame(1011, "broken"), sent_seconds=1.0)

    assert state.finished
    assert state.final_ending().outcome is Outcome.DONE
    assert reports.events == [TurnReceived(Turn(0, True, "late"))]


def test_only_the_first_begin_counts(state: SessionState) -> None:
    """A second one has another identity, and may have another end."""
    first = state.begin
    state.apply(Begin("another"))

    assert state.begin is first


def test_a_turn_before_begin_is_ignored(recorder: Recorder, reports: CollectedReports) -> None:
    """No audio was sent that it could be about."""
    new = SessionState(recorder, RECORDING_START)
    new.apply(Turn(0, True, "too early"))
    new.publish_pending_warnings()

    assert reports.events == [Warned("the server sent a turn before any audio; it is ignored")]


@pytest.mark.parametrize(
    ("claimed_s", "warns"), [(0, False), (60, False), (70, False), (71, True), (49, True)]
)
def test_an_audio_duration_that_is_far_off_causes_a_warning(
    state: SessionState, reports: CollectedReports, claimed_s: float, warns: bool
) -> None:
    """The session is a success all the same: servers round, and some do not count."""
    state.mark_all_audio_sent()
    state.mark_terminate_sent()
    state.apply(Termination(claimed_s), sent_seconds=60.0)

    assert state.final_ending().outcome is Outcome.DONE
    assert bool(reports.events) is warns


def test_messages_without_an_event_of_their_own_are_traced(
    recorder: Recorder, tmp_path: Path
) -> None:
    """The trace has the message as it was received."""
    SessionState(recorder, RECORDING_START).apply(Error("Session Expired", 3008))
    (path,) = tmp_path.glob(f"*{TRACE_SUFFIX}")

    (traced,) = [timed.event for timed in read_trace(path)]
    assert traced == MessageReceived(
        {"type": "Error", "error": "Session Expired", "error_code": 3008}
    )


def test_warnings_wait_until_the_session_is_reported_as_begun(
    state: SessionState, reports: CollectedReports
) -> None:
    """After Began they are published at once; the hundredth says that no more are shown."""
    state.apply(Warning("first", 3))
    assert reports.events == []
    state.publish_pending_warnings()
    state.publish_pending_warnings()
    for number in range(2, MAX_WARNINGS + 5):
        state.apply(Warning(f"number {number}", number))

    assert reports.events[:2] == [Warned("first", 3), Warned("number 2", 2)]
    assert len(reports.events) == MAX_WARNINGS
    assert reports.events[-1] == Warned("further warnings of this session are not shown")


def test_early_warnings_are_dated_when_the_clock_started(
    state: SessionState, reports: CollectedReports, recorder: Recorder
) -> None:
    """None has a time before that of `Began`."""
    at = time.monotonic() + 100
    state.warn(Warned("early"))
    state.publish_pending_warnings(at)

    (report,) = reports
    assert 100 <= report.t <= 100 + recorder.elapsed_s
