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
from tui.keys.key_table import Key, Scope, in_replay
from tui.model.desk_state import DeskState
from tui.model.replay import SPEEDS, Playback
from tui.model.shutdown import Leaving
from tui.render.banner import Destination
from tui.render.replay_bar import moment_at, scrub_line
from tui.screens.frame import Frame
from tui.theme.roles import Line, Look
from tui.widgets.messages import Dropped

NOTHING_TO_STEER = "This only looks back at a run: nothing here can be steered"


class ReplayFrame(Frame):
    """With the scrub bar above the foot."""

    def __init__(
        self, state: DeskState, playback: Playback, leaving: Leaving, look: Look, where: Destination
    ) -> None:
        super().__init__(state, playback, leaving, look, where)
        self._playback = playback

    def foot(self, keys: Sequence[Key], cells: int, now: float) -> list[Line]:
        """The scrub bar, then what stands there otherwise."""
        bar = scrub_line(self._playback.scrub, cells, self._look.symbols)
        return [bar, *super().foot(in_replay(keys), cells, now)]


class LookBack(Desk, inherit_bindings=False):
    """``told``: whose run it was, for the top of the screen."""

    BINDINGS = key_table.bindings(in_replay(key_table.of(Scope.JOBS, Scope.DESK)))

    def __init__(
        self,
        playback: Playback,
        told: str,
        run_folder: Path,
        *,
        settings: DeskSettings | None = None,
    ) -> None:
        super().__init__(playback, told, run_folder, settings=settings)
        self.playback = playback
        self.state.viewing.until = playback.into
        self.frame = ReplayFrame(self.state, playback, self.leaving, self.look, Destination(told))
        jobs = key_table.of(Scope.JOBS)
        steering = {key for key in jobs if key.action != "skipped"} - {*in_replay(jobs)}
        self._steering = {name for key in self.look.keys(steering) for name in key.keys}

    def on_key(self, event: events.Key) -> None:
        """What steers sessions on the desk is not silent here."""
        typed = self.screen.is_modal or isinstance(self.focused, Input)
        bound = event.key in self.screen.active_bindings
        if event.key in self._steering and not typed and not bound:
            self.say(NOTHING_TO_STEER)

    def take_in(self, now: float) -> None:
        """The run, up to where it is played by now."""
        self.playback.show(self.state, now)

    def on_dropped(self, message: Dropped) -> None:
        """Nothing can be added to what was, so the desk shall not hear of it."""
        message.prevent_default()

    def on_click(self, event: events.Click) -> None:
        """On the scrub bar: to that moment."""
        if event.widget is None or event.widget.id != "foot" or event.y:
            return
        scrub, cells = self.playback.scrub, event.widget.content_size.width
        if (moment := moment_at(scrub, event.x, cells, self.look.symbols)) is not None:
            self.playback.go_to(moment)
            self.tick()

    def action_play(self) -> None:
        self.playback.play(monotonic())
        self.tick()

    def action_faster(self, steps: int) -> None:
        self.playback.faster(steps)
        self.tick()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Each speed too."""
        yield from super().get_system_commands(screen)
        for speed in SPEEDS:
            does = partial(self._at_speed, speed)
            yield SystemCommand(f"Speed {speed} times", "how fast the run is played", does)

    def _at_speed(self, speed: int) -> None:
        self.action_faster(SPEEDS.index(speed) - SPEEDS.index(self.playback.speed))

    def action_skip(self, seconds: float) -> None:
        self.playback.skip(seconds)
        self.tick()

    def action_beginning_of_run(self) -> None:
        self.action_skip(-self.playback.length)

    def action_end_of_run(self) -> None:
        self.action_skip(self.playback.length)
