"""The desk on a finished run."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.events import Paste

from tests.screens.conftest import DeskDriver, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.run_builders import write_sample_run
from tui.app.desk import Desk
from tui.app.replay_actions import READ_ONLY_NOTICE
from tui.cli.view import replay_title
from tui.keys.key_table import Scope, bindings_in
from tui.model.replay import Replay
from tui.screens import available_actions
from tui.screens.export import ExportDialog
from tui.screens.overview import Overview
from tui.screens.reading_screen import ReadingScreen
from tui.widgets.line_widgets import LineBlock
from workers.jobs.job import JobId
from workers.runs.timeline import RunTimeline

LENGTH = 11.5


class Recording(Desk):
    """Records the actions that keys run."""

    actions_run: list[str]

    async def run_action(self, action: object, *args: object, **more: object) -> bool:
        self.actions_run.append(str(action))
        return True


@asynccontextmanager
async def looking_back(
    folder: Path, kind: type[Desk] = Desk, size: tuple[int, int] = (120, 34)
) -> AsyncIterator[tuple[DeskDriver, Replay]]:
    """A desk that replays the run in that folder."""
    timeline = RunTimeline(folder)
    playback = Replay(timeline)
    desk = kind(playback, replay_title(folder, timeline, still_running=False), folder)
    async with desk.run_test(size=size) as pilot:
        seat = DeskDriver(desk, FakeSupervisor(), pilot)
        await seat.process_reports()
        yield seat, playback


def scrub(seat: DeskDriver) -> str:
    return rendered_lines(seat.desk.screen.query_one("#foot", LineBlock))[0]


async def test_it_opens_on_the_run_as_it_ended(tmp_path: Path) -> None:
    """The banner says that it is a replay; its transcripts can be read and exported."""
    folder = write_sample_run(tmp_path / "run")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    async with looking_back(folder) as (seat, _):
        assert "looking back at run, 2026-11-20" in seat.banner_text()
        assert [True] * 3 == [
            word in row
            for word, row in zip(("done", "done", "cancelled"), seat.table_lines(), strict=False)
        ]
        assert re.match(r" ‖ 0:11 ━+↻━+┃ 0:11   1x ", scrub(seat))
        await seat.press("down", "enter")
        assert isinstance(seat.desk.screen, ReadingScreen)
        read = "\n".join(rendered_lines(seat.desk.screen.query_one("#transcript")))
        assert "attempt 2 from 0:02.0" in read
        assert "What was whole." in read
        assert re.match(r" ‖ 0:11 ━", scrub(seat))

        await seat.press("e")
        assert isinstance(seat.desk.screen, ExportDialog)
        await seat.press("escape", "q")
        assert not seat.desk.is_running
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


async def test_every_key_of_the_replay_moves_it(tmp_path: Path) -> None:
    """Table, transcript and header show the time of the clock."""
    async with looking_back(write_sample_run(tmp_path / "run")) as (seat, playback):
        for key, moment in (
            ("comma", 1.5),
            ("full_stop", LENGTH),
            ("less_than_sign", 0.0),
            ("greater_than_sign", LENGTH),
            ("b", 0.0),
            ("B", LENGTH),
        ):
            await seat.press(key)
            assert moment == playback.position_s, key
        for key, speed in (("plus", 4), ("plus", 16), ("plus", 16), ("minus", 4), ("minus", 1)):
            await seat.press(key)
            assert speed == playback.speed, key
            assert f" {speed:>2}x " in scrub(seat)

        commands = {
            command.title: command for command in seat.desk.get_system_commands(seat.desk.screen)
        }
        for speed in (16, 4, 1):
            commands[f"Play {speed} times as fast"].callback()
            assert speed == playback.speed

        await seat.press("comma")
        assert "streaming" in seat.table_lines()[0]
        assert "1 queued" in seat.banner_text()
        assert "Good" in rendered_lines(seat.desk.screen.query_one("#transcript"))[0]
        assert "morning" not in rendered_lines(seat.desk.screen.query_one("#transcript"))[0]
        assert scrub(seat).startswith(" ‖ 0:01 ━")

        events = seat.desk.screen.query_one("#events")
        await seat.press("3")
        await seat.wait_until(lambda: "0 partial: Good" in "\n".join(rendered_lines(events)))
        assert "0 partial: Good" in [line for line in rendered_lines(events) if line.strip()][-1]
        await seat.press("full_stop")
        await seat.wait_until(lambda: "done: done" in "\n".join(rendered_lines(events)))
        await seat.press("comma", "1")

        await seat.press("p")
        assert playback.playing
        await seat.wait_until(lambda: playback.position_s > 1.6)
        assert scrub(seat).startswith(" ▸ ")
        await seat.press("p")
        assert not playback.playing


async def test_a_click_on_the_bar_seeks(tmp_path: Path) -> None:
    """A click on the keys below or the numbers beside it does not."""
    async with looking_back(write_sample_run(tmp_path / "run")) as (seat, playback):
        first = scrub(seat).index("━")
        await seat.pilot.click("#foot", offset=(first, 1))
        await seat.pilot.click("#foot", offset=(first - 1, 0))
        assert LENGTH == playback.position_s
        await seat.pilot.click("#foot", offset=(first, 0))
        assert 0.0 == playback.position_s
        assert "queued" in seat.table_lines()[0]


STEERING = [key for key in bindings_in(Scope.JOBS) if not key.in_replay]


async def test_nothing_steers_sessions_in_a_replay(tmp_path: Path) -> None:
    """No key does, no text names such a key, and a pasted path adds nothing."""
    folder = write_sample_run(tmp_path / "run")
    assert {"add", "cancel", "retry", "hold"} <= {key.action for key in STEERING}
    async with looking_back(folder) as (seat, _):
        desk = seat.desk
        available = {
            action.key.action
            for action in available_actions.available_actions(
                desk.screen, desk.look.keymap, desk.verbs
            )
        }
        assert {"play", "skip(10)", "export", "quit"} <= available
        assert not available & {key.action for key in STEERING}
        hints = [command.help for command in desk.get_system_commands(desk.screen)]
        assert not [hint for hint in hints if READ_ONLY_NOTICE in hint]
        assert "play" in seat.footer_text()
        assert "hold" not in seat.footer_text()
        desk.screen.post_message(Paste("/rec/4.wav"))
        await seat.process_reports()
        assert isinstance(desk.screen, Overview)
        assert READ_ONLY_NOTICE in seat.footer_text()
        await seat.press("question_mark")
        shown = "\n".join(rendered_lines(desk.screen.query_one("#lines")))
        assert "play or pause" in shown
        assert "hold new starts" not in shown

    async with looking_back(folder, Recording) as (seat, _):
        assert isinstance(seat.desk, Recording)
        replay = {name: key for key in bindings_in(Scope.REPLAY) for name in key.keys}
        refused = {name: key for key in STEERING for name in key.keys}
        for name, key in (refused | replay).items():
            seat.desk.actions_run = []
            await seat.pilot.press(name)
            assert [f"verb({key.id!r})"] == seat.desk.actions_run, name


async def test_a_key_of_a_live_verb_says_why_it_does_nothing(tmp_path: Path) -> None:
    """Wherever it would work on a live desk; not in an input, or where it means something else."""
    refusal = READ_ONLY_NOTICE
    async with looking_back(write_sample_run(tmp_path / "run")) as (seat, _):
        for harmless in (
            ("z",),
            ("p", "p"),
            ("question_mark", "x", "escape"),
        ):
            await seat.press(*harmless)
            assert refusal not in seat.footer_text(), harmless
        await seat.press("slash", "x")
        assert "x" == seat.desk.state.table.filter.text
        assert refusal not in seat.footer_text()
        await seat.press("escape", "x")
        assert refusal in seat.footer_text()

    async with looking_back(write_sample_run(tmp_path / "again")) as (seat, _):
        await seat.press("enter", "J")
        assert isinstance(seat.desk.screen, ReadingScreen)
        assert refusal in seat.footer_text()


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (200, 60)])
async def test_the_bar_is_shown_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    """Position, length and speed are never cut."""
    async with looking_back(write_sample_run(tmp_path / "run"), size=size) as (seat, _):
        assert re.match(r" ‖ 0:11 ━+.*┃ 0:11   1x ", scrub(seat))
        assert "looking back" in seat.banner_text()
        assert JobId(1) == seat.desk.state.table.current
