"""The rows of the table: sorted, filtered, frozen, marked, moved; and which is the current one."""

from dataclasses import replace

import pytest

from tests.support.report_builders import (
    broken_attempt,
    certificate,
    ended_done,
    ended_failed,
    job_reports,
    progressed,
    queued,
    report,
    streaming,
    turn_heard,
)
from tui.model.column_spec import QUEUE_ORDER, ColumnSpec, Sorting
from tui.model.desk_state import DeskState
from tui.model.row_filter import Filter, parse_filter
from tui.render.columns import COLUMNS, column_named
from tui.render.latest_words import queue_position
from workers.jobs.events import Event, Outcome
from workers.jobs.job import JobId
from workers.jobs.job_state import JobStatus


def desk(*jobs: list[Event]) -> DeskState:
    """A state after these events of jobs 1, 2, 3…, with nothing left to draw."""
    state = DeskState()
    state.tick(100.0)
    for number, events in enumerate(jobs, 1):
        for event_report in job_reports(number, *events):
            state.apply(event_report)
    state.table.take_changes()
    return state


def later(state: DeskState, now: float) -> list[int]:
    """The rows from the top, after changes are taken."""
    state.tick(now)
    state.table.take_changes()
    return list(state.table.visible)


WAITS: list[Event] = [queued()]

MIXED: list[list[Event]] = [
    [*streaming(10, 60, lag=3.0), turn_heard(0, "good morning")],
    [queued(30)],
    [*streaming(5, 200, lag=40.0), turn_heard(0, "and now")],
    [*streaming(), ended_failed("it broke")],
    [*streaming(60, 60), ended_done()],
    [*streaming(20, 50, lag=9.0), *broken_attempt()],
]


@pytest.mark.parametrize(
    ("column", "order"),
    [
        (QUEUE_ORDER, [1, 2, 3, 4, 5, 6]),
        (column_named("state"), [4, 6, 1, 3, 2, 5]),
        (column_named("file"), [1, 2, 3, 4, 5, 6]),
        (column_named("progress"), [5, 6, 1, 4, 3, 2]),
        (column_named("left"), [2, 6, 1, 3, 4, 5]),
        (column_named("lag"), [3, 1, 5, 2, 4, 6]),
        (column_named("attempts"), [6, 1, 2, 3, 4, 5]),
        (column_named("words"), [3, 1, 2, 4, 5, 6]),
    ],
)
def test_rows_are_sorted_by_any_column(column: ColumnSpec, order: list[int]) -> None:
    """Equal rows are in queue order, and rows without a value come last."""
    state = desk(*MIXED)
    if column is not QUEUE_ORDER:
        state.table.sort_by(column)

    assert order == state.table.visible
    assert [0, 5] == [state.table.row_of(JobId(order[0])), state.table.row_of(JobId(order[5]))]


def test_sessions_that_are_late_now_come_before_finished_ones() -> None:
    """Streaming jobs are sorted by their latest lag, then finished ones by their p99."""
    worse, bad = (replace(ended_done(), certificate=certificate(p99)) for p99 in (90.0, 50.0))
    state = desk(
        [*streaming(), bad], streaming(lag=3.0), [*streaming(), worse], streaming(lag=40.0), WAITS
    )

    state.table.sort_by(column_named("lag"))
    assert [4, 2, 3, 1, 5] == state.table.visible
    state.table.sort_by(column_named("lag"))
    assert [2, 4, 1, 3, 5] == state.table.visible


def test_every_outcome_has_its_position_among_the_states() -> None:
    """Failed jobs come first, done ones last."""
    ends: list[list[Event]] = [[ended_failed("so", outcome=outcome)] for outcome in Outcome]
    state = desk(*ends, WAITS)
    state.table.sort_by(column_named("state"))
    found = [state.job_states[job].status for job in state.table.visible]

    assert {JobStatus.FAILED, JobStatus.QUEUED, JobStatus.CANCELLED, JobStatus.DONE} <= set(found)
    assert JobStatus.FAILED is found[0]
    assert JobStatus.DONE is found[-1]


def test_sorting_by_the_same_column_again_reverses_the_order() -> None:
    """Jobs without a value stay last; the first direction is the column's own."""
    state = desk(*MIXED)
    state.table.sort_by(column_named("lag"))
    assert Sorting(column_named("lag"), descending=True) == state.table.sorting
    state.table.sort_by(column_named("lag"))

    assert [1, 3, 5, 2, 4, 6] == state.table.visible
    state.table.sort_by(column_named("file"))
    assert Sorting(column_named("file"), descending=False) == state.table.sorting
    state.table.sort_by(column_named("file"), reverse=True)
    assert [6, 5, 4, 3, 2, 1] == state.table.visible
    state.table.sort_by(QUEUE_ORDER)
    state.table.sort_by(QUEUE_ORDER)
    assert [6, 5, 4, 3, 2, 1] == state.table.visible


def test_live_values_move_rows_once_a_second() -> None:
    """The current job stays current; rows that did not move are not redrawn."""
    state = desk(*[streaming(lag=lag) for lag in (1, 2, 3)])
    state.table.sort_by(column_named("lag"))
    state.table.select(JobId(2))
    state.table.take_changes()

    state.apply(report(1, progressed(11, lag=9.0)))
    assert [3, 2, 1] == later(state, 100.8)
    assert [1, 3, 2] == later(state, 101.0)
    assert JobId(2) == state.table.current
    assert 2 == state.table.current_row

    state.apply(report(1, progressed(12, lag=10.0)))
    state.tick(105.0)
    assert not state.table.take_changes().order_changed


def test_new_rows_appear_at_once_only_in_queue_order() -> None:
    """A sorted table grows at most once a second."""
    state = desk(streaming(lag=1))
    state.apply(report(2, queued()))
    assert [1, 2] == state.table.visible

    state.table.sort_by(column_named("file"), reverse=True)
    state.apply(report(3, queued()))
    assert [2, 1] == later(state, 100.5)
    assert [3, 2, 1] == later(state, 101.5)


def test_filtered_rows_come_and_go_as_values_change() -> None:
    """Live values change the visible rows at most once a second."""
    state = desk(*MIXED)
    state.table.filter_by(parse_filter("state:streaming", COLUMNS))
    assert [1, 3] == state.table.visible
    assert "state:streaming" == state.table.filter.text
    assert state.table.row_of(JobId(2)) is None

    state.apply(report(1, ended_done()))
    assert [1, 3] == later(state, 100.9)
    assert [3] == later(state, 101.0)
    state.table.filter_by(Filter())
    assert [1, 2, 3, 4, 5, 6] == state.table.visible


def test_a_hidden_current_row_is_replaced_by_the_one_in_its_place() -> None:
    """The row becomes current when it is visible again; verbs never act on a hidden row."""
    state = desk(*MIXED)
    state.table.select(JobId(4))
    state.table.filter_by(parse_filter("state:streaming", COLUMNS))
    assert JobId(3) == state.table.current

    state.table.filter_by(parse_filter("nothing is called that", COLUMNS))
    assert state.table.current is None
    assert [] == state.table.targets()
    state.table.move(1)
    state.table.toggle_mark()
    assert [] == state.table.targets()

    state.table.filter_by(Filter())
    assert JobId(4) == state.table.current


def test_selecting_a_hidden_row_clears_the_filter() -> None:
    """The user saw the job elsewhere, such as on the wall."""
    state = desk(*MIXED)
    state.table.filter_by(parse_filter("state:done", COLUMNS))
    state.table.select(JobId(2))

    assert "" == state.table.filter.text
    assert 1 == state.table.current_row


def test_hidden_marks_do_not_count_and_are_not_lost() -> None:
    """Verbs act on visible rows, in their order."""
    state = desk(*MIXED)
    state.table.toggle_all_marks()
    state.table.filter_by(parse_filter("state:streaming", COLUMNS))
    state.table.sort_by(column_named("lag"))
    assert {1, 3} == state.table.marked
    assert [3, 1] == state.table.targets()

    assert state.table.unmark_all()
    assert not state.table.unmark_all()
    state.table.filter_by(Filter())
    assert {2, 4, 5, 6} == state.table.marked


def test_all_visible_rows_are_marked_and_unmarked() -> None:
    """Their marks can be inverted, too."""
    state = desk(*MIXED)
    state.table.filter_by(parse_filter("state:streaming", COLUMNS))
    state.table.toggle_mark()
    state.table.toggle_all_marks()
    assert [1, 3] == state.table.targets()
    state.table.toggle_all_marks()
    assert set() == state.table.marked

    state.table.select(JobId(1))
    state.table.toggle_mark()
    state.table.invert_marks()
    assert {3} == state.table.marked
    state.table.filter_by(Filter())
    assert {3} == state.table.marked
    state.table.take_changes()
    state.table.invert_marks()
    assert {1, 2, 3, 4, 5, 6} == state.table.take_changes().jobs


def test_frozen_rows_do_not_move() -> None:
    """Live values neither move, add nor hide rows; the user still can."""
    state = desk(*[streaming(lag=lag) for lag in (1, 2, 3)])
    state.table.sort_by(column_named("lag"))
    state.table.set_frozen(True)
    state.apply(report(1, progressed(11, lag=9.0)))
    state.apply(report(4, queued()))
    assert state.table.frozen
    assert [3, 2, 1] == later(state, 200.0)
    assert 1 == state.table.newcomer_count

    state.table.sort_by(column_named("file"))
    assert [1, 2, 3, 4] == state.table.visible
    assert 0 == state.table.newcomer_count
    state.apply(report(5, queued()))
    state.table.set_frozen(False)
    assert [1, 2, 3, 4, 5] == state.table.visible


def test_frozen_rows_in_queue_order_do_not_move_either() -> None:
    """A new one waits for its row."""
    state = desk([queued()])
    state.table.set_frozen(True)
    state.apply(report(2, queued()))

    assert [1] == later(state, 200.0)
    assert JobId(2) in state.job_states


def test_removed_rows_can_be_put_back() -> None:
    """Counts, selection and marks follow; reports in between are not lost."""
    state = desk(*[WAITS] * 4)
    state.table.select(JobId(2))
    state.table.toggle_mark()
    state.table.select(JobId(2))
    state.remove([JobId(2), JobId(3)])
    assert [1, 4] == state.table.visible
    assert JobId(4) == state.table.current
    assert [4] == state.table.targets()
    assert 2 == state.status_counts.total()

    state.apply(report(2, ended_failed("taken out")))
    assert 2 == state.status_counts.total()
    state.undo_remove([JobId(3), JobId(2)])
    assert [1, 2, 3, 4] == state.table.visible
    assert 4 == state.status_counts.total()
    ended = state.job_states[JobId(2)].ended
    assert ended is not None
    assert "taken out" == ended.reason
    assert [2] == state.table.targets()


def test_an_emptied_table_has_no_current_row() -> None:
    """The first new row becomes current."""
    state = desk([queued()])
    state.remove([JobId(1)])
    assert state.table.current is None
    assert state.table.current_job_state is None

    state.undo_remove([JobId(1)])
    assert JobId(1) == state.table.current


def test_waiting_jobs_move_past_other_waiting_jobs() -> None:
    """Other jobs between them keep their rows; the queue has two ends."""
    state = desk(
        [queued()], streaming(), [queued()], [queued()], [*streaming(), ended_done()], [queued()]
    )
    assert [1, 3, 4, 6] == state.table.waiting_jobs

    assert [1, 4, 6, 3] == state.table.move_in_queue([JobId(4), JobId(6)], -1)
    assert [1, 2, 4, 6, 5, 3] == state.table.visible
    assert [4, 6, 1, 3] == state.table.move_in_queue([JobId(4), JobId(6)], -1)
    assert [4, 6, 1, 3] == state.table.move_in_queue([JobId(4), JobId(6)], -1)
    assert [4, 6, 1, 3] == state.table.move_in_queue([JobId(2)], 1)
    assert [6, 4, 1, 3] == state.table.move_in_queue([JobId(4)], 1)


def test_waiting_jobs_can_be_put_into_any_order() -> None:
    """Waiting jobs that are not named keep their rows; other jobs are skipped."""
    state = desk([queued()], streaming(), [queued()], [queued()])
    state.table.reorder_queue([JobId(4), JobId(2), JobId(1)])

    assert [4, 2, 3, 1] == state.table.visible
    assert [4, 3, 1] == state.table.waiting_jobs
    state.apply(report(5, queued()))
    assert [4, 2, 3, 1, 5] == state.table.visible
    state.table.reorder_queue([JobId(number) for number in (1, 3, 4, 5)])
    assert [1, 2, 3, 4, 5] == state.table.visible


def forecast_text(state: DeskState, job: int) -> str:
    """What a row shows while there are no words."""
    forecast = state.row_context(JobId(job)).forecast
    return queue_position(forecast) if forecast else ""


def test_waiting_jobs_show_when_they_start() -> None:
    """The first one shows what it waits for, the others their position in the queue."""
    state = desk(streaming(), *[WAITS] * 23)
    order = [JobId(number) for number in (4, 2, 3, *range(5, 25))]
    state.update_forecast(order, 142.3, 1, held=False)
    assert "next, when one ends" == forecast_text(state, 4)
    assert ["2nd in the queue", "3rd in the queue", "4th in the queue"] == [
        forecast_text(state, job) for job in (2, 3, 5)
    ]
    assert ["11th in the queue", "12th in the queue", "22nd in the queue"] == [
        forecast_text(state, job) for job in (12, 13, 23)
    ]
    assert "" == forecast_text(state, 1)

    state.update_forecast(order, 142.3, 2, held=False)
    assert "next, in 43 s" == forecast_text(state, 4)
    state.update_forecast(order, 142.3, 2, held=True)
    assert "next, when starts are released" == forecast_text(state, 4)
    state.update_forecast(order, None, 2, held=False, over_budget=True)
    assert "next, when the budget allows" == forecast_text(state, 4)
    state.update_forecast(order, 99.0, 0, held=False)
    assert "next" == forecast_text(state, 4)


def test_a_later_retry_does_not_delay_the_jobs_behind_it() -> None:
    """They start before it, except while no slot is free."""
    state = desk([*streaming(), *broken_attempt(again=8.0)], WAITS, WAITS, streaming())
    order = [JobId(1), JobId(2), JobId(3)]

    state.update_forecast(order, 100.0, 2, held=False)
    assert ["", "next", "2nd in the queue"] == [forecast_text(state, job) for job in order]
    state.update_forecast(order, 130.0, 2, held=False)  # starts are bounded: by then it may
    assert ["2nd in the queue", "3rd in the queue"] == [
        forecast_text(state, job) for job in order[1:]
    ]
    state.update_forecast(order, 100.0, 1, held=False)
    assert ["2nd in the queue", "3rd in the queue"] == [
        forecast_text(state, job) for job in order[1:]
    ]
    state.tick(108.0)
    state.update_forecast(order, 108.0, 2, held=False)
    assert ["2nd in the queue", "3rd in the queue"] == [
        forecast_text(state, job) for job in order[1:]
    ]


def test_only_rows_with_a_new_forecast_are_redrawn() -> None:
    """The first one once a second while it counts down, and all behind a job that starts."""
    state = desk(streaming(), *[WAITS] * 4)
    order = [JobId(number) for number in (2, 3, 4, 5)]
    state.update_forecast(order, 104.5, 9, held=False)
    state.table.take_changes()
    for job in order:
        forecast_text(state, job)  # as a row that is drawn does
    drawn = []
    for tenth in range(1, 13):
        state.tick(100.0 + tenth / 10)
        state.update_forecast(order, 104.5, 9, held=False)
        drawn += [(tenth, job) for job in state.table.take_changes().jobs]
    assert [(5, 2)] == drawn[:1]
    assert 1 == len(drawn)

    state.update_forecast(order[:2] + order[3:], 104.5, 9, held=False)
    assert {4, 5} == state.table.take_changes().jobs


def test_a_long_queue_redraws_only_rows_that_are_drawn() -> None:
    """Each start of a job changes the position of all others; few of them have a visible row."""
    state = desk(*[WAITS] * 50)
    order = list(state.job_states)
    state.update_forecast(order, None, 9, held=False)
    state.table.take_changes()
    assert ["next", "2nd in the queue"] == [forecast_text(state, job) for job in order[:2]]

    state.update_forecast(order[1:], None, 9, held=False)
    assert set(order[:2]) == state.table.take_changes().jobs
    assert ["", "next"] == [forecast_text(state, job) for job in order[:2]]
    assert "49th in the queue" == forecast_text(state, order[-1])


def test_positions_follow_every_change_of_the_queue() -> None:
    """Jobs leave it anywhere, come at its end or its front, or change places."""
    state = desk(*[WAITS] * 9)
    orders = [
        (1, 2, 3, 4),
        (3, 4, 5),
        (5,),
        (5, 6, 7, 8),
        (5, 7, 8),
        (8, 5, 7),
        (1, 8, 5),
        (),
        (2,),
    ]
    for numbers in orders:
        order = [JobId(number) for number in numbers]
        state.update_forecast(order, None, 9, held=False)
        forecasts = {job: state.row_context(job).forecast for job in state.job_states}
        positions = {job: forecast.position for job, forecast in forecasts.items() if forecast}

        assert {job: at for at, job in enumerate(order, 1)} == positions


def test_clearing_the_filter_returns_to_a_row_that_is_still_there() -> None:
    """A removed row is not selected."""
    state = desk(*MIXED)
    state.table.select(JobId(2))
    state.remove([JobId(2)])
    assert 3 == state.table.current

    state.table.filter_by(parse_filter("state:failed", COLUMNS))
    assert 4 == state.table.current
    state.table.filter_by(Filter())
    assert 3 == state.table.current


def test_rows_do_not_move_while_one_is_read() -> None:
    """Otherwise the filter would replace the transcript on the screen."""
    state = desk(*MIXED)
    state.table.filter_by(parse_filter("state:streaming", COLUMNS))
    state.table.select(JobId(1))
    state.table.is_reading = True
    state.apply(report(1, ended_done()))
    assert [1, 3] == later(state, 200.0)
    assert 1 == state.table.current

    state.table.is_reading = False
    assert [3] == later(state, 300.0)


def test_rows_are_sorted_again_when_the_time_goes_back() -> None:
    """A replay that seeks back resets the state; rows do not wait for the earlier time to pass."""
    state = desk(streaming(lag=1.0), streaming(lag=2.0))
    state.table.sort_by(column_named("lag"))
    assert [2, 1] == state.table.visible
    state.reset()
    state.tick(1.0)
    for number, lag in ((1, 9.0), (2, 3.0)):
        for event_report in job_reports(number, *streaming(lag=lag)):
            state.apply(event_report)
    state.table.take_changes()

    assert [1, 2] == state.table.visible
