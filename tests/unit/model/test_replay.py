"""A run played again: where its clock stands, and what the desk knows by then."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.run_builders import facts, job, run, session, talks, trace
from tui.model.desk_state import DeskState
from tui.model.replay import Playback
from workers.jobs.job import JobId
from workers.jobs.job_state import Status
from workers.runs.timeline import Chronicle

LENGTH = 11.5
"""Seconds of the run here."""


@pytest.fixture(scope="module")
def chronicle(tmp_path_factory: pytest.TempPathFactory) -> Chronicle:
    return Chronicle(talks(tmp_path_factory.mktemp("looking back") / "run"))


def known(state: DeskState) -> dict[str, object]:
    """Everything that the screens read."""
    return {
        "jobs": {job: facts(history) for job, history in state.histories.items()},
        "waits": [state.wait(job) for job in state.histories],
        "counts": {status: count for status, count in state.counts.items() if count},
        "live": [history.job for history in state.live],
        "newest": sorted(state.heard, key=lambda job: state.heard[job]),
        "rows": list(state.order),
        "queued": state.queued_order,
    }


def played(chronicle: Chronicle, *moments: float) -> DeskState:
    """A desk that was shown these moments, one after the other."""
    state, playback = DeskState(), Playback(chronicle)
    for moment in moments:
        playback.go_to(moment)
        playback.show(state, 0.0)
    return state


def test_it_opens_at_the_end(chronicle: Chronicle) -> None:
    """The run as it came out, every job of it, and nothing moves."""
    state, playback = DeskState(), Playback(chronicle)
    playback.show(state, 100.0)
    playback.show(state, 200.0)

    assert LENGTH == playback.at == playback.length
    assert [Status.DONE, Status.DONE, Status.CANCELLED] == [
        each.status for each in state.histories.values()
    ]
    assert JobId(1) == state.current
    assert playback.idle
    assert 2 == playback.sessions


MOMENTS = st.floats(0.0, LENGTH)


@given(moments=st.lists(MOMENTS, max_size=6), last=MOMENTS)
def test_every_moment_is_the_same_however_one_came_there(
    chronicle: Chronicle, moments: Sequence[float], last: float
) -> None:
    """On, back, at once or step by step."""
    steps = [last * part / 16 for part in range(17)]

    assert known(played(chronicle, *moments, last)) == known(played(chronicle, *steps))


def test_it_plays_at_its_speed(chronicle: Chronicle) -> None:
    """From the beginning when it stood at the end; it stops there."""
    state, playback = DeskState(), Playback(chronicle)
    playback.show(state, 100.0)
    playback.play(100.0)
    playback.show(state, 101.0)
    assert playback.playing
    assert 1.0 == playback.at
    assert Status.STREAMING is state.histories[JobId(1)].status

    playback.faster(1)
    playback.show(state, 102.0)
    assert (4, 5.0) == (playback.speed, playback.at)
    playback.play(102.5)
    playback.show(state, 200.0)
    assert (False, 7.0) == (playback.playing, playback.at)

    playback.faster(2)
    playback.faster(-1)
    playback.play(200.0)
    playback.show(state, 201.0)
    assert (4, 11.0) == (playback.speed, playback.at)
    playback.show(state, 300.0)
    assert (False, LENGTH) == (playback.playing, playback.at)


def test_skips_stop_at_both_ends(chronicle: Chronicle) -> None:
    """And while it plays it plays on from there."""
    state, playback = DeskState(), Playback(chronicle)
    playback.show(state, 0.0)
    playback.skip(-60)
    assert 0.0 == playback.at
    playback.play(0.0)
    playback.skip(10)
    playback.show(state, 0.5)
    assert 10.5 == playback.at
    playback.skip(60)
    assert LENGTH == playback.at


def test_what_waits_counts_down_on_the_clock_of_the_run(chronicle: Chronicle) -> None:
    """Also when the moment was gone to in the middle of the wait."""
    assert 2 == played(chronicle, 7.0).wait(JobId(2))
    assert 1 == played(chronicle, 11.0, 7.0, 8.5).wait(JobId(2))


def test_each_attempt_stands_where_its_own_clock_stood(chronicle: Chronicle) -> None:
    """At the end, none of it is missing; what had not begun had told nothing."""
    playback = Playback(chronicle)
    assert 2.5 <= playback.into(JobId(2), 2) < 2.501
    playback.go_to(3.0)

    found = [playback.into(JobId(job), attempt) for job, attempt in ((1, 1), (2, 1), (2, 2))]
    assert [3.0, 2.0, -6.0] == [pytest.approx(each, abs=1e-3) for each in found]
    assert 0 > playback.into(JobId(3), 1)


def test_what_the_user_did_to_the_rows_stays(chronicle: Chronicle) -> None:
    """Marks, selection and filter, wherever one goes."""
    state, playback = DeskState(), Playback(chronicle)
    playback.show(state, 0.0)
    state.mark()
    state.filter_by("!3.wav")
    playback.go_to(1.0)
    playback.show(state, 0.0)

    assert [JobId(1)] == state.targets()
    assert JobId(2) == state.current
    assert [JobId(1), JobId(2)] == list(state.order)
    changes = state.take_dirty()
    assert {1, 2, 3} <= changes.jobs


def test_the_queue_stands_as_it_went(tmp_path: Path) -> None:
    """Who started first was first; who never did comes last."""
    folder = run(tmp_path / "run", [job(number) for number in (1, 2, 3, 4)])
    for number, begun in ((1, 0.0), (2, 9.0), (4, 3.0)):
        trace(folder, number, session("One."), at=begun)
    state, playback = DeskState(), Playback(Chronicle(folder))
    playback.go_to(1.0)
    playback.show(state, 0.0)
    assert [4, 2, 3] == playback.queue

    playback.go_to(9.05)
    playback.show(state, 0.0)
    assert [2, 3] == playback.queue


def test_nothing_can_be_steered(chronicle: Chronicle) -> None:
    """Every verb is there, and does nothing."""
    state, playback = DeskState(), Playback(chronicle)
    playback.go_to(3.0)
    playback.show(state, 0.0)
    before = known(state)
    playback.cancel(JobId(1))
    playback.hold(True)
    playback.stop()
    playback.allow(1)
    assert [] == playback.add(["/rec/4.wav"])
    assert not playback.retry(JobId(1))
    assert not playback.end_turn(JobId(1))
    playback.show(state, 1.0)

    assert before == known(state)
    assert playback.reports.empty()
    assert not playback.holding
