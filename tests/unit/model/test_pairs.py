"""A split call on the desk: one row, which unfolds to its two halves."""

from collections.abc import Sequence

import pytest

from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    began,
    connecting,
    ended_done,
    ended_failed,
    progressed,
    queued,
    retrying,
    streaming,
    turn_heard,
)
from tui.app.queue_edits import QueueEditor
from tui.keys.keymap import Keymap
from tui.model.desk_state import DeskState
from tui.model.row_filter import parse_filter
from tui.model.totals import totals
from tui.render.columns import COLUMNS
from tui.render.table import fit_columns, session_row
from tui.theme.symbols import UNICODE
from workers.audio.source import ReadOptions, Source
from workers.jobs.events import Event, JobReport, Retrying
from workers.jobs.job import Half, JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import PairState

CALL = Source("call.wav", ReadOptions(speakers=("agent", "caller")))
PAIR, AGENT, CALLER, ALONE = map(JobId, (1, 2, 3, 4))


def desk(agent: Sequence[Event] = (), caller: Sequence[Event] = ()) -> DeskState:
    """A pair after these events of its halves, and a job of its own below it."""
    state = DeskState()
    state.add_jobs([PAIR, ALONE], [CALL, Source("alone.wav")])
    for channel, events in ((1, agent), (2, caller)):
        apply_to(state, channel, *events)
    state.table.take_changes()
    return state


def apply_to(state: DeskState, channel: int, *events: Event, attempt: int = 1) -> None:
    half = Half(PAIR, channel, CALL.options.speakers[channel - 1])
    for event in events:
        attempt += event.type == "retrying"
        state.apply(JobReport(half.jobs[channel - 1], attempt, "call.wav", 1.0, event, half))


def text_of(state: DeskState, job: JobId, cells: int = 100) -> str:
    layout = fit_columns(cells, has_hours=False, longest_name=20, columns=COLUMNS)
    job_state = state.half_states.get(job) or state.job_states[job]
    line = session_row(job_state, layout, state.row_context(job), UNICODE)
    return "".join(text for text, _ in line)


def test_a_pair_counts_as_one_job() -> None:
    """It has two sessions, whose sockets are both open, but the audio of one recording."""
    state = desk(streaming(10.0), streaming(10.0))
    figures = totals(state.job_states, [], 4, held=False)

    assert state.table.visible == [PAIR, ALONE]
    assert state.status_counts[JobStatus.STREAMING] == 1
    assert [job.job for job in state.all_job_states] == [PAIR, ALONE]
    assert state.live_session_count == figures.streaming_count == 2
    assert figures.audio_s == state.half_states[AGENT].total_seconds


def test_a_pair_unfolds_to_its_halves_and_folds_again() -> None:
    """The halves stand below it, also after the rows were sorted."""
    state = desk(streaming(), streaming())
    state.table.select(PAIR)
    state.table.toggle_fold([PAIR])
    assert state.table.visible == [PAIR, AGENT, CALLER, ALONE]

    state.table.sort_by(COLUMNS[0])
    rows = state.table.visible
    assert rows[rows.index(PAIR) :][:3] == [PAIR, AGENT, CALLER]

    state.table.select(CALLER)
    assert state.table.current_job_state is state.half_states[CALLER]
    state.table.toggle_fold([PAIR])
    assert state.table.current == PAIR
    assert AGENT not in state.table.visible


def test_verbs_marks_and_filters_take_a_pair_as_one() -> None:
    """Whichever of its rows is current."""
    state = desk(streaming(), streaming())
    state.table.toggle_fold([PAIR])
    state.table.select(CALLER)
    assert state.table.targets() == [PAIR]
    state.table.toggle_mark()
    assert state.table.marked == {PAIR}
    assert state.row_context(PAIR).marked
    state.table.invert_marks()
    assert state.table.marked == {ALONE}
    state.table.filter_by(parse_filter("name:alone", COLUMNS))
    assert state.table.visible == [ALONE]
    state.table.filter_by(parse_filter("", COLUMNS))
    assert state.table.visible == [PAIR, AGENT, CALLER, ALONE]


def test_a_row_shows_the_worse_state_and_who_spoke_last() -> None:
    """Halves are named by their speakers, below the recording."""
    agent = [*streaming(), turn_heard(0, "Good morning", at=0)]
    state = desk(agent, [*streaming(), turn_heard(0, "Hello", at=2000)])
    assert "▸ call.wav" in text_of(state, PAIR)
    assert "caller: Hello" in text_of(state, PAIR)

    state.table.toggle_fold([PAIR])
    assert "▾ call.wav" in text_of(state, PAIR)
    assert "└ agent" in text_of(state, AGENT)
    assert "Good morning" in text_of(state, AGENT)

    apply_to(state, 1, ended_failed("the line is dead"), retrying())
    assert "retrying" in text_of(state, PAIR)
    assert "streaming" in text_of(state, CALLER)
    assert state.job_states[PAIR].is_live


def test_a_pair_is_over_when_both_halves_are() -> None:
    """The desk must not call a run finished before that."""
    state = desk([*streaming(), ended_done()], streaming())
    state.remove([ALONE])
    assert not state.is_over
    apply_to(state, 2, ended_done())
    assert state.is_over


def test_the_countdown_is_that_of_the_half_that_starts_first() -> None:
    """Reports of both mark the row as changed."""
    state = desk([*streaming(), ended_failed("gone"), Retrying("gone", 5.0, 0.0)], streaming())
    assert state.retry_wait_s(PAIR) == state.retry_wait_s(AGENT) == 5
    state.tick(2.0)
    assert {PAIR, AGENT} <= state.table.take_changes().jobs


def test_a_removed_pair_comes_back_with_both_halves() -> None:
    """Reports that came meanwhile are not lost."""
    state = desk([queued()], [queued()])
    state.table.toggle_fold([PAIR])
    state.remove([PAIR])
    assert state.table.visible == [ALONE]
    apply_to(state, 2, connecting(), began(), progressed(3.0))
    state.undo_remove([PAIR])

    assert state.table.visible == [PAIR, AGENT, CALLER, ALONE]
    assert state.half_states[CALLER].sent_seconds == 3.0
    assert state.live_session_count == 1


def test_jobs_of_an_earlier_run_are_paired() -> None:
    """A resumed run and a replay start with states."""
    state = DeskState()
    halves = [JobState(job, "call.wav", Half(PAIR, n, "")) for n, job in ((1, AGENT), (2, CALLER))]
    state.restore([*halves, JobState(ALONE, "alone.wav")])

    assert state.table.visible == [PAIR, ALONE]
    assert isinstance(state.job_states[PAIR], PairState)
    apply_to(state, 1, *streaming())
    state.reset()
    assert state.job_states[PAIR].status is JobStatus.QUEUED
    assert state.half_states[AGENT].half == halves[0].half


def test_a_report_of_an_unknown_pair_makes_its_row() -> None:
    """Reports may overtake the addition."""
    state = DeskState()
    apply_to(state, 2, queued())

    assert state.table.visible == [PAIR]
    assert state.session_jobs(PAIR) == [AGENT, CALLER]


@pytest.mark.parametrize("unfolded", [False, True])
def test_the_queue_moves_a_pair_as_one(unfolded: bool) -> None:
    """Its halves stay together."""
    state, supervisor = desk([queued()], [queued()]), FakeSupervisor()
    supervisor.queue = [PAIR, ALONE]
    if unfolded:
        state.table.toggle_fold([PAIR])
    editor = QueueEditor(state, supervisor, Keymap({}))

    assert editor.move_in_queue([PAIR], 1) == "1 recording moved down: number 2 of 2 in the queue"
    assert supervisor.queue == [ALONE, PAIR]
    assert state.table.visible == [ALONE, PAIR, *[AGENT, CALLER][: 2 * unfolded]]
