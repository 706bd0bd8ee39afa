import pytest

from tests.support.fake_launcher import RECORDING, FakeSession
from workers.audio.source import Source
from workers.jobs.events import (
    Began,
    Connecting,
    Ended,
    Event,
    JobReport,
    Outcome,
    Progressed,
    TurnReceived,
)
from workers.jobs.job import Job, JobId, StreamSettings
from workers.jobs.job_state import JobState
from workers.jobs.sent_position import SentPosition
from workers.pacing.certificate import LagSummary
from workers.protocol.endpoint import custom_endpoint
from workers.protocol.messages import Turn, Word
from workers.scheduling.job_slot import (
    MAX_SILENT_CHECKS,
    MAX_SILENT_SETUP_CHECKS,
    MAX_SUSPENDED_CHECKS,
    JobSlot,
)
from workers.scheduling.retry_policy import RetryPolicy
from workers.session.assignment import Assignment, StopCommand

BEGAN = Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 500.0)
JOB = Job(JobId(1), "a.wav", RECORDING, StreamSettings())
ASSIGNMENT = Assignment(JOB, 1, custom_endpoint("ws://127.0.0.1:1"), "a.jsonl", "a.log")


def live(*events: Event, session: FakeSession | None = None) -> JobSlot:
    """A slot whose session has connected and reported these events, one a second."""
    slot = JobSlot(JobId(1), Source("a.wav"), "a.wav", JobState(JobId(1), "a.wav"))
    slot.begin_attempt(session or FakeSession(ASSIGNMENT), 100.0)
    for t, event in enumerate([Connecting("ws://x", "ab"), *events]):
        report = JobReport(JobId(1), 1, "a.wav", float(t), event)
        slot.note_report(report, 100.0 + t)
        slot.apply(report)
    return slot


def progressed(sent: float, total: float = 10.0) -> Progressed:
    return Progressed(sent, total, LagSummary(0, 0, 0, 0))


def checks_until_killed(slot: JobSlot) -> int:
    session = slot.session
    assert isinstance(session, FakeSession)
    for count in range(1, 1000):
        slot.check_session()
        if session.is_killed:
            return count
    raise AssertionError("it is never killed")


def test_a_suspended_session_is_killed_soon() -> None:
    """It does not matter what it was doing."""
    suspended = FakeSession(ASSIGNMENT, is_alive=False)

    assert MAX_SUSPENDED_CHECKS == checks_until_killed(live(BEGAN, session=suspended))


def test_a_session_that_was_suspended_and_goes_on_is_not_killed() -> None:
    """Only checks in a row count: the whole machine may have slept."""
    session = FakeSession(ASSIGNMENT)
    slot = live(session=session)
    for is_alive in [True] * MAX_SUSPENDED_CHECKS + [False] + [True] * MAX_SUSPENDED_CHECKS:
        session.is_alive = is_alive
        slot.check_session()

    assert not session.is_killed


def test_a_streaming_session_must_report() -> None:
    """A session that does not stream yet, or no longer, may wait for the server."""
    assert MAX_SILENT_CHECKS == checks_until_killed(live(BEGAN, progressed(1.0)))
    assert MAX_SILENT_SETUP_CHECKS == checks_until_killed(live())
    assert MAX_SILENT_SETUP_CHECKS == checks_until_killed(live(BEGAN, progressed(10.0)))


@pytest.mark.parametrize(
    ("bytes_read", "reason"),
    [
        (7, "the disk or file system of the recording did not answer"),
        (None, "the session's process did not respond and was killed"),
    ],
)
def test_a_session_that_sleeps_and_reads_nothing_waits_for_its_file_system(
    bytes_read: int | None, reason: str
) -> None:
    """Also one that has streamed before; one that computes does not."""
    slot = live(BEGAN, progressed(1.0), session=FakeSession(ASSIGNMENT, blocked_bytes=bytes_read))

    assert MAX_SILENT_CHECKS == checks_until_killed(slot)
    ended = slot.unreported_ending("was killed (signal 9)", 130.0).event
    assert isinstance(ended, Ended)
    assert ended.reason == reason


def test_a_session_that_did_not_report_its_end_gets_one() -> None:
    """The reason says what ended it; the socket counts as open until then."""
    killed, hung, cancelled, left = (live(BEGAN, progressed(3.0)) for _ in range(4))
    checks_until_killed(hung)
    cancelled.request_stop(StopCommand.CANCEL)
    left.request_stop(StopCommand.SHUT_DOWN)
    endings = []
    for slot in (killed, hung, cancelled, left):
        report = slot.unreported_ending("was killed (signal 9)", now=104.0)
        assert isinstance(report.event, Ended)
        assert (report.t, report.event.sent_seconds, report.event.open_seconds) == (4.0, 3.0, 3.5)
        endings.append((report.event.outcome, report.event.reason))

    assert endings == [
        (Outcome.CRASHED, "the session's process was killed (signal 9)"),
        (Outcome.CRASHED, "the session's process did not respond and was killed"),
        (Outcome.CANCELLED, "stopped by force"),
        (Outcome.INTERRUPTED, "the program was left by force"),
    ]


def test_a_session_that_never_started_sent_nothing() -> None:
    """Its sent audio is 0 even if the previous attempt sent something."""
    slot = live(BEGAN, progressed(3.0))
    slot.apply(JobReport(JobId(1), 1, "a.wav", 3.0, Ended(Outcome.LOST, "gone")))
    slot.attempt = 2
    slot.begin_attempt(FakeSession(ASSIGNMENT), 200.0)
    slot.request_stop(StopCommand.CANCEL)
    ended = slot.unreported_ending(None, now=201.0).event

    assert isinstance(ended, Ended)
    assert (ended.reason, ended.sent_seconds) == ("stopped before the session began", 0.0)
    assert ended.open_seconds == 0.0


def ended(*events: Event, outcome: Outcome) -> JobSlot:
    return live(*events, Ended(outcome, ""))


def test_only_breaks_are_counted() -> None:
    """Attempts that broke count up to the limit; handovers do not."""
    handed_over = ended(progressed(3.0), outcome=Outcome.HANDED_OVER)
    slot, retry_policy = ended(progressed(3.0), outcome=Outcome.LOST), RetryPolicy(max_attempts=3)

    for outcome in (Outcome.HANDED_OVER,) * 5:
        assert handed_over.next_retry_delay(outcome, retry_policy) == 0.0
    assert slot.next_retry_delay(Outcome.LOST, retry_policy) is not None
    assert slot.next_retry_delay(Outcome.CRASHED, retry_policy) is not None
    assert slot.next_retry_delay(Outcome.UNREACHABLE, retry_policy) is None


def test_a_session_with_a_new_final_resets_the_count() -> None:
    """The line of a long recording may break many times; the pause begins small again, too."""
    words = (Word("hello", 500, 900),)
    final = TurnReceived(Turn(0, True, "hello", words=words))
    advanced = ended(progressed(3.0), final, outcome=Outcome.LOST)
    retry_policy = RetryPolicy(max_attempts=2)
    for _ in range(20):
        assert advanced.next_retry_delay(Outcome.LOST, retry_policy) is not None
        assert advanced.failed_attempts == 1

    # The next attempts end before they connect; what the one before had heard does not count.
    crash = Ended(Outcome.CRASHED, "")
    advanced.apply(JobReport(JobId(1), 2, "a.wav", 0.0, crash))
    assert advanced.next_retry_delay(Outcome.CRASHED, retry_policy) is None


def test_an_ending_that_would_only_come_again_is_the_last() -> None:
    """This does not depend on the limit."""
    for outcome in set(Outcome) - {
        Outcome.LOST,
        Outcome.CRASHED,
        Outcome.UNREACHABLE,
        Outcome.BUSY,
        Outcome.HANDED_OVER,
        Outcome.INTERRUPTED,  # the program still runs
    }:
        assert ended(outcome=outcome).next_retry_delay(outcome, RetryPolicy()) is None


def test_handing_over_without_getting_further_is_a_break() -> None:
    """Otherwise such sessions would follow each other for ever."""
    slot = ended(outcome=Outcome.HANDED_OVER)

    assert slot.next_retry_delay(Outcome.HANDED_OVER, RetryPolicy(max_attempts=2)) != 0.0
    assert slot.next_retry_delay(Outcome.HANDED_OVER, RetryPolicy(max_attempts=2)) is None


def test_the_wait_is_any_part_of_one_that_doubles() -> None:
    """Sessions that broke together do not reconnect together."""
    retry_policy = RetryPolicy(first_delay_s=2.0, max_delay_s=30.0)
    for broken, most in enumerate([2.0, 4.0, 8.0, 16.0, 30.0, 30.0], start=1):
        waits = [retry_policy.random_delay(broken) for _ in range(200)]

        assert 0.0 <= min(waits) < most / 4
        assert most * 3 / 4 < max(waits) <= most


def test_the_next_attempt_begins_where_the_last_final_turn_ended() -> None:
    """It never begins beyond the audio that had been sent when the turn arrived."""
    turn = Turn(0, True, "word", words=(Word("word", 100, 2900),))
    slot = ended(progressed(2.5), TurnReceived(turn), progressed(9.0), outcome=Outcome.LOST)

    assert (slot.resume_point.at_ms, slot.resume_point.turn) == (2500, 1)


def test_it_streams_from_begin_until_all_is_sent_or_its_end_is_asked_for() -> None:
    """Only in that time do commands for the server make sense."""
    unwanted = live(BEGAN, progressed(1.0))
    unwanted.end_requested = True

    assert live(BEGAN).is_streaming
    assert not live().is_streaming
    assert not live(BEGAN, progressed(10.0)).is_streaming
    assert not unwanted.is_streaming
    assert not ended(BEGAN, progressed(1.0), outcome=Outcome.LOST).is_streaming


def test_what_was_sent_has_a_time_on_the_clock_of_the_program() -> None:
    """A report that is late is placed by those that were not; a new session starts afresh."""
    slot = live(BEGAN, progressed(1.0))
    assert slot.sent_position == SentPosition(1.0, 102.0)

    late = JobReport(JobId(1), 1, "a.wav", 3.0, progressed(2.0))
    slot.note_report(late, 103.4)
    assert slot.sent_position == SentPosition(2.0, 103.0)
    slot.begin_attempt(FakeSession(ASSIGNMENT), 110.0)
    assert slot.sent_position is None
