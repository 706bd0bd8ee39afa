"""The session table as it is drawn."""

import os
import re
import subprocess
import sys

import pytest
from textual.events import Key

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines, style_of
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    began,
    connecting,
    ended_done,
    ended_failed,
    progressed,
    queued,
    streaming,
    turn_heard,
)
from tui.config.settings import DeskSettings
from tui.widgets.input_bars import FilterBar
from tui.widgets.table import MAX_REPORTED_ROWS
from tui.widgets.transcript import TranscriptView
from workers.jobs.events import Slipped, Warned
from workers.jobs.job import JobId


def three() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    supervisor.job(
        "/rec/one.wav", *streaming(10, 60, 0.3), turn_heard(0, "good morning all", settled=2)
    )
    supervisor.job("/rec/two.wav", *streaming(60, 60), ended_done(60))
    supervisor.job("/rec/three.wav", queued(75))
    return supervisor


async def test_a_row_says_state_name_time_lag_and_latest_words(open_desk: DeskFactory) -> None:
    """The most important facts of a job in one line."""
    async with open_desk(three()) as seat:
        one, two, *_ = seat.table_lines()

        for part in ("● streaming", "one.wav", " 0:50 ", "0.3", "good morning all"):
            assert part in one
        for part in ("✓ done", "two.wav", "p99", "0.9"):
            assert part in two


async def test_partial_words_look_unlike_settled_ones(open_desk: DeskFactory) -> None:
    """Words that may still change are italic, in the table and in the transcript."""
    async with open_desk(three()) as seat:
        for widget in (seat.table, seat.desk.screen.query_one(TranscriptView)):
            assert not style_of(widget, "good morning").italic
            assert style_of(widget, "all").italic


async def test_a_final_is_not_italic(open_desk: DeskFactory) -> None:
    """The final turn replaces the partial one in place."""
    supervisor = three()
    async with open_desk(supervisor) as seat:
        supervisor.report(JobId(1), turn_heard(0, "Good morning, everyone.", final=True))
        await seat.process_reports()

        transcript = seat.desk.screen.query_one(TranscriptView)
        assert "Good morning, everyone." in rendered_lines(transcript)[0]
        assert not any("good morning all" in line for line in rendered_lines(transcript))
        assert not style_of(transcript, "everyone").italic


@pytest.mark.parametrize("size", [(200, 60), (120, 34), (80, 24), (60, 15)])
async def test_numbers_are_whole_at_every_size(
    open_desk: DeskFactory, size: tuple[int, int]
) -> None:
    """Columns disappear as a whole; no number is cut."""
    supervisor = FakeSupervisor()
    job = supervisor.job("/rec/a name that is much too long.flac", *streaming(3723, 10800, 1234.5))
    supervisor.report(job, turn_heard(0, "word " * 60), Slipped(3.0, 6200.0))
    async with open_desk(supervisor, size=size) as seat:
        row = seat.table_lines()[0]

        assert "1:57:57" in row
        assert " 1234‼↷" in row or " 1235‼↷" in row or " 1234.5" in row
        assert "word" in row
        assert all(len(line) == size[0] for line in (seat.banner_text().splitlines()))
        assert "embedded engine" in seat.banner_text()
        assert "quit" in seat.footer_text()


FOREIGN = (
    "[laughs] [/ a[1] [b]bold[/b] [@click=app.quit]x[/]",
    "\x1b[31mred\x1b]0;title\x07\x9b2J",
    "a\u202eb\u2066c",
)


async def test_foreign_text_is_only_text(open_desk: DeskFactory) -> None:
    """Markup is shown as it is written; no control character reaches the terminal."""
    supervisor = FakeSupervisor()
    for text in FOREIGN:
        name = f"/rec/{text.replace('/', '')}.wav"
        supervisor.job(name, *streaming(), turn_heard(0, text, final=True), Warned(text))
        supervisor.job(
            name, queued(), connecting(), began(text, text), ended_failed(text, hint=text)
        )
    async with open_desk(supervisor) as seat:
        everything = []
        for _ in range(2 * len(FOREIGN)):
            everything += [
                line for widget in seat.desk.screen.query("*") for line in rendered_lines(widget)
            ]
            await seat.press("j")

        assert all(char.isprintable() for line in everything for char in line)
        assert FOREIGN[0] in "\n".join(everything)
        assert FOREIGN[0][-12:] in seat.table_lines()[0]


MOVES = {"j": 1, "down": 2, "k": 1, "up": 0, "G": 39, "g": 0, "end": 39, "home": 0}
"""A key, and the row where it leads from the one before."""


async def test_keys_move_the_selection(open_desk: DeskFactory) -> None:
    """Arrows, vi keys, and the two ends; the table scrolls to the row."""
    supervisor = FakeSupervisor()
    for number in range(40):
        supervisor.job(f"/rec/{number}.wav", queued())
    async with open_desk(supervisor) as seat:
        for key, row in MOVES.items():
            await seat.press(key)
            assert row == seat.desk.state.table.current_row
            assert any(
                line.startswith("▌") and f" {row}.wav" in line for line in seat.table_lines()
            )


async def test_a_page_is_what_is_visible(open_desk: DeskFactory) -> None:
    """One line of the old page stays in view."""
    supervisor = FakeSupervisor()
    for _ in range(100):
        supervisor.job("/rec/a.wav", queued())
    async with open_desk(supervisor) as seat:
        page = seat.table.size.height - 1

        await seat.press("pagedown", "ctrl+d")
        assert 2 * page == seat.desk.state.table.current_row
        await seat.press("pageup", "ctrl+u")
        assert 0 == seat.desk.state.table.current_row


async def test_a_click_selects_and_a_double_click_reads(open_desk: DeskFactory) -> None:
    """The mouse works, but is never needed."""
    async with open_desk(three()) as seat:
        await seat.pilot.click("#table", offset=(10, 1))
        assert JobId(2) == seat.desk.state.table.current

        await seat.pilot.click("#table", offset=(10, 0), times=2)
        await seat.wait_until(lambda: len(seat.desk.screen_stack) == 2)
        assert JobId(1) == seat.desk.state.table.current


async def test_a_desk_without_jobs_says_what_to_press(open_desk: DeskFactory) -> None:
    """The first job replaces that text with the table."""
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        assert "add files or folders" in "\n".join(
            rendered_lines(seat.desk.screen.query_one("#none"))
        )
        assert "cancel" not in seat.footer_text()
        await seat.press("x", "r", "e", "space", "enter", "escape")
        assert [] == supervisor.cancelled

        supervisor.job("/rec/a.wav", queued())
        await seat.process_reports()
        assert "a.wav" in seat.table_lines()[0]
        assert not seat.desk.screen.query_one("#none").display


async def test_the_banner_counts_and_names_the_worst_lag(open_desk: DeskFactory) -> None:
    """Totals, destination and the largest lag."""
    supervisor = three()
    supervisor.job("/rec/four.wav", *streaming(lag=23.4))
    supervisor.job("/rec/five.wav", ended_failed("no such file"))
    async with open_desk(supervisor) as seat:
        banner = seat.banner_text()

        for part in ("Paceline", "1 queued", "2/4 streaming", "1 done", "1 failed", "23.4 ms▲"):
            assert part in banner


async def test_failures_say_why_in_row_and_detail(open_desk: DeskFactory) -> None:
    """The reason in the row, reason and hint above the transcript."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/a.wav", queued(), ended_failed("the key was refused", "Check the key."))
    async with open_desk(supervisor) as seat:
        assert "the key was refused" in seat.table_lines()[0]
        facts = "\n".join(rendered_lines(seat.desk.screen.query_one("#facts")))
        assert "✗ the key was refused" in facts
        assert "→ Check the key." in facts


async def test_rows_that_come_later_do_not_move_the_selection(open_desk: DeskFactory) -> None:
    """The selection is a job, not a row number."""
    supervisor = three()
    async with open_desk(supervisor) as seat:
        await seat.press("j")
        supervisor.job("/rec/four.wav", queued())
        await seat.process_reports()

        assert JobId(2) == seat.desk.state.table.current
        assert "four.wav" in seat.table_lines()[3]


async def test_a_terminal_that_is_resized_is_filled_again(open_desk: DeskFactory) -> None:
    """From stacked to side by side to the smallest size, while streaming."""
    supervisor = three()
    async with open_desk(supervisor) as seat:
        for width, height in ((200, 60), (60, 15), (80, 24)):
            await seat.pilot.resize_terminal(width, height)
            supervisor.report(JobId(1), progressed(11))
            await seat.process_reports()
            assert "one.wav" in seat.table_lines()[0]
            assert width == len(seat.footer_text())


def five() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    for name, lag in (("one", 3.0), ("two", 40.0), ("three", 9.0)):
        supervisor.job(f"/rec/{name}.wav", *streaming(lag=lag))
    supervisor.queue = [supervisor.job(f"/rec/{name}.wav", queued()) for name in ("four", "five")]
    return supervisor


def names(seat: DeskDriver) -> list[str]:
    """The names in the rows, from the top."""
    return [match[1] for row in seat.table_lines() if (match := re.search(r"(\w+)\.wav", row))]


async def test_rows_are_sorted_from_a_menu_by_its_arrows_and_by_a_click(
    open_desk: DeskFactory,
) -> None:
    """By the letter of a column, in reverse with S; the header shows column and direction."""
    supervisor = five()
    async with open_desk(supervisor) as seat:
        head = seat.desk.screen.query_one("#head")
        await seat.press("s")
        assert "queue order   ↑" in "\n".join(
            rendered_lines(seat.desk.screen.query_one("#choices"))
        )
        await seat.press("l")
        assert ["two", "three", "one", "four", "five"] == names(seat)
        assert "LAG↓" in rendered_lines(head)[0]
        await seat.press("S")
        assert ["one", "three", "two", "four", "five"] == names(seat)
        assert "LAG↑" in rendered_lines(head)[0]

        await seat.press("s", "up", "up", "enter")
        assert "LEFT↑" in rendered_lines(head)[0]
        await seat.press("s", "escape")
        assert "LEFT↑" in rendered_lines(head)[0]
        await seat.pilot.click("#head", offset=(rendered_lines(head)[0].index("FILE"), 0))
        await seat.pilot.pause()
        assert ["five", "four", "one", "three", "two"] == names(seat)
        await seat.press("s")
        choices = seat.desk.screen.query_one("#choices")
        await seat.pilot.click(choices, offset=(6, 0))
        await seat.pilot.pause()
        assert ["one", "two", "three", "four", "five"] == names(seat)


async def test_rows_are_filtered_while_typing(open_desk: DeskFactory) -> None:
    """Enter keeps the filter, Esc removes it; verbs do not act on hidden rows."""
    supervisor = five()
    async with open_desk(supervisor) as seat:
        line = seat.desk.screen.query_one(FilterBar)
        assert not line.display
        below = seat.desk.screen.query_one("#facts").region.y
        await seat.press("slash", "f")
        assert ["four", "five"] == names(seat)
        assert "2 of 5" in rendered_lines(line.query_one("#found"))[0]
        assert "keep" in seat.footer_text()
        assert below + 1 == seat.desk.screen.query_one("#facts").region.y
        await seat.press("i", "down", "enter")
        assert ["five"] == names(seat)
        await seat.press("x")
        assert [JobId(5)] == supervisor.cancelled
        assert line.display

        await seat.press("slash", "space", *"lag", "greater_than_sign")
        assert "1 of 5  lag> needs a number" in rendered_lines(line.query_one("#found"))[0]
        await seat.press(*"20")
        assert "No session matches" in seat.table_lines()[0]
        await seat.press("escape")
        assert 5 == len(names(seat))
        assert seat.table.has_focus
        assert not line.display

        await seat.press("slash", "t", "w", "enter", "space", "escape")
        assert ["two"] == names(seat)
        await seat.press("escape")
        assert 5 == len(names(seat))
        assert JobId(2) == seat.desk.state.table.current  # it was found
        await seat.press("slash", "f", "o", "escape")
        assert JobId(2) == seat.desk.state.table.current  # it was left


async def test_text_typed_quickly_after_the_slash_is_no_verb(open_desk: DeskFactory) -> None:
    """All keys of a burst arrive before the input has opened."""
    supervisor = five()
    async with open_desk(supervisor) as seat:
        for key in ("slash", "x", "s", "a"):
            seat.desk.post_message(Key(key, {"slash": "/"}.get(key, key)))
        await seat.wait_until(lambda: seat.desk.state.table.filter.text == "xsa")

        assert [] == supervisor.cancelled
        assert 1 == len(seat.desk.screen_stack)


async def test_rows_do_not_move_while_frozen(open_desk: DeskFactory) -> None:
    """The header says so; values still change, and all visible rows can be marked."""
    supervisor = five()
    async with open_desk(supervisor) as seat:
        head = seat.desk.screen.query_one("#head")
        await seat.press("f", "ctrl+a", "i", "space")
        supervisor.job("/rec/six.wav", queued())
        supervisor.report(JobId(1), progressed(11, lag=77.0))
        await seat.process_reports()
        assert 5 == len(names(seat))
        assert "77.0" in seat.table_lines()[0]
        assert "1 marked · ‖ frozen, 1 new" in rendered_lines(head)[0]

        await seat.press("ctrl+a")
        assert "5 marked" in rendered_lines(head)[0]
        await seat.press("f", "ctrl+a", "ctrl+a")
        assert 6 == len(names(seat))
        assert "frozen" not in rendered_lines(head)[0]
        assert "marked" not in rendered_lines(head)[0]


async def test_rows_that_wait_say_what_for(open_desk: DeskFactory) -> None:
    """The next one shows when it starts, the others their position in the queue."""
    supervisor = five()
    supervisor.max_sessions = 3
    async with open_desk(supervisor) as seat:
        assert "next, when one ends" in seat.table_lines()[3]
        assert "2nd in the queue" in seat.table_lines()[4]

        supervisor.reorder([JobId(5), JobId(4)])
        supervisor.max_sessions = 4
        await seat.process_reports()
        assert seat.table_lines()[4].rstrip().endswith("next")


async def test_a_filtered_long_table_shows_its_rows(open_desk: DeskFactory) -> None:
    """At any scroll position, also after the filter is removed; wheel scrolling is kept."""
    supervisor = FakeSupervisor()
    for number in range(60):
        supervisor.job(f"/rec/{'ab'[number % 30 == 0]}{number}.wav", *streaming(lag=number))
    async with open_desk(supervisor) as seat:
        await seat.press("G", "slash", "b")
        assert ["b0", "b30"] == names(seat)
        assert JobId(31) == seat.desk.state.table.current
        await seat.press("escape")
        assert "a59" == names(seat)[-1]

        await seat.press("s", "l")
        assert "a59" in names(seat)
        seat.table.scroll_to(y=30, animate=False)
        await seat.pilot.pause()
        top = names(seat)[0]
        supervisor.report(JobId(1), progressed(11, lag=500.0))
        await seat.process_reports()
        seat.desk.state.table.set_frozen(False)
        await seat.process_reports()
        assert 0 == seat.desk.state.table.row_of(JobId(1))
        assert 0 == seat.desk.state.table.row_of(JobId(1))
        assert top != names(seat)[0]
        assert 30 == seat.table.scroll_offset.y


async def test_more_rows_than_a_draw_takes_are_drawn_with_the_next_ticks(
    open_desk: DeskFactory,
) -> None:
    """A row that the user reaches is drawn at once."""
    supervisor = FakeSupervisor()
    jobs = [supervisor.job(f"/rec/{row:02}.wav", *streaming(0, 600)) for row in range(100)]
    settings = DeskSettings(refresh=1000.0)  # no ticks but ours
    async with open_desk(supervisor, size=(200, 110), settings=settings) as seat:
        for job in jobs:
            supervisor.report(job, progressed(300, 600))
        await seat.process_reports()
        changed = [row for row, line in enumerate(seat.table_lines()) if " 5:00 " in line]
        assert MAX_REPORTED_ROWS == len(changed)

        await seat.press("G")
        assert " 5:00 " in seat.table_lines()[len(jobs) - 1]

        for _ in range(len(jobs) // MAX_REPORTED_ROWS):
            await seat.process_reports()
        assert all(" 5:00 " in line for line in seat.table_lines()[: len(jobs)])


def test_a_key_waits_for_few_milliseconds_after_a_paint() -> None:
    """Textual knows how often it may paint, whichever of our modules loads it first."""
    for module in ("tui.keys.key_table", "tui.app.desk"):
        code = f"import {module}, textual.constants; print(textual.constants.MAX_FPS)"
        environment = {k: v for k, v in os.environ.items() if k != "TEXTUAL_FPS"}
        printed = subprocess.check_output([sys.executable, "-c", code], env=environment)
        assert 250 == int(printed)
