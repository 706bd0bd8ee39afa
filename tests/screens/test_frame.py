"""Banner, footer, help and palette, in any window and terminal."""

from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.widgets import Label

from tests.screens.conftest import DeskFactory, rendered_lines, style_of
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import (
    broken_attempt,
    connecting,
    ended_done,
    ended_failed,
    queued,
    refused_attempt,
    streaming,
    turn_heard,
)
from tui.app.desk import Desk
from tui.config.settings import PACELINE_THEMES, DeskSettings
from tui.render.columns import column_named, sort_columns
from tui.screens.dialogs import TextDialog
from tui.widgets.line_widgets import LineBlock
from workers.jobs.events import Outcome
from workers.jobs.job import JobId
from workers.protocol.endpoint import EndpointKind

CHANGED = {
    "jobs.cancel": ("ctrl+k", "delete"),
    "sessions.move(1)": ("n",),
    "desk.help": ("f9",),
    "desk.quit": ("Z",),
    "jobs.add": ("x",),
    "jobs.undo": ("U",),
    "exporting.write": ("w",),
    "dialog.close": ("f4",),
    "confirming.confirm": ("f8",),
    "transcript.follow": ("f6",),
    "transcript.found(1)": ("f7",),
}


class Changed(Desk):
    """A desk with many changed settings."""

    def __init__(self, *about: Any) -> None:
        columns = frozenset({"state", "words"})
        settings = DeskSettings(
            theme="paceline-light", ascii=True, refresh=0.1, columns=columns, keys=CHANGED
        )
        super().__init__(*about, kind=EndpointKind.SERVICE, settings=settings)


def some() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), turn_heard(0, "good morning all", settled=2))
    supervisor.job("/rec/two.wav", *streaming(60, 60), ended_done(60))
    supervisor.job("/rec/three.wav", queued(75))
    return supervisor


def text_of_help(desk: Desk) -> list[str]:
    assert isinstance(desk.screen, TextDialog)
    return [line.strip() for line in rendered_lines(desk.screen.query_one("#lines", LineBlock))]


async def test_sentences_name_changed_keys(open_desk: DeskFactory) -> None:
    """In dialogs, notices, tabs and the search; each key works as the text says."""
    supervisor = some()
    one = [turn_heard(order, f"turn number {order}", final=True) for order in range(50)]
    supervisor.report(JobId(1), *one)
    supervisor.job("/rec/four.wav", *streaming())
    supervisor.job("/rec/five.wav", *streaming(), ended_done())
    async with open_desk(supervisor, kind=Changed, size=(130, 24)) as seat:
        await seat.press("e")
        box = seat.desk.screen.query_one("#box")
        assert "w write  Space choose  F4 close" == str(box.border_subtitle)
        assert "w writes 1 file" in "\n".join(
            rendered_lines(seat.desk.screen.query_one("#outcome"))
        )
        await seat.press("f4", "end", "d")
        assert "U undoes" in seat.footer_text()
        await seat.press("home", "tab", "pageup")
        tabs = seat.desk.screen.query_one("#tabs")
        assert "F6 follows" in rendered_lines(tabs)[0]
        await seat.press("slash", *"turn", "enter")
        assert "F7 next  N previous" in str(seat.desk.screen.query_one("#count", Label).content)
        await seat.press("escape", "tab", "ctrl+a", "delete")
        assert "F8 yes  n no" == str(seat.desk.screen.query_one("#box").border_subtitle)
        await seat.press("f8")
        assert (
            "Cancelling 3 recordings; transcripts are kept; press ^k again to force"
            in seat.footer_text()
        )


async def test_changed_keys_work_and_are_shown_everywhere(open_desk: DeskFactory) -> None:
    """In footer, help, palette and first screen; the former keys no longer work."""
    supervisor = some()
    async with open_desk(supervisor, kind=Changed, size=(130, 24)) as seat:
        assert "^k Del cancel" in seat.footer_text()
        assert "x add" in seat.footer_text()
        assert "F9 help" in seat.footer_text()
        assert "Z quit" in seat.footer_text()
        await seat.press("ctrl+k", "n")
        assert 1 == seat.desk.state.table.current_row
        await seat.press("j", "down")
        assert 1 == seat.desk.state.table.current_row
        await seat.press("n", "delete")
        assert [1, 3] == supervisor.cancelled

        await seat.press("question_mark")
        assert not isinstance(seat.desk.screen, TextDialog)
        await seat.press("f9")
        assert any(line.startswith("^k Del   cancel, keep") for line in text_of_help(seat.desk))
        await seat.press("f4")

        commands = {
            command.title: command for command in seat.desk.get_system_commands(seat.desk.screen)
        }
        quits = "Quit; if sessions are live, press again to end them gracefully, once more to force"
        assert "Desk · Z" == commands[quits].help

        supervisor.is_idle = False
        await seat.press("q")
        assert 0 == supervisor.stops
        await seat.press("Z")
        assert "Z again: stop" in seat.footer_text()
        await seat.press("Z")
        assert "Z forces now" in seat.footer_text()


async def test_settings_of_the_look_are_applied(open_desk: DeskFactory) -> None:
    """Theme, symbols, columns."""
    async with open_desk(some(), kind=Changed) as seat:
        assert "paceline-light" == seat.desk.theme
        assert seat.banner_text().isascii()
        assert "AssemblyAI" not in seat.banner_text()
        assert "| billed" in seat.banner_text()
        assert all("0:10" not in row for row in seat.table_lines())
        assert "good morning all" in seat.table_lines()[0]


async def test_the_first_screen_says_what_to_press_and_what_it_costs(
    open_desk: DeskFactory,
) -> None:
    """With the keys from the settings."""
    async with open_desk(kind=Changed) as seat:
        text = " ".join(" ".join(rendered_lines(seat.desk.screen.query_one("#none"))).split())

        assert "x add files or folders" in text
        assert "F9 keys and symbols" in text
        assert "The service bills every second" in text


async def test_help_starts_with_the_keys_of_the_focus(open_desk: DeskFactory) -> None:
    """First the focused tab and the screen, then the keys that work anywhere, then the rest."""
    async with open_desk(some(), size=(90, 24)) as seat:
        for keys, first, later in (
            ([], "In the table", "In a tab of a session"),
            (["tab"], "In a tab of a session", "Reading, full screen"),
            (["w"], "Wall", "In the table"),
            (["enter"], "In a tab of a session", "Wall"),
        ):
            await seat.press(*keys, "question_mark")
            lines = text_of_help(seat.desk)

            assert first == lines[0]
            order = [lines.index(heading) for heading in (first, "Desk", "Signs", later)]
            assert sorted(order) == order
            await seat.press("escape")


async def test_the_footer_follows_the_focus(open_desk: DeskFactory) -> None:
    """A key with another meaning in the focused widget is shown with that meaning."""
    async with open_desk(some()) as seat:
        assert "/ filter" in seat.footer_text()
        await seat.press("tab")
        await seat.process_reports()

        assert "/ search" in seat.footer_text()
        assert "/ filter" not in seat.footer_text()


async def test_a_paint_renders_only_widgets_that_were_refreshed(open_desk: DeskFactory) -> None:
    """The others give the lines of their last paint, in whatever part they are asked for."""
    async with open_desk(some()) as seat:
        for name in ("#body", "#foot"):
            widget = seat.desk.screen.query_one(name)
            whole = widget.size.region
            painted = widget.render_lines(whole)
            assert painted is widget.render_lines(whole)
            assert whole.height - 1 == len(widget.render_lines(whole.shrink((1, 0, 0, 0))))

            widget.refresh()
            assert painted is not widget.render_lines(whole)
            assert [strip.text for strip in painted] == rendered_lines(widget)


async def test_every_action_is_in_the_palette(open_desk: DeskFactory) -> None:
    """With each sort column and each theme; it acts on the screen that opened the palette."""
    async with open_desk(some()) as seat:
        desk = seat.desk
        commands = {command.title: command for command in desk.get_system_commands(desk.screen)}
        columns = sort_columns(has_nodes=False)
        assert {f"Sort by {column.label}" for column in columns} <= commands.keys()
        themes = [title for title in commands if title.startswith("Use the theme ")]
        assert (
            sorted(f"Use the theme {name}" for name in PACELINE_THEMES)
            == themes[: len(PACELINE_THEMES)]
        )
        assert "Use the theme nord" in themes
        cancel = commands["Cancel, keep the transcript; press again to force"]
        assert "Sessions and recordings · x" == cancel.help

        commands["Sort by lag"].callback()
        commands["Use the theme paceline-contrast"].callback()
        await seat.pilot.pause()
        await seat.process_reports()
        assert column_named("lag") is desk.state.table.sorting.column
        assert "paceline-contrast" == desk.theme
        for says, row in (("First session", 0), ("Last session", 2), ("Previous session", 1)):
            await commands[says].callback()
            assert row == desk.state.table.current_row

        await seat.press("ctrl+p")
        assert isinstance(desk.screen, CommandPalette)
        await seat.press(*"contrast")
        await seat.press("escape")


async def test_a_tiny_window_says_that_it_is_too_small(open_desk: DeskFactory) -> None:
    """No key fails in it, and the screen comes back when there is room again."""
    supervisor = some()
    supervisor.job("/rec/four.wav", ended_failed("no such file"))
    async with open_desk(supervisor, size=(40, 10)) as seat:
        for cells, rows in ((30, 6), (29, 9), (80, 5), (12, 3), (1, 1), (40, 10)):
            await seat.pilot.resize_terminal(cells, rows)
            await seat.process_reports()
            whole = "\n".join(strip.text for strip in seat.desk.screen._compositor.render_strips())
            tiny = cells < 30 or rows < 6
            assert ("Window too small"[:cells] in whole) is tiny
            assert ("one.wav" in whole) is not tiny
            assert ("✗1" in whole) is not tiny
            if cells < 30:
                await seat.press("question_mark", "escape", "a", "escape")

        await seat.press("j")
        assert 1 == seat.desk.state.table.current_row


async def test_the_banner_says_that_the_server_is_full(open_desk: DeskFactory) -> None:
    """In words; retrying jobs are not counted as queued."""
    supervisor = some()
    supervisor.job("/rec/four.wav", *streaming(), *broken_attempt())
    job = supervisor.job("/rec/five.wav", queued(), connecting(), *refused_attempt())
    async with open_desk(supervisor) as seat:
        assert "2 queued" in seat.banner_text()
        assert "1 retrying" in seat.banner_text()
        assert "the server is full: 1 wait" in seat.banner_text()

        supervisor.report(job, connecting(), ended_failed("gone", outcome=Outcome.UNREACHABLE))
        await seat.process_reports()
        assert "server is full" not in seat.banner_text()


async def test_our_themes_are_chosen_by_name(open_desk: DeskFactory) -> None:
    """Colours change at once."""
    async with open_desk(some()) as seat:
        seen = set()
        for name in PACELINE_THEMES:
            seat.desk.theme = name
            await seat.pilot.pause()
            await seat.process_reports()
            seen.add(style_of(seat.table, "streaming").color)

        assert len(PACELINE_THEMES) == len(seen)


def test_a_theme_of_ours_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Textual looks it up before the desk registers it, which must not fail."""
    monkeypatch.setattr("textual.constants.DEFAULT_THEME", "paceline-light")

    assert "paceline" == Desk(FakeSupervisor(), "here", tmp_path).theme


async def test_a_flood_of_reports_needs_no_further_tick(
    tmp_path: Path,
) -> None:
    """Otherwise a screen with slow ticks would lag behind for long."""
    supervisor = FakeSupervisor()
    [job] = supervisor.add(["/a.wav"])
    desk = Desk(supervisor, "", tmp_path, settings=DeskSettings(refresh=1000.0))
    async with desk.run_test() as pilot:
        for _ in range(30_000):
            supervisor.report(job, queued())
        desk.tick()
        assert not supervisor.reports.empty()
        while not supervisor.reports.empty():
            await pilot.pause(0.01)
