"""The state of the desk after reports and after what the user does."""

from collections.abc import Sequence

from tests.support.report_builders import (
    broken_attempt,
    connecting,
    ended_done,
    ended_failed,
    job_reports,
    progressed,
    queued,
    refused_attempt,
    report,
    streaming,
    turn_heard,
)
from tui.cli.exit_codes import ExitCode
from tui.cli.summary import exit_code
from tui.model.desk_state import DeskState
from tui.model.table_view import Changes
from tui.model.totals import totals
from workers.jobs.events import Event
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus
from workers.jobs.resume_point import ResumePoint


def state_of(*jobs: Sequence[Event]) -> DeskState:
    """A state after these events of jobs 1, 2, 3…, with nothing left to draw."""
    state = DeskState()
    for number, events in enumerate(jobs, 1):
        for event_report in job_reports(number, *events):
            state.apply(event_report)
    state.table.take_changes()
    return state


def test_reports_make_rows_in_the_order_of_the_queue() -> None:
    """A report that overtakes another does not change the order of jobs."""
    state = DeskState()
    for number in (3, 1, 2):
        state.apply(report(number, queued()))

    assert [1, 2, 3] == state.table.visible
    assert [0, 1, 2] == [state.table.row_of(JobId(number)) for number in (1, 2, 3)]


def test_a_changed_row_is_drawn_once() -> None:
    """A tick draws a row again only after a report of its job."""
    state = state_of([queued()], streaming(), streaming())
    state.apply(report(2, progressed(11)))
    state.apply(report(2, progressed(12)))

    reported = frozenset({JobId(2)})
    assert Changes(reported, order_changed=False, reported=reported) == state.table.take_changes()
    assert Changes() == state.table.take_changes()


def test_a_row_that_the_user_changes_need_not_wait() -> None:
    """A row that is selected while its session reports counts as the user's."""
    state = state_of(streaming(), streaming(), streaming())
    state.tick(1.0)
    state.apply(report(2, progressed(11)))
    state.apply(report(3, progressed(11)))
    state.table.select(JobId(2))

    changes = state.table.take_changes()
    assert {JobId(3)} == changes.reported
    assert {JobId(1), JobId(2), JobId(3)} == changes.jobs
    assert changes.ticked
    assert not state.table.take_changes().ticked


def test_a_new_row_moves_the_others() -> None:
    """All rows are redrawn when a row is added."""
    state = state_of([queued()])
    state.apply(report(2, queued()))

    assert Changes(frozenset({JobId(2)}), order_changed=True) == state.table.take_changes()


def test_moving_redraws_the_old_and_the_new_current_row() -> None:
    """Rows between the old and the new current row are not redrawn."""
    state = state_of(*[[queued()]] * 5)
    state.table.move(3)

    assert {1, 4} == state.table.take_changes().jobs


def test_the_selection_stops_at_the_ends() -> None:
    """The selection starts at the first row; an empty desk has none."""
    state = DeskState()
    state.table.move(1)
    assert state.table.current is None
    assert state.table.current_job_state is None

    state = state_of(*[[queued()]] * 3)
    state.table.move(-1)
    assert JobId(1) == state.table.current
    state.table.move(99)
    assert JobId(3) == state.table.current


def test_marking_moves_to_the_next_row() -> None:
    """Marking a marked row unmarks it."""
    state = state_of(*[[queued()]] * 3)
    state.table.toggle_mark()
    state.table.toggle_mark()
    assert [1, 2] == state.table.targets()

    state.table.move(-1)
    state.table.toggle_mark()
    assert [1] == state.table.targets()
    assert state.table.unmark_all()
    assert not state.table.unmark_all()
    assert [3] == state.table.targets()


def test_counts_follow_every_change_of_status() -> None:
    """A retry counts as queued again."""
    state = state_of(
        [queued()], streaming(), [*streaming(), ended_done()], [queued(), ended_failed("no")]
    )
    assert [1, 1, 1, 1] == [
        state.status_counts[status]
        for status in (JobStatus.QUEUED, JobStatus.STREAMING, JobStatus.DONE, JobStatus.FAILED)
    ]

    state.apply(report(4, queued(), attempt=2))
    assert 2 == state.status_counts[JobStatus.QUEUED]
    assert 0 == state.status_counts[JobStatus.FAILED]


def test_the_worst_lag_is_that_of_a_streaming_session() -> None:
    """A session that has ended, or waits for its last words, has no lag."""
    state = state_of(
        streaming(lag=3),
        streaming(lag=7),
        [*streaming(lag=90), ended_done()],
        streaming(60, 60, 50),
    )
    assert 7 == totals(state.job_states, (), 4, held=False).worst_lag_ms


def test_a_job_is_stopping_until_it_has_ended() -> None:
    """A further attempt is not stopping."""
    state = state_of(streaming())
    state.mark_stopping(JobId(1))
    assert state.is_stopping(JobId(1))

    state.apply(report(1, ended_failed("it broke")))
    state.apply(report(1, queued(), attempt=2))
    assert not state.is_stopping(JobId(1))


def test_expected_jobs_have_rows_before_any_report() -> None:
    """Their file names are known; a job that was reported earlier keeps its state."""
    state = state_of(streaming())
    state.add_jobs([JobId(1), JobId(2)], ["/rec/1.wav", "/rec/2.wav"])

    assert [JobStatus.STREAMING, JobStatus.QUEUED] == [
        state.job_states[job].status for job in state.table.visible
    ]
    assert "/rec/2.wav" == state.job_states[JobId(2)].file


def test_a_copy_does_not_change() -> None:
    """An export in another thread does not see the transcript grow."""
    going_on = [*broken_attempt(), connecting(500, 1)]
    state = state_of([*streaming(), turn_heard(0, "One.", final=True), *going_on])
    copy = state.job_states[JobId(1)].copy()
    state.apply(report(1, turn_heard(1, "Two.", final=True), attempt=2))
    state.apply(report(1, ended_failed("it broke"), attempt=2))
    state.apply(report(1, connecting(900, 2), attempt=3))

    assert "One." == copy.transcript.text
    assert [ResumePoint(500, 1)] == copy.transcript.resume_points
    assert [1] == [attempt.number for attempt in copy.earlier_attempts]
    assert "One.\nTwo." == state.job_states[JobId(1)].transcript.text


def test_a_row_that_counts_down_is_drawn_once_a_second() -> None:
    """The countdown starts with the report and changes once a second, although ticks are faster."""
    state = DeskState()
    state.tick(100.0)
    for event_report in [
        *job_reports(1, *streaming(), *broken_attempt(again=2.5)),
        *job_reports(2, *streaming()),
    ]:
        state.apply(event_report)
    state.table.take_changes()
    drawn = []
    for tick in range(1, 31):
        state.tick(100.0 + tick / 5)
        if state.table.take_changes().jobs:
            drawn.append((tick, state.retry_wait_s(JobId(1))))

    assert [(3, 2), (8, 1), (13, 0)] == drawn
    assert 0 == state.retry_wait_s(JobId(2))


def test_a_job_that_continues_no_longer_counts_down() -> None:
    """A cancelled job stops its countdown too; a refused one does not."""
    state = state_of(
        [*streaming(), *broken_attempt()],
        [queued(), *refused_attempt(9.0)],
        [*streaming(), *broken_attempt()],
    )
    assert [3, 9, 3] == [state.retry_wait_s(job) for job in state.table.visible]

    state.apply(report(1, connecting(), attempt=2))
    state.apply(report(3, ended_failed("stopped"), attempt=2))
    state.table.take_changes()
    state.tick(1.0)
    assert [0, 8, 0] == [state.retry_wait_s(job) for job in state.table.visible]
    assert {2} == state.table.take_changes().jobs


def test_removed_jobs_still_belong_to_the_run() -> None:
    """The summary, the exit code and the billed time include them, in the order of the jobs."""
    state = DeskState()
    for number, end in ((1, ended_failed("it broke", seconds=40.0)), (2, ended_done())):
        for event_report in job_reports(number, *streaming(), end):
            state.apply(event_report)

    state.remove([JobId(1)])

    assert [2] == list(state.job_states)
    assert [1, 2] == [job_state.job for job_state in state.all_job_states]
    assert ExitCode.SOME_FAILED == exit_code(state.all_job_states, interrupted=False)
    assert (
        100.0
        == totals(state.job_states, (), 4, held=False, all_job_states=state.all_job_states).open_s
    )
