"""The table of keys is what the desk does."""

from typing import Any

import pytest

from tests.screens.conftest import Seating
from tests.screens.fakes import FakeSupervisor
from tests.unit.desk_reports import done, heard, streaming
from tui.desk import Desk
from tui.keys import KEYS, Scope, of

WAY = {
    Scope.SESSIONS: [],
    Scope.JOBS: [],
    Scope.DESK: [],
    Scope.TRANSCRIPT: ["tab"],
    Scope.READING: ["enter"],
    Scope.DIALOG: ["a"],
    Scope.ADDING: ["a"],
    Scope.EXPORTING: ["e"],
    Scope.HELP: ["question_mark"],
}
"""What is pressed to get where a key works."""


class Recording(Desk):
    """Once deaf, it notes the actions that keys ask for and runs none."""

    deaf = False
    asked: list[str]

    async def run_action(self, action: Any, *args: Any, **more: Any) -> bool:
        if not self.deaf:
            return await super().run_action(action, *args, **more)
        self.asked.append(str(action))
        return True


@pytest.mark.parametrize("scope", Scope, ids=lambda scope: scope.name)
async def test_every_key_asks_for_what_the_table_says(seated: Seating, scope: Scope) -> None:
    """Pressed where it works; a key that Textual does not know would do nothing."""
    supervisor = FakeSupervisor()
    supervisor.job("/rec/one.wav", *streaming(), heard(0, "Good morning.", final=True), done())
    async with seated(supervisor, kind=Recording) as seat:
        assert isinstance(seat.desk, Recording)
        await seat.press(*WAY[scope])
        seat.desk.deaf = True
        for key in of(scope):
            for name in key.keys:
                seat.desk.asked = []
                await seat.pilot.press(name)
                assert [key.action] == seat.desk.asked, name


def test_no_key_means_two_things_in_one_place() -> None:
    """Neither within a scope, nor among the scopes that work together."""
    for scopes in (
        (Scope.SESSIONS, Scope.JOBS, Scope.DESK),
        (Scope.READING, Scope.TRANSCRIPT, Scope.JOBS, Scope.DESK),
    ):
        names = [name for key in KEYS if key.scope in scopes for name in key.keys]
        assert len(names) == len(set(names))
