"""A run played again: where its clock stands, and what the desk knows by then."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.run_builders import (
    index_entry,
    observable_state,
    session_events,
    write_run_folder,
    write_sample_run,
    write_trace,
)
from tui.model.desk_state import DeskState
from tui.model.replay import Replay
from tui.model.row_filter import parse_filter
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.render.columns import COLUMNS
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.runs.timeline import RunTimeline

LENGTH = 11.5
"""Seconds of the run here."""


@pytest.fixture(scope="module")
def chronicle(tmp_path_factory: pytest.TempPathFactory) -> RunTimeline:
    return RunTimeline(write_sample_run(tmp_path_factory.mktemp("looking back") / "run"))


def known(state: DeskState) -> dict[str, object]:
    """Everything that the screens read."""
    return {
        "jobs": {job: observable_state(history) for job, history in state.job_states.items()},
        "waits": [state.retry_wait_s(job) for job in state.job_states],
        "counts": {status: count for status, count in state.status_counts.items() if count},
        "live": [job_state.job for job_state in state.live_job_states],
        "newest": sorted(state.last_heard_seq, key=lambda job: state.last_heard_seq[job]),
        "rows": list(state.table.visible),
        "queued": state.table.waiting_jobs,
    }


def played(timeline: RunTimeline, *moments: float) -> DeskState:
    """A desk that was shown these moments, one after the other."""
    state, playback = DeskState(), Replay(timeline)
    for moment in moments:
        playback.seek(moment)
        playback.update_state(state, 0.0)
    return state


def test_it_opens_at_the_end(chronicle: RunTimeline) -> None:
    """The run as it came out, every job of it, and nothing moves."""
    state, playback = DeskState(), Replay(chronicle)
    playback.update_state(state, 100.0)
    playback.update_state(state, 200.0)

    assert LENGTH == playback.position_s == playback.duration_s
    assert [JobStatus.DONE, JobStatus.DONE, JobStatus.CANCELLED] == [
        each.status for each in state.job_states.values()
    ]
    assert JobId(1) == state.table.current
    assert playback.is_idle
    assert 2 == playback.max_sessions


MOMENTS = st.floats(0.0, LENGTH)


@given(moments=st.lists(MOMENTS, max_size=6), last=MOMENTS)
def test_every_moment_is_the_same_however_one_came_there(
    chronicle: RunTimeline, moments: Sequence[float], last: float
) -> None:
    """On, back, at once or step by step."""
    steps = [last * part / 16 for part in range(17)]

    assert known(played(chronicle, *moments, last)) == known(played(chronicle, *steps))


def test_it_plays_at_its_speed(chronicle: RunTimeline) -> None:
    """From the beginning when it stood at the end; it stops there."""
    state, playback = DeskState(), Replay(chronicle)
    playback.update_state(state, 100.0)
    playback.toggle_playing(100.0)
    playback.update_state(state, 101.0)
    assert playback.playing
    assert 1.0 == playback.position_s
    assert JobStatus.STREAMING is state.job_states[JobId(1)].status

    playback.change_speed(1)
    playback.update_state(state, 102.0)
    assert (4, 5.0) == (playback.speed, playback.position_s)
    playback.toggle_playing(102.5)
    playback.update_state(state, 200.0)
    assert (False, 7.0) == (playback.playing, playback.position_s)

    playback.change_speed(2)
    playback.change_speed(-1)
    playback.toggle_playing(200.0)
    playback.update_state(state, 201.0)
    assert (4, 11.0) == (playback.speed, playback.position_s)
    playback.update_state(state, 300.0)
    assert (False, LENGTH) == (playback.playing, playback.position_s)


def test_skips_stop_at_both_ends(chronicle: RunTimeline) -> None:
    """And while it plays it plays on from there."""
    state, playback = DeskState(), Replay(chronicle)
    playback.update_state(state, 0.0)
    playback.seek(playback.position_s - 60)
    assert 0.0 == playback.position_s
    playback.toggle_playing(0.0)
    playback.seek(playback.position_s + 10)
    playback.update_state(state, 0.5)
    assert 10.5 == playback.position_s
    playback.seek(playback.position_s + 60)
    assert LENGTH == playback.position_s


def test_what_waits_counts_down_on_the_clock_of_the_run(chronicle: RunTimeline) -> None:
    """Also when the moment was gone to in the middle of the wait."""
    assert 2 == played(chronicle, 7.0).retry_wait_s(JobId(2))
    assert 1 == played(chronicle, 11.0, 7.0, 8.5).retry_wait_s(JobId(2))


def test_each_attempt_stands_where_its_own_clock_stood(chronicle: RunTimeline) -> None:
    """At the end, none of it is missing; what had not begun had told nothing."""
    playback = Replay(chronicle)
    assert 2.5 <= playback.attempt_time_s(JobId(2), 2) < 2.501
    playback.seek(3.0)

    found = [
        playback.attempt_time_s(JobId(job), attempt) for job, attempt in ((1, 1), (2, 1), (2, 2))
    ]
    assert [3.0, 2.0, -6.0] == [pytest.approx(each, abs=1e-3) for each in found]
    assert 0 > playback.attempt_time_s(JobId(3), 1)


def test_what_the_user_did_to_the_rows_stays(chronicle: RunTimeline) -> None:
    """Marks, selection and filter, wherever one goes."""
    state, playback = DeskState(), Replay(chronicle)
    playback.update_state(state, 0.0)
    state.table.toggle_mark()
    state.table.filter_by(parse_filter("!3.wav", COLUMNS))
    playback.seek(1.0)
    playback.update_state(state, 0.0)

    assert [JobId(1)] == state.table.targets()
    assert JobId(2) == state.table.current
    assert [JobId(1), JobId(2)] == list(state.table.visible)
    changes = state.table.take_changes()
    assert {1, 2, 3} <= changes.jobs


def test_the_queue_stands_as_it_went(tmp_path: Path) -> None:
    """Who started first was first; who never did comes last."""
    folder = write_run_folder(tmp_path / "run", [index_entry(number) for number in (1, 2, 3, 4)])
    for number, begun in ((1, 0.0), (2, 9.0), (4, 3.0)):
        write_trace(folder, number, session_events("One."), at=begun)
    state, playback = DeskState(), Replay(RunTimeline(folder))
    playback.seek(1.0)
    playback.update_state(state, 0.0)
    assert [4, 2, 3] == playback.queue

    playback.seek(9.05)
    playback.update_state(state, 0.0)
    assert [2, 3] == playback.queue


def test_nothing_can_be_steered(chronicle: RunTimeline) -> None:
    """A replay has the supervisor's status and none of its methods that steer sessions."""
    steering = {name for name in vars(SupervisorProtocol) if not name.startswith("_")}

    assert {"add", "cancel", "stop"} <= steering
    assert not steering & set(dir(Replay(chronicle)))
