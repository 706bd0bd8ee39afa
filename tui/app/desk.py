"""The desk: connects the run, the state and the screens.

Each tick updates the state (`drain_reports`) and redraws what changed. The verbs are implemented in
`run_actions`, `job_actions` (a live run) and `replay_actions` (a finished run).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.command import CommandPalette
from textual.events import Click, Event, Key, Paste, Resize
from textual.filter import LineFilter
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from tui.app.job_actions import JobActions
from tui.app.palette import GroupedCommands
from tui.app.replay_actions import ReplayActions
from tui.app.run_actions import DeskParts
from tui.config.settings import DeskSettings
from tui.files import path_input
from tui.keys.key_table import KEY_BINDINGS, KeyBinding, Scope, textual_bindings
from tui.keys.keymap import Keymap
from tui.model.desk_state import DeskState
from tui.model.first_hint import FirstHint
from tui.model.recording_feed import RecordingFeed
from tui.model.replay import SPEEDS, Replay
from tui.model.run_end import RunEnd
from tui.model.run_forecast import RunForecaster
from tui.model.shutdown import Shutdown, ShutdownPhase
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.model.transcript_cache import TranscriptCache
from tui.render.banner import PRODUCT_NAME, Destination
from tui.render.columns import SCORE_COLUMN_NAMES, sort_columns, visible_columns
from tui.screens.available_actions import available_actions, palette_commands
from tui.screens.frame import FramedScreen, ScreenFrame, is_too_small
from tui.screens.overview import Overview
from tui.terminal import window
from tui.terminal.guard import LEFT_ON_BY_TEXTUAL
from tui.terminal.job_control import stop_for_shell, wait_for_foreground
from tui.terminal.sighup import handle_sighup
from tui.text.formats import format_count
from tui.theme import themes
from tui.theme.roles import Look
from tui.theme.symbols import ASCII, symbols_for
from tui.widgets.clean_filter import CleanFilter
from tui.widgets.line_widgets import StyledWidget
from tui.widgets.messages import PathsPasted, RedrawRequested
from workers.protocol.endpoint import EndpointKind
from workers.sources.manifest import DEFAULT_RULES, SourceRules
from workers.threads import ThreadFault, first_fault
from workers.visible_text import clean_lines

SUSPEND_NOTICE = LEFT_ON_BY_TEXTUAL + (
    b"Paceline is suspended; its sessions go on. To return to it: fg\n"
)
"""What stands above the shell's prompt while the desk is suspended."""


class Desk(App[None]):
    """The full-screen interface.

    ``run``: the supervisor of a live run, or the replay of a finished run; the caller closes it.
    ``destination``: the name of the endpoint, for the banner. ``rules``: how names of recordings
    are understood. ``bindings``: the table of all keys. ``notice``: a sentence to
    show at first. ``first_hint``: the hint for somebody who is new here.
    """

    TITLE = "Paceline"
    BINDINGS = textual_bindings(Scope.DESK)
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = True
    COMMANDS: ClassVar = {GroupedCommands}

    CSS = """
    #banner, #foot { background: $surface; }
    #head { padding-right: 1; }
    """

    theme = Reactive("textual-dark")  # TEXTUAL_THEME may be one of our themes, not yet registered

    def __init__(
        self,
        run: SupervisorProtocol | Replay,
        destination: str,
        run_folder: Path,
        *,
        kind: EndpointKind | None = None,
        settings: DeskSettings | None = None,
        rules: SourceRules = DEFAULT_RULES,
        feed: RecordingFeed | None = None,
        bindings: Sequence[KeyBinding] = KEY_BINDINGS,
        notice: str = "",
        first_hint: FirstHint | None = None,
        forecaster: RunForecaster | None = None,
    ) -> None:
        super().__init__()
        self._opening_notice, self._window_title = notice, ""
        self._clean_filter = CleanFilter()
        self.settings = settings or DeskSettings()
        symbols = symbols_for(getattr(sys.__stdout__, "encoding", None))
        self.look = Look(ASCII if self.settings.ascii else symbols, Keymap(self.settings.keys))
        self.run_source = run
        self.state = DeskState()
        self.state.tab_state.folder = self.state.scores.folder = run_folder
        if self.settings.columns is not None and SCORE_COLUMN_NAMES & self.settings.columns:
            self.state.scores.show_columns()
        parts = DeskParts(
            self,
            self.state,
            self.look,
            run_folder,
            self.settings,
            rules,
            kind,
            self.show_notice,
            self.announce_end,
            self.tick,
            forecaster,
        )
        self.actions: JobActions | ReplayActions
        if isinstance(run, Replay):
            self.actions = ReplayActions(parts, run)
            self.shutdown_state = Shutdown(run, lambda: None)
        else:
            self.actions = JobActions(parts, run, feed)
            self.shutdown_state = Shutdown(run, run.stop)
        scopes = self.actions.scopes
        known = [key for scope in scopes for key in bindings if key.scope is scope]
        self.verbs = [key for key in known if self.actions.offers(key)]
        self._verbs_by_id = {verb.id: verb for verb in known}
        bound: set[str] = set()
        # the verbs of this run first, then the keys of live verbs that a replay refuses
        for verb in self.look.keymap([*self.verbs, *known]):
            if keys := [name for name in verb.keys if name not in bound]:
                self.bind(",".join(keys), f"verb({verb.id!r})", show=False)
                bound.update(keys)
        self.frame = ScreenFrame(
            self.state,
            run,
            self.shutdown_state,
            self.look,
            Destination(destination, kind),
            self.verbs,
            self.actions.footer_bar,
            feed,
            self.actions.is_of_use,
            first_hint,
        )
        self.frame.draw_changes = self.draw_changes
        self.transcript_cache = TranscriptCache(self.state, run_folder)
        self.fault: Exception | ThreadFault | None = None
        """What ended the desk; the command line writes its traceback to a file."""
        self.set_keymap(self.look.keymap.textual_keymap)
        themes.set_theme(self, self.settings.theme)

    def _handle_exception(self, error: Exception) -> None:
        """Ends the desk as Textual does, but keeps the traceback off the terminal."""
        self.fault = self.fault or error
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Whatever a widget draws, the terminal gets clean text."""
        return [*super().get_line_filters(), self._clean_filter]

    def copy_to_clipboard(self, text: str) -> None:
        """Copies clean text: what is pasted elsewhere may be executed there."""
        super().copy_to_clipboard(clean_lines(text))

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
        notices = [self._opening_notice] if self._opening_notice else []
        if skipped := self.actions.skipped_paths.count:
            paths = f"{skipped} path{'s' if skipped > 1 else ''}"
            key = self.look.key_hint(Scope.JOBS, "skipped")
            notices.append(f"Skipped {paths}; press {key} to list them")
        if notices:
            self.show_notice(" ".join(notices))

    def refresh_css(self, animate: bool = True) -> None:
        """Applies a new theme to the roles and redraws the widgets that use them. Textual does
        not, because style sheets do not contain their colours."""
        self.look.apply_theme(self.get_css_variables())
        for screen in self.screen_stack:
            for widget in screen.query(StyledWidget):
                widget.refresh()
        super().refresh_css(animate)

    # --- the tick

    def tick(self) -> None:
        """Updates the state and redraws what changed."""
        now = monotonic()
        if self.fault is None and (fault := first_fault()) is not None:
            self.fault = fault
            self.exit()  # the command then ends sessions
        if not self.screen_stack:
            return  # closing
        closed = self.shutdown_state.poll(now)  # before the drain, to miss no last report
        self.actions.update(now)
        self.transcript_cache.tick()
        if closed:
            self.exit()
        self.draw_changes()
        self._show_title()

    def draw_changes(self) -> None:
        """Redraws the top screen, and the one beneath it if the top one is a dialog."""
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
        """Shows a sentence in the footer for a while."""
        self.frame.show_notice(notice, monotonic())
        self.draw_changes()

    def announce_end(self) -> None:
        """Shows what the run came to, and rings the bell or notifies the desktop, as wanted."""
        end = RunEnd.of(self.state)
        self.frame.show_end(end)
        if self.settings.bell:
            self.bell()
        if self.settings.notify:
            self._write(window.notification_sequence(PRODUCT_NAME, end.sentence, os.environ))

    def _show_title(self) -> None:
        """Shows the progress in the title of the terminal's window."""
        title = self.frame.window_title
        if title != self._window_title:
            keep = "" if self._window_title else window.KEEP_TITLE
            self._write(keep + window.title_sequence(title))
            self._window_title = title

    def _write(self, sequence: str) -> None:
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    # --- input

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Paste):  # an input shows its text unchanged
            event.text = path_input.sanitize_paste(event.text)
        await super().on_event(event)

    def on_key(self, event: Key) -> None:
        """Types a key into an input that is still opening, instead of running the key's verb."""
        if isinstance(self.focused, Input) and event.is_printable and event.character:
            event.prevent_default()
            self.focused.insert_text_at_cursor(event.character)

    def on_paths_pasted(self, message: PathsPasted) -> None:
        self.actions.add_pasted(message.text)

    def on_click(self, event: Click) -> None:
        if event.widget is not None and event.widget.id == "foot" and not event.y:
            self.actions.click_footer_bar(event)

    async def action_verb(self, id: str) -> None:
        await self.actions.run_verb(self._verbs_by_id[id])

    def action_help(self) -> None:
        if self.frame.first_hint is not None:
            self.frame.first_hint.close()  # whoever asks for help has read it
        from tui.render.help import help_lines
        from tui.screens.dialogs import TextDialog

        look = self.look
        keys = [action.key for action in available_actions(self.screen, look.keymap, self.verbs)]
        self.push_screen(
            TextDialog(
                look,
                "Keys and symbols",
                lambda width: help_lines(keys, width, look.keymap, look.symbols),
                wide=True,
            )
        )

    def action_command_palette(self) -> None:
        if not is_too_small(*self.size):
            super().action_command_palette()

    def on_resize(self, event: Resize) -> None:
        """Closes the palette in a tiny window: its list would raise an error on the next key."""
        if is_too_small(*event.size) and isinstance(self.screen, CommandPalette):
            self.pop_screen()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette's commands: every action that works on this screen."""
        available = available_actions(screen, self.look.keymap, self.verbs)
        columns = sort_columns(has_nodes=self.state.has_nodes)
        yield from palette_commands(self, screen, available, self.actions.why_not, columns)
        if isinstance(self.actions, ReplayActions):
            for speed in SPEEDS:
                change = partial(self.actions.set_speed, speed)
                yield SystemCommand(f"Play {speed} times as fast", Scope.REPLAY.value, change)

    # --- quitting

    def on_unmount(self) -> None:
        """Ends the sound and the scoring, however the desk was closed."""
        self.actions.listening.stop()
        self.state.scores.close()

    async def action_quit(self) -> None:
        """Quits as `action_quit_unasked` does, but with live sessions the first call only asks."""
        live, now = self.state.live_session_count, monotonic()
        if self.shutdown_state.is_confirmed(live, now):
            await self.action_quit_unasked()
            return
        are, them = ("is", "it") if live == 1 else ("are", "them")
        key = self.look.keymap.key_display(Scope.DESK, "quit")
        question = f"{format_count(live, 'session')} {are} live. {key} again: stop {them} and quit"
        self.show_notice(question)

    async def action_quit_unasked(self) -> None:
        """Quits: the first call ends sessions gracefully, the second kills them, the third closes
        the desk at once. Without live or queued sessions, the first call closes it at once."""
        while isinstance(self.screen, ModalScreen):
            self.pop_screen()
        self.shutdown_state.request(monotonic())
        for job_state in self.state.live_job_states:
            self.state.mark_stopping(job_state.job)
        if self.shutdown_state.phase is ShutdownPhase.CLOSED:
            self.actions.update_state(monotonic())
            self.exit()
        self.draw_changes()

    # --- the terminal

    def action_repaint(self) -> None:
        """Draws every cell again, over whatever another program wrote there."""
        self.refresh(layout=True)

    def action_suspend(self) -> None:
        """Gives the terminal back to the shell and stops this process. Sessions are processes of
        their own and go on; what they report is read on return. New ones start only then."""
        driver = self._driver
        if driver is None or not driver.can_suspend:
            self.show_notice("This terminal cannot be given back to a shell.")
            return
        driver.suspend_application_mode()
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, SUSPEND_NOTICE)
        stopped = stop_for_shell()
        driver.resume_application_mode()
        self.action_repaint()
        if not stopped:
            self.show_notice("There is no shell to go back to.")

    def _return_to_terminal(self) -> None:
        """Sets up the terminal again after the process was stopped by somebody else (SIGSTOP):
        a shell has changed its modes and written to it meanwhile."""
        driver = self._driver
        if driver is not None and driver.can_suspend:
            driver.suspend_application_mode()
            wait_for_foreground()
            driver.resume_application_mode()
        self.action_repaint()

    def _exit_on_signal(self) -> None:
        """Closes the desk because the terminal may be gone; the command then ends sessions."""
        self.shutdown_state.interrupted_jobs |= not self.run_source.is_idle
        self.exit()

    def _install_signal_handlers(self) -> None:
        """Closes the desk on signals; otherwise the terminal would stay in the alternate screen."""
        if os.name != "posix":
            return
        loop = asyncio.get_running_loop()

        # our own signal handlers: asyncio's are slower, and are removed before a second SIGHUP
        def call_soon(callback: Callable[[], None]) -> None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(callback)

        # add_signal_handler fails if a test or an embedding program uses another thread
        with suppress(RuntimeError, ValueError):
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self._exit_on_signal)
            handle_sighup(partial(call_soon, self._exit_on_signal))
            # Textual's handlers change the terminal at once, in the middle of whatever is written.
            for number, callback in (
                (signal.SIGTSTP, self.action_suspend),
                (signal.SIGCONT, self._return_to_terminal),
            ):
                signal.signal(number, lambda *_, callback=callback: call_soon(callback))
