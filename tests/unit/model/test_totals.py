"""What all sessions come to."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.support.report_builders import (
    broken,
    connecting,
    done,
    failed,
    progressed,
    queued,
    refused,
    reports,
    retrying,
    streaming,
)
from tui.model.totals import Away, Totals, finished_in, totals
from workers.jobs.events import Event, Outcome
from workers.jobs.job import JobId, Settings
from workers.jobs.job_state import JobHistory
from workers.runs import run_folder
from workers.scheduling.start_rate import GAP, Starts
from workers.scheduling.supervisor import Access, Supervisor


def after(*lives: list[Event]) -> dict[JobId, JobHistory]:
    """Jobs to which this happened, one each."""
    histories = {}
    for number, life in enumerate(lives, start=1):
        history = histories[JobId(number)] = JobHistory(JobId(number), f"{number}.wav")
        for each in reports(number, *life):
            history.apply(each)
    return histories


def of(*lives: list[Event], places: int = 2, held: bool = False) -> Totals:
    histories = after(*lives)
    return totals(histories, list(histories), places, held=held)


def test_audio_and_sockets_are_sums_over_all_that_was_streamed() -> None:
    """What is over, live, or broken; not what must be sent again."""
    live = streaming(10.0, 60.0)
    over = [*streaming(60.0, 60.0), done(60.0)]
    again = [*streaming(22.0, 60.0), *broken(at=20.0)]

    found = of(live, over, again, [queued(75.0)])
    assert (90.0, 255.0) == (found.sent, found.audio)
    assert 80.0 == of(over, again).open


def test_places_are_taken_in_queue_order() -> None:
    """As soon as each is free; the last of all ends decides."""
    assert 0.0 == finished_in([], [], 3)
    assert 50.0 == finished_in([50.0, 10.0], [], 2)
    assert 70.0 == finished_in([50.0, 10.0], [60.0], 2)
    assert 130.0 == finished_in([50.0, 10.0], [80.0, 80.0], 2)
    assert 60.0 == finished_in([], [60.0, 20.0, 30.0], 2)
    assert 80.0 == finished_in([50.0, 30.0, 10.0], [50.0], 2)  # one of three has no follower


def test_a_bound_on_starts_makes_the_end_later() -> None:
    """A place that is free is taken when it may be."""
    assert 70.0 == finished_in([], [30.0, 30.0, 10.0], 3, Starts(2).rehearsal())
    assert 110.0 + GAP == finished_in([], [30.0, 100.0, 10.0, 50.0], 3, Starts(2).rehearsal())
    assert 160.0 == finished_in([100.0, 100.0], [60.0], 2, Starts(2).rehearsal())


def test_a_supervisor_foresees_starts_from_now_on(tmp_path: Path) -> None:
    """In seconds, as often as it is asked."""
    with closing(run_folder.create(tmp_path / "run")) as folder:
        supervisor = Supervisor(nowhere, folder, Settings(), starts=Starts(2))
        for _ in range(2):
            start = supervisor.foreseen_starts()
            assert [0.0, GAP, 60.0] == [pytest.approx(start(0.0)) for _ in range(3)]


def nowhere() -> Access:
    raise AssertionError("nobody starts anything here")


def test_the_order_of_the_queue_counts() -> None:
    """The longest at the end keeps one place at work when the others are free."""
    histories = after([queued(10.0)], [queued(10.0)], [queued(60.0)])
    one, two, long = histories

    assert 60.0 == totals(histories, [long, one, two], 2, held=False).left
    assert 70.0 == totals(histories, [one, two, long], 2, held=False).left
    assert 70.0 == totals(histories, [], 2, held=False).left  # none is in the queue yet


def test_what_goes_on_needs_only_the_rest() -> None:
    """Of a broken job what is behind the break, of a live one what is not sent."""
    assert 40.0 == of([*streaming(22.0, 60.0), *broken(at=20.0)], streaming(30.0, 60.0)).left


def test_nothing_is_foretold_that_is_not_known() -> None:
    """While starts are held, before there are places, and when all is over."""
    assert of([queued()], held=True).left is None
    assert of([queued()], places=0).left is None
    assert of([*streaming(), done()]).left is None
    assert 50.0 == of(streaming(10.0, 60.0), held=True).left
    unread = of(streaming(10.0, 60.0), [])
    assert (50.0, True) == (unread.left, unread.at_least)


def test_those_are_late_whose_last_chunk_left_late() -> None:
    """Of those that are streaming; what is over is not counted."""
    found = of(
        streaming(lag=0.3),
        streaming(lag=10.1),
        streaming(lag=200.0),
        [*streaming(lag=99.0), done()],
    )

    assert (3, 2, 200.0) == (found.streaming, found.late, found.worst_lag_ms)
    assert of([queued()]).worst_lag_ms is None


UNREACHABLE = failed("nobody answers", outcome=Outcome.UNREACHABLE)
AWAY: dict[str, tuple[list[Event], Away | None]] = {
    "no place": ([queued(), connecting(), *refused()], Away.NO_PLACE),
    "an outage": ([queued(), connecting(), UNREACHABLE, retrying(5.0)], Away.NOBODY_ANSWERS),
    "a break": ([*streaming(), *broken()], None),
    "its turn": ([queued()], None),
    "let in": ([queued(), connecting(), *refused(), connecting(), progressed(1.0)], None),
    "given up": ([queued(), connecting(), UNREACHABLE], None),
}


@pytest.mark.parametrize(("life", "away"), AWAY.values(), ids=AWAY)
def test_who_waits_for_the_server_is_counted(life: list[Event], away: Away | None) -> None:
    """By what the latest try ended with; who waits for something else is not."""
    found = of(life, [queued()])

    assert away is found.away
    assert (away is not None) == found.turned_away


def test_no_end_is_foretold_while_the_server_lets_nobody_in() -> None:
    """Nobody knows when it will; a session that streams shows that it does."""
    outage = AWAY["an outage"][0]

    assert of(outage).left is None
    assert of(outage, [queued(), connecting()]).left is None
    assert of(outage, streaming(10.0, 60.0)).left == 60.0


def test_a_server_to_which_something_streams_is_there() -> None:
    """Whatever those that still wait were told; it may be full all the same."""
    assert of(AWAY["an outage"][0], streaming(10.0, 60.0)).away is None
    assert of(AWAY["no place"][0], streaming(10.0, 60.0)).away is Away.NO_PLACE


def test_a_server_that_is_not_there_is_worse_than_one_that_is_full() -> None:
    """One sentence has room."""
    found = of(AWAY["no place"][0], AWAY["an outage"][0])

    assert (Away.NOBODY_ANSWERS, 2) == (found.away, found.turned_away)
