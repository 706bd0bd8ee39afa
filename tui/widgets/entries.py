"""The list of a folder, drawn line by line: ten thousand names cost what is visible."""

from textual.events import Click
from textual.message import Message
from textual.strip import Strip

from tui.files.file_picker import Picking
from tui.files.folder_listing import Entry
from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.render.file_picker_lines import entry
from tui.theme.roles import Look
from tui.widgets.painted import strip
from tui.widgets.scrolled import Scrolled


class EntryList(Scrolled):
    """Walks the list; what is to be opened or added is asked of whoever holds it."""

    BINDINGS = key_table.bindings(key_table.of(Scope.PICKING))

    DEFAULT_CSS = """
    EntryList {
        height: 1fr;
    }
    """

    class Moved(Message):
        """The cursor is elsewhere, or a mark was set or taken away."""

    class Opened(Message):
        """A folder is to be walked into; None: the one above."""

        def __init__(self, folder: Entry | None) -> None:
            super().__init__()
            self.folder = folder

    class Left(Message):
        """Up from the first row."""

    class Taken(Message):
        """A row was clicked twice: the same as Enter."""

    def __init__(self, picking: Picking, look: Look, *, id: str) -> None:
        super().__init__(id=id)
        self._picking = picking
        self._look = look

    def show(self) -> None:
        """The list, the cursor or the marks changed."""
        self.hold(len(self._picking.entries))
        self.bring_into_view(self._picking.row)
        self.refresh()

    @property
    def visible_entries(self) -> list[Entry]:
        """Those on the screen."""
        top = self.scroll_offset.y
        return list(self._picking.entries[top : top + self.size.height])

    def _moved(self) -> None:
        self.show()
        self.post_message(self.Moved())

    def action_move(self, rows: int) -> None:
        if rows < 0 and not self._picking.row:
            self.post_message(self.Left())
        self._picking.move(rows)
        self._moved()

    def action_page(self, pages: int) -> None:
        self._picking.move(pages * max(self.size.height - 1, 1))
        self._moved()

    def action_edge(self, direction: int) -> None:
        self._picking.move(direction * len(self._picking.entries))
        self._moved()

    def action_mark(self) -> None:
        self._picking.mark()
        self._moved()

    def action_mark_all(self) -> None:
        self._picking.mark_all()
        self._moved()

    def action_open(self) -> None:
        current = self._picking.current
        if current is not None and current.folder:
            self.post_message(self.Opened(current))

    def action_up(self) -> None:
        self.post_message(self.Opened(None))

    def on_click(self, event: Click) -> None:
        row = event.y + self.scroll_offset.y
        if 0 <= row < len(self._picking.entries):
            self._picking.row = row
            self._moved()
            if event.chain > 1:
                self.post_message(self.Taken())

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        row, width, base = y + self.scroll_offset.y, self.size.width, self.rich_style
        if row >= len(self._picking.entries):
            return Strip.blank(width, base)
        each = self._picking.entries[row]
        if row == self._picking.row and self.has_focus:
            base += self._look.cursor
        marked = each.path in self._picking.marked
        seconds = self._picking.lengths.get(each.path)
        line = entry(each, seconds, width, self._look.symbols, marked=marked)
        return strip(line, self._look, width, base)
