"""The transcript, beside the table and on the full screen."""

from tests.screens.conftest import DeskFactory, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import queued, streaming, turn_heard
from tui.screens.reading_screen import ReadingScreen
from tui.widgets.transcript import TranscriptView
from workers.jobs.job import JobId

LONG = 120
"""Turns: more than any screen here is high."""


def talkative() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    turns = [turn_heard(order, f"turn number {order}", final=True) for order in range(LONG)]
    supervisor.job("/rec/one.wav", *streaming(), *turns)
    supervisor.job("/rec/two.wav", queued())
    return supervisor


def says(seat_transcript: TranscriptView, words: str) -> bool:
    return any(line.rstrip().endswith(words) for line in rendered_lines(seat_transcript))


async def test_enter_reads_and_escape_goes_back(open_desk: DeskFactory) -> None:
    """One transcript on the full screen, with a summary above it."""
    async with open_desk(talkative()) as seat:
        await seat.press("enter")
        assert isinstance(seat.desk.screen, ReadingScreen)
        assert "one.wav" in rendered_lines(seat.desk.screen.query_one("#facts"))[0]
        assert seat.desk.state.table.is_reading  # no live value puts another one in its place

        await seat.press("escape")
        assert not isinstance(seat.desk.screen, ReadingScreen)
        assert not seat.desk.state.table.is_reading
        await seat.press("escape")
        assert seat.desk.is_running


async def test_the_end_is_followed_until_the_user_scrolls_up(open_desk: DeskFactory) -> None:
    """New words do not move the text that the user reads; End follows again."""
    supervisor = talkative()
    async with open_desk(supervisor) as seat:
        await seat.press("enter")
        view = seat.desk.screen.query_one(TranscriptView)
        assert says(view, f"turn number {LONG - 1}")

        await seat.press("k")
        supervisor.report(JobId(1), turn_heard(LONG, "what came then", final=True))
        await seat.process_reports()
        assert not view.following
        assert not says(view, "what came then")

        await seat.press("end")
        supervisor.report(JobId(1), turn_heard(LONG + 1, "the very last", final=True))
        await seat.process_reports()
        assert view.following
        assert says(view, "the very last")


async def test_keys_scroll_the_transcript(open_desk: DeskFactory) -> None:
    """Lines, pages and the two ends."""
    async with open_desk(talkative()) as seat:
        await seat.press("enter")
        view = seat.desk.screen.query_one(TranscriptView)
        end, page = view.max_scroll_y, view.size.height - 1
        await seat.press("up", "k")
        assert end - 2 == view.scroll_offset.y
        await seat.press("home")
        assert 0 == view.scroll_offset.y
        await seat.press("j", "down")
        assert 2 == view.scroll_offset.y
        await seat.press("pagedown", "ctrl+d")
        assert 2 + 2 * page == view.scroll_offset.y
        await seat.press("pageup", "ctrl+u", "g")
        assert 0 == view.scroll_offset.y
        await seat.press("G")
        assert end == view.scroll_offset.y
        assert view.following


async def test_neighbours_are_read_without_going_back(open_desk: DeskFactory) -> None:
    """With left and right, or h and l."""
    async with open_desk(talkative()) as seat:
        await seat.press("enter", "right")
        assert "two.wav" in rendered_lines(seat.desk.screen.query_one("#facts"))[0]
        assert (
            "Waiting for a free slot"
            in rendered_lines(seat.desk.screen.query_one(TranscriptView))[0]
        )
        await seat.press("h", "l", "left")
        assert "one.wav" in rendered_lines(seat.desk.screen.query_one("#facts"))[0]
        assert says(seat.desk.screen.query_one(TranscriptView), f"turn number {LONG - 1}")


async def test_tab_scrolls_the_transcript_beside_the_table(open_desk: DeskFactory) -> None:
    """Esc gives the arrow keys back to the sessions."""
    async with open_desk(talkative()) as seat:
        view = seat.desk.screen.query_one(TranscriptView)
        await seat.press("tab", "k")
        assert view.max_scroll_y - 1 == view.scroll_offset.y
        assert JobId(1) == seat.desk.state.table.current

        await seat.press("escape", "j")
        assert JobId(2) == seat.desk.state.table.current


async def test_a_revised_turn_takes_its_own_rows(open_desk: DeskFactory) -> None:
    """A long partial that becomes a short final leaves nothing behind."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), turn_heard(0, "so " * 80))
    async with open_desk(supervisor) as seat:
        view = seat.desk.screen.query_one(TranscriptView)
        assert sum("so so" in line for line in rendered_lines(view)) > 1

        supervisor.report(JobId(1), turn_heard(0, "So.", final=True))
        await seat.process_reports()
        assert ["So."] == [line.split()[-1] for line in rendered_lines(view) if line.strip()]


async def test_a_narrower_terminal_wraps_again(open_desk: DeskFactory) -> None:
    """No word is lost at the edge."""
    supervisor = FakeSupervisor()
    words = [f"w{number}" for number in range(60)]
    supervisor.job("/rec/one.wav", *streaming(), turn_heard(0, " ".join(words), final=True))
    async with open_desk(supervisor) as seat:
        await seat.press("enter")
        await seat.pilot.resize_terminal(60, 30)
        await seat.process_reports()

        lines = rendered_lines(seat.desk.screen.query_one(TranscriptView))
        assert words == [word for line in lines for word in line.split() if word.startswith("w")]
