"""The base of the table, the tabs of a job and the file list: rows that scroll."""

from textual.geometry import Size
from textual.scroll_view import ScrollView

from tui.widgets.line_widgets import CachedCanvas


class RowScrollView(CachedCanvas, ScrollView, can_focus=True, inherit_bindings=False):
    """Subclasses draw one visible row in `render_line`."""

    DEFAULT_CSS = """
    RowScrollView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
    }
    """

    def set_row_count(self, rows: int) -> None:
        """Sets the number of rows."""
        if self.virtual_size.height != rows:
            self.virtual_size = Size(0, rows)

    def scroll_to_row(self, row: int) -> None:
        """Scrolls at once. ``force``, as the layout may not have noticed new rows yet."""
        self.scroll_to(y=max(row, 0), animate=False, immediate=True, force=True)

    def ensure_row_visible(self, row: int) -> None:
        """Scrolls just far enough to show a row."""
        top, height = self.scroll_offset.y, self.size.height
        if row < top:
            self.scroll_to_row(row)
        elif height and row >= top + height:
            self.scroll_to_row(row - height + 1)
