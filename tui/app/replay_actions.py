"""The verbs of a replay, which move its clock. None of them affects a session."""

from time import monotonic

from textual.events import Click

from tui.app.run_actions import DeskParts, RunActions
from tui.keys.key_table import KeyBinding, Scope
from tui.model.replay import SPEEDS, Replay
from tui.render.replay_bar import position_at, replay_bar
from tui.theme.roles import StyledLine

READ_ONLY_NOTICE = "Not available: this replays a finished run"


class ReplayActions(RunActions):
    """The verbs of the desk on a finished run."""

    scopes = (Scope.REPLAY, Scope.JOBS)

    def __init__(self, desk: DeskParts, replay: Replay) -> None:
        super().__init__(desk)
        self.replay, self._tick = replay, desk.tick
        desk.state.tab_state.time_limit = replay.attempt_time_s

    def update_state(self, now: float) -> None:
        self.replay.update_state(self.state, now)

    def offers(self, verb: KeyBinding) -> bool:
        return super().offers(verb) and verb.in_replay

    def why_not(self, verb: KeyBinding) -> str:
        return super().why_not(verb) if verb.in_replay else READ_ONLY_NOTICE

    def add_pasted(self, text: str) -> None:
        self.show_notice(READ_ONLY_NOTICE)

    def footer_bar(self, cells: int) -> list[StyledLine]:
        return [replay_bar(self.replay.replay_bar, cells, self.look.symbols)]

    def click_footer_bar(self, event: Click) -> None:
        """Seeks to the position that was clicked."""
        assert event.widget is not None
        cells = event.widget.content_size.width
        position = position_at(self.replay.replay_bar, event.x, cells, self.look.symbols)
        if position is not None:
            self.replay.seek(position)
            self._tick()

    # --- the verbs

    def play(self) -> None:
        self.replay.toggle_playing(monotonic())
        self._tick()

    def faster(self, steps: int) -> None:
        self.replay.change_speed(steps)
        self._tick()

    def set_speed(self, speed: int) -> None:
        self.faster(SPEEDS.index(speed) - SPEEDS.index(self.replay.speed))

    def skip(self, seconds: float) -> None:
        self.replay.seek(self.replay.position_s + seconds)
        self._tick()

    def beginning_of_run(self) -> None:
        self.skip(-self.replay.duration_s)

    def end_of_run(self) -> None:
        self.skip(self.replay.duration_s)
