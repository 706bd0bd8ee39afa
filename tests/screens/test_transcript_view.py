"""The transcript, beside the table and over the whole screen."""

from tests.screens.conftest import Seating, drawn
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import heard, queued, streaming
from tui.screens.reader import Reading
from tui.widgets.transcript import TranscriptView
from workers.jobs.job import JobId

LONG = 120
"""Turns: more than any screen here is high."""


def talkative() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    turns = [heard(order, f"turn number {order}", final=True) for order in range(LONG)]
    supervisor.job("/rec/one.wav", *streaming(), *turns)
    supervisor.job("/rec/two.wav", queued())
    return supervisor


def says(seat_transcript: TranscriptView, words: str) -> bool:
    return any(line.rstrip().endswith(words) for line in drawn(seat_transcript))


async def test_enter_reads_and_escape_goes_back(seated: Seating) -> None:
    """One transcript over the whole screen, its facts above it."""
    async with seated(talkative()) as seat:
        await seat.press("enter")
        assert isinstance(seat.desk.screen, Reading)
        assert "one.wav" in drawn(seat.desk.screen.query_one("#facts"))[0]
        assert seat.desk.state.reading  # no live value puts another one in its place

        await seat.press("escape")
        assert not isinstance(seat.desk.screen, Reading)
        assert not seat.desk.state.reading
        await seat.press("escape")
        assert seat.desk.is_running


async def test_the_end_is_followed_until_the_user_scrolls_up(seated: Seating) -> None:
    """New words do not move what the user reads; End follows again."""
    supervisor = talkative()
    async with seated(supervisor) as seat:
        await seat.press("enter")
        view = seat.desk.screen.query_one(TranscriptView)
        assert says(view, f"turn number {LONG - 1}")

        await seat.press("k")
        supervisor.report(JobId(1), heard(LONG, "what came then", final=True))
        await seat.settled()
        assert not view.following
        assert not says(view, "what came then")

        await seat.press("end")
        supervisor.report(JobId(1), heard(LONG + 1, "the very last", final=True))
        await seat.settled()
        assert view.following
        assert says(view, "the very last")


async def test_keys_scroll_the_transcript(seated: Seating) -> None:
    """Lines, pages and the two ends."""
    async with seated(talkative()) as seat:
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


async def test_neighbours_are_read_without_going_back(seated: Seating) -> None:
    """Left and right, h and l."""
    async with seated(talkative()) as seat:
        await seat.press("enter", "right")
        assert "two.wav" in drawn(seat.desk.screen.query_one("#facts"))[0]
        assert "Waits for a free place" in drawn(seat.desk.screen.query_one(TranscriptView))[0]
        await seat.press("h", "l", "left")
        assert "one.wav" in drawn(seat.desk.screen.query_one("#facts"))[0]
        assert says(seat.desk.screen.query_one(TranscriptView), f"turn number {LONG - 1}")


async def test_tab_scrolls_the_transcript_beside_the_table(seated: Seating) -> None:
    """And Esc gives the arrows back to the sessions."""
    async with seated(talkative()) as seat:
        view = seat.desk.screen.query_one(TranscriptView)
        await seat.press("tab", "k")
        assert view.max_scroll_y - 1 == view.scroll_offset.y
        assert JobId(1) == seat.desk.state.current

        await seat.press("escape", "j")
        assert JobId(2) == seat.desk.state.current


async def test_a_revised_turn_takes_its_own_rows(seated: Seating) -> None:
    """A long partial that becomes a short final leaves nothing behind."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), heard(0, "so " * 80))
    async with seated(supervisor) as seat:
        view = seat.desk.screen.query_one(TranscriptView)
        assert sum("so so" in line for line in drawn(view)) > 1

        supervisor.report(JobId(1), heard(0, "So.", final=True))
        await seat.settled()
        assert ["So."] == [line.split()[-1] for line in drawn(view) if line.strip()]


async def test_a_narrower_terminal_wraps_again(seated: Seating) -> None:
    """No word is lost at the edge."""
    supervisor = FakeSupervisor()
    words = [f"w{number}" for number in range(60)]
    supervisor.job("/rec/one.wav", *streaming(), heard(0, " ".join(words), final=True))
    async with seated(supervisor) as seat:
        await seat.press("enter")
        await seat.pilot.resize_terminal(60, 30)
        await seat.settled()

        lines = drawn(seat.desk.screen.query_one(TranscriptView))
        assert words == [word for line in lines for word in line.split() if word.startswith("w")]
