"""Which sessions the wall shows, and where."""

from collections.abc import Callable, Sequence
from random import Random

import pytest

from tests.support.report_builders import (
    broken_attempt,
    ended_done,
    ended_failed,
    job_reports,
    progressed,
    queued,
    report,
    streaming,
    turn_heard,
)
from tui.model.desk_state import DeskState
from tui.model.row_filter import parse_filter
from tui.model.wall import MIN_RERANK_INTERVAL_S, Wall, WallRanking
from tui.render.columns import COLUMNS
from tui.render.wall_tile import grid_shape, split_evenly
from workers.jobs.events import Event
from workers.jobs.job import JobId


def talking(silent: float = 0.0, lag: float = 0.3) -> list[Event]:
    """A session whose last word ended this many seconds ago."""
    sent = 30.0
    return [
        *streaming(sent, lag=lag),
        turn_heard(0, "words", at=round((sent - silent) * 1000) - 280),
    ]


def state_of(*jobs: Sequence[Event]) -> DeskState:
    """Jobs 1, 2 and so on."""
    state = DeskState()
    state.tick(0.0)
    for number, events in enumerate(jobs, 1):
        for event_report in job_reports(number, *events):
            state.apply(event_report)
    return state


def opened(state: DeskState, columns: int = 2, rows: int = 2) -> Wall:
    wall = Wall(state)
    wall.open(0.0)
    wall.resize(columns, rows)
    wall.tick(0.0)
    return wall


@pytest.mark.parametrize(
    ("cells", "rows", "sessions", "expected"),
    [
        (80, 20, 50, (2, 2)),
        (80, 20, 2, (2, 1)),
        (80, 12, 50, (2, 1)),
        (60, 20, 50, (1, 2)),
        (60, 12, 50, (1, 1)),
        (20, 5, 50, (1, 1)),
        (120, 30, 50, (2, 3)),
        (120, 30, 5, (2, 3)),
        (120, 30, 4, (2, 2)),
        (200, 56, 50, (3, 3)),
        (200, 56, 6, (2, 3)),
        (200, 56, 1, (1, 1)),
        (200, 56, 0, (1, 1)),
    ],
)
def test_there_are_as_many_tiles_as_can_be_read(
    cells: int, rows: int, sessions: int, expected: tuple[int, int]
) -> None:
    """The wall never has more tiles than sessions."""
    assert expected == grid_shape(cells, rows, sessions)


def test_tiles_fill_the_screen() -> None:
    """The first ones get the cells that remain."""
    assert [(0, 67), (67, 67), (134, 66)] == split_evenly(200, 3)


def test_the_most_interesting_come_first() -> None:
    """Talking, pausing, silent, without words yet; then finished and waiting sessions."""
    state = state_of(
        [queued()],
        [*talking(), ended_done()],
        streaming(),
        talking(20.0),
        [*streaming(), *broken_attempt()],
        talking(6.0),
        talking(0.0),
    )
    state.table.select(JobId(7))

    assert [7, 6, 4, 3] == opened(state).tiles
    assert [7, 6, 4, 3, 5, 2, 1] == opened(state, 3, 3).tiles


@pytest.mark.parametrize(
    ("choosing", "expected"),
    [
        (WallRanking.NEWEST_WORDS, [1, 3, 4, 2]),
        (WallRanking.LARGEST_LAG, [1, 4, 3, 2]),
        (WallRanking.FAILED_FIRST, [2, 4, 1, 3]),
        (WallRanking.TABLE_ORDER, [1, 2, 3, 4]),
    ],
)
def test_there_are_several_rankings(choosing: WallRanking, expected: list[int]) -> None:
    """They cycle."""
    incident = [*talking(9.0, lag=40.0), *broken_attempt(), *talking(5.0, lag=40.0)[1:]]
    state = state_of(talking(lag=900.0), [*talking(), ended_failed("no")], talking(), incident)
    wall = opened(state)
    while wall.ranking is not choosing:
        wall.cycle_ranking()

    assert expected == wall.tiles


def test_marked_sessions_are_shown_alone() -> None:
    """New marks select the sessions; otherwise the wall opens as before."""
    state = state_of(*[talking()] * 6)
    state.table.select(JobId(5))
    state.table.toggle_mark()
    state.table.select(JobId(2))
    state.table.toggle_mark()
    wall = opened(state)
    assert WallRanking.MARKED is wall.ranking
    assert [2, 5] == wall.tiles
    assert state.table.current in wall.tiles

    wall.toggle_mark()  # for a verb: what is shown stays
    wall.tick(MIN_RERANK_INTERVAL_S)
    assert [2, 5] == wall.tiles

    wall.cycle_ranking()
    assert WallRanking.NEWEST_WORDS is wall.ranking
    wall.open(9.0)
    assert WallRanking.NEWEST_WORDS is wall.ranking
    wall.tick(9.0)
    state.table.select(JobId(1))
    wall.toggle_mark()
    wall.open(9.0)
    assert WallRanking.MARKED is wall.ranking
    state.table.unmark_all()
    wall.open(9.0)
    assert WallRanking.NEWEST_WORDS is wall.ranking


def test_tiles_stay_and_change_slowly() -> None:
    """A session that falls silent is replaced after a while; the others do not move."""
    state = state_of(*[talking()] * 4, *[talking(6.0)] * 2)
    wall = opened(state)
    assert [1, 2, 3, 4] == wall.tiles

    for event in talking(20.0)[-2:]:
        state.apply(report(2, progressed(50.0) if event.type == "progress" else event))
    wall.tick(MIN_RERANK_INTERVAL_S - 0.1)
    assert [1, 2, 3, 4] == wall.tiles
    wall.tick(MIN_RERANK_INTERVAL_S)
    assert [1, 5, 3, 4] == wall.tiles


def test_the_tile_with_the_cursor_stays() -> None:
    """However low its rank, also right after the wall opens."""
    state = state_of(*[talking()] * 5, [queued()])
    state.table.select(JobId(6))
    wall = opened(state)
    assert [1, 2, 3, 6] == wall.tiles

    state.table.select(JobId(2))
    state.apply(report(2, ended_done()))
    wall.tick(MIN_RERANK_INTERVAL_S)
    assert [1, 2, 3, 4] == wall.tiles


def test_a_pinned_wall_stays_as_it_is() -> None:
    """Whatever happens to its sessions, and although new ones come."""
    state = state_of(*[talking()] * 3)
    wall = opened(state, 2, 1)
    wall.toggle_pin()
    state.apply(report(2, ended_done()))
    for event_report in job_reports(4, *talking()):
        state.apply(event_report)
    wall.tick(MIN_RERANK_INTERVAL_S)
    assert [1, 2] == wall.tiles
    assert 3 == wall.session_count

    wall.toggle_pin()
    assert [1, 3] == wall.tiles
    wall.toggle_pin()
    wall.cycle_ranking()
    assert not wall.pinned


def test_the_cursor_moves_in_the_grid() -> None:
    """The cursor stops at the edges, even if the last row is not full."""
    state = state_of(*[talking()] * 5)
    wall = opened(state, 2, 3)
    seen = []
    for step in ((1, 0), (1, 0), (0, 1), (0, 1), (-1, 0), (0, 1), (0, 1), (0, -1), (0, -5)):
        wall.step(*step)
        seen.append(state.table.current)

    assert [2, 2, 4, 4, 3, 5, 5, 3, 1] == seen


def test_pages_show_every_session_once() -> None:
    """The cursor keeps its position on the page, if there is a tile."""
    state = state_of(*[talking()] * 10)
    wall = opened(state)
    wall.step(1, 1)
    seen = [*wall.tiles]
    for _ in range(2):
        wall.turn_page(1)
        seen += wall.tiles
    assert list(range(1, 11)) == seen
    assert (3, 10) == (wall.page_count, state.table.current)

    wall.turn_page(1)
    assert (2, 10) == (wall.page, state.table.current)
    wall.turn_page(-2)
    assert (0, 2) == (wall.page, state.table.current)
    wall.go_to_edge(1)
    assert ([9, 10], 10) == (wall.tiles, state.table.current)
    wall.go_to_edge(-1)
    assert ([1, 2, 3, 4], 1) == (wall.tiles, state.table.current)


def test_the_page_follows_the_current_job() -> None:
    """The current job may change full screen, where the user can go to the next session."""
    state = state_of(*[talking()] * 10)
    wall = opened(state)
    state.table.select(JobId(7))
    wall.tick(0.1)

    assert [5, 6, 7, 8] == wall.tiles


def test_added_and_removed_rows_change_the_tiles_at_once() -> None:
    """An empty tile is filled without delay, and one without a row disappears."""
    state = state_of(*[talking()] * 2)
    wall = opened(state)
    for event_report in job_reports(3, *talking()):
        state.apply(event_report)
    wall.tick(0.1)
    assert [1, 2, 3] == wall.tiles

    state.remove([JobId(2)])
    wall.tick(0.2)
    assert [1, 3] == wall.tiles


def test_an_empty_wall_does_nothing() -> None:
    """No action fails if there are no sessions."""
    wall = opened(DeskState())
    wall.tick(0.0)
    wall.step(1, 0)
    wall.turn_page(1)
    wall.go_to_edge(1)
    wall.toggle_mark()
    wall.toggle_pin()

    assert [] == wall.tiles


def test_a_tile_that_the_filter_has_just_hidden_is_not_selected() -> None:
    """The filter stays, and the wall shows the matching sessions."""
    state = state_of(talking(), talking(), [queued()])
    state.table.filter_by(parse_filter("state:streaming", COLUMNS))
    wall = opened(state)
    assert [1, 2] == wall.tiles
    for event_report in (report(2, ended_done()), *job_reports(3, *talking())):
        state.apply(event_report)
    state.tick(10.0)
    state.table.take_changes()  # as many rows as before, but other ones

    wall.step(1, 0)

    assert "state:streaming" == state.table.filter.text
    assert [1, 3] == sorted(wall.tiles)


def test_rows_may_come_and_go_between_two_ticks() -> None:
    """Whatever is done at that moment: pages are of those that were chosen, tiles of rows."""
    state = state_of(talking())
    wall = opened(state, 1, 1)
    for event_report in job_reports(2, *talking()):
        state.apply(event_report)
    wall.turn_page(1)
    assert ([1], 1) == (wall.tiles, state.table.current)

    state = state_of(talking(), talking(), talking())
    wall = opened(state, 2, 1)
    for event_report in job_reports(4, *talking()):
        state.apply(event_report)
    state.remove([JobId(1), JobId(2), JobId(3)])
    wall.resize(1, 1)
    assert 4 == state.table.current
    state.table.toggle_mark()
    wall.tick(0.1)
    assert [4] == wall.tiles


def apply(state: DeskState, job: int, *events: Event) -> None:
    for event_report in job_reports(job, *events):
        state.apply(event_report)


@pytest.mark.parametrize("seed", range(40))
def test_the_cursor_is_always_on_a_row(seed: int) -> None:
    """The cursor is on a row after a hundred random actions on wall and table."""
    random = Random(seed)
    state = state_of(talking())
    wall = opened(state)
    filters = [parse_filter(text, COLUMNS) for text in ("", "state:done", "live")]
    deeds: list[Callable[[], object]] = [
        lambda: apply(state, len(state.job_states) + 1, *talking()),
        lambda: apply(state, 1, ended_done()),
        lambda: state.remove(random.sample(list(state.table.visible), bool(state.table.visible))),
        lambda: state.table.filter_by(random.choice(filters)),
        lambda: wall.resize(*random.choice([(1, 1), (2, 1), (2, 2), (3, 3)])),
        lambda: wall.turn_page(random.choice([1, -1])),
        lambda: wall.step(random.choice([1, -1]), random.choice([1, 0, -1])),
        lambda: wall.go_to_edge(random.choice([1, -1])),
        lambda: wall.tick(random.uniform(0, 100)),
        wall.cycle_ranking,
        wall.toggle_pin,
        wall.toggle_mark,
        state.table.toggle_mark,
        state.table.toggle_all_marks,
    ]
    for _ in range(100):
        random.choice(deeds)()
        assert state.table.current is None or state.table.row_of(state.table.current) is not None
