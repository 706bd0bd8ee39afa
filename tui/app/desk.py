"""The desk: glue between supervisor, state and screens.

It drains reports on a tick, draws what changed, and turns the user's verbs into the supervisor's.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual.app import SystemCommand
from textual.command import CommandPalette
from textual.events import Event, Key, Paste, Resize
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from tui.app.drain_reports import MOMENT, take_in
from tui.app.job_actions import Steering
from tui.config.settings import DeskSettings
from tui.files import path_input
from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
from tui.model.desk_state import DeskState
from tui.model.run_notices import News
from tui.model.shutdown import Leaving, Phase
from tui.model.supervisor_protocol import Supervision
from tui.model.transcript_cache import Shelf
from tui.model.wall import Wall
from tui.render.banner import Destination
from tui.screens import available_actions
from tui.screens.frame import Frame, too_small
from tui.screens.framed import Framed
from tui.screens.overview import Overview
from tui.terminal.sighup import on_hang_up
from tui.theme import themes
from tui.theme.roles import Look
from tui.theme.symbols import ASCII, symbols_for
from tui.widgets.messages import Touched
from tui.widgets.painted import Drawn
from workers.protocol.endpoint import Kind


class Desk(Steering):
    """The full-screen interface. The supervisor belongs to whoever runs it."""

    TITLE = "Paceline"
    BINDINGS = key_table.bindings(key_table.of(Scope.JOBS, Scope.DESK))
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = True

    CSS = """
    #banner { background: $surface; }
    #foot { background: $surface; }
    #head { padding-right: 1; }
    """

    theme = Reactive("textual-dark")  # what TEXTUAL_THEME names may be ours, and not known yet

    def __init__(
        self,
        supervisor: Supervision,
        where: str,
        run_folder: Path,
        *,
        kind: Kind | None = None,
        settings: DeskSettings | None = None,
    ) -> None:
        self.settings = settings or DeskSettings()
        symbols = symbols_for(getattr(sys.__stdout__, "encoding", None))
        look = Look(ASCII if self.settings.ascii else symbols, Keymap(self.settings.keys))
        super().__init__(DeskState(), supervisor, look, run_folder)
        self.state.viewing.folder = run_folder
        self.wall = Wall(self.state)
        self.shelf = Shelf(self.state, run_folder)
        self.leaving = Leaving(supervisor)
        to = Destination(where, kind)
        self.frame = Frame(self.state, supervisor, self.leaving, self.look, to)
        self.news = News(self.state, supervisor, self.look)
        self._behind = False
        """More was reported than a moment was enough for."""
        self.set_keymap(look.keys.textual)
        themes.dress(self, self.settings.theme)

    def get_default_screen(self) -> Screen[None]:
        return Overview(self.state, self.look, self.frame, self.settings.columns)

    def on_mount(self) -> None:
        if not self.is_headless:
            self.theme = themes.simpler(self.theme, self.console.color_system)
        self.look.use(self.theme_variables)
        self._leave_on_signals()
        self.set_interval(self.settings.refresh, self.tick)
        self.tick()
        self.tell_skipped()

    def refresh_css(self, animate: bool = True) -> None:
        """A theme was put on: it paints at once, so roles have its colours before; and all of them
        are drawn again, since no style sheet has them."""
        self.look.use(self.get_css_variables())
        for screen in self.screen_stack:
            for drawn in screen.query(Drawn):
                drawn.refresh()
        super().refresh_css(animate)

    # --- the tick

    def tick(self) -> None:
        """Takes in what was reported and draws what changed."""
        now = monotonic()
        leave = self.leaving.over(now)  # asked first: what was said before it is drained
        self.take_in(now)
        self.shelf.tick()
        if leave:
            self.exit()
        self.draw()

    def take_in(self, now: float) -> None:
        """The time and what was reported, into state."""
        self.state.tick(now)
        self.drain()
        queue = self.supervisor
        self.state.foresee(queue.queue, queue.next_start, queue.sessions, held=queue.holding)
        if said := self.news.latest():
            self.say(said)

    def drain(self) -> None:
        """Reports into state; if they are too many for a moment, the rest follows soon."""
        if not take_in(self.state, self.supervisor.reports) and not self._behind:
            self._behind = True
            self.set_timer(MOMENT, self._catch_up)

    def _catch_up(self) -> None:
        self._behind = False
        self.drain()

    def draw(self) -> None:
        """What can be seen: the top screen, and what is beneath it if it is a dialog."""
        if not self.is_running:
            return  # closing: the screens are losing their widgets
        changes = self.state.take_dirty()
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Framed) and screen.is_mounted:
                screen.show(changes)
            if not screen.is_modal:
                break

    def on_touched(self, _message: Touched) -> None:
        self.draw()

    def say(self, sentence: str) -> None:
        """Puts a sentence at the foot of the screen."""
        self.frame.say(sentence, monotonic())
        self.draw()

    # --- what else it does; the verbs are in `steering`

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Paste):  # an input shows its text as it is
            event.text = path_input.typed(event.text)
        await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """What was typed while its line was opening belongs there, and is no verb."""
        if isinstance(self.focused, Input) and event.is_printable and event.character:
            event.prevent_default()
            self.focused.insert_text_at_cursor(event.character)

    async def action_copy(self) -> None:
        from tui.app.clipboard import transcripts

        heard = [self.state.snapshot(job) for job in self.targets]
        self._copied(*await asyncio.to_thread(transcripts, heard, self.run_folder))

    async def action_copy_path(self) -> None:
        from tui.app.clipboard import trace_paths

        self._copied(*await asyncio.to_thread(trace_paths, self.targets, self.run_folder))

    def _copied(self, text: str, sentence: str) -> None:
        if text:
            self.copy_to_clipboard(text)
        self.say(sentence)

    def action_wall(self) -> None:
        from tui.screens.wall import toggle

        toggle(self, self.wall)

    def action_help(self) -> None:
        from tui.screens.help import Help

        here = [action.key for action in available_actions.here(self.screen, self.look.keys)]
        self.push_screen(Help(self.look, here))

    def action_command_palette(self) -> None:
        if not too_small(*self.size):
            super().action_command_palette()

    def on_resize(self, event: Resize) -> None:
        """Without any room the palette's own list would fail at its keys."""
        if too_small(*event.size) and isinstance(self.screen, CommandPalette):
            self.pop_screen()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action that there is where the user is, by what it does."""
        yield from available_actions.commands(self, screen, self.look.keys)

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
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._leave_for_good)
            on_hang_up(lambda: self._hung_up(loop))

    def _hung_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """A handler of the system's: asyncio's would be too late, and be gone when told again."""
        with suppress(RuntimeError):  # the screen has gone already
            loop.call_soon_threadsafe(self._leave_for_good)
