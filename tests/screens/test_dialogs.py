"""Adding, exporting, help and the palette."""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from textual.events import Key, Paste
from textual.widgets import Input

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines, style_of
from tests.support import audio_files
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import ended_done, queued, streaming, turn_heard
from tui.app.desk import Desk
from tui.app.palette import GroupedCommands
from tui.config.remembered_choices import load_choice
from tui.model.row_filter import parse_filter
from tui.model.run_forecast import RunForecaster
from tui.render.columns import COLUMNS
from tui.screens.add_recordings import AddDialog
from tui.screens.dialogs import TextDialog
from tui.screens.export import ExportDialog
from tui.screens.overview import Overview
from tui.widgets.input_bars import SearchBar
from workers.exports.files import FORMATS
from workers.jobs.job import JobId, StreamSettings
from workers.prices.price_list import load_prices
from workers.protocol.endpoint import service_endpoint
from workers.scheduling.start_rate import StartRateLimiter


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path) -> Path:
    """The folder of the run, which exists before its desk opens."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def below(seat: DeskDriver, id: str) -> str:
    return "\n".join(rendered_lines(seat.desk.screen.query_one(id)))


async def typed(seat: DeskDriver, path: Path) -> None:
    await seat.press("a")
    assert isinstance(seat.desk.screen, AddDialog)
    seat.desk.screen.query_one(Input).value = str(path)


async def test_a_folder_is_added_as_its_recordings(open_desk: DeskFactory, tmp_path: Path) -> None:
    """Their rows appear before the first report of them."""
    for name in ("b.wav", "a.wav", "notes.txt"):
        (tmp_path / name).write_bytes(b"audio")
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        await typed(seat, tmp_path)
        await seat.press("enter")
        await seat.wait_until(lambda: not isinstance(seat.desk.screen, AddDialog))

        assert [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")] == supervisor.added
        assert "2 recordings added" in seat.footer_text()
        assert "a.wav" in seat.table_lines()[0]
        assert "being read" in seat.table_lines()[0]


async def test_the_dialog_says_what_the_recordings_will_take_and_cost(tmp_path: Path) -> None:
    """Before they are added; that another API is cheaper, only the first time."""
    tone = audio_files.sine(90)
    for name in ("a", "b"):
        audio_files.write_recording(tmp_path / f"{name}.wav", tone)
    prices, service = load_prices(), service_endpoint(None)
    forecaster = RunForecaster(
        StreamSettings(),
        prices,
        lambda one: prices.session_price(service, one.speech_model),
        10,
        StartRateLimiter,
    )
    desk = Desk(FakeSupervisor(), "AssemblyAI", tmp_path / "run", forecaster=forecaster)
    async with desk.run_test(size=(120, 34)) as pilot:
        seat = DeskDriver(desk, FakeSupervisor(), pilot)
        await typed(seat, tmp_path)
        await seat.wait_until(lambda: "billed" in below(seat, "#below"))
        first = below(seat, "#below")
        await seat.press("escape")
        await typed(seat, tmp_path / "a.wav")
        await seat.wait_until(lambda: "billed" in below(seat, "#below"))
        second = below(seat, "#below")

    assert "2 sessions, 3:00 of audio" in first
    assert "$0.02 by the list prices of" in first
    assert "the pre-recorded API costs about $0.01" in first
    assert "1 session, 1:30 of audio" in second
    assert "pre-recorded" not in second


async def test_the_dialog_reports_a_path_that_does_not_exist(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The path stays in the input, and can be corrected."""
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        await typed(seat, tmp_path / "[nothing].wav")
        await seat.press("enter")
        await seat.wait_until(lambda: "no recording or folder matches" in below(seat, "#below"))
        assert [] == supervisor.added

        (tmp_path / "[nothing].wav").write_bytes(b"audio")
        await seat.press("enter")
        await seat.wait_until(lambda: not isinstance(seat.desk.screen, AddDialog))
        assert [str(tmp_path / "[nothing].wav")] == supervisor.added


async def test_tab_completes_and_lists(open_desk: DeskFactory, tmp_path: Path) -> None:
    """As in a shell; the list shows all completions."""
    for name in ("meeting-1.wav", "meeting-2.wav"):
        (tmp_path / name).write_bytes(b"audio")
    async with open_desk() as seat:
        await typed(seat, tmp_path / "me")
        await seat.press("tab")
        line = seat.desk.screen.query_one(Input)
        await seat.wait_until(lambda: str(tmp_path / "meeting-") == line.value)
        await seat.wait_until(lambda: "meeting-2.wav" in below(seat, "#entries"))
        await seat.press("escape")
        assert not isinstance(seat.desk.screen, AddDialog)


async def test_a_file_dropped_on_the_desk_is_offered(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """Terminals paste its path; nothing is added before Enter."""
    (tmp_path / "a b.wav").write_bytes(b"audio")
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        seat.desk.post_message(Paste(f"'{tmp_path}/a b.wav'\n"))
        await seat.wait_until(lambda: isinstance(seat.desk.screen, AddDialog))
        assert [] == supervisor.added

        await seat.press("enter")
        await seat.wait_until(lambda: [f"{tmp_path}/a b.wav"] == supervisor.added)


def spoken() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    for folder in "ab":
        supervisor.job(
            f"/{folder}/talk.wav",
            *streaming(),
            turn_heard(0, f"From {folder}.", final=True),
            ended_done(),
        )
    supervisor.job("/c/silent.wav", queued())
    return supervisor


async def test_marked_jobs_are_exported_each_under_its_own_name(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """Two recordings with the same name do not overwrite each other."""
    exports = tmp_path / "run" / "exports"
    async with open_desk(spoken()) as seat:
        await seat.press("space", "space", "space", "e")
        assert isinstance(seat.desk.screen, ExportDialog)
        assert "2 transcripts" in below(seat, "#about")
        assert seat.desk.screen.query_one(Input).placeholder.endswith("/run/exports")
        await seat.press("s")
        assert "Enter writes 4 files" in below(seat, "#outcome")
        await seat.press("enter")
        await seat.wait_until(lambda: "4 files written" in below(seat, "#outcome"))

        written = sorted(path.name for path in exports.iterdir())
        assert ["talk-2.srt", "talk-2.txt", "talk.srt", "talk.txt"] == written
        assert "From a." in (exports / "talk.txt").read_text()


async def test_existing_files_are_replaced_only_when_asked(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The dialog first lists them; then o and Enter replace them."""
    exports = tmp_path / "run" / "exports"
    exports.mkdir(parents=True)
    (exports / "talk.txt").write_text("mine")
    async with open_desk(spoken()) as seat:
        await seat.press("e")
        await seat.wait_until(lambda: isinstance(seat.desk.screen, ExportDialog))
        await seat.press("enter")
        await seat.wait_until(lambda: "already exists" in below(seat, "#outcome"))
        assert "talk.txt" in below(seat, "#outcome")
        assert "mine" == (exports / "talk.txt").read_text()

        await seat.press("o", "enter")
        await seat.wait_until(lambda: "1 file written" in below(seat, "#outcome"))
        assert "From a." in (exports / "talk.txt").read_text()


async def test_the_dialog_reports_a_folder_that_cannot_be_written(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The reason is shown in the dialog."""
    (tmp_path / "run").rmdir()
    (tmp_path / "run").write_text("a file where the folder should be")
    async with open_desk(spoken()) as seat:
        await seat.press("e", "enter")
        await seat.wait_until(lambda: "could not be written" in below(seat, "#outcome"))


async def test_a_tilde_with_an_unknown_user_is_an_ordinary_folder(
    open_desk: DeskFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a shell. Characters that no file system allows are removed from a saved folder."""
    monkeypatch.chdir(tmp_path)
    async with open_desk(spoken()) as seat:
        await seat.press("e")
        seat.desk.screen.query_one(Input).value = "~nobody-is-called-so/a\0b"
        await seat.press("enter")
        await seat.wait_until(lambda: "1 file written" in below(seat, "#outcome"))

    assert ["a b"] == os.listdir(tmp_path / "~nobody-is-called-so")


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (
            ["t", "s", "v", "j", "c", "m", "k", "g"],
            {"srt", "vtt", "json", "csv", "stm", "ctm", "seglst"},
        ),
        (["down", "space", "down", "space", "up", "up", "space"], {"srt", "vtt"}),
        (["t", "enter"], set()),
    ],
)
async def test_formats_are_chosen_and_remembered(
    open_desk: DeskFactory, keys: list[str], chosen: set[str]
) -> None:
    """By letter or by arrows; the dialog opens with the choices of the last time."""
    async with open_desk(spoken()) as seat:
        for _ in range(2):
            await seat.press("e")
            lines = below(seat, "#choices").splitlines()
            if keys:
                await seat.press(*keys)
                if keys[-1] == "enter":
                    assert "No format is chosen" in below(seat, "#outcome")
                keys = []
            await seat.press("escape")

        on = {word for line in lines if "■" in line for word in line.split()}
        assert chosen == on & set(FORMATS)


async def test_all_choices_of_an_export_are_remembered(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """Rows, one file for all, existing files and the folder; the next run starts with them."""
    target = tmp_path / "out" / "transcripts"
    target.mkdir(parents=True)
    (target / "transcripts.csv").write_text("mine")
    async with open_desk(spoken()) as seat:
        await seat.press("E")
        assert "■ all 2" in below(seat, "#choices")
        await seat.press("r", "r", "c", "s", "t", "a", "o", "o", "f")
        line = seat.desk.screen.query_one(Input)
        line.value = str(tmp_path / "out" / "tr")
        await seat.press("tab")
        await seat.wait_until(lambda: f"{target}/" == line.value)
        await seat.press("enter", "y")
        assert f"{target}" == seat.desk.clipboard.rstrip("/")  # before anything was written there
        assert "srt skipped" in below(seat, "#outcome")
        await seat.press("enter")
        await seat.wait_until(lambda: "1 file written" in below(seat, "#outcome"))
        assert "transcripts-2.csv" in below(seat, "#outcome")
        assert "From b." in (target / "transcripts-2.csv").read_text()
        assert "mine" == (target / "transcripts.csv").read_text()

        await seat.press("y", "escape")
        assert str(target) == seat.desk.clipboard
        assert not isinstance(seat.desk.screen, ExportDialog)

    async with open_desk(spoken()) as seat:
        await seat.press("e")
        shown = below(seat, "#choices")
        for chosen in (
            "■ this one",
            "■ srt",
            "■ csv",
            "□ txt",
            "■ one for all",
            "■ number new ones",
        ):
            assert chosen in shown
        assert f"{target}/" == seat.desk.screen.query_one(Input).value


async def test_every_choice_is_reached_by_arrows_and_by_the_mouse(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The last one is the folder; Esc leaves its input first, then the dialog."""
    async with open_desk(spoken()) as seat:
        await seat.press("e", "up", "space")
        assert "■ done 2" in below(seat, "#choices")
        await seat.press("up", "space", "X", "escape")
        line = seat.desk.screen.query_one(Input)
        assert "X" == line.value
        await seat.press("up", "space", "up", "space")
        assert "■ replace them" in below(seat, "#choices")
        assert "■ one for all" in below(seat, "#choices")

        await seat.pilot.click("#choices", offset=(8, 4))
        assert "■ srt" in below(seat, "#choices")
        await seat.pilot.click("#choices", offset=(8, 2))
        assert isinstance(seat.desk.screen, ExportDialog)


async def test_in_a_tiny_window_the_dialog_scrolls(open_desk: DeskFactory) -> None:
    """To the choice at the cursor, and to the result of the export."""
    async with open_desk(spoken(), size=(60, 15)) as seat:
        await seat.press("e", "up", "up")
        seen = seat.desk.screen.query_one("#box").scrollable_content_region
        assert seat.desk.screen.query_one("#where").region.y < seen.bottom
        await seat.press("enter")
        await seat.wait_until(lambda: "1 file written" in below(seat, "#outcome"))

        await seat.wait_until(
            lambda: seat.desk.screen.query_one("#outcome").region.bottom <= seen.bottom
        )


async def test_a_job_that_still_streams_is_exported_as_far_as_heard(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The export does not wait for the rest."""
    supervisor = FakeSupervisor()
    job = supervisor.job("/a/talk.wav", *streaming(), turn_heard(0, "Good", settled=1))
    async with open_desk(supervisor) as seat:
        await seat.press("e")
        assert "1 transcript, not finished yet" in below(seat, "#about")
        supervisor.report(job, turn_heard(0, "Good morning.", final=True))
        await seat.process_reports()
        await seat.press("enter")
        await seat.wait_until(lambda: "1 file written" in below(seat, "#outcome"))

        assert "Good morning.\n" == (tmp_path / "run" / "exports" / "talk.txt").read_text()


async def test_without_a_transcript_there_is_no_export(open_desk: DeskFactory) -> None:
    """The footer says so; no dialog opens."""
    async with open_desk(spoken()) as seat:
        await seat.press("e", "t", "t", "escape", "G", "e")
        assert {} == load_choice("export")  # nothing was chosen: the settings go on to say

        assert "There is no transcript yet" in seat.footer_text()
        assert JobId(3) == seat.desk.state.table.current


async def test_all_transcripts_are_exported_despite_a_filter(open_desk: DeskFactory) -> None:
    """With no visible row, the notice says that, and not that there is no transcript."""
    async with open_desk(spoken()) as seat:
        seat.desk.state.table.filter_by(parse_filter("wait", COLUMNS))
        await seat.press("E")
        assert "■ all 2" in below(seat, "#choices") or "2 transcripts" in below(seat, "#about")
        await seat.press("escape")

        seat.desk.state.table.filter_by(parse_filter("nobody", COLUMNS))
        for key in ("e", "x", "d", "full_stop", "c", "J", "r"):
            await seat.press(key)
            assert "no session" in seat.footer_text().lower()


async def test_keys_pressed_while_files_are_written_change_nothing(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The result of the export is still shown."""
    async with open_desk(spoken()) as seat:
        await seat.press("e")
        at_once(seat, "enter", "s", "r", "o")
        await seat.wait_until(lambda: "1 file written" in below(seat, "#outcome"))

        assert "□ srt" in below(seat, "#choices")
        assert ["talk.txt"] == [p.name for p in (tmp_path / "run" / "exports").iterdir()]


async def test_a_recording_keeps_its_name_when_others_leave_the_table(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """Otherwise the second file would overwrite the first one."""
    async with open_desk(spoken()) as seat:
        await seat.press("d", "e", "enter")
        await seat.wait_until(lambda: "1 file written" in below(seat, "#outcome"))

        assert ["talk-2.txt"] == [p.name for p in (tmp_path / "run" / "exports").iterdir()]


async def test_help_shows_the_keys_and_closes(open_desk: DeskFactory) -> None:
    """With ? and with other common keys."""
    async with open_desk() as seat:
        for key in ("escape", "question_mark", "q", "f1"):
            await seat.press("question_mark")
            assert "cancel, keep the transcript; press again" in below(seat, "#lines")
            await seat.press(key)
            assert not isinstance(seat.desk.screen, TextDialog)
        assert seat.desk.is_running


async def test_help_scrolls_where_it_is_too_long(open_desk: DeskFactory) -> None:
    """To its last line and back, in the smallest window."""
    async with open_desk(size=(60, 15)) as seat:
        await seat.press("question_mark")
        box = seat.desk.screen.query_one("#box")
        await seat.press("j", "down", "k", "pagedown", "ctrl+d")
        assert 25 == box.scroll_offset.y
        await seat.press(*["pagedown"] * 20)
        assert box.max_scroll_y == box.scroll_offset.y > 25
        await seat.press("pageup", "ctrl+u", "up")
        assert box.max_scroll_y - 25 == box.scroll_offset.y


async def test_the_help_is_searched(open_desk: DeskFactory) -> None:
    """The line with the word comes into view; n goes to the next, Esc ends the search first."""
    async with open_desk(spoken(), size=(80, 24)) as seat:
        await seat.press("question_mark", "slash", *"chunk")
        box = seat.desk.screen.query_one("#box")
        first = box.scroll_offset.y
        assert first > 0
        assert style_of(seat.desk.screen.query_one("#lines"), "chunk").reverse
        await seat.press("enter", "n")
        assert box.scroll_offset.y > first
        await seat.press("N", "slash", *"zzz")
        bar = seat.desk.screen.query_one(SearchBar)
        assert "not found" in "".join(rendered_lines(bar.query_one("#count")))
        await seat.press("escape")
        assert not bar.is_open
        await seat.press("escape")
        assert isinstance(seat.desk.screen, Overview)


async def test_the_palette_lists_groups(open_desk: DeskFactory) -> None:
    """Actions of one group stay together, with their keys."""
    async with open_desk(spoken()) as seat:
        screen = seat.desk.screen
        hits = [hit async for hit in GroupedCommands(screen).discover()]
        groups = [str(hit.help).partition(" · ")[0] for hit in hits]
        assert len(set(groups)) == len([1 for a, b in pairwise(["", *groups]) if a != b])


async def test_the_palette_runs_actions(open_desk: DeskFactory) -> None:
    """Each action is found by its description."""
    supervisor = spoken()
    async with open_desk(supervisor) as seat:
        await seat.press("ctrl+p", *"hold", "enter")
        await seat.wait_until(lambda: supervisor.holding)


async def test_the_palette_closes_where_there_is_no_room_for_it(open_desk: DeskFactory) -> None:
    """Its list would fail at PgUp and end the desk."""
    async with open_desk(spoken()) as seat:
        await seat.press("ctrl+p")
        await seat.pilot.resize_terminal(60, 4)
        await seat.press("pageup", "ctrl+p", "pageup")

        assert isinstance(seat.desk.screen, Overview)


async def test_keys_are_handled_in_the_order_of_typing(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """Enter or Tab never overtakes the letters before it."""
    (tmp_path / "meeting.wav").write_bytes(b"audio")
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        await seat.press("a")
        at_once(seat, *str(tmp_path / "me"), "tab")
        await seat.wait_until(
            lambda: seat.desk.screen.query_one(Input).value == str(tmp_path / "meeting.wav")
        )
        at_once(seat, *["backspace"] * 4, *".wav", "enter")
        await seat.wait_until(lambda: not isinstance(seat.desk.screen, AddDialog))

        assert supervisor.added == [str(tmp_path / "meeting.wav")]


async def test_a_format_chosen_just_before_enter_is_written(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """Letters are handled before Enter starts the export."""
    async with open_desk(spoken()) as seat:
        await seat.press("e")
        at_once(seat, "s", "enter")
        await seat.wait_until(lambda: "written" in below(seat, "#outcome"))

        assert {p.suffix for p in (tmp_path / "run" / "exports").iterdir()} == {".txt", ".srt"}


def at_once(seat: DeskDriver, *keys: str) -> None:
    """Presses keys as a script types them: all arrive before the first is handled."""
    for key in keys:
        seat.desk.post_message(Key(key, key if len(key) == 1 else None))
