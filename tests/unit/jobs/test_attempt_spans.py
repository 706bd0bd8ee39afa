"""Which attempt heard which turns."""

from tests.support.report_builders import (
    began,
    broken,
    connecting,
    done,
    failed,
    heard,
    history_of,
    progressed,
    queued,
    refused,
    report,
    retrying,
    streaming,
)
from workers.jobs.attempt_spans import Takeover, heard_by, takeovers
from workers.jobs.events import Event, Outcome
from workers.jobs.job_state import JobHistory
from workers.jobs.resume_point import Seam


def begun(from_ms: int, from_turn: int) -> list[Event]:
    """A further attempt is let in."""
    return [connecting(from_ms, from_turn), began(), progressed(from_ms / 1000 + 5)]


def final(order: int) -> Event:
    return heard(order, "and so on", final=True, at=order * 2000)


FIRST = [*streaming(), final(0), *broken(at=10.0)]
SECOND = [*FIRST, *begun(900, 1), final(1), *broken(at=20.0)]


def numbers(*events: Event) -> list[tuple[int, int]]:
    """Attempts and the turns from which on they heard."""
    return [(each.attempt, each.seam.turn) for each in takeovers(history_of(*events))]


def test_each_attempt_heard_the_turns_from_its_seam_on() -> None:
    """Whether another is at work, awaited, or none."""
    assert [(1, 0)] == numbers(*streaming(), final(0))
    assert [(1, 0)] == numbers(*FIRST)
    assert [(1, 0), (2, 1)] == numbers(*FIRST, *begun(900, 1))
    assert [(1, 0), (2, 1)] == numbers(*SECOND)
    assert [(1, 0), (2, 1), (3, 2)] == numbers(*SECOND, *begun(2900, 2), final(2), done())


def test_of_attempts_that_began_at_one_place_the_latest_heard() -> None:
    """The one before had heard nothing which was kept."""
    again = [*FIRST, *begun(900, 1), *broken(at=15.0), *begun(900, 1), final(1)]

    assert [(1, 0), (3, 1)] == numbers(*again)


def test_an_attempt_that_began_anew_heard_everything() -> None:
    """Nothing is left of those before."""
    over = [*FIRST, *begun(900, 1), final(1), done()]

    assert [(3, 0)] == numbers(*over, retrying(), *begun(0, 0), final(0))


def test_an_attempt_that_never_was_let_in_heard_nothing() -> None:
    """It was cancelled while it waited, or nobody answered."""
    cancelled = failed("taken out of the queue", outcome=Outcome.CANCELLED)

    assert [(1, 0)] == numbers(*FIRST, cancelled)
    assert [(1, 0), (2, 1)] == numbers(*SECOND, cancelled)
    assert [(1, 0), (3, 1)] == numbers(*FIRST, *broken("nobody", at=0.0), *begun(900, 1), final(1))


def test_a_refusal_for_want_of_a_place_is_no_attempt() -> None:
    """Its number comes again."""
    assert [(1, 0), (2, 1)] == numbers(*FIRST, connecting(900, 1), *refused())
    assert [(1, 0), (2, 1)] == numbers(*FIRST, connecting(900, 1), *refused(), *begun(900, 1))


def test_an_attempt_that_left_no_end_counts_all_the_same() -> None:
    """Program and session were killed together, and the run was resumed."""
    history = history_of(*streaming(), final(0))
    history.apply(report(1, connecting(900, 1), attempt=2))

    assert [Takeover(1, Seam()), Takeover(2, Seam(900, 1))] == takeovers(history)


def test_a_job_that_waits_for_its_first_attempt_has_one_to_come() -> None:
    """So that whatever is heard has one."""
    assert [(1, 0)] == numbers(queued())
    assert [Takeover(0, Seam())] == takeovers(JobHistory(history_of().job, "a.wav"))


def test_a_turn_is_the_last_ones_that_began_before_it() -> None:
    """A number from before the first is the first one's."""
    found = takeovers(history_of(*SECOND))

    assert [1, 1, 2, 2] == [heard_by(found, order).attempt for order in (-1, 0, 1, 7)]
