"""Rows that scroll: what the table, the tabs of a job and the list of a folder have in common."""

from textual.geometry import Size
from textual.scroll_view import ScrollView

from tui.widgets.line_widgets import CachedCanvas


class RowScrollView(CachedCanvas, ScrollView, can_focus=True, inherit_bindings=False):
    """Whoever extends it draws one visible row at a time, in `render_line`."""

    DEFAULT_CSS = """
    RowScrollView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
    }
    """

    def set_row_count(self, rows: int) -> None:
        """So many rows there are."""
        if self.virtual_size.height != rows:
            self.virtual_size = Size(0, rows)

    def scroll_to_row(self, row: int) -> None:
        """At once. By force: the layout may not know yet that there is something to scroll."""
        self.scroll_to(y=max(row, 0), animate=False, immediate=True, force=True)

    def ensure_row_visible(self, row: int) -> None:
        """Scrolls no further than it takes."""
        top, height = self.scroll_offset.y, self.size.height
        if row < top:
            self.scroll_to_row(row)
        elif height and row >= top + height:
            self.scroll_to_row(row - height + 1)
