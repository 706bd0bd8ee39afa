"""The wall: several transcripts side by side, drawn line by line, only tiles that changed."""

from time import monotonic

from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.strip import Strip

from tui.model.desk_state import Changes, DeskState
from tui.model.wall import Wall
from tui.render import wall_tile
from tui.render.table_row import stance
from tui.render.wall_tile import Corner
from tui.theme.roles import Line, Look
from tui.widgets.messages import Picked, Touched
from tui.widgets.painted import Canvas, strip
from workers.jobs.job import JobId


class WallView(Canvas, can_focus=True, inherit_bindings=False):
    """Lines of tiles are kept as they were painted; a paint only joins them."""

    DEFAULT_CSS = """
    WallView { height: 1fr; width: 1fr; }
    """

    def __init__(self, state: DeskState, wall: Wall, look: Look, *, id: str) -> None:
        super().__init__(id=id)
        self._state = state
        self._wall = wall
        self._look = look
        self._hung: list[JobId] = []
        """The tiles as they were painted last."""
        self._told: list[list[Line]] = []
        """Their lines, and the same in colours."""
        self._painted: list[list[Strip]] = []
        self._painted_for: tuple[Size, tuple[int, int]] | None = None
        """How large the view was then, and in how many columns and rows."""
        self._base = Style()

    def show(self, changes: Changes) -> None:
        """Draws what changed; behind another screen no other sessions come into view."""
        if not self.size:
            return
        if self.app.screen is self.screen:
            self._wall.fit(*wall_tile.shape(*self.size, self._wall.count))
            self._wall.tick(monotonic())
        if self._hung != self._wall.tiles or self._painted_for != self._space:
            self._paint_all()
            return
        for place, job in enumerate(self._hung):
            if job in changes.jobs:
                self._paint(place)

    def redraw(self) -> None:
        """Everything, whether or not it changed: size or colours are others now."""
        self._painted_for = None
        self.show(Changes())

    def on_mount(self) -> None:
        self.redraw()

    def on_resize(self, event: Resize) -> None:
        self.redraw()
        self.post_message(Touched())  # other sessions may have come into view: the heading counts

    def notify_style_update(self) -> None:
        """The theme changed."""
        super().notify_style_update()
        if self.is_mounted:
            self.call_after_refresh(self.redraw)

    @property
    def _space(self) -> tuple[Size, tuple[int, int]]:
        return self.size, self._wall.shape

    def _place(self, place: int) -> Region:
        columns, rows = self._wall.shape
        row, column = divmod(place, columns)
        x, width = wall_tile.spans(self.size.width, columns)[column]
        y, height = wall_tile.spans(self.size.height, rows)[row]
        return Region(x, y, width, height)

    def _paint_all(self) -> None:
        self._hung = list(self._wall.tiles)
        self._base = self.rich_style
        self._told = [self._lines(place) for place in range(self._wall.places)]
        self._painted = [
            [self._strip(line, self._place(place).width) for line in lines]
            for place, lines in enumerate(self._told)
        ]
        self._painted_for = self._space
        self.refresh()

    def _paint(self, place: int) -> None:
        """Only lines that differ go to the screen."""
        region, before = self._place(place), self._told[place]
        self._told[place] = self._lines(place)
        for y, (old, new) in enumerate(zip(before, self._told[place], strict=True)):
            if old != new:
                self._painted[place][y] = self._strip(new, region.width)
                self.refresh(Region(region.x, region.y + y, region.width, 1))

    def _strip(self, line: Line, cells: int) -> Strip:
        return strip(line, self._look, cells, self._base)

    def _lines(self, place: int) -> list[Line]:
        region, state = self._place(place), self._state
        if place >= len(self._hung) or self._hung[place] not in state.histories:
            return [[] for _ in range(region.height)]
        job = self._hung[place]
        stands = stance(state, job)
        corner = Corner(left=not region.x, top=not region.y)
        return wall_tile.tile(
            state.histories[job], stands, corner, region.width, region.height, self._look.symbols
        )

    def render_line(self, y: int) -> Strip:
        """One line through all the tiles beside each other."""
        columns, rows = self._wall.shape
        if self._painted_for != self._space:  # the window has just changed, and is drawn first
            return Strip.blank(self.size.width, self._base)
        for row, (top, height) in enumerate(wall_tile.spans(self.size.height, rows)):
            if top <= y < top + height:
                across = self._painted[row * columns : (row + 1) * columns]
                return Strip.join(lines[y - top] for lines in across)
        return Strip.blank(self.size.width, self._base)

    def on_click(self, event: Click) -> None:
        for place, job in enumerate(self._hung):
            if self._place(place).contains(event.x, event.y):
                self.post_message(Picked(job, twice=event.chain > 1))
