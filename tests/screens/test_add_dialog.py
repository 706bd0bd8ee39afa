"""The dialog that adds recordings: its list, its marks, and the paths that it skips."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.events import Paste
from textual.widget import Widget
from textual.widgets import Input

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tui.app.desk import Desk
from tui.screens.add_recordings import AddDialog
from workers.jobs.job import JobId


async def test_skipped_paths_are_shown(open_desk: DeskFactory, tmp_path: Path) -> None:
    """The dialog shows them if there is nothing else to add; otherwise the desk keeps them."""
    supervisor = FakeSupervisor()
    os.mkfifo(tmp_path / "pipe.wav")
    async with open_desk(supervisor) as seat:
        await seat.press("a")
        dialog = seat.desk.screen
        assert isinstance(dialog, AddDialog)
        dialog.query_one(Input).value = str(tmp_path)
        await seat.press("enter")
        await seat.wait_until(
            lambda: "a named pipe" in " ".join(rendered_lines(dialog.query_one("#below")))
        )
        assert [] == supervisor.added

        (tmp_path / "talk.wav").write_bytes(b"audio")
        await seat.press("enter")
        await seat.wait_until(lambda: [str(tmp_path / "talk.wav")] == supervisor.added)
        assert [
            (str(tmp_path / "pipe.wav"), "this is a named pipe, not a file")
        ] == dialog.skipped.listed


def shown(seat: DeskDriver, id: str) -> str:
    return "\n".join(line.rstrip() for line in rendered_lines(seat.desk.screen.query_one(id)))


async def test_recordings_in_several_folders_can_be_marked(
    open_desk: DeskFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marks survive a change of folder, and Enter says how many files it adds."""
    monkeypatch.chdir(tmp_path)
    for name in ("talks/a.wav", "talks/b[1].wav", "talks/deep/c.wav", "d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"audio")
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        await seat.press("a", "down")
        await seat.wait_until(lambda: "1 folder, 1 recording" in shown(seat, "#heading"))
        assert "Enter opens talks" in shown(seat, "#below")
        frame = seat.desk.screen.query_one("#box")
        assert "Enter open  Space mark" in str(frame.border_subtitle)
        await seat.press("j", "space")
        await seat.wait_until(lambda: "Enter adds 1 recording" in shown(seat, "#below"))
        assert "Enter add  Space mark" in str(frame.border_subtitle)
        await seat.press("space", "g", "l")
        await seat.wait_until(lambda: "b[1].wav" in shown(seat, "#entries"))
        await seat.press("ctrl+a", "space")
        await seat.wait_until(lambda: "Enter adds 3 recordings" in shown(seat, "#below"))
        assert "3 marked" in shown(seat, "#below")
        await seat.press("backspace")
        await seat.wait_until(lambda: "d.wav" in shown(seat, "#entries"))
        await seat.press("enter")
        await seat.wait_until(lambda: 3 == len(supervisor.added))
        assert ["talks/a.wav", "talks/b[1].wav", "talks/deep/c.wav"] == supervisor.added
        assert "3 recordings added" in seat.footer_text()

        await seat.press("u")
        assert not seat.desk.state.table.visible
        assert [1, 2, 3] == supervisor.cancelled


async def test_the_list_follows_the_input_and_keeps_its_folder(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """A pattern filters the list; the dialog opens again in the folder that it was left in."""
    for name in ("talks/a.wav", "talks/b.flac", "talks/c.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"audio")
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        await seat.press("a")
        seat.desk.screen.query_one(Input).value = f"{tmp_path}/t"
        await seat.wait_until(lambda: "talks/" in shown(seat, "#entries"))
        await seat.press("down", "enter")
        await seat.wait_until(lambda: "b.flac" in shown(seat, "#entries"))
        await seat.press("tab", *"*.wav")
        await seat.wait_until(lambda: "b.flac" not in shown(seat, "#entries"))
        await seat.wait_until(lambda: "Enter adds 2 recordings" in shown(seat, "#below"))
        await seat.press("enter")
        assert [f"{tmp_path}/talks/{name}.wav" for name in "ac"] == supervisor.added

        await seat.press("a")
        await seat.wait_until(lambda: "b.flac" in shown(seat, "#entries"))
        await seat.press("down", "up", *"b.flac", "enter")
        await seat.wait_until(lambda: 3 == len(supervisor.added))


async def test_names_that_cannot_be_typed_are_added_from_the_list(
    open_desk: DeskFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control characters do not reach the terminal; a double click works like Enter."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil\x1b[2J.wav").write_bytes(b"audio")
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        await seat.press("a")
        await seat.wait_until(lambda: "evil" in shown(seat, "#entries"))
        assert "\x1b" not in shown(seat, "#entries")
        await seat.pilot.click("#entries", offset=(5, 0), times=2)
        await seat.wait_until(lambda: ["evil\x1b[2J.wav"] == supervisor.added)


async def test_several_pasted_lines_are_several_paths(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """On the desk or into the input, as file managers paste them; names may have spaces."""
    for name in ("a b.wav", "c.wav"):
        (tmp_path / name).write_bytes(b"audio")
    text = f"{tmp_path}/a b.wav\n{tmp_path}/c.wav\n"
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        seat.desk.post_message(Paste(text))
        await seat.wait_until(lambda: isinstance(seat.desk.screen, AddDialog))
        await seat.wait_until(lambda: "Enter adds 2 recordings" in shown(seat, "#below"))
        await seat.press("escape", "a")
        seat.desk.post_message(Paste(text))
        await seat.wait_until(lambda: "Enter adds 2 recordings" in shown(seat, "#below"))
        await seat.press("enter")

        assert [f"{tmp_path}/a b.wav", f"{tmp_path}/c.wav"] == supervisor.added


async def test_manifests_and_urls_are_added_like_paths(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """Their problems are shown, each with its line; the standard input is refused."""
    (tmp_path / "a.wav").touch()
    manifest = tmp_path / "calls.csv"
    manifest.write_text("file,caller\na.wav,Anna\nnone.wav,Ben\nnone.wav,Carl\n")
    supervisor = FakeSupervisor()
    async with open_desk(supervisor) as seat:
        await seat.press("a")
        line = seat.desk.screen.query_one(Input)
        line.value = str(manifest)
        await seat.press("enter")
        await seat.wait_until(lambda: "line 4: there is no file" in shown(seat, "#below"))
        assert "calls.csv, line 3: there is no file “none.wav”" in shown(seat, "#below")
        line.value = "-"
        await seat.press("enter")
        await seat.wait_until(lambda: "standard input is its keyboard" in shown(seat, "#below"))
        assert [] == supervisor.added

        manifest.write_text("file,caller\na.wav,Anna\n")
        line.value = f"{manifest} https://u:pa55word@127.0.0.1/b.wav"
        await seat.wait_until(lambda: "Enter adds 2 recordings" in shown(seat, "#below"))
        await seat.press("enter")
        assert [f"{tmp_path}/a.wav", "https://127.0.0.1/b.wav"] == supervisor.added
        assert (("caller", "Anna"),) == seat.desk.state.job_states[JobId(1)].metadata


class Opened(Desk):
    """A desk as the command line opens it after it skipped some paths."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        for number in range(40):
            self.actions.skipped_paths.add(f"/rec/pipe-{number}.wav", "this is a named pipe")


async def test_paths_that_the_command_line_skipped_can_be_listed(
    open_desk: DeskFactory,
) -> None:
    """The footer shows their number; a key lists all of them."""
    async with open_desk(kind=Opened) as seat:
        assert "Skipped 40 paths; press ! to list them" in seat.footer_text()
        await seat.press("!")
        assert "pipe-3.wav" in shown(seat, "#lines")
        await seat.press("pagedown", "j", "q")
    async with open_desk() as seat:
        await seat.press("!")
        assert "No path was skipped" in seat.footer_text()


async def test_the_parent_folder_shows_the_folder_that_was_left(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The list scrolls to it, however far down it is."""
    for number in range(60):
        (tmp_path / f"folder-{number:02}").mkdir()
    async with open_desk() as seat:
        await seat.press("a")
        dialog = seat.desk.screen
        dialog.query_one(Input).value = f"{tmp_path}/folder-55/"
        await seat.wait_until(lambda: "folder-55" in shown(seat, "#heading"))
        await seat.press("down", "left")
        await seat.wait_until(lambda: "60 folders" in shown(seat, "#heading"))

        await seat.wait_until(lambda: "folder-55/" in shown(seat, "#entries"))


class Lingering(Widget):
    """Keeps its screen from closing until a thread has finished its work."""

    def __init__(self, box: Widget, thread: ThreadPoolExecutor, running: Event) -> None:
        super().__init__()
        self._box, self._thread, self._thread_started = box, thread, running

    async def on_unmount(self) -> None:
        while self._box.children:  # noqa: ASYNC110  nothing else says that it closes
            await asyncio.sleep(0)
        self._thread_started.set()
        await asyncio.get_running_loop().run_in_executor(self._thread, int)
        await asyncio.sleep(0.02)


async def test_a_dialog_may_be_closed_while_a_folder_is_read(open_desk: DeskFactory) -> None:
    """A slow read that ends after the dialog closed is ignored."""
    release = Event()
    with ThreadPoolExecutor(1) as thread:
        async with open_desk() as seat:
            asyncio.get_running_loop().set_default_executor(thread)
            thread.submit(release.wait)
            await seat.press("a")
            dialog = seat.desk.screen
            await dialog.mount(Lingering(dialog.query_one("#box"), thread, release))
            await seat.press("escape")

            assert release.is_set()
