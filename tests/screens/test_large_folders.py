"""The desk on a folder of many recordings: rows that appear later, and a filter over many rows."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

from tests.screens.conftest import DeskFactory, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tui.app.desk import Desk
from tui.model.recording_feed import RecordingFeed
from tui.screens.overview import MAX_ROWS_TO_FILTER_AT_ONCE
from tui.widgets.input_bars import FilterBar
from workers.audio.folder_watch import FolderWatch
from workers.audio.source import Source
from workers.errors import UsageProblem


async def test_rows_appear_while_folders_are_searched_and_watched(
    open_desk: DeskFactory, tmp_path: Path
) -> None:
    """The header says what goes on; what ends the search is shown, and listed."""
    supervisor, go_on, end = FakeSupervisor(), Event(), Event()

    def search() -> Iterator[Source]:
        for number in range(300):
            yield Source(f"/calls/{number:03}.wav")
        go_on.wait(20)
        yield Source("/calls/last.wav")
        end.wait(20)
        raise UsageProblem("there is no audio in the folder “other”")

    feed = RecordingFeed(search(), supervisor.add, FolderWatch([str(tmp_path)]))

    class FedDesk(Desk):
        """A desk as the command line opens it on a large folder."""

        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more, feed=feed)

    with feed:
        async with open_desk(supervisor, kind=FedDesk) as seat:
            table = seat.desk.state.table
            await seat.wait_until(lambda: len(table.visible) >= 200)
            assert "000.wav" in "\n".join(seat.table_lines())
            assert "searching" in seat.banner_text()
            await seat.press("j", "j")
            go_on.set()
            await seat.wait_until(lambda: len(table.visible) == 301)
            assert table.current == 3

            end.set()
            await seat.wait_until(lambda: "watching" in seat.banner_text())
            await seat.wait_until(lambda: "no audio in the folder" in seat.footer_text())
            await seat.press("!")
            assert "“other”" in "\n".join(rendered_lines(seat.desk.screen.query_one("#lines")))


async def test_many_rows_are_filtered_when_typing_pauses(open_desk: DeskFactory) -> None:
    """A key is shown at once, however many rows there are; Enter does not wait."""
    supervisor, count = FakeSupervisor(), MAX_ROWS_TO_FILTER_AT_ONCE + 1
    async with open_desk(supervisor) as seat:
        jobs = supervisor.add(f"/calls/{number:05}.wav" for number in range(count))
        seat.desk.state.add_jobs(jobs, supervisor.added)
        await seat.process_reports()
        await seat.press("slash", *"00042")
        await seat.wait_until(lambda: seat.desk.state.table.visible == [43])
        bar = "\n".join(rendered_lines(seat.desk.screen.query_one(FilterBar).children[-1]))
        assert f"1 of {count}" in bar
        await seat.press("escape")
        assert len(seat.desk.state.table.visible) == count

        await seat.press("slash", *"00007", "enter")
        assert seat.desk.state.table.visible == [8]
        await seat.press("escape")
        assert len(seat.desk.state.table.visible) == count
