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

from tui.app.drain_reports import DRAIN_BUDGET_S, drain_reports
from tui.app.job_actions import JobActions
from tui.config.settings import DeskSettings
from tui.files import path_input
from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
from tui.model.desk_state import DeskState
from tui.model.run_notices import RunNotices
from tui.model.shutdown import Shutdown, ShutdownPhase
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.model.transcript_cache import TranscriptCache
from tui.model.wall import Wall
from tui.render.banner import Destination
from tui.render.columns import visible_columns
from tui.screens import available_actions
from tui.screens.frame import ScreenFrame, is_too_small
from tui.screens.framed_screen import FramedScreen
from tui.screens.overview import Overview
from tui.terminal.sighup import handle_sighup
from tui.theme import themes
from tui.theme.roles import Look
from tui.theme.symbols import ASCII, symbols_for
from tui.widgets.line_widgets import StyledWidget
from tui.widgets.messages import RedrawRequested
from workers.protocol.endpoint import EndpointKind


class Desk(JobActions):
    """The full-screen interface. The supervisor belongs to whoever runs it."""

    TITLE = "Paceline"
    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.JOBS, Scope.DESK))
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = True

    CSS = """
    #banner { background: $surface; }
    #foot { background: $surface; }
    #head { padding-right: 1; }
    """

    theme = Reactive("textual-dark")  # what TEXTUAL_THEME names may be ours, and not known yet

    def __init__(
        self,
        supervisor: SupervisorProtocol,
        destination: str,
        run_folder: Path,
        *,
        kind: EndpointKind | None = None,
        settings: DeskSettings | None = None,
    ) -> None:
        self.settings = settings or DeskSettings()
        symbols = symbols_for(getattr(sys.__stdout__, "encoding", None))
        look = Look(ASCII if self.settings.ascii else symbols, Keymap(self.settings.keys))
        super().__init__(DeskState(), supervisor, look, run_folder)
        self.state.tab_state.folder = run_folder
        self.wall = Wall(self.state)
        self.transcript_cache = TranscriptCache(self.state, run_folder)
        self.shutdown_state = Shutdown(supervisor)
        self.fault: Exception | None = None
        """A bug that ended the desk; the command line writes its traceback to a file."""
        to = Destination(destination, kind)
        self.frame = ScreenFrame(self.state, supervisor, self.shutdown_state, self.look, to)
        self.notices = RunNotices(self.state, supervisor, self.look)
        self._drain_scheduled = False
        """More was reported than a moment was enough for."""
        self.set_keymap(look.keymap.textual_keymap)
        themes.set_theme(self, self.settings.theme)

    def _handle_exception(self, error: Exception) -> None:
        """Ends the desk as Textual does, but keeps the traceback off the terminal."""
        self.fault = self.fault or error
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def get_default_screen(self) -> Screen[None]:
        columns = visible_columns(self.settings.columns)
        return Overview(self.state, self.look, self.frame, columns)

    def on_mount(self) -> None:
        if not self.is_headless:
            self.theme = themes.theme_for_terminal(self.theme, self.console.color_system)
        self.look.apply_theme(self.theme_variables)
        self._install_signal_handlers()
        self.set_interval(self.settings.refresh, self.tick)
        self.tick()
        self.announce_skipped()

    def refresh_css(self, animate: bool = True) -> None:
        """A theme was put on: it paints at once, so roles have its colours before; and all of them
        are drawn again, since no style sheet has them."""
        self.look.apply_theme(self.get_css_variables())
        for screen in self.screen_stack:
            for drawn in screen.query(StyledWidget):
                drawn.refresh()
        super().refresh_css(animate)

    # --- the tick

    def tick(self) -> None:
        """Takes in what was reported and draws what changed."""
        now = monotonic()
        leave = self.shutdown_state.poll(now)  # asked first: what was said before it is drained
        self.update_state(now)
        self.transcript_cache.tick()
        if leave:
            self.exit()
        self.draw_changes()

    def update_state(self, now: float) -> None:
        """The time and what was reported, into state."""
        self.state.tick(now)
        self.drain_reports()
        queue = self.supervisor
        self.state.update_forecast(
            queue.queue, queue.next_start_at, queue.max_sessions, held=queue.holding
        )
        if said := self.notices.poll():
            self.show_notice(said)

    def drain_reports(self) -> None:
        """Reports into state; if they are too many for a moment, the rest follows soon."""
        if not drain_reports(self.state, self.supervisor.reports) and not self._drain_scheduled:
            self._drain_scheduled = True
            self.set_timer(DRAIN_BUDGET_S, self._resume_drain)

    def _resume_drain(self) -> None:
        self._drain_scheduled = False
        self.drain_reports()

    def draw_changes(self) -> None:
        """What can be seen: the top screen, and what is beneath it if it is a dialog."""
        if not self.is_running:
            return  # closing: the screens are losing their widgets
        changes = self.state.table.take_changes()
        for screen in reversed(self.screen_stack):
            if isinstance(screen, FramedScreen) and screen.is_mounted:
                screen.show_changes(changes)
            if not screen.is_modal:
                break

    def on_redraw_requested(self, _message: RedrawRequested) -> None:
        self.draw_changes()

    def show_notice(self, notice: str) -> None:
        """Puts a sentence at the foot of the screen."""
        self.frame.show_notice(notice, monotonic())
        self.draw_changes()

    # --- what else it does; the verbs are in `steering`

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Paste):  # an input shows its text as it is
            event.text = path_input.sanitize_paste(event.text)
        await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """What was typed while its line was opening belongs there, and is no verb."""
        if isinstance(self.focused, Input) and event.is_printable and event.character:
            event.prevent_default()
            self.focused.insert_text_at_cursor(event.character)

    async def action_copy(self) -> None:
        from tui.app.clipboard import copy_transcripts

        heard = [self.state.snapshot(job) for job in self.targets]
        self._put_on_clipboard(*await asyncio.to_thread(copy_transcripts, heard, self.run_folder))

    async def action_copy_path(self) -> None:
        from tui.app.clipboard import copy_trace_paths

        self._put_on_clipboard(
            *await asyncio.to_thread(copy_trace_paths, self.targets, self.run_folder)
        )

    def _put_on_clipboard(self, text: str, notice: str) -> None:
        if text:
            self.copy_to_clipboard(text)
        self.show_notice(notice)

    def action_wall(self) -> None:
        from tui.screens.wall import toggle_wall

        toggle_wall(self, self.wall)

    def action_help(self) -> None:
        from tui.screens.help import HelpDialog

        here = [
            action.key
            for action in available_actions.available_actions(self.screen, self.look.keymap)
        ]
        self.push_screen(HelpDialog(self.look, here))

    def action_command_palette(self) -> None:
        if not is_too_small(*self.size):
            super().action_command_palette()

    def on_resize(self, event: Resize) -> None:
        """Without any room the palette's own list would fail at its keys."""
        if is_too_small(*event.size) and isinstance(self.screen, CommandPalette):
            self.pop_screen()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action that there is where the user is, by what it does."""
        yield from available_actions.palette_commands(self, screen, self.look.keymap)

    # --- leaving

    async def action_quit(self) -> None:
        self.request_quit()

    def request_quit(self) -> None:
        """Once politely, twice by force, three times at once; with nothing at work, at once."""
        while isinstance(self.screen, ModalScreen):
            self.pop_screen()
        self.shutdown_state.request(monotonic())
        for job_state in self.state.live_job_states:
            self.state.mark_stopping(job_state.job)
        if self.shutdown_state.phase is ShutdownPhase.CLOSED:
            self.drain_reports()
            self.exit()
        self.draw_changes()

    def _exit_on_signal(self) -> None:
        """The terminal is going, so the screen does; whoever runs it ends what is live politely."""
        self.shutdown_state.interrupted_jobs |= not self.supervisor.is_idle
        self.exit()

    def _install_signal_handlers(self) -> None:
        """Else a closed window or a kill leaves the terminal in its alternate screen."""
        if os.name != "posix":
            return
        loop = asyncio.get_running_loop()
        with suppress(
            RuntimeError, ValueError
        ):  # not in the main thread: a test's or a host's loop
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._exit_on_signal)
            handle_sighup(lambda: self._on_sighup(loop))

    def _on_sighup(self, loop: asyncio.AbstractEventLoop) -> None:
        """A handler of the system's: asyncio's would be too late, and be gone when told again."""
        with suppress(RuntimeError):  # the screen has gone already
            loop.call_soon_threadsafe(self._exit_on_signal)
