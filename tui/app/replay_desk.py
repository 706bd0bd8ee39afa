"""The desk on a run that was: the same screens, a clock that can be moved, and nothing to steer."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic

from textual import events
from textual.app import SystemCommand
from textual.screen import Screen
from textual.widgets import Input

from tui.app.desk import Desk
from tui.config.settings import DeskSettings
from tui.keys import key_table
from tui.keys.key_table import KeyBinding, Scope, replay_bindings
from tui.model.desk_state import DeskState
from tui.model.replay import SPEEDS, Replay
from tui.model.shutdown import Shutdown
from tui.render.banner import Destination
from tui.render.replay_bar import position_at, replay_bar
from tui.screens.frame import ScreenFrame
from tui.theme.roles import Look, StyledLine
from tui.widgets.messages import PathsPasted

READ_ONLY_NOTICE = "This only looks back at a run: nothing here can be steered"


class ReplayFrame(ScreenFrame):
    """With the scrub bar above the foot."""

    def __init__(
        self,
        state: DeskState,
        playback: Replay,
        leaving: Shutdown,
        look: Look,
        destination: Destination,
    ) -> None:
        super().__init__(state, playback, leaving, look, destination)
        self._playback = playback

    def footer_lines(
        self, bindings: Sequence[KeyBinding], cells: int, now: float
    ) -> list[StyledLine]:
        """The scrub bar, then what stands there otherwise."""
        bar = replay_bar(self._playback.replay_bar, cells, self._look.symbols)
        return [bar, *super().footer_lines(replay_bindings(bindings), cells, now)]


class ReplayDesk(Desk, inherit_bindings=False):
    """``run_title``: whose run it was, for the top of the screen."""

    BINDINGS = key_table.textual_bindings(
        replay_bindings(key_table.bindings_in(Scope.JOBS, Scope.DESK))
    )

    def __init__(
        self,
        playback: Replay,
        run_title: str,
        run_folder: Path,
        *,
        settings: DeskSettings | None = None,
    ) -> None:
        super().__init__(playback, run_title, run_folder, settings=settings)
        self.playback = playback
        self.state.tab_state.time_limit = playback.attempt_time_s
        self.frame = ReplayFrame(
            self.state, playback, self.shutdown_state, self.look, Destination(run_title)
        )
        jobs = key_table.bindings_in(Scope.JOBS)
        steering = {key for key in jobs if key.action != "skipped"} - {*replay_bindings(jobs)}
        self._disabled_keys = {name for key in self.look.keymap(steering) for name in key.keys}

    def on_key(self, event: events.Key) -> None:
        """What steers sessions on the desk is not silent here."""
        typed = self.screen.is_modal or isinstance(self.focused, Input)
        bound = event.key in self.screen.active_bindings
        if event.key in self._disabled_keys and not typed and not bound:
            self.show_notice(READ_ONLY_NOTICE)

    def update_state(self, now: float) -> None:
        """The run, up to where it is played by now."""
        self.playback.update_state(self.state, now)

    def on_paths_pasted(self, message: PathsPasted) -> None:
        """Nothing can be added to what was, so the desk shall not hear of it."""
        message.prevent_default()

    def on_click(self, event: events.Click) -> None:
        """On the scrub bar: to that moment."""
        if event.widget is None or event.widget.id != "foot" or event.y:
            return
        scrub, cells = self.playback.replay_bar, event.widget.content_size.width
        if (moment := position_at(scrub, event.x, cells, self.look.symbols)) is not None:
            self.playback.seek(moment)
            self.tick()

    def action_play(self) -> None:
        self.playback.toggle_playing(monotonic())
        self.tick()

    def action_faster(self, steps: int) -> None:
        self.playback.change_speed(steps)
        self.tick()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Each speed too."""
        yield from super().get_system_commands(screen)
        for speed in SPEEDS:
            does = partial(self._set_speed, speed)
            yield SystemCommand(f"Speed {speed} times", "how fast the run is played", does)

    def _set_speed(self, speed: int) -> None:
        self.action_faster(SPEEDS.index(speed) - SPEEDS.index(self.playback.speed))

    def action_skip(self, seconds: float) -> None:
        self.playback.seek_by(seconds)
        self.tick()

    def action_beginning_of_run(self) -> None:
        self.action_skip(-self.playback.duration_s)

    def action_end_of_run(self) -> None:
        self.action_skip(self.playback.duration_s)
