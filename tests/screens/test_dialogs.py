"""Adding, exporting, help and the palette."""

import os
from pathlib import Path

import pytest
from textual.events import Key, Paste
from textual.widgets import Input

from tests.screens.conftest import Seat, Seating, drawn
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import done, heard, queued, streaming
from tui.config.remembered_choices import recall
from tui.screens.add_recordings import Adding
from tui.screens.export import Exporting
from tui.screens.help import Help
from tui.screens.overview import Overview
from workers.jobs.job import JobId


def below(seat: Seat, id: str) -> str:
    return "\n".join(drawn(seat.desk.screen.query_one(id)))


async def typed(seat: Seat, path: Path) -> None:
    await seat.press("a")
    assert isinstance(seat.desk.screen, Adding)
    seat.desk.screen.query_one(Input).value = str(path)


async def test_a_folder_is_added_as_its_recordings(seated: Seating, tmp_path: Path) -> None:
    """They stand in the table before anything was reported of them."""
    for name in ("b.wav", "a.wav", "notes.txt"):
        (tmp_path / name).touch()
    supervisor = FakeSupervisor()
    async with seated(supervisor) as seat:
        await typed(seat, tmp_path)
        await seat.press("enter")
        await seat.until(lambda: not isinstance(seat.desk.screen, Adding))

        assert [str(tmp_path / "a.wav"), str(tmp_path / "b.wav")] == supervisor.added
        assert "2 jobs added" in seat.foot()
        assert "a.wav" in seat.rows()[0]
        assert "being read" in seat.rows()[0]


async def test_a_path_that_does_not_exist_is_said_in_the_dialog(
    seated: Seating, tmp_path: Path
) -> None:
    """The path stays to be corrected, and then works."""
    supervisor = FakeSupervisor()
    async with seated(supervisor) as seat:
        await typed(seat, tmp_path / "[nothing].wav")
        await seat.press("enter")
        await seat.until(lambda: "no recording or folder is called" in below(seat, "#below"))
        assert [] == supervisor.added

        (tmp_path / "[nothing].wav").touch()
        await seat.press("enter")
        await seat.until(lambda: not isinstance(seat.desk.screen, Adding))
        assert [str(tmp_path / "[nothing].wav")] == supervisor.added


async def test_tab_completes_and_lists(seated: Seating, tmp_path: Path) -> None:
    """As a shell does; with more than one way to go on they are named."""
    for name in ("meeting-1.wav", "meeting-2.wav"):
        (tmp_path / name).touch()
    async with seated() as seat:
        await typed(seat, tmp_path / "me")
        await seat.press("tab")
        line = seat.desk.screen.query_one(Input)
        await seat.until(lambda: str(tmp_path / "meeting-") == line.value)
        await seat.until(lambda: "meeting-2.wav" in below(seat, "#entries"))
        await seat.press("escape")
        assert not isinstance(seat.desk.screen, Adding)


async def test_a_file_dropped_on_the_desk_is_offered(seated: Seating, tmp_path: Path) -> None:
    """Terminals paste its path; nothing is added before Enter."""
    (tmp_path / "a b.wav").touch()
    supervisor = FakeSupervisor()
    async with seated(supervisor) as seat:
        seat.desk.post_message(Paste(f"'{tmp_path}/a b.wav'\n"))
        await seat.until(lambda: isinstance(seat.desk.screen, Adding))
        assert [] == supervisor.added

        await seat.press("enter")
        await seat.until(lambda: [f"{tmp_path}/a b.wav"] == supervisor.added)


def spoken() -> FakeSupervisor:
    supervisor = FakeSupervisor()
    for folder in "ab":
        supervisor.job(
            f"/{folder}/talk.wav", *streaming(), heard(0, f"From {folder}.", final=True), done()
        )
    supervisor.job("/c/silent.wav", queued())
    return supervisor


async def test_marked_jobs_are_exported_each_under_its_own_name(
    seated: Seating, tmp_path: Path
) -> None:
    """Two recordings of one name do not write over each other."""
    exports = tmp_path / "run" / "exports"
    async with seated(spoken()) as seat:
        await seat.press("space", "space", "space", "e")
        assert isinstance(seat.desk.screen, Exporting)
        assert "2 transcripts" in below(seat, "#about")
        assert str(exports) == seat.desk.screen.query_one(Input).placeholder
        await seat.press("s")
        assert "Enter writes 4 files" in below(seat, "#outcome")
        await seat.press("enter")
        await seat.until(lambda: "4 files written" in below(seat, "#outcome"))

        written = sorted(path.name for path in exports.iterdir())
        assert ["talk-2.srt", "talk-2.txt", "talk.srt", "talk.txt"] == written
        assert "From a." in (exports / "talk.txt").read_text()


async def test_existing_files_are_replaced_only_when_asked(seated: Seating, tmp_path: Path) -> None:
    """First what is there is said, then o and Enter replace it."""
    exports = tmp_path / "run" / "exports"
    exports.mkdir(parents=True)
    (exports / "talk.txt").write_text("mine")
    async with seated(spoken()) as seat:
        await seat.press("e", "enter")
        await seat.until(lambda: "already there" in below(seat, "#outcome"))
        assert "talk.txt" in below(seat, "#outcome")
        assert "mine" == (exports / "talk.txt").read_text()

        await seat.press("o", "enter")
        await seat.until(lambda: "1 file written" in below(seat, "#outcome"))
        assert "From a." in (exports / "talk.txt").read_text()


async def test_a_folder_that_cannot_be_written_is_said(seated: Seating, tmp_path: Path) -> None:
    """In words, in the dialog."""
    (tmp_path / "run").write_text("a file where the folder should be")
    async with seated(spoken()) as seat:
        await seat.press("e", "enter")
        await seat.until(lambda: "could not be written" in below(seat, "#outcome"))


async def test_the_home_of_nobody_is_a_folder_like_any(
    seated: Seating, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a shell has it. What no file system takes, and a setting could name, is left out."""
    monkeypatch.chdir(tmp_path)
    async with seated(spoken()) as seat:
        await seat.press("e")
        seat.desk.screen.query_one(Input).value = "~nobody-is-called-so/a\0b"
        await seat.press("enter")
        await seat.until(lambda: "1 file written" in below(seat, "#outcome"))

    assert ["a b"] == os.listdir(tmp_path / "~nobody-is-called-so")


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (["t", "s", "v", "j", "c"], {"srt", "vtt", "json", "csv"}),
        (["down", "space", "down", "space", "up", "up", "space"], {"srt", "vtt"}),
        (["t", "enter"], set()),
    ],
)
async def test_formats_are_chosen_and_remembered(
    seated: Seating, keys: list[str], chosen: set[str]
) -> None:
    """By letter or by arrows; the dialog opens the next time as it was closed."""
    async with seated(spoken()) as seat:
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
        assert chosen == on & {"txt", "srt", "vtt", "json", "csv"}


async def test_an_export_is_chosen_in_depth_and_recalled(seated: Seating, tmp_path: Path) -> None:
    """Rows, one file for all, numbers, a folder that is completed; the next run opens as it was."""
    target = tmp_path / "out" / "transcripts"
    target.mkdir(parents=True)
    (target / "transcripts.csv").write_text("mine")
    async with seated(spoken()) as seat:
        await seat.press("E")
        assert "■ all 2" in below(seat, "#choices")
        await seat.press("r", "r", "c", "s", "t", "a", "o", "o", "f")
        line = seat.desk.screen.query_one(Input)
        line.value = str(tmp_path / "out" / "tr")
        await seat.press("tab")
        await seat.until(lambda: f"{target}/" == line.value)
        await seat.press("enter", "y")
        assert f"{target}" == seat.desk.clipboard.rstrip("/")  # before anything was written there
        assert "srt passed over" in below(seat, "#outcome")
        await seat.press("enter")
        await seat.until(lambda: "1 file written" in below(seat, "#outcome"))
        assert "transcripts-2.csv" in below(seat, "#outcome")
        assert "From b." in (target / "transcripts-2.csv").read_text()
        assert "mine" == (target / "transcripts.csv").read_text()

        await seat.press("y", "escape")
        assert str(target) == seat.desk.clipboard
        assert not isinstance(seat.desk.screen, Exporting)

    async with seated(spoken()) as seat:
        await seat.press("e")
        shown = below(seat, "#choices")
        for chosen in (
            "■ this one",
            "■ srt",
            "■ csv",
            "□ txt",
            "■ one for all",
            "■ number the new",
        ):
            assert chosen in shown
        assert f"{target}/" == seat.desk.screen.query_one(Input).value


async def test_every_question_is_reached_by_arrows_and_by_the_mouse(
    seated: Seating, tmp_path: Path
) -> None:
    """The last one is the folder; Esc leaves its field before it leaves the dialog."""
    async with seated(spoken()) as seat:
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
        assert isinstance(seat.desk.screen, Exporting)


async def test_in_a_tiny_window_the_dialog_scrolls_to_what_matters(seated: Seating) -> None:
    """To the question that the cursor is at, and to what became of it."""
    async with seated(spoken(), size=(60, 15)) as seat:
        await seat.press("e", "up", "up")
        seen = seat.desk.screen.query_one("#box").scrollable_content_region
        assert seat.desk.screen.query_one("#where").region.y < seen.bottom
        await seat.press("enter")
        await seat.until(lambda: "1 file written" in below(seat, "#outcome"))

        await seat.until(
            lambda: seat.desk.screen.query_one("#outcome").region.bottom <= seen.bottom
        )


async def test_a_job_that_still_streams_is_exported_as_far_as_heard(
    seated: Seating, tmp_path: Path
) -> None:
    """What comes later is not waited for."""
    supervisor = FakeSupervisor()
    job = supervisor.job("/a/talk.wav", *streaming(), heard(0, "Good", settled=1))
    async with seated(supervisor) as seat:
        await seat.press("e")
        assert "1 transcript, as far as heard" in below(seat, "#about")
        supervisor.report(job, heard(0, "Good morning.", final=True))
        await seat.settled()
        await seat.press("enter")
        await seat.until(lambda: "1 file written" in below(seat, "#outcome"))

        assert "Good morning.\n" == (tmp_path / "run" / "exports" / "talk.txt").read_text()


async def test_nothing_heard_is_nothing_to_export(seated: Seating) -> None:
    """Said at the foot, without a dialog."""
    async with seated(spoken()) as seat:
        await seat.press("e", "t", "t", "escape", "G", "e")
        assert {} == recall("export")  # nothing was chosen: the settings go on to say

        assert "Nothing was heard yet" in seat.foot()
        assert JobId(3) == seat.desk.state.current


async def test_all_is_exported_whatever_the_filter_hides(seated: Seating) -> None:
    """And where no row is shown, that is what is said, not that nothing was heard."""
    async with seated(spoken()) as seat:
        seat.desk.state.filter_by("wait")
        await seat.press("E")
        assert "■ all 2" in below(seat, "#choices") or "2 transcripts" in below(seat, "#about")
        await seat.press("escape")

        seat.desk.state.filter_by("nobody")
        for key in ("e", "x", "d", "full_stop", "c", "J", "r"):
            await seat.press(key)
            assert "no row" in seat.foot().lower()


async def test_keys_pressed_while_files_are_written_change_nothing(
    seated: Seating, tmp_path: Path
) -> None:
    """What became of the export is told all the same."""
    async with seated(spoken()) as seat:
        await seat.press("e")
        at_once(seat, "enter", "s", "r", "o")
        await seat.until(lambda: "1 file written" in below(seat, "#outcome"))

        assert "□ srt" in below(seat, "#choices")
        assert ["talk.txt"] == [p.name for p in (tmp_path / "run" / "exports").iterdir()]


async def test_a_recording_keeps_its_name_when_others_leave_the_table(
    seated: Seating, tmp_path: Path
) -> None:
    """Else the second talk would be written over the first one."""
    async with seated(spoken()) as seat:
        await seat.press("d", "e", "enter")
        await seat.until(lambda: "1 file written" in below(seat, "#outcome"))

        assert ["talk-2.txt"] == [p.name for p in (tmp_path / "run" / "exports").iterdir()]


async def test_help_shows_the_keys_and_closes(seated: Seating) -> None:
    """With ? as well as with the keys of habit."""
    async with seated() as seat:
        for key in ("escape", "question_mark", "q", "enter", "f1"):
            await seat.press("question_mark")
            assert "cancel, keep what was heard" in below(seat, "#lines")
            await seat.press(key)
            assert not isinstance(seat.desk.screen, Help)
        assert seat.desk.is_running


async def test_help_scrolls_where_it_is_too_long(seated: Seating) -> None:
    """To its last line and back, at the smallest size."""
    async with seated(size=(60, 15)) as seat:
        await seat.press("question_mark")
        box = seat.desk.screen.query_one("#box")
        await seat.press("j", "down", "k", "pagedown", "ctrl+d")
        assert 25 == box.scroll_offset.y
        await seat.press(*["pagedown"] * 9)
        assert box.max_scroll_y == box.scroll_offset.y > 25
        await seat.press("pageup", "ctrl+u", "up")
        assert box.max_scroll_y - 25 == box.scroll_offset.y


async def test_the_palette_does_what_it_says(seated: Seating) -> None:
    """Every action by its words."""
    supervisor = spoken()
    async with seated(supervisor) as seat:
        await seat.press("ctrl+p", *"hold", "enter")
        await seat.until(lambda: supervisor.holding)


async def test_the_palette_closes_where_there_is_no_room_for_it(seated: Seating) -> None:
    """Its list would fail at PgUp, and end the desk."""
    async with seated(spoken()) as seat:
        await seat.press("ctrl+p")
        await seat.pilot.resize_terminal(60, 4)
        await seat.press("pageup", "ctrl+p", "pageup")

        assert isinstance(seat.desk.screen, Overview)


async def test_keys_count_in_the_order_in_which_they_are_typed(
    seated: Seating, tmp_path: Path
) -> None:
    """However fast: Enter or Tab never overtakes the letters before it."""
    (tmp_path / "meeting.wav").touch()
    supervisor = FakeSupervisor()
    async with seated(supervisor) as seat:
        await seat.press("a")
        at_once(seat, *str(tmp_path / "me"), "tab")
        await seat.until(
            lambda: seat.desk.screen.query_one(Input).value == str(tmp_path / "meeting.wav")
        )
        at_once(seat, *["backspace"] * 4, *".wav", "enter")
        await seat.until(lambda: not isinstance(seat.desk.screen, Adding))

        assert supervisor.added == [str(tmp_path / "meeting.wav")]


async def test_a_format_chosen_just_before_enter_is_written(
    seated: Seating, tmp_path: Path
) -> None:
    """The letters choose before Enter writes."""
    async with seated(spoken()) as seat:
        await seat.press("e")
        at_once(seat, "s", "enter")
        await seat.until(lambda: "written" in below(seat, "#outcome"))

        assert {p.suffix for p in (tmp_path / "run" / "exports").iterdir()} == {".txt", ".srt"}


def at_once(seat: Seat, *keys: str) -> None:
    """Keys as a fast hand or a script types them: all are there before the first is handled."""
    for key in keys:
        seat.desk.post_message(Key(key, key if len(key) == 1 else None))
