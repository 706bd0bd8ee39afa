"""The session table as it is drawn."""

import pytest
from textual.widgets import Input

from tests.screens.conftest import Seating, drawn, style_of
from tests.screens.fakes import FakeSupervisor
from tests.unit.desk_reports import (
    began,
    connecting,
    done,
    failed,
    heard,
    progressed,
    queued,
    streaming,
)
from tui.widgets.transcript import TranscriptView
from workers.events import Slipped, Warned
from workers.jobs import JobId


def three() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(10, 60, 0.3), heard(0, "good morning all", settled=2))
    supervisor.job("/rec/two.wav", *streaming(60, 60), done(60))
    supervisor.job("/rec/three.wav", queued(75))
    return supervisor


async def test_a_row_says_state_name_time_lag_and_latest_words(seated: Seating) -> None:
    """Everything about a job that one line can hold."""
    async with seated(three()) as seat:
        one, two, *_ = seat.rows()

        for part in ("● streaming", "one.wav", "0:10/1:00", "0.3", "good morning all"):
            assert part in one
        for part in ("✓ done", "two.wav", "1:00", "p99", "0.9"):
            assert part in two


async def test_partial_words_look_unlike_settled_ones(seated: Seating) -> None:
    """Words that may still change are slanted, in the table and in the transcript."""
    async with seated(three()) as seat:
        for widget in (seat.table, seat.desk.screen.query_one(TranscriptView)):
            assert not style_of(widget, "good morning").italic
            assert style_of(widget, "all").italic


async def test_a_final_is_no_longer_slanted(seated: Seating) -> None:
    """The final reading replaces the partial one in place."""
    supervisor = three()
    async with seated(supervisor) as seat:
        supervisor.report(JobId(1), heard(0, "Good morning, everyone.", final=True))
        await seat.settled()

        transcript = seat.desk.screen.query_one(TranscriptView)
        assert "Good morning, everyone." in drawn(transcript)[0]
        assert not any("good morning all" in line for line in drawn(transcript))
        assert not style_of(transcript, "everyone").italic


@pytest.mark.parametrize("size", [(200, 60), (120, 34), (80, 24), (60, 15)])
async def test_numbers_are_whole_at_every_size(seated: Seating, size: tuple[int, int]) -> None:
    """Columns give way as a whole; what is shown is never cut."""
    supervisor = FakeSupervisor()
    job = supervisor.job("/rec/a name that is much too long.flac", *streaming(3723, 10800, 1234.5))
    supervisor.report(job, heard(0, "word " * 60), Slipped(3.0, 6200.0))
    async with seated(supervisor, size=size) as seat:
        row = seat.rows()[0]

        assert "1:02:03/3:00:00" in row or " 34%" in row
        assert " 1234‼↷" in row or " 1235‼↷" in row or " 1234.5" in row
        assert "word" in row
        assert all(len(line) == size[0] for line in (seat.banner().splitlines()))
        assert "embedded engine" in seat.banner()
        assert "quit" in seat.foot()


FOREIGN = (
    "[laughs] [/ a[1] [b]bold[/b] [@click=app.quit]x[/]",
    "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "a\u202eb\u2066c",
)


async def test_foreign_text_is_only_text(seated: Seating) -> None:
    """Markup stays as it is spelt; nothing that a terminal would obey gets through."""
    supervisor = FakeSupervisor()
    for text in FOREIGN:
        name = f"/rec/{text.replace('/', '')}.wav"
        supervisor.job(name, *streaming(), heard(0, text, final=True), Warned(text))
        supervisor.job(name, queued(), connecting(), began(text, text), failed(text, hint=text))
    async with seated(supervisor) as seat:
        everything = []
        for _ in range(2 * len(FOREIGN)):
            everything += [line for each in seat.desk.screen.query("*") for line in drawn(each)]
            await seat.press("j")

        assert all(char.isprintable() for line in everything for char in line)
        assert FOREIGN[0] in "\n".join(everything)
        assert FOREIGN[0][-12:] in seat.rows()[0]


MOVES = {"j": 1, "down": 2, "k": 1, "up": 0, "G": 39, "g": 0, "end": 39, "home": 0}
"""A key, and the row where it leads from the one before."""


async def test_keys_move_the_selection(seated: Seating) -> None:
    """Arrows, vi keys, and the two ends; the row comes into view."""
    supervisor = FakeSupervisor()
    for number in range(40):
        supervisor.job(f"/rec/{number}.wav", queued())
    async with seated(supervisor) as seat:
        for key, row in MOVES.items():
            await seat.press(key)
            assert row == seat.desk.state.row
            assert any(line.startswith("▌") and f" {row}.wav" in line for line in seat.rows())


async def test_pages_move_by_what_is_visible(seated: Seating) -> None:
    """One line of the old page stays in view."""
    supervisor = FakeSupervisor()
    for _ in range(100):
        supervisor.job("/rec/a.wav", queued())
    async with seated(supervisor) as seat:
        page = seat.table.size.height - 1

        await seat.press("pagedown", "ctrl+d")
        assert 2 * page == seat.desk.state.row
        await seat.press("pageup", "ctrl+u")
        assert 0 == seat.desk.state.row


async def test_a_click_selects_and_a_double_click_reads(seated: Seating) -> None:
    """The mouse is never needed, but it works."""
    async with seated(three()) as seat:
        await seat.pilot.click("#table", offset=(10, 1))
        assert JobId(2) == seat.desk.state.current

        await seat.pilot.click("#table", offset=(10, 0), times=2)
        await seat.until(lambda: len(seat.desk.screen_stack) == 2)
        assert JobId(1) == seat.desk.state.current


async def test_a_desk_without_jobs_says_what_to_press(seated: Seating) -> None:
    """Nobody stares at an empty table; its place is taken back when a job comes."""
    supervisor = FakeSupervisor()
    async with seated(supervisor) as seat:
        assert "add files or folders" in "\n".join(drawn(seat.desk.screen.query_one("#none")))
        assert "cancel" not in seat.foot()
        await seat.press("x", "r", "e", "space", "enter", "escape")
        assert [] == supervisor.cancelled

        supervisor.job("/rec/a.wav", queued())
        await seat.settled()
        assert "a.wav" in seat.rows()[0]
        assert not seat.desk.screen.query_one("#none").display


async def test_the_banner_counts_and_names_the_worst_lag(seated: Seating) -> None:
    """Totals, where it streams to, and the lag to worry about."""
    supervisor = three()
    supervisor.job("/rec/four.wav", *streaming(lag=23.4))
    supervisor.job("/rec/five.wav", failed("no such file"))
    async with seated(supervisor) as seat:
        banner = seat.banner()

        for part in ("Paceline", "1 queued", "2/4 streaming", "1 done", "1 failed", "23.4 ms▲"):
            assert part in banner


async def test_failures_say_why_in_row_and_detail(seated: Seating) -> None:
    """Reason in the row, reason and hint above the transcript."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/a.wav", queued(), failed("the key was refused", "Check the key."))
    async with seated(supervisor) as seat:
        assert "the key was refused" in seat.rows()[0]
        facts = "\n".join(drawn(seat.desk.screen.query_one("#facts")))
        assert "✗ the key was refused" in facts
        assert "→ Check the key." in facts


async def test_rows_that_come_later_do_not_move_the_selection(seated: Seating) -> None:
    """The selection is a job, not a line."""
    supervisor = three()
    async with seated(supervisor) as seat:
        await seat.press("j")
        supervisor.job("/rec/four.wav", queued())
        await seat.settled()

        assert JobId(2) == seat.desk.state.current
        assert "four.wav" in seat.rows()[3]
        assert not seat.desk.screen.query(Input)


async def test_a_terminal_that_is_resized_is_filled_again(seated: Seating) -> None:
    """From stacked to side by side and to the smallest, while streaming."""
    supervisor = three()
    async with seated(supervisor) as seat:
        for width, height in ((200, 60), (60, 15), (80, 24)):
            await seat.pilot.resize_terminal(width, height)
            supervisor.report(JobId(1), progressed(11))
            await seat.settled()
            assert "one.wav" in seat.rows()[0]
            assert width == len(seat.foot())
