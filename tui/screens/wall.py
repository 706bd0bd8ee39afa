"""Several transcripts side by side."""

from time import monotonic

from textual.app import App, ComposeResult

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.desk_state import Changes, DeskState
from tui.model.wall import Wall
from tui.render.wall_tile import heading
from tui.screens.frame import Frame
from tui.screens.framed import Framed
from tui.screens.reader import Reading
from tui.theme.roles import Line, Look
from tui.widgets.messages import Picked, Touched
from tui.widgets.painted import Painted
from tui.widgets.wall import WallView


class Watching(Framed):
    """The wall over the whole screen."""

    BINDINGS = key_table.bindings(key_table.of(Scope.WALL))
    FOOT = key_table.of(Scope.WALL, Scope.JOBS, Scope.DESK)

    def __init__(self, state: DeskState, look: Look, frame: Frame, wall: Wall) -> None:
        super().__init__(state, look, frame)
        self.wall = wall

    def body(self) -> ComposeResult:
        yield Painted(self.look, self._heading, id="chosen")
        yield WallView(self.state, self.wall, self.look, id="wall")

    def _heading(self, width: int) -> list[Line]:
        return [heading(self.wall, width, self.look.symbols)]

    @property
    def view(self) -> WallView:
        """The tiles."""
        return self.query_one(WallView)

    def on_mount(self) -> None:
        self.wall.open(monotonic())
        self.view.focus()

    def show(self, changes: Changes) -> None:
        """Draws what changed."""
        super().show(changes)
        self.view.show(changes)
        self.query_one("#chosen", Painted).redraw()

    def _touched(self) -> None:
        self.post_message(Touched())

    def on_picked(self, message: Picked) -> None:
        self.state.select(message.job)
        self._touched()
        if message.twice:
            self.action_read()

    def action_step(self, columns: int, rows: int) -> None:
        self.wall.step(columns, rows)
        self._touched()

    def action_pages(self, pages: int) -> None:
        self.wall.turn(pages)
        self._touched()

    def action_edge(self, direction: int) -> None:
        self.wall.edge(direction)
        self._touched()

    def action_choose(self) -> None:
        self.wall.choose_next()
        self._touched()

    def action_pin(self) -> None:
        self.wall.pin()
        self._touched()

    def action_mark(self) -> None:
        self.wall.mark()
        self._touched()

    def action_read(self) -> None:
        if self.state.current in self.wall.tiles:
            self.app.push_screen(Reading(self.state, self.look, self.frame))

    def action_back(self) -> None:
        self.dismiss()


def toggle(app: App[None], wall: Wall) -> None:
    """To the wall, and from the wall back; from what is read there, to the wall again."""
    top = app.screen
    if isinstance(top, Watching) or isinstance(app.screen_stack[-2:][0], Watching):
        app.pop_screen()
    elif isinstance(top, Framed):
        watching = Watching(top.state, top.look, top.frame, wall)
        if isinstance(top, Reading):
            app.switch_screen(watching)
        else:
            app.push_screen(watching)
