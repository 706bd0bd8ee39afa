"""The table of keys is what the desk does."""

from collections.abc import Sequence
from typing import Any

import pytest
from textual.screen import Screen
from textual.widget import Widget

from tests.screens.conftest import DeskDriver, DeskFactory
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import ended_done, streaming, turn_heard
from tui.app.desk import Desk
from tui.keys.key_table import KEY_BINDINGS, SCOPE_STACKS, Scope, bindings_in
from tui.keys.keymap import parse_key_name
from workers.jobs.job import JobId

WAY = {
    Scope.SESSIONS: [],
    Scope.JOBS: [],
    Scope.DESK: [],
    Scope.WALL: ["w"],
    Scope.TRANSCRIPT: ["tab"],
    Scope.VIEW: [],
    Scope.EVENTS: ["3", "tab"],
    Scope.SEARCH: ["tab", "slash"],
    Scope.READING: ["enter"],
    Scope.DIALOG: ["a"],
    Scope.FILTERING: ["slash"],
    Scope.SORTING: ["s"],
    Scope.ADDING: ["a"],
    Scope.PICKING: ["a", "down"],
    Scope.CONFIGURING: ["j", "c"],
    Scope.CONFIRMING: ["end", "up", "space", "space", "x"],
    Scope.EXPORTING: ["e"],
    Scope.HELP: ["question_mark"],
}
"""What is pressed to get where a key works; for those of `Scope.REPLAY` see `test_lookback`."""


class Recording(Desk):
    """Notes the actions that keys ask for, and whether anything did them."""

    asked: Sequence[tuple[str, bool]] = ()

    async def run_action(self, action: Any, *args: Any, **more: Any) -> bool:
        leaves = action == "quit"  # it would be the last key
        done = leaves or await super().run_action(action, *args, **more)
        self.asked = [*self.asked, (str(action), done)]
        return done


async def arrive(seat: DeskDriver, scope: Scope) -> None:
    """From wherever the key before has led, and whatever it has ended."""
    while len(seat.desk.screen_stack) > 1:
        await seat.desk.pop_screen()
    while seat.desk.focused is not seat.table:
        await seat.press("escape")
    for name in ("two", "three"):
        seat.supervisor.job(f"/rec/{name}.wav", *streaming())
    seat.desk.state.table.select(JobId(1))
    await seat.process_reports()
    await seat.press(*WAY[scope])


def place(desk: Desk) -> tuple[Screen[Any], Widget | None]:
    return desk.screen, desk.focused


@pytest.mark.parametrize("scope", WAY, ids=lambda scope: scope.name)
async def test_every_key_does_what_the_table_says(open_desk: DeskFactory, scope: Scope) -> None:
    """Pressed where it works: its action is done, and there is somebody to do it."""
    supervisor = FakeSupervisor()
    supervisor.job(
        "/rec/one.wav", *streaming(), turn_heard(0, "Good morning.", final=True), ended_done()
    )
    async with open_desk(supervisor, size=(80, 24), kind=Recording) as seat:
        desk, there = seat.desk, None
        assert isinstance(desk, Recording)
        for key in bindings_in(scope):
            for name in key.keys:
                if there != place(desk):
                    await arrive(seat, scope)
                    there = place(desk)
                desk.asked = ()
                await seat.press(name)
                assert [(key.action, True)] == desk.asked, name


def test_no_key_means_two_things_in_one_place() -> None:
    """Neither within a scope, nor among the scopes that work together; and each name is a key's."""
    for scopes in SCOPE_STACKS:
        names = [name for key in KEY_BINDINGS if key.scope in scopes for name in key.keys]
        assert len(names) == len(set(names))
    assert set(Scope) == {scope for scopes in SCOPE_STACKS for scope in scopes}
    assert set(Scope) == {*WAY, Scope.REPLAY}
    assert all(name == parse_key_name(name) for key in KEY_BINDINGS for name in key.keys)
