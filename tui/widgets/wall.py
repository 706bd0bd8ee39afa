"""The wall: several transcripts side by side. Draws only the lines of tiles that changed."""

from time import monotonic

from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.strip import Strip

from tui.model.desk_state import DeskState
from tui.model.table_view import Changes
from tui.model.wall import Wall
from tui.render import wall_tile
from tui.render.wall_tile import TileEdges
from tui.theme.roles import Look, StyledLine
from tui.widgets.line_widgets import CachedCanvas, render_strip
from tui.widgets.messages import RedrawRequested, RowSelected
from workers.jobs.job import JobId


class WallView(CachedCanvas, can_focus=True, inherit_bindings=False):
    """Caches the lines of all tiles; a paint only joins them."""

    DEFAULT_CSS = "WallView { height: 1fr; width: 1fr; }"

    def __init__(self, state: DeskState, wall: Wall, look: Look, *, id: str) -> None:
        super().__init__(id=id)
        self._state, self._wall, self._look = state, wall, look
        self._painted_jobs: list[JobId] = []
        self._lines_by_tile: list[list[StyledLine]] = []
        """The lines of each tile, before rendering; see `_strips_by_tile`."""
        self._strips_by_tile: list[list[Strip]] = []
        self._painted_layout: tuple[Size, tuple[int, int]] | None = None
        """Size of the view and of the grid at the last paint."""
        self._base_style = Style()

    def show_changes(self, changes: Changes) -> None:
        """Draws what changed. While another screen covers this one, the wall keeps its sessions."""
        if not self.size:
            return
        if self.app.screen is self.screen:
            self._wall.resize(*wall_tile.grid_shape(*self.size, self._wall.session_count))
            self._wall.tick(monotonic())
        if self._painted_jobs != self._wall.tiles or self._painted_layout != self._current_layout:
            self._paint_all_tiles()
            return
        for tile, job in enumerate(self._painted_jobs):
            if job in changes.jobs:
                self._paint_tile(tile)

    def redraw_all(self) -> None:
        """Draws everything, after a change of size or colours."""
        self._painted_layout = None
        self.show_changes(Changes())

    def on_mount(self) -> None:
        self.redraw_all()

    def on_resize(self, event: Resize) -> None:
        self.redraw_all()
        self.post_message(RedrawRequested())  # the heading counts the sessions in view

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self.call_after_refresh(self.redraw_all)

    @property
    def _current_layout(self) -> tuple[Size, tuple[int, int]]:
        return self.size, self._wall.grid_size

    def _tile_region(self, tile: int) -> Region:
        columns, rows = self._wall.grid_size
        row, column = divmod(tile, columns)
        x, width = wall_tile.split_evenly(self.size.width, columns)[column]
        y, height = wall_tile.split_evenly(self.size.height, rows)[row]
        return Region(x, y, width, height)

    def _paint_all_tiles(self) -> None:
        self._painted_jobs = list(self._wall.tiles)
        look, base = self._look, self.rich_style
        self._base_style = base
        self._lines_by_tile = [self._tile_lines(tile) for tile in range(self._wall.tiles_per_page)]
        self._strips_by_tile = [
            [render_strip(line, look, self._tile_region(tile).width, base) for line in lines]
            for tile, lines in enumerate(self._lines_by_tile)
        ]
        self._painted_layout = self._current_layout
        self.refresh()

    def _paint_tile(self, tile: int) -> None:
        """Redraws the lines of a tile that differ."""
        region, before = self._tile_region(tile), self._lines_by_tile[tile]
        self._lines_by_tile[tile] = self._tile_lines(tile)
        for y, (old, new) in enumerate(zip(before, self._lines_by_tile[tile], strict=True)):
            if old != new:
                strip = render_strip(new, self._look, region.width, self._base_style)
                self._strips_by_tile[tile][y] = strip
                self.refresh(Region(region.x, region.y + y, region.width, 1))

    def _tile_lines(self, tile: int) -> list[StyledLine]:
        region, state = self._tile_region(tile), self._state
        if tile >= len(self._painted_jobs) or self._painted_jobs[tile] not in state.job_states:
            return [[] for _ in range(region.height)]
        job, symbols = self._painted_jobs[tile], self._look.symbols
        context, (_, _, width, height) = state.row_context(job), region
        edges = TileEdges(at_left=not region.x, at_top=not region.y)
        return wall_tile.tile_lines(state.job_states[job], context, edges, width, height, symbols)

    def render_line(self, y: int) -> Strip:
        columns, rows = self._wall.grid_size
        if self._painted_layout != self._current_layout:  # a resize paints before its handler runs
            return Strip.blank(self.size.width, self._base_style)
        for row, (top, height) in enumerate(wall_tile.split_evenly(self.size.height, rows)):
            if top <= y < top + height:
                across = self._strips_by_tile[row * columns : (row + 1) * columns]
                return Strip.join(lines[y - top] for lines in across)
        return Strip.blank(self.size.width, self._base_style)

    def on_click(self, event: Click) -> None:
        for tile, job in enumerate(self._painted_jobs):
            if self._tile_region(tile).contains(event.x, event.y):
                self.post_message(RowSelected(job, double_click=event.chain > 1))
