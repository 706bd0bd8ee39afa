from dataclasses import dataclass
from typing import cast

from workers.jobs.events import Began, Outcome, Progressed, TurnHeard
from workers.jobs.job import JobId
from workers.pacing.certificate import LagSummary
from workers.protocol.configuration import UNCHANGED
from workers.protocol.messages import Turn, UpdateConfiguration, Word
from workers.scheduling.job_slot import STILL, STILL_CALLING, STOPPED, Place
from workers.scheduling.retry_policy import Retries
from workers.session.child import SessionChild


@dataclass
class Child:
    """A session's process, as far as a place looks at it."""

    stopped: bool = False


def live(child: Child | None = None) -> Place:
    place = Place(JobId(1), "a.wav", "a.wav")
    place.starts(cast(SessionChild, child or Child()))
    return place


def progressed(sent: float, total: float = 10.0) -> Progressed:
    return Progressed(sent, total, LagSummary(0, 0, 0, 0))


def looks(place: Place, most: int = 1000) -> int:
    """After how many looks it has stood still for too long."""
    return next(count for count in range(1, most) if not place.look())


def test_a_stopped_process_has_soon_stood_still_too_long() -> None:
    """Whatever it was about to do."""
    assert looks(live(Child(stopped=True))) == STOPPED


def test_a_process_that_goes_on_has_not_stood_still() -> None:
    """It was quiet for long, and then everything was stopped and continued: nobody is killed."""
    child = Child()
    place = live(child)
    for _ in range(STOPPED + 5):
        assert place.look()
    child.stopped = True
    assert place.look()
    child.stopped = False

    assert all(place.look() for _ in range(STOPPED))


def test_who_streams_has_to_say_so() -> None:
    """Who does not stream yet, or no more, may be waiting for others."""
    streaming, finishing = live(), live()
    streaming.hear(progressed(1.0))
    finishing.hear(progressed(10.0))

    assert looks(streaming) == STILL
    assert looks(finishing) == STILL_CALLING


def ended(*events: Progressed | TurnHeard, outcome: Outcome) -> Place:
    place = live()
    for event in events:
        place.hear(event)
    place.ends(outcome)
    return place


def test_only_breaks_are_counted() -> None:
    """Up to the bound; sessions that handed over are not."""
    place, retries = ended(progressed(3.0), outcome=Outcome.HANDED_OVER), Retries(attempts=3)

    for outcome in (Outcome.HANDED_OVER,) * 5:
        assert place.goes_on_in(outcome, retries) == 0.0
    assert place.goes_on_in(Outcome.LOST, retries) is not None
    assert place.goes_on_in(Outcome.CRASHED, retries) is not None
    assert place.goes_on_in(Outcome.UNREACHABLE, retries) is None


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
        assert ended(outcome=outcome).goes_on_in(outcome, Retries()) is None


def test_handing_over_without_getting_further_is_a_break() -> None:
    """Else such sessions would follow each other for ever."""
    place = ended(outcome=Outcome.HANDED_OVER)

    assert place.goes_on_in(Outcome.HANDED_OVER, Retries(attempts=2)) != 0.0
    assert place.goes_on_in(Outcome.HANDED_OVER, Retries(attempts=2)) is None


def test_the_wait_is_any_part_of_one_that_doubles() -> None:
    """Sessions that broke together do not call together."""
    retries = Retries(first=2.0, most=30.0)
    for broken, most in enumerate([2.0, 4.0, 8.0, 16.0, 30.0, 30.0], start=1):
        waits = [retries.delay(broken) for _ in range(200)]

        assert 0.0 <= min(waits) < most / 4
        assert most * 3 / 4 < max(waits) <= most


def test_the_next_attempt_begins_where_the_last_final_turn_ended() -> None:
    """So far as audio had been sent when it was told."""
    turn = Turn(0, True, "word", words=(Word("word", 100, 2900),))
    place = ended(progressed(2.5), TurnHeard(turn), progressed(9.0), outcome=Outcome.LOST)

    assert (place.seam.at_ms, place.seam.turn) == (2500, 1)


def test_it_streams_from_begin_until_all_is_sent_or_its_end_is_asked_for() -> None:
    """What is asked of the server outside of that means nothing to it."""
    place = live()
    assert not place.streams
    place.hear(Began("0b6f", "u3-rt-pro", 16000, 0, 1.0, 1.0))
    assert place.streams
    place.hear(progressed(10.0))
    assert not place.streams

    unwanted = live()
    unwanted.hear(progressed(1.0))
    unwanted.unwanted = True
    assert not unwanted.streams
    assert not ended(progressed(1.0), outcome=Outcome.LOST).streams


def test_what_was_changed_is_kept_unless_it_may_be_why_it_was_refused() -> None:
    """Else each further attempt would be refused for it."""
    changes = UpdateConfiguration(max_turn_silence=300)
    for outcome in Outcome:
        place = live()
        place.changes = changes
        place.ends(outcome)

        assert place.changes == (UNCHANGED if outcome is Outcome.REFUSED else changes)
