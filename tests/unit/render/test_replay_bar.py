"""The scrub bar: what it shows, and which moment a click on it means."""

from datetime import datetime

from tui.model.replay_position import ReplayPosition
from tui.render.replay_bar import position_at, replay_bar
from tui.theme.symbols import ASCII, UNICODE
from workers.runs.job_timeline import IncidentKind

TROUBLES = [
    (30.0, IncidentKind.SLIPPED),
    (30.0, IncidentKind.FAILED),
    (100.0, IncidentKind.RETRIED),
]


def scrub(at: float, length: float = 100.0, *, playing: bool = False) -> ReplayPosition:
    return ReplayPosition(at, length, playing, 4, datetime(2026, 11, 20, 9, 5, 7), TROUBLES)


def text(scrub: ReplayPosition, cells: int) -> str:
    return "".join(text for text, _ in replay_bar(scrub, cells, UNICODE))


def test_it_shows_moment_length_speed_and_incidents() -> None:
    """The worst of several in one place; it is never wider than there is room."""
    assert " ‖ 1:00 ━━━✗━━┃───↻ 1:40   4x  09:05:07 " == text(scrub(60.0), 40)
    assert text(scrub(0.0, playing=True), 40).startswith(" ▸ 0:00 ┃──✗")
    assert "09:05" not in text(scrub(0.0), 33)
    for cells in range(20, 200):
        assert cells == len(text(scrub(60.0), cells)), cells
        assert cells == len(text(scrub(6000.0, 7200.0), cells)) or cells < 30


def test_a_run_of_hours_has_them_on_both_sides() -> None:
    """Both times show hours, so that nothing moves after the first hour."""
    assert "0:01:00 " in text(scrub(60.0, 7200.0), 80)
    assert " 2:00:00 " in text(scrub(60.0, 7200.0), 80)


def test_a_click_means_the_moment_under_it() -> None:
    """The ends of the bar are those of the run; beside it there is none."""
    line = text(scrub(0.0), 60)
    first, last = line.index("┃"), line.index("↻")

    assert 0.0 == position_at(scrub(0.0), first, 60, UNICODE)
    assert 100.0 == position_at(scrub(0.0), last, 60, UNICODE)
    assert position_at(scrub(0.0), first - 1, 60, UNICODE) is None
    assert position_at(scrub(0.0), last + 1, 60, UNICODE) is None
    middle = position_at(scrub(0.0), (first + last) // 2, 60, UNICODE)
    assert middle is not None
    assert text(scrub(middle), 60)[(first + last) // 2] == "┃"


def test_a_run_without_length_has_a_bar() -> None:
    """A run in which nothing was streamed has a length of 0."""
    empty = ReplayPosition(0.0, 0.0, False, 1, datetime(2026, 11, 20), [(0.0, IncidentKind.FAILED)])

    assert text(empty, 40).startswith(" ‖ 0:00 ┃─")
    assert "".join(text for text, _ in replay_bar(empty, 40, ASCII)).isascii()
