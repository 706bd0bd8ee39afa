"""The wall: several transcripts side by side."""

from time import monotonic

from textual.app import ComposeResult

from tui.keys.key_table import Scope, bindings_in, textual_bindings
from tui.model.desk_state import DeskState
from tui.model.table_view import Changes
from tui.model.wall import Wall
from tui.render.wall_tile import wall_heading
from tui.screens.frame import FramedScreen, ScreenFrame
from tui.screens.reading_screen import ReadingScreen
from tui.theme.roles import Look, StyledLine
from tui.widgets.line_widgets import LineBlock
from tui.widgets.wall import WallView


class WallScreen(FramedScreen):
    """The full-screen wall."""

    BINDINGS = textual_bindings(Scope.WALL)
    FOOTER_KEYS = bindings_in(Scope.WALL)

    def __init__(self, state: DeskState, look: Look, frame: ScreenFrame, wall: Wall) -> None:
        super().__init__(state, look, frame)
        self.wall = wall

    def compose_body(self) -> ComposeResult:
        yield LineBlock(self.look, self._heading_lines, id="chosen")
        yield WallView(self.state, self.wall, self.look, id="wall")

    def _heading_lines(self, width: int) -> list[StyledLine]:
        wall, symbols = self.wall, self.look.symbols
        ranking, tiles, of = wall.ranking.value, len(wall.tiles), wall.session_count
        place = wall.page, wall.page_count
        return [wall_heading(ranking, tiles, of, *place, symbols, pinned=wall.pinned)]

    def on_mount(self) -> None:
        self.wall.open(monotonic())
        self.query_one(WallView).focus()

    def on_unmount(self) -> None:
        self.state.shown_on_wall = frozenset()

    def show_changes(self, changes: Changes) -> None:
        super().show_changes(changes)
        self.query_one(WallView).show_changes(changes)
        self.state.shown_on_wall = frozenset(self.wall.tiles)
        self.query_one("#chosen", LineBlock).redraw()

    def action_step(self, columns: int, rows: int) -> None:
        self.wall.step(columns, rows)
        self.request_redraw()

    def action_pages(self, pages: int) -> None:
        self.wall.turn_page(pages)
        self.request_redraw()

    def action_edge(self, direction: int) -> None:
        self.wall.go_to_edge(direction)
        self.request_redraw()

    def action_choose(self) -> None:
        self.wall.cycle_ranking()
        self.request_redraw()

    def action_pin(self) -> None:
        self.wall.toggle_pin()
        self.request_redraw()

    def action_mark(self) -> None:
        self.wall.toggle_mark()
        self.request_redraw()

    def action_read(self) -> None:
        if self.state.table.current in self.wall.tiles:
            self.app.push_screen(ReadingScreen(self.state, self.look, self.frame))

    def action_back(self) -> None:
        self.dismiss()
