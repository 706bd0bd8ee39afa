"""The replay of a run: its clock, and what the desk knows at each position."""

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
def timeline(tmp_path_factory: pytest.TempPathFactory) -> RunTimeline:
    return RunTimeline(write_sample_run(tmp_path_factory.mktemp("replay") / "run"))


def known(state: DeskState) -> dict[str, object]:
    """Everything that the screens read."""
    return {
        "jobs": {job: observable_state(job_state) for job, job_state in state.job_states.items()},
        "waits": [state.retry_wait_s(job) for job in state.job_states],
        "counts": {status: count for status, count in state.status_counts.items() if count},
        "live": [job_state.job for job_state in state.live_job_states],
        "newest": sorted(state.last_heard_seq, key=lambda job: state.last_heard_seq[job]),
        "rows": list(state.table.visible),
        "queued": state.table.waiting_jobs,
    }


def played(timeline: RunTimeline, *moments: float) -> DeskState:
    """A desk that has shown these moments one after another."""
    state, replay = DeskState(), Replay(timeline)
    for moment in moments:
        replay.seek(moment)
        replay.update_state(state, 0.0)
    return state


def test_it_opens_at_the_end(timeline: RunTimeline) -> None:
    """A replay opens paused, with the result of every job."""
    state, replay = DeskState(), Replay(timeline)
    replay.update_state(state, 100.0)
    replay.update_state(state, 200.0)

    assert LENGTH == replay.position_s == replay.duration_s
    assert [JobStatus.DONE, JobStatus.DONE, JobStatus.CANCELLED] == [
        job_state.status for job_state in state.job_states.values()
    ]
    assert JobId(1) == state.table.current
    assert replay.is_idle
    assert 2 == replay.max_sessions


MOMENTS = st.floats(0.0, LENGTH)


@given(moments=st.lists(MOMENTS, max_size=6), last=MOMENTS)
def test_a_moment_looks_the_same_from_wherever_it_is_reached(
    timeline: RunTimeline, moments: Sequence[float], last: float
) -> None:
    """Forwards, backwards, at once or step by step."""
    steps = [last * part / 16 for part in range(17)]

    assert known(played(timeline, *moments, last)) == known(played(timeline, *steps))


def test_it_plays_at_its_speed(timeline: RunTimeline) -> None:
    """Playing at the end starts at the beginning, and stops at the end."""
    state, replay = DeskState(), Replay(timeline)
    replay.update_state(state, 100.0)
    replay.toggle_playing(100.0)
    replay.update_state(state, 101.0)
    assert replay.playing
    assert 1.0 == replay.position_s
    assert JobStatus.STREAMING is state.job_states[JobId(1)].status

    replay.change_speed(1)
    replay.update_state(state, 102.0)
    assert (4, 5.0) == (replay.speed, replay.position_s)
    replay.toggle_playing(102.5)
    replay.update_state(state, 200.0)
    assert (False, 7.0) == (replay.playing, replay.position_s)

    replay.change_speed(2)
    replay.change_speed(-1)
    replay.toggle_playing(200.0)
    replay.update_state(state, 201.0)
    assert (4, 11.0) == (replay.speed, replay.position_s)
    replay.update_state(state, 300.0)
    assert (False, LENGTH) == (replay.playing, replay.position_s)


def test_seeking_stops_at_both_ends(timeline: RunTimeline) -> None:
    """While playing, it continues from there."""
    state, replay = DeskState(), Replay(timeline)
    replay.update_state(state, 0.0)
    replay.seek(replay.position_s - 60)
    assert 0.0 == replay.position_s
    replay.toggle_playing(0.0)
    replay.seek(replay.position_s + 10)
    replay.update_state(state, 0.5)
    assert 10.5 == replay.position_s
    replay.seek(replay.position_s + 60)
    assert LENGTH == replay.position_s


def test_retries_count_down_on_the_clock_of_the_run(timeline: RunTimeline) -> None:
    """The countdown is right even after seeking into the middle of the wait."""
    assert 2 == played(timeline, 7.0).retry_wait_s(JobId(2))
    assert 1 == played(timeline, 11.0, 7.0, 8.5).retry_wait_s(JobId(2))


def test_each_attempt_has_its_own_clock(timeline: RunTimeline) -> None:
    """The clock is complete at the end, and negative before the attempt starts."""
    replay = Replay(timeline)
    assert 2.5 <= replay.attempt_time_s(JobId(2), 2) < 2.501
    replay.seek(3.0)

    found = [
        replay.attempt_time_s(JobId(job), attempt) for job, attempt in ((1, 1), (2, 1), (2, 2))
    ]
    assert [3.0, 2.0, -6.0] == [pytest.approx(time_s, abs=1e-3) for time_s in found]
    assert 0 > replay.attempt_time_s(JobId(3), 1)


def test_seeking_keeps_what_the_user_did_to_the_rows(timeline: RunTimeline) -> None:
    """Marks, selection and filter."""
    state, replay = DeskState(), Replay(timeline)
    replay.update_state(state, 0.0)
    state.table.toggle_mark()
    state.table.filter_by(parse_filter("!3.wav", COLUMNS))
    replay.seek(1.0)
    replay.update_state(state, 0.0)

    assert [JobId(1)] == state.table.targets()
    assert JobId(2) == state.table.current
    assert [JobId(1), JobId(2)] == list(state.table.visible)
    changes = state.table.take_changes()
    assert {1, 2, 3} <= changes.jobs


def test_the_queue_is_in_the_order_of_the_starts(tmp_path: Path) -> None:
    """Jobs that never started come last."""
    folder = write_run_folder(tmp_path / "run", [index_entry(number) for number in (1, 2, 3, 4)])
    for number, start_s in ((1, 0.0), (2, 9.0), (4, 3.0)):
        write_trace(folder, number, session_events("One."), at=start_s)
    state, replay = DeskState(), Replay(RunTimeline(folder))
    replay.seek(1.0)
    replay.update_state(state, 0.0)
    assert [4, 2, 3] == replay.queue

    replay.seek(9.05)
    replay.update_state(state, 0.0)
    assert [2, 3] == replay.queue


def test_a_replay_cannot_be_steered(timeline: RunTimeline) -> None:
    """A replay has the supervisor's status, but no methods that control sessions."""
    steering = {name for name in vars(SupervisorProtocol) if not name.startswith("_")}

    assert {"add", "cancel", "stop"} <= steering
    assert not steering & set(dir(Replay(timeline)))
