"""The list of a folder, drawn line by line: ten thousand names cost what is visible."""

from textual.events import Click
from textual.message import Message
from textual.strip import Strip

from tui.files.file_picker import FilePicker
from tui.files.folder_listing import FolderEntry
from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.render.file_picker_lines import entry_row
from tui.theme.roles import Look
from tui.widgets.line_widgets import render_strip
from tui.widgets.row_scroll_view import RowScrollView


class EntryList(RowScrollView):
    """Walks the list; what is to be opened or added is asked of whoever holds it."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.PICKING))

    DEFAULT_CSS = """
    EntryList {
        height: 1fr;
    }
    """

    class Changed(Message):
        """The cursor is elsewhere, or a mark was set or taken away."""

    class OpenRequested(Message):
        """A folder is to be walked into; None: the one above."""

        def __init__(self, folder: FolderEntry | None) -> None:
            super().__init__()
            self.folder = folder

    class Exited(Message):
        """Up from the first row."""

    class Submitted(Message):
        """A row was clicked twice: the same as Enter."""

    def __init__(self, picker: FilePicker, look: Look, *, id: str) -> None:
        super().__init__(id=id)
        self._picker = picker
        self._look = look

    def redraw(self) -> None:
        """The list, the cursor or the marks changed."""
        self.set_row_count(len(self._picker.entries))
        self.ensure_row_visible(self._picker.cursor_row)
        self.refresh()

    @property
    def visible_entries(self) -> list[FolderEntry]:
        """Those on the screen."""
        top = self.scroll_offset.y
        return list(self._picker.entries[top : top + self.size.height])

    def _notify_changed(self) -> None:
        self.redraw()
        self.post_message(self.Changed())

    def action_move(self, rows: int) -> None:
        if rows < 0 and not self._picker.cursor_row:
            self.post_message(self.Exited())
        self._picker.move(rows)
        self._notify_changed()

    def action_page(self, pages: int) -> None:
        self._picker.move(pages * max(self.size.height - 1, 1))
        self._notify_changed()

    def action_edge(self, direction: int) -> None:
        self._picker.move(direction * len(self._picker.entries))
        self._notify_changed()

    def action_mark(self) -> None:
        self._picker.toggle_mark()
        self._notify_changed()

    def action_mark_all(self) -> None:
        self._picker.toggle_all_marks()
        self._notify_changed()

    def action_open(self) -> None:
        current = self._picker.current
        if current is not None and current.is_folder:
            self.post_message(self.OpenRequested(current))

    def action_up(self) -> None:
        self.post_message(self.OpenRequested(None))

    def on_click(self, event: Click) -> None:
        row = event.y + self.scroll_offset.y
        if 0 <= row < len(self._picker.entries):
            self._picker.cursor_row = row
            self._notify_changed()
            if event.chain > 1:
                self.post_message(self.Submitted())

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        row, width, base = y + self.scroll_offset.y, self.size.width, self.rich_style
        if row >= len(self._picker.entries):
            return Strip.blank(width, base)
        each = self._picker.entries[row]
        if row == self._picker.cursor_row and self.has_focus:
            base += self._look.cursor_style
        marked = each.path in self._picker.marked
        seconds = self._picker.durations_s.get(each.path)
        line = entry_row(each, seconds, width, self._look.symbols, marked=marked)
        return render_strip(line, self._look, width, base)
