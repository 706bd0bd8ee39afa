"""The session table: every job, drawn line by line, only the rows that are visible."""

from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.lines.cells import width as cell_width
from tui.lines.columns import MOST_NAME, Columns, columns
from tui.lines.rows import Stance, head, name, row
from tui.messages import Picked
from tui.palette import Line, Look
from tui.state import Changes, DeskState
from tui.widgets.painted import strip


class SessionTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows of the state. (DataTable repaints all that is visible when one cell changes.)"""

    DEFAULT_CSS = """
    SessionTable {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
    }
    """

    def __init__(self, state: DeskState, look: Look, *, id: str) -> None:
        super().__init__(id=id)
        self._state = state
        self._look = look
        self._longest_name = 0
        self._drawn = 0
        """So many rows are known to the scrolling."""
        self._base = Style()
        self._columns = Columns(0, 0)

    def show(self, changes: Changes) -> None:
        """Draws what changed."""
        if changes.order:
            self._measure()
            self.refresh()
        top, height = self.scroll_offset.y, self.size.height
        for job in changes.jobs:
            y = self._state.row_of(job) - top
            if 0 <= y < height:
                self.refresh(Region(0, y, self.size.width, 1))

    def show_current(self) -> None:
        """Scrolls no further than it takes to see the current row."""
        row, top, height = self._state.row, self.scroll_offset.y, self.size.height
        if row < top:
            self.scroll_to(y=row, animate=False, immediate=True)
        elif height and row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False, immediate=True)

    @property
    def columns(self) -> Columns:
        """What there is room for now."""
        return columns(
            self.scrollable_content_region.width,
            hours=self._state.longest_seconds >= 3600,
            longest_name=self._longest_name,
        )

    def head_line(self, _width: int) -> list[Line]:
        """The columns' names, for the line above the rows."""
        return [head(self.columns, self._look.symbols)]

    def _measure(self) -> None:
        state = self._state
        names = (cell_width(name(state.histories[job])) for job in state.order[self._drawn :])
        self._longest_name = min(MOST_NAME, max(self._longest_name, max(names, default=0)))
        self._drawn = len(state.order)
        self.virtual_size = Size(0, self._drawn)

    def on_mount(self) -> None:
        self._measure()

    def on_resize(self, event: Resize) -> None:
        self.refresh()
        self.show_current()

    def on_click(self, event: Click) -> None:
        row = event.y + self.scroll_offset.y
        if 0 <= row < len(self._state.order):
            self.post_message(Picked(self._state.order[row], twice=event.chain > 1))

    def render_lines(self, crop: Region) -> list[Strip]:
        """All lines of one paint; what they share is looked up once, which halves the paint."""
        self._base, self._columns = self.rich_style, self.columns
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        state, base = self._state, self._base
        width, index = self.size.width, y + self.scroll_offset.y
        if index >= len(state.order):
            return Strip.blank(width, base)
        job = state.order[index]
        stance = Stance(
            current=job == state.current,
            marked=job in state.marked,
            stopping=state.stopping(job),
            wait=state.wait(job),
        )
        if stance.current:
            base += self._look.cursor
        line = row(state.histories[job], self._columns, stance, self._look.symbols)
        return strip(line, self._look, width, base)
