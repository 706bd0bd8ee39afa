"""The tabs of the current session, beside the table and on the full screen."""

import gc
from pathlib import Path
from warnings import catch_warnings, simplefilter

import pytest
from textual.events import Key
from textual.geometry import Size
from textual.widgets import Input

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines, style_of
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    began,
    connecting,
    progressed,
    queued,
    streaming,
    turn_heard,
)
from tests.support.trace_builders import chunks_sent, trace_path, write_trace
from tui.model.tabs import Tab
from tui.widgets.detail_view import DetailView
from tui.widgets.events import EventsView
from tui.widgets.input_bars import SearchBar
from tui.widgets.transcript import TranscriptView
from workers.jobs.events import MessageReceived
from workers.jobs.job import JobId

SAID = ["the boat is here", "we saw no boat", "nobody came", *["they went"] * 60, "a boat again"]


def two_jobs() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    turns = [turn_heard(order, text, final=True) for order, text in enumerate(SAID)]
    supervisor.job("/rec/one.wav", *streaming(), *turns)
    supervisor.job("/rec/two.wav", queued())
    return supervisor


def shown(seat: DeskDriver) -> str:
    """The text of the tab that is shown."""
    detail = seat.desk.screen.query_one(DetailView)
    return "\n".join([*rendered_lines(detail.query_one("#tabs")), *rendered_lines(detail.pane)])


def counted(seat: DeskDriver) -> str:
    return "".join(rendered_lines(seat.desk.screen.query_one(SearchBar).query_one("#count")))


async def test_keys_and_clicks_change_the_tab(open_desk: DeskFactory, tmp_path: Path) -> None:
    """The tab stays selected for the next session, full screen, and back at the table."""
    write_trace(tmp_path / "run", connecting(), began(), chunks_sent([0.3] * 20), progressed(2.0))
    async with open_desk(two_jobs()) as seat:
        assert "[1 transcript]" in shown(seat)
        for key, word in (
            ("2", "[2 timing]"),
            ("5", "[5 score]"),
            ("right_square_bracket", "[1 "),
        ):
            await seat.press(key)
            assert word in shown(seat)
        await seat.press("left_square_bracket", "left_square_bracket")
        assert "SHA-256" in shown(seat)
        await seat.press("1")
        assert "a boat again" in shown(seat)

        async def drawn(words: str) -> None:
            """Waits for words. A tick draws what another reader of the trace was first to read."""

            def is_drawn() -> bool:
                seat.desk.tick()
                return words in shown(seat)

            await seat.wait_until(is_drawn)

        await seat.pilot.click("#tabs", offset=(shown(seat).index("events"), 0))
        await drawn("chunks")
        await seat.press("j", "enter")
        assert "[3 events]" in shown(seat)
        await drawn("There is no trace yet.")
        await seat.press("h", "2")
        await drawn("pacing held")
        await seat.press("escape")
        assert "[2 timing]" in shown(seat)
        await drawn("pacing held")


async def test_timing_is_updated_while_chunks_are_sent(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The tab reads the growing trace after each report."""
    supervisor = two_jobs()
    path = write_trace(tmp_path / "run", connecting(), began(), chunks_sent([0.3] * 20))
    async with open_desk(supervisor) as seat:
        await seat.press("2")
        await seat.wait_until(lambda: "20 chunks of 100 ms" in shown(seat))
        with path.open("a") as file:
            file.write('{"t":9.0,"type":"chunks","first":20,"lag_us":[45000]}\n')
        supervisor.report(JobId(1), progressed(2.1))
        await seat.process_reports()
        await seat.wait_until(lambda: "21 chunks of 100 ms" in shown(seat))

        assert "chunks left late" in shown(seat)
        assert "to 50 ms ▲" in shown(seat)
        assert "max 45.0" in shown(seat)


async def test_a_growing_transcript_is_searched(open_desk: DeskFactory) -> None:
    """While typing; n and N go to the next match and back, Esc ends the search."""
    supervisor = two_jobs()
    async with open_desk(supervisor) as seat:
        await seat.press("enter", "home", "slash", *"boat")
        view = seat.desk.screen.query_one(TranscriptView)
        assert "1/3" in counted(seat)
        assert style_of(view, "boat").reverse
        assert "Enter keep" in seat.footer_text()
        assert "add" not in seat.footer_text(), "what is typed is no verb"

        await seat.press("down", "up", "down", "enter", "n")
        assert "3/3" in counted(seat)
        assert view.following
        await seat.press("N")
        assert "2/3" in counted(seat)
        assert 0 == view.scroll_offset.y
        supervisor.report(JobId(1), turn_heard(len(SAID), "one more boat", final=True))
        await seat.process_reports()
        assert "2/4" in counted(seat)
        assert "1 new below, G follows" in shown(seat)

        await seat.press("escape")
        assert not seat.desk.screen.query_one(SearchBar).display
        assert not style_of(view, "boat").reverse
        await seat.press("G")
        assert "new below" not in shown(seat)
        assert "one more boat" in shown(seat)
        await seat.press("slash", "x", "escape", "escape")
        assert seat.desk.screen.query_one(SearchBar).display is False
        assert seat.table.has_focus


@pytest.mark.parametrize("tab", "12345")
@pytest.mark.parametrize("screen", [(), ("tab",), ("enter",)])
async def test_letters_of_a_search_are_no_verbs(
    open_desk: DeskFactory, screen: tuple[str, ...], tab: str
) -> None:
    """In each tab, also when they are typed before the search has opened."""
    supervisor = two_jobs()
    async with open_desk(supervisor) as seat:
        await seat.press(*screen, tab)
        for letter in "/xxrdq":
            seat.desk.post_message(Key("slash" if letter == "/" else letter, letter))
        await seat.wait_until(
            lambda: isinstance(seat.desk.focused, Input) and seat.desk.focused.value == "xxrdq"
        )

        assert not supervisor.cancelled
        assert seat.desk.is_running


async def test_lines_of_the_job_and_timing_tabs_are_searched(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The first line with the text comes into view; n goes to the next one."""
    write_trace(tmp_path / "run", connecting(), began(), chunks_sent([0.3] * 20), progressed(2.0))
    async with open_desk(two_jobs(), size=(80, 24)) as seat:
        await seat.press("4", "enter")
        await seat.wait_until(lambda: "SHA-256" in shown(seat))
        await seat.press("slash", *"sha-256")
        assert "1/1" in counted(seat)
        assert style_of(seat.desk.screen.query_one(DetailView).pane, "SHA-256").reverse
        await seat.press("escape", "2", "slash", *"MAX")
        await seat.wait_until(lambda: "1/" in counted(seat))
        await seat.press("enter", "n", "escape", "slash", *"nothing")
        assert "not found" in counted(seat)


async def test_time_stamps_on_demand(open_desk: DeskFactory) -> None:
    """The key switches between start, details and none; a notice describes the details."""
    supervisor = FakeSupervisor()
    supervisor.job(
        "/rec/one.wav", *streaming(), turn_heard(0, "Good morning.", final=True, at=61_000)
    )
    async with open_desk(supervisor) as seat:
        assert "  1:01   Good morning." in shown(seat)
        await seat.press("t")
        assert "  1:01-1:01     90 %   Good morning." in shown(seat)
        assert "confidence" in seat.footer_text()
        await seat.press("t")
        assert "\n  Good morning." in shown(seat)
        await seat.press("t")
        assert "  1:01   Good morning." in shown(seat)


async def test_events_are_filtered_unfolded_and_followed(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The end is followed until the user scrolls up; a found row stays at its place."""
    supervisor = two_jobs()
    beats = [MessageReceived({"type": "Heartbeat", "number": number}) for number in range(100)]
    path = write_trace(tmp_path / "run", *beats[:50], chunks_sent([0.3]), *beats[50:])
    async with open_desk(supervisor) as seat:
        await seat.press("3", "tab")
        await seat.wait_until(lambda: "number 99" in shown(seat))
        await seat.press("k")
        with path.open("a") as file:
            file.write('{"t":200.0,"type":"warning","warning":"too late"}\n')
        supervisor.report(JobId(1), progressed(11.0))
        await seat.process_reports()
        await seat.wait_until(lambda: "1 new below, G follows" in shown(seat))
        assert "too late" not in shown(seat)
        await seat.press("G")
        assert "too late" in shown(seat)

        await seat.press("slash", *"zz")
        await seat.wait_until(lambda: "No matching events." in shown(seat))
        await seat.press("backspace", "backspace", *"chunk")
        await seat.wait_until(lambda: "1 of 103" in counted(seat))
        await seat.press("enter", "enter")
        assert "lag_us   [300]" in shown(seat)
        await seat.press("escape")
        assert "0, worst lag 0.3 ms" in shown(seat)
        await seat.press("escape")
        rows = shown(seat)
        assert "number 50" in rows
        assert next(line for line in rows.splitlines() if "chunks" in line).startswith("▌")
        await seat.press("home", "j", "enter")
        assert "number" in shown(seat)
        assert "Heartbeat" in shown(seat)
        await seat.press("enter", "pagedown", "up", "pageup", "g")
        view = seat.desk.screen.query_one(EventsView)
        assert 0 == view.scroll_offset.y
        assert "type   trace" not in shown(seat)
        await seat.pilot.resize_terminal(240, 40)
        await seat.press("escape", "enter", "g")
        assert "type   trace" in shown(seat)
        await seat.press("j")
        assert "message   {" in shown(seat)
        view = seat.desk.screen.query_one(EventsView)
        view.scroll_to(y=30, animate=False, immediate=True)  # as the wheel does
        await seat.press("k")
        assert 29 == view.scroll_offset.y


async def test_transcript_and_trace_go_to_the_clipboard(
    open_desk: DeskFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys copy the marked sessions, or the current one; the footer shows the word count."""
    monkeypatch.delenv("TMUX", raising=False)
    supervisor = FakeSupervisor()
    for number, words in ((1, "Good morning."), (2, "Yes.")):
        supervisor.job(f"/rec/{number}.wav", *streaming(), turn_heard(0, words, final=True))
    write_trace(tmp_path / "run")
    async with open_desk(supervisor) as seat:
        await seat.press("y")
        await seat.wait_until(lambda: "Copied 2 words of 1 session" in seat.footer_text())
        assert "Good morning.\n" == seat.desk.clipboard
        await seat.press("Y")
        await seat.wait_until(
            lambda: "Copied" in seat.footer_text() and "trace.jsonl" in seat.footer_text()
        )
        assert str(trace_path(tmp_path / "run")) == seat.desk.clipboard
        await seat.press("space", "space", "y")
        await seat.wait_until(lambda: "Copied 3 words of 2 sessions" in seat.footer_text())


async def test_a_reader_cancelled_before_its_start_is_silent(open_desk: DeskFactory) -> None:
    """Otherwise Python would print a warning on the user's terminal."""
    async with open_desk(two_jobs()) as seat:
        seat.desk.state.tab_state.tab = Tab.EVENTS
        with catch_warnings(record=True) as warnings:
            simplefilter("always")
            seat.desk.screen.query_one(DetailView).redraw()
            seat.desk.workers.cancel_all()
            await seat.pilot.pause()
            gc.collect()

    assert [] == warnings


async def test_the_split_is_resized_by_keys_and_mouse_and_remembered(
    open_desk: DeskFactory,
) -> None:
    """The edge is the rule above the details, or the space left of them on a wide screen."""

    def forty() -> FakeSupervisor:
        supervisor = FakeSupervisor()
        for number in range(40):
            supervisor.job(f"/rec/{number}.wav", queued())
        return supervisor

    def table_size(seat: DeskDriver) -> Size:
        return seat.desk.screen.query_one("#sessions").size

    async with open_desk(forty()) as seat:
        height = table_size(seat).height
        await seat.press("right_curly_bracket")
        assert table_size(seat).height > height
        await seat.press("left_curly_bracket", "left_curly_bracket")
        smaller = table_size(seat).height
        assert smaller < height
        detail = seat.desk.screen.query_one(DetailView)
        await seat.pilot.mouse_down("DetailView", offset=(5, 0))
        await seat.pilot.hover(offset=(5, detail.region.y + 4))
        await seat.pilot.mouse_up(offset=(5, detail.region.y + 4))
        await seat.pilot.pause()
        assert table_size(seat).height > smaller
        dragged = table_size(seat).height
        await seat.pilot.resize_terminal(200, 34)
        await seat.pilot.pause()
        width = table_size(seat).width
        await seat.press("left_curly_bracket")
        assert table_size(seat).width < width
    async with open_desk(forty()) as seat:
        assert table_size(seat).height == dragged


async def test_text_that_the_mouse_selects_is_copied(open_desk: DeskFactory) -> None:
    """Without time stamps, and with the rows of a turn joined; in other tabs as it is drawn."""
    supervisor = FakeSupervisor()
    long = "it was the best of times and it was the worst of times " * 2
    turns = [
        turn_heard(n, text, final=True) for n, text in enumerate(("Hello boat.", long, "End."))
    ]
    supervisor.job("/rec/one.wav", *streaming(), *turns)
    async with open_desk(supervisor, size=(80, 24)) as seat:
        await seat.press("enter")
        pane = seat.desk.screen.query_one(DetailView).pane

        async def select(start: tuple[int, int], end: tuple[int, int]) -> str:
            await seat.pilot.mouse_down(pane, offset=start)
            await seat.pilot.hover(pane, offset=end)
            await seat.pilot.mouse_up(pane, offset=end)
            await seat.pilot.pause()
            return seat.desk.clipboard

        column = rendered_lines(pane)[0].index("boat")
        assert await select((column, 0), (column + 3, 0)) == "boat"
        assert style_of(pane, "boat").reverse
        assert "Copied 1 word" in seat.footer_text()
        copied = await select((column, 0), (79, 4))
        assert copied == f"boat.\n{long.strip()}\nEnd."
        await seat.pilot.click(pane, offset=(column, 0))
        assert not style_of(pane, "boat").reverse
        await seat.press("4")
        pane = seat.desk.screen.query_one(DetailView).pane
        await seat.wait_until(lambda: "WAV" in shown(seat))
        assert "\n" in await select((0, 0), (20, 3))
