from dataclasses import dataclass
from typing import cast

from workers.jobs.events import Began, Outcome, Progressed, TurnReceived
from workers.jobs.job import JobId
from workers.pacing.certificate import LagSummary
from workers.protocol.configuration import NO_CHANGES
from workers.protocol.messages import Turn, UpdateConfiguration, Word
from workers.scheduling.job_slot import (
    MAX_SILENT_CHECKS,
    MAX_SILENT_SETUP_CHECKS,
    MAX_STOPPED_CHECKS,
    JobSlot,
)
from workers.scheduling.retry_policy import RetryPolicy
from workers.session.child import SessionChild


@dataclass
class Child:
    """A session's process, as far as a place looks at it."""

    is_suspended: bool = False


def live(child: Child | None = None) -> JobSlot:
    slot = JobSlot(JobId(1), "a.wav", "a.wav")
    slot.begin_attempt(cast(SessionChild, child or Child()))
    return slot


def progressed(sent: float, total: float = 10.0) -> Progressed:
    return Progressed(sent, total, LagSummary(0, 0, 0, 0))


def looks(slot: JobSlot, most: int = 1000) -> int:
    """After how many looks it has stood still for too long."""
    return next(count for count in range(1, most) if not slot.check_liveness())


def test_a_stopped_process_has_soon_stood_still_too_long() -> None:
    """Whatever it was about to do."""
    assert looks(live(Child(is_suspended=True))) == MAX_STOPPED_CHECKS


def test_a_process_that_goes_on_has_not_stood_still() -> None:
    """It was quiet for long, and then everything was stopped and continued: nobody is killed."""
    child = Child()
    slot = live(child)
    for _ in range(MAX_STOPPED_CHECKS + 5):
        assert slot.check_liveness()
    child.is_suspended = True
    assert slot.check_liveness()
    child.is_suspended = False

    assert all(slot.check_liveness() for _ in range(MAX_STOPPED_CHECKS))


def test_who_streams_has_to_say_so() -> None:
    """Who does not stream yet, or no more, may be waiting for others."""
    streaming, finishing = live(), live()
    streaming.apply(progressed(1.0))
    finishing.apply(progressed(10.0))

    assert looks(streaming) == MAX_SILENT_CHECKS
    assert looks(finishing) == MAX_SILENT_SETUP_CHECKS


def ended(*events: Progressed | TurnReceived, outcome: Outcome) -> JobSlot:
    slot = live()
    for event in events:
        slot.apply(event)
    slot.end_attempt(outcome)
    return slot


def test_only_breaks_are_counted() -> None:
    """Up to the bound; sessions that handed over are not."""
    slot, retry_policy = (
        ended(progressed(3.0), outcome=Outcome.HANDED_OVER),
        RetryPolicy(max_attempts=3),
    )

    for outcome in (Outcome.HANDED_OVER,) * 5:
        assert slot.next_retry_delay(outcome, retry_policy) == 0.0
    assert slot.next_retry_delay(Outcome.LOST, retry_policy) is not None
    assert slot.next_retry_delay(Outcome.CRASHED, retry_policy) is not None
    assert slot.next_retry_delay(Outcome.UNREACHABLE, retry_policy) is None


def test_an_ending_that_would_only_come_again_is_the_last() -> None:
    """Whatever the bound is."""
    for outcome in set(Outcome) - {
        Outcome.LOST,
        Outcome.CRASHED,
        Outcome.UNREACHABLE,
        Outcome.BUSY,
        Outcome.HANDED_OVER,
        Outcome.INTERRUPTED,  # nobody has left, or it would not be asked
    }:
        assert ended(outcome=outcome).next_retry_delay(outcome, RetryPolicy()) is None


def test_handing_over_without_getting_further_is_a_break() -> None:
    """Else such sessions would follow each other for ever."""
    slot = ended(outcome=Outcome.HANDED_OVER)

    assert slot.next_retry_delay(Outcome.HANDED_OVER, RetryPolicy(max_attempts=2)) != 0.0
    assert slot.next_retry_delay(Outcome.HANDED_OVER, RetryPolicy(max_attempts=2)) is None


def test_the_wait_is_any_part_of_one_that_doubles() -> None:
    """Sessions that broke together do not call together."""
    retry_policy = RetryPolicy(first_delay_s=2.0, max_delay_s=30.0)
    for broken, most in enumerate([2.0, 4.0, 8.0, 16.0, 30.0, 30.0], start=1):
        waits = [retry_policy.random_delay(broken) for _ in range(200)]

        assert 0.0 <= min(waits) < most / 4
        assert most * 3 / 4 < max(waits) <= most


def test_the_next_attempt_begins_where_the_last_final_turn_ended() -> None:
    """So far as audio had been sent when it was told."""
    turn = Turn(0, True, "word", words=(Word("word", 100, 2900),))
    slot = ended(progressed(2.5), TurnReceived(turn), progressed(9.0), outcome=Outcome.LOST)

    assert (slot.resume_point.at_ms, slot.resume_point.turn) == (2500, 1)


def test_it_streams_from_begin_until_all_is_sent_or_its_end_is_asked_for() -> None:
    """What is asked of the server outside of that means nothing to it."""
    slot = live()
    assert not slot.is_streaming
    slot.apply(Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 1.0))
    assert slot.is_streaming
    slot.apply(progressed(10.0))
    assert not slot.is_streaming

    unwanted = live()
    unwanted.apply(progressed(1.0))
    unwanted.end_requested = True
    assert not unwanted.is_streaming
    assert not ended(progressed(1.0), outcome=Outcome.LOST).is_streaming


def test_what_was_changed_is_kept_unless_it_may_be_why_it_was_refused() -> None:
    """Else each further attempt would be refused for it."""
    changes = UpdateConfiguration(max_turn_silence=300)
    for outcome in Outcome:
        slot = live()
        slot.changes = changes
        slot.end_attempt(outcome)

        assert slot.changes == (NO_CHANGES if outcome is Outcome.REFUSED else changes)
