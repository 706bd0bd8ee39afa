"""The desk does what the table of keys says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen
from textual.widget import Widget

from tests.screens.conftest import DeskDriver, DeskFactory, rendered_lines
from tests.support.fake_supervisor import FakeSupervisor
from tests.support.report_builders import ended_done, ended_failed, streaming, turn_heard
from tui.app.desk import Desk
from tui.keys.key_names import parse_key_name
from tui.keys.key_table import KEY_BINDINGS, SCOPE_STACKS, KeyBinding, Scope, bindings_in
from tui.screens.reading_screen import ReadingScreen
from tui.widgets.input_bars import SearchBar
from workers.jobs.job import JobId
from workers.jobs.node_status import NodeState, NodeStatus

WAY = {
    Scope.SESSIONS: [],
    Scope.JOBS: [],
    Scope.DESK: [],
    Scope.WALL: ["w"],
    Scope.DASHBOARD: ["D"],
    Scope.NODES: ["m"],
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
    Scope.ATTACHING: ["T"],
    Scope.HELP: ["question_mark"],
}
"""What is pressed to get where a key works; for those of `Scope.REPLAY` see `test_replay_desk`."""


class Recording(Desk):
    """Records the actions that keys run, and whether they were handled."""

    actions_run: Sequence[tuple[str, bool]] = ()

    async def run_action(self, action: Any, *args: Any, **more: Any) -> bool:
        leaves = action in ("quit", "quit_unasked")  # it would be the last key
        done = leaves or await super().run_action(action, *args, **more)
        self.actions_run = [*self.actions_run, (str(action), done)]
        return done


async def arrive(seat: DeskDriver, scope: Scope) -> None:
    """Goes back to the table from wherever the last key led."""
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
@pytest.mark.slow
async def test_every_key_does_what_the_table_says(open_desk: DeskFactory, scope: Scope) -> None:
    """Where it works, its action runs and is handled."""
    supervisor = FakeSupervisor()
    supervisor.job(
        "/rec/one.wav", *streaming(), turn_heard(0, "Good morning.", final=True), ended_done()
    )
    supervisor.fleet = [NodeStatus("worker-1", "10.0.0.1", NodeState.READY)]
    async with open_desk(supervisor, size=(80, 24), kind=Recording) as seat:
        desk, there = seat.desk, None
        assert isinstance(desk, Recording)
        for key in bindings_in(scope):
            for name in key.keys:
                if there != place(desk):
                    await arrive(seat, scope)
                    there = place(desk)
                desk.actions_run = ()
                await seat.press(name)
                if not desk.actions_run and there != place(desk):
                    await arrive(seat, scope)  # what the key before opened came late, and took it
                    await seat.press(name)
                action = f"verb({key.id!r})" if scope is Scope.JOBS else key.action
                assert [(action, True)] == desk.actions_run, name


def test_no_key_means_two_things_in_one_place() -> None:
    """Neither within a scope nor among scopes that work together; every name is a real key."""
    for scopes in SCOPE_STACKS:
        names = [name for key in KEY_BINDINGS if key.scope in scopes for name in key.keys]
        assert len(names) == len(set(names))
    assert set(Scope) == {scope for scopes in SCOPE_STACKS for scope in scopes}
    assert set(Scope) == {*WAY, Scope.REPLAY}
    assert all(name == parse_key_name(name) for key in KEY_BINDINGS for name in key.keys)


FIVE_MORE = KeyBinding(
    Scope.JOBS, ("f9",), "allow(5)", "run five more sessions at once", "five more"
)
"""A verb that the desk does not have."""


@pytest.mark.parametrize(
    "bindings", [(FIVE_MORE,), (FIVE_MORE, *KEY_BINDINGS)], ids=["alone", "all"]
)
async def test_a_verb_is_one_entry(tmp_path: Path, bindings: Sequence[KeyBinding]) -> None:
    """An entry added to the table is bound and appears in footer, help and palette."""
    supervisor = FakeSupervisor(sessions=4)
    supervisor.job("/rec/one.wav", *streaming())
    desk = Desk(supervisor, "here", tmp_path / "run", bindings=(*KEY_BINDINGS, FIVE_MORE))
    async with desk.run_test(size=(200, 60)) as pilot:
        seat = DeskDriver(desk, supervisor, pilot)
        await seat.process_reports()
        assert "F9 five more" in seat.footer_text()
        commands = {command.title: command for command in desk.get_system_commands(desk.screen)}
        assert "Sessions and recordings · F9" == commands["Run five more sessions at once"].help
        await seat.press("f9")
        assert 9 == supervisor.max_sessions
        await seat.press("question_mark")
        help_text = "\n".join(rendered_lines(desk.screen.query_one("#lines")))
        assert "run five more sessions at once" in help_text


async def test_every_verb_is_in_help_and_palette(open_desk: DeskFactory) -> None:
    """By its description, with the reason if it cannot act now."""
    async with open_desk(size=(200, 60)) as seat:
        seat.supervisor.job("/rec/one.wav", *streaming())
        await seat.process_reports()
        commands = {
            command.title.lower(): command
            for command in seat.desk.get_system_commands(seat.desk.screen)
        }
        await seat.press("question_mark")
        help_text = "\n".join(rendered_lines(seat.desk.screen.query_one("#lines")))
        for key in bindings_in(Scope.JOBS):
            assert commands[key.description.lower()].help.startswith(
                f"Sessions and recordings · {key.key_display}"
            )
            assert all(word in help_text for word in key.description.split())
        assert commands["retry all failed sessions"].help.endswith("R; No session has failed")


async def test_the_footer_offers_what_can_act_now(open_desk: DeskFactory) -> None:
    """In one order on every tab; marked rows are counted at the verbs that act on them, and come
    first; after the last session, what one needs then."""
    supervisor = FakeSupervisor()
    live = supervisor.job("/rec/one.wav", *streaming(), turn_heard(0, "boat", final=True))
    supervisor.job("/rec/two.wav", *streaming(), ended_failed("it broke"))
    async with open_desk(supervisor) as seat:
        assert "x cancel" in seat.footer_text()
        assert "r retry" not in seat.footer_text()
        footers = set()
        for tab in "12345":
            await seat.press(tab)
            footers.add(seat.footer_text())
        await seat.press("tab")
        footers.add(seat.footer_text().replace("/ search", "/ filter"))
        assert len(footers) == 1
        await seat.press("escape", "j")
        assert "r retry" in seat.footer_text()
        assert "x cancel" not in seat.footer_text()
        await seat.press("ctrl+a")
        assert seat.footer_text().startswith(" x cancel 2 marked  r retry 2 marked  e export 2")
        await seat.press("k", "enter")
        assert "marked" not in seat.footer_text(), "the verbs act on what is read"

        await seat.press("escape", "escape")
        supervisor.report(live, ended_done())
        await seat.process_reports()
        seat.desk.show_notice("")
        seat.desk.frame.show_notice("", float("-inf"))
        seat.desk.draw_changes()
        assert seat.footer_text().startswith(" R retry failed  E export all  Enter read")
        assert "p hold" not in seat.footer_text()


async def test_a_click_on_a_key_of_the_footer_presses_it(open_desk: DeskFactory) -> None:
    """Also one of the screen's own keys, and in a tab."""
    supervisor = FakeSupervisor()
    live = supervisor.job("/rec/one.wav", *streaming(), turn_heard(0, "boat", final=True))
    async with open_desk(supervisor) as seat:

        async def click(label: str) -> None:
            column = seat.footer_text().splitlines()[-1].index(label)
            await seat.pilot.click("#foot", offset=(column, 0))
            await seat.pilot.pause()

        await click("read")
        await seat.wait_until(lambda: isinstance(seat.desk.screen, ReadingScreen))
        await click("search")
        await seat.wait_until(lambda: seat.desk.screen.query_one(SearchBar).is_open)
        await seat.press("escape")
        await click("cancel")
        await seat.wait_until(lambda: [live] == supervisor.cancelled)
