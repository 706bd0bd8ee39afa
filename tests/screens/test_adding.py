"""What a folder holds besides recordings, and the dialog that adds it."""

import os
from pathlib import Path

from textual.widgets import Input

from tests.screens.conftest import Seating, drawn
from tests.screens.fakes import FakeSupervisor
from tui.screens.adding import Adding


async def test_what_is_no_recording_is_told(seated: Seating, tmp_path: Path) -> None:
    """In the dialog when there is nothing else; afterwards when the recordings were added."""
    supervisor = FakeSupervisor()
    os.mkfifo(tmp_path / "pipe.wav")
    async with seated(supervisor) as seat:
        await seat.press("a")
        dialog = seat.desk.screen
        assert isinstance(dialog, Adding)
        dialog.query_one(Input).value = str(tmp_path)
        await seat.press("enter")
        await seat.until(lambda: "a named pipe" in " ".join(drawn(dialog.query_one("#below"))))
        assert [] == supervisor.added

        (tmp_path / "talk.wav").touch()
        await seat.press("enter")
        await seat.until(lambda: [str(tmp_path / "talk.wav")] == supervisor.added)
        assert [(str(tmp_path / "pipe.wav"), "this is a named pipe, not a file")] == dialog.skipped
