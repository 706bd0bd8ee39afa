"""Which attempt heard which turns."""

from tests.support.report_builders import (
    began,
    broken_attempt,
    connecting,
    ended_done,
    ended_failed,
    job_state_of,
    progressed,
    queued,
    refused_attempt,
    report,
    retrying,
    streaming,
    turn_heard,
)
from workers.jobs.attempt_spans import AttemptSpan, attempt_spans, span_of_turn
from workers.jobs.events import Event, Outcome
from workers.jobs.job_state import JobState
from workers.jobs.resume_point import ResumePoint


def begun(from_ms: int, from_turn: int) -> list[Event]:
    """The events of another attempt that is accepted."""
    return [connecting(from_ms, from_turn), began(), progressed(from_ms / 1000 + 5)]


def final(order: int) -> Event:
    return turn_heard(order, "and so on", final=True, at=order * 2000)


FIRST = [*streaming(), final(0), *broken_attempt(at=10.0)]
SECOND = [*FIRST, *begun(900, 1), final(1), *broken_attempt(at=20.0)]


def numbers(*events: Event) -> list[tuple[int, int]]:
    """The attempts and their first turns."""
    return [(each.attempt, each.start.turn) for each in attempt_spans(job_state_of(*events))]


def test_each_attempt_heard_the_turns_from_its_seam_on() -> None:
    """It does not matter whether another attempt runs or will follow."""
    assert [(1, 0)] == numbers(*streaming(), final(0))
    assert [(1, 0)] == numbers(*FIRST)
    assert [(1, 0), (2, 1)] == numbers(*FIRST, *begun(900, 1))
    assert [(1, 0), (2, 1)] == numbers(*SECOND)
    assert [(1, 0), (2, 1), (3, 2)] == numbers(*SECOND, *begun(2900, 2), final(2), ended_done())


def test_of_attempts_that_began_at_one_place_the_latest_heard() -> None:
    """No turn of the previous attempt was kept."""
    again = [*FIRST, *begun(900, 1), *broken_attempt(at=15.0), *begun(900, 1), final(1)]

    assert [(1, 0), (3, 1)] == numbers(*again)


def test_an_attempt_that_began_anew_heard_everything() -> None:
    """No turns of earlier attempts are left."""
    over = [*FIRST, *begun(900, 1), final(1), ended_done()]

    assert [(3, 0)] == numbers(*over, retrying(), *begun(0, 0), final(0))


def test_an_attempt_that_never_was_let_in_heard_nothing() -> None:
    """It was cancelled in the queue, or no server answered."""
    cancelled = ended_failed("taken out of the queue", outcome=Outcome.CANCELLED)

    assert [(1, 0)] == numbers(*FIRST, cancelled)
    assert [(1, 0), (2, 1)] == numbers(*SECOND, cancelled)
    assert [(1, 0), (3, 1)] == numbers(
        *FIRST, *broken_attempt("nobody", at=0.0), *begun(900, 1), final(1)
    )


def test_a_refusal_for_want_of_a_place_is_no_attempt() -> None:
    """Its number is used again."""
    assert [(1, 0), (2, 1)] == numbers(*FIRST, connecting(900, 1), *refused_attempt())
    assert [(1, 0), (2, 1)] == numbers(
        *FIRST, connecting(900, 1), *refused_attempt(), *begun(900, 1)
    )


def test_an_attempt_that_left_no_end_counts_all_the_same() -> None:
    """Program and session were killed together, and the run was resumed."""
    job_state = job_state_of(*streaming(), final(0))
    job_state.apply(report(1, connecting(900, 1), attempt=2))

    assert [AttemptSpan(1, ResumePoint()), AttemptSpan(2, ResumePoint(900, 1))] == attempt_spans(
        job_state
    )


def test_a_job_that_waits_for_its_first_attempt_has_one_to_come() -> None:
    """So every later turn belongs to a span."""
    assert [(1, 0)] == numbers(queued())
    assert [AttemptSpan(0, ResumePoint())] == attempt_spans(JobState(job_state_of().job, "a.wav"))


def test_a_turn_is_the_last_ones_that_began_before_it() -> None:
    """Turns before the first span belong to it."""
    found = attempt_spans(job_state_of(*SECOND))

    assert [1, 1, 2, 2] == [span_of_turn(found, order).attempt for order in (-1, 0, 1, 7)]
