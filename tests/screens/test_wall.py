"""Several transcripts side by side."""

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import progressed, streaming, turn_heard
from tui.model.wall import WallRanking
from tui.screens.overview import Overview
from tui.screens.reading_screen import ReadingScreen
from tui.screens.wall import WallScreen
from tui.widgets.wall import WallView
from workers.jobs.job import JobId


def talking(sessions: int) -> FakeSupervisor:
    supervisor = FakeSupervisor()
    for number in range(1, sessions + 1):
        words = turn_heard(0, f"words of {number}", at=9_000)
        supervisor.job(f"/rec/{number}.wav", *streaming(), words)
    return supervisor


def wall(seat: DeskDriver) -> list[str]:
    """The text of the tiles."""
    return rendered_lines(seat.desk.screen.query_one(WallView))


def heading(seat: DeskDriver) -> str:
    return rendered_lines(seat.desk.screen.query_one("#chosen"))[0].strip()


async def test_keys_move_over_the_wall(open_desk: DeskFactory) -> None:
    """Four tiles at 80 by 24, on three pages; the cursor is the current session of the desk."""
    async with open_desk(talking(10), size=(80, 24)) as seat:
        state = seat.desk.state
        await seat.press("w")
        lines = "\n".join(wall(seat))
        assert all(f"words of {number}" in lines for number in (1, 2, 3, 4))
        assert "words of 5" not in lines
        assert "newest words · 4 of 10 sessions · page 1/3" == heading(seat)

        seen = []
        for key in ("right", "down", "left", "up", "l", "j", "h", "k"):
            await seat.press(key)
            seen.append(state.table.current)
        assert [2, 4, 3, 1, 2, 4, 3, 1] == seen
        seen = []
        for key in ("pagedown", "ctrl+d", "pageup", "ctrl+u", "end", "home", "G", "g"):
            await seat.press(key)
            seen.append(state.table.current)
        assert [5, 9, 5, 1, 10, 1, 10, 1] == seen

        await seat.press("f")
        assert "pinned" in heading(seat)
        await seat.press("s")
        assert heading(seat).startswith("largest lag")
        assert "pinned" not in heading(seat)

        await seat.press("space")
        assert ({1}, 2) == (state.table.marked, state.table.current)
        await seat.press("x")
        assert [1] == seat.supervisor.cancelled


async def test_ways_to_the_wall_and_back(open_desk: DeskFactory) -> None:
    """From the table and from a transcript; Esc and w go back, also Esc from a transcript."""
    async with open_desk(talking(6), size=(80, 24)) as seat:
        desk = seat.desk
        for keys, screen in (
            (["w"], WallScreen),
            (["w"], Overview),
            (["w", "escape"], Overview),
            (["enter", "w"], WallScreen),
            (["enter"], ReadingScreen),
            (["escape"], WallScreen),
            (["enter", "w"], WallScreen),
            (["escape"], Overview),
        ):
            await seat.press(*keys)
            assert isinstance(desk.screen, screen), keys
        assert 1 == len(desk.screen_stack)

        await seat.press("space", "space", "w")
        assert WallRanking.MARKED is desk.actions.wall_state.ranking
        assert [1, 2] == desk.actions.wall_state.tiles
        await seat.press("?", "escape", "enter", "right", "right")
        assert JobId(3) == desk.state.table.current  # which is not on the wall
        await seat.press("escape")
        await seat.process_reports()
        assert JobId(1) == desk.state.table.current


async def test_a_tile_shows_changes_at_once(open_desk: DeskFactory) -> None:
    """Words, gauges, a narrower terminal, another theme, clicks."""
    supervisor = talking(4)
    async with open_desk(supervisor, size=(120, 34)) as seat:
        await seat.press("w")
        supervisor.report(JobId(2), turn_heard(0, "quite other words"), progressed(20.0, lag=31.0))
        await seat.process_reports()
        (place,) = (line for line in wall(seat) if "other words" in line)
        assert "words of 1" in place
        assert "31.0 ms▲" in "\n".join(wall(seat))

        await seat.pilot.resize_terminal(60, 24)
        await seat.process_reports()
        assert not any("words of 1" in line and "other words" in line for line in wall(seat))
        assert all(len(line) == 60 for line in wall(seat))

        await seat.pilot.click(WallView, offset=(5, 15))
        assert JobId(2) == seat.desk.state.table.current
        await seat.pilot.click(WallView, offset=(5, 15), times=2)
        await seat.pilot.pause()
        assert isinstance(seat.desk.screen, ReadingScreen)


async def test_a_wall_without_sessions_waits_for_some(open_desk: DeskFactory) -> None:
    """Files can be added there too."""
    async with open_desk() as seat:
        await seat.press("w", "right", "enter", "space", "pagedown", "s", "f", "f")
        assert isinstance(seat.desk.screen, WallScreen)
        seat.supervisor.job("/rec/one.wav", *streaming(), turn_heard(0, "the first words"))
        await seat.process_reports()

        assert any("the first words" in line for line in wall(seat))


async def test_the_window_may_grow_while_the_wall_is_shown(open_desk: DeskFactory) -> None:
    """The lines painted before are too short then, and are not drawn."""
    async with open_desk(talking(7), size=(31, 7)) as seat:
        await seat.press("w")
        for size in ((120, 50), (31, 7), (120, 34)):
            await seat.pilot.resize_terminal(*size)

        await seat.wait_until(
            lambda: all(f"words of {number}" in "\n".join(wall(seat)) for number in range(1, 7))
        )


async def test_a_screen_that_was_covered_catches_up(
    open_desk: DeskFactory,
) -> None:
    """Nothing below the wall is drawn; table, summary and tiles are up to date when shown again."""
    supervisor = talking(2)
    async with open_desk(supervisor, size=(120, 34)) as seat:
        await seat.press("w")
        supervisor.report(JobId(2), turn_heard(1, "said behind the wall", at=12_000))
        await seat.process_reports()
        await seat.press("w")
        assert any("said behind the wall" in row for row in seat.table_lines())

        await seat.press("w")
        tile = "\n".join(wall(seat))
        assert "said behind the wall" in tile
        await seat.press("enter")
        assert isinstance(seat.desk.screen, ReadingScreen)
        supervisor.report(JobId(2), turn_heard(2, "said behind the page", at=15_000))
        await seat.process_reports()
        await seat.press("escape")
        assert "said behind the page" in "\n".join(wall(seat))
