"""The desk: glue between supervisor, state and screens.

It drains reports on a tick, draws what changed, and turns the user's verbs into the supervisor's.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.events import Event, Paste
from textual.screen import ModalScreen, Screen
from textual.theme import Theme

from tui import keys, paths, verbs
from tui.frame import Frame
from tui.hang_up import on_hang_up
from tui.keys import Scope
from tui.leaving import Leaving, Phase
from tui.messages import Dropped, Touched
from tui.palette import THEME, Look
from tui.screens.framed import Framed
from tui.screens.overview import Overview
from tui.screens.reading import Reading
from tui.state import DeskState
from tui.supervision import Supervision
from tui.symbols import symbols_for
from workers.jobs import JobId

TICK = 0.2
"""Seconds between two looks at what happened."""

AT_ONCE = 3000
"""Reports taken in at one tick at most: about 15 ms, so that a key never waits for long."""


class Desk(App[None]):
    """The full-screen interface. The supervisor belongs to whoever runs it."""

    TITLE = "Paceline"
    BINDINGS = keys.bindings(keys.of(Scope.JOBS, Scope.DESK))
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = True

    CSS = """
    #banner { background: $surface; }
    #foot { background: $surface; }
    #head { padding-right: 1; }
    """

    def __init__(self, supervisor: Supervision, where: str, run_folder: Path) -> None:
        super().__init__()
        self.state = DeskState()
        self.supervisor = supervisor
        self.run_folder = run_folder
        self.leaving = Leaving(supervisor)
        self.look = Look(symbols_for(getattr(sys.__stdout__, "encoding", None)))
        self.frame = Frame(self.state, supervisor, self.leaving, self.look, where)
        self._formats = frozenset({"txt"})
        self.register_theme(THEME)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = THEME.name

    def get_default_screen(self) -> Screen[None]:
        return Overview(self.state, self.look, self.frame)

    def on_mount(self) -> None:
        self.look.use(self.theme_variables)
        self.theme_changed_signal.subscribe(self, self._recolour)
        self._leave_on_signals()
        self.set_interval(TICK, self.tick)
        self.tick()

    def _recolour(self, _theme: Theme) -> None:
        self.look.use(self.theme_variables)

    # --- the tick

    def tick(self) -> None:
        """Takes in what was reported and draws what changed."""
        now = monotonic()
        leave = self.leaving.over(now)  # asked first: what was said before it is drained
        self.state.tick(now)
        self.drain()
        if leave:
            self.exit()
        self.draw()

    def drain(self) -> None:
        """Reports into state."""
        with suppress(Empty):
            for _ in range(AT_ONCE):
                self.state.apply(self.supervisor.reports.get_nowait())

    def draw(self) -> None:
        """Every screen on the stack: those beneath a dialog are seen too."""
        if not self.is_running:
            return  # closing: the screens are losing their widgets
        changes = self.state.take_dirty()
        for screen in self.screen_stack:
            if isinstance(screen, Framed) and screen.is_mounted:
                screen.show(changes)

    def on_touched(self, _message: Touched) -> None:
        self.draw()

    def say(self, sentence: str) -> None:
        """Puts a sentence at the foot of the screen."""
        self.frame.say(sentence, monotonic())
        self.draw()

    # --- verbs

    @property
    def targets(self) -> list[JobId]:
        """The marked rows, else the current one; while reading, what is being read."""
        if isinstance(self.screen, Reading):
            return [] if self.state.current is None else [self.state.current]
        return self.state.targets()

    def action_cancel(self) -> None:
        self.say(verbs.cancel(self.state, self.supervisor, self.targets))

    def action_retry(self) -> None:
        self.say(verbs.retry(self.state, self.supervisor, self.targets))

    def action_hold(self) -> None:
        self.say(verbs.hold(self.supervisor))

    def action_add(self, path: str = "") -> None:
        from tui.screens.adding import Adding  # only when asked for: the first screen comes sooner

        adding = Adding(self.look, path)
        self.push_screen(adding, lambda files: self._add(files, adding.skipped))

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Paste):  # an input shows its text as it is
            event.text = paths.typed(event.text)
        await super().on_event(event)

    def on_dropped(self, message: Dropped) -> None:
        self.action_add(" ".join(message.text.splitlines()))

    def _add(self, files: list[str] | None, skipped: Sequence[tuple[str, str]]) -> None:
        if files:
            jobs = self.supervisor.add(files)
            self.state.expect(jobs, files)
            passed = f", {len(skipped)} skipped, as {': '.join(skipped[0])}" if skipped else ""
            self.say(f"{verbs.jobs(len(jobs))} added{passed}")

    def action_export(self) -> None:
        from tui.screens.exporting import Batch, Exporting
        from workers.exports import names

        state = self.state
        heard = [job for job in self.targets if len(state.histories[job].transcript)]
        if not heard:
            self.say("Nothing was heard yet that could be exported")
            return
        named = names(state.histories.values())
        batch = Batch(
            [state.snapshot(job) for job in heard],
            [named[job] for job in heard],
            self.run_folder / "exports",
        )
        self.push_screen(Exporting(self.look, batch, self._formats), self._exported)

    def _exported(self, formats: frozenset[str] | None) -> None:
        if formats is not None:
            self._formats = formats

    def action_help(self) -> None:
        from tui.screens.help import Help

        self.push_screen(Help(self.look))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the desk, by what it does."""
        own = screen.FOOT if isinstance(screen, Framed) else keys.of(Scope.DESK)
        for key in own:
            if key.action == "command_palette" or key.priority:
                continue
            node = self if key.scope in (Scope.JOBS, Scope.DESK) else screen
            does = partial(self.run_action, key.action, node)
            yield SystemCommand(key.says.capitalize(), f"key: {key.shown}", does)
        yield SystemCommand("Theme", "other colours", self.action_change_theme)

    # --- leaving

    async def action_quit(self) -> None:
        self.leave()

    def leave(self) -> None:
        """Once politely, twice by force, three times at once; with nothing at work, at once."""
        while isinstance(self.screen, ModalScreen):
            self.pop_screen()
        self.leaving.ask(monotonic())
        for history in self.state.live:
            self.state.asked_to_stop(history.job)
        if self.leaving.phase is Phase.GONE:
            self.drain()
            self.exit()
        self.draw()

    def _leave_for_good(self) -> None:
        """The terminal is going, so the screen does; whoever runs it ends what is live politely."""
        self.leaving.cut_short |= not self.supervisor.idle
        self.exit()

    def _leave_on_signals(self) -> None:
        """Else a closed window or a kill leaves the terminal in its alternate screen."""
        if os.name != "posix":
            return
        loop = asyncio.get_running_loop()
        with suppress(
            RuntimeError, ValueError
        ):  # not in the main thread: a test's or a host's loop
            loop.add_signal_handler(signal.SIGTERM, self._leave_for_good)
            on_hang_up(lambda: self._hung_up(loop))

    def _hung_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """A handler of the system's: asyncio's would be too late, and be gone when told again."""
        with suppress(RuntimeError):  # the screen has gone already
            loop.call_soon_threadsafe(self._leave_for_good)
