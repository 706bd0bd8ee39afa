"""Runs the desk without a terminal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style
from textual.pilot import Pilot
from textual.widget import Widget

from tests.support.fake_supervisor import FakeSupervisor
from tui.app.desk import Desk
from tui.config.settings import DeskSettings
from tui.widgets.line_widgets import LineBlock
from tui.widgets.table import SessionTable

MAX_LOOKS = 4000
"""Looks after which a thing will not come any more: 20 seconds, or longer on a busy machine."""

DESTINATION = "embedded engine on this machine"


class DeskDriver:
    """A desk, its supervisor, and methods that press keys and read the screen."""

    def __init__(self, desk: Desk, supervisor: FakeSupervisor, pilot: Pilot[Any]) -> None:
        self.desk = desk
        self.supervisor = supervisor
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def process_reports(self) -> None:
        """Waits until all reports so far are on the screen."""
        self.desk.tick()
        while not self.supervisor.reports.empty():
            self.desk.tick()
        await self.pilot.pause()

    async def wait_until(self, thing: Callable[[], bool]) -> None:
        """Waits until the condition is true."""
        for _ in range(MAX_LOOKS):
            if thing():
                return
            await asyncio.sleep(0.005)
            await self.pilot.pause()
        raise AssertionError("it did not come")

    @property
    def table(self) -> SessionTable:
        return self.desk.screen_stack[0].query_one(SessionTable)

    def table_lines(self) -> list[str]:
        """The table as drawn."""
        return rendered_lines(self.table)

    def banner_text(self) -> str:
        return "\n".join(rendered_lines(self.desk.screen.query_one("#banner", LineBlock)))

    def footer_text(self) -> str:
        return "\n".join(rendered_lines(self.desk.screen.query_one("#foot", LineBlock)))


def rendered_lines(widget: Widget) -> list[str]:
    """The lines of a widget as drawn."""
    return [strip.text for strip in widget.render_lines(widget.size.region)]


def style_of(widget: Widget, word: str) -> Style:
    """The style of the first occurrence of a word in the widget."""
    for strip in widget.render_lines(widget.size.region):
        for segment in strip:
            if word in segment.text:
                return segment.style or Style()
    raise AssertionError(f"{word!r} is not drawn")


DeskFactory = Callable[..., AbstractAsyncContextManager[DeskDriver]]


@pytest.fixture
def open_desk(tmp_path: Path) -> DeskFactory:
    """Opens a desk: ``async with open_desk(supervisor, size=(80, 24)) as seat``."""

    @asynccontextmanager
    async def sit(
        supervisor: FakeSupervisor | None = None,
        *,
        size: tuple[int, int] = (120, 34),
        kind: type[Desk] = Desk,
        settings: DeskSettings | None = None,
    ) -> AsyncIterator[DeskDriver]:
        supervisor = supervisor or FakeSupervisor()
        given: dict[str, Any] = {}
        if settings is not None:  # a kind may have its own
            given["settings"] = settings
        desk = kind(supervisor, DESTINATION, tmp_path / "run", **given)
        async with desk.run_test(size=size) as pilot:
            seat = DeskDriver(desk, supervisor, pilot)
            await seat.process_reports()
            yield seat

    return sit
