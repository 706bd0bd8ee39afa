"""The list of a folder's entries. Draws only visible rows, so large folders are not slower."""

from dataclasses import dataclass

from textual.events import Click
from textual.message import Message
from textual.strip import Strip

from tui.files.file_picker import FilePicker
from tui.files.folder_listing import FolderEntry
from tui.keys.key_table import Scope, textual_bindings
from tui.render.file_picker_lines import entry_row
from tui.theme.roles import Look
from tui.widgets.line_widgets import RowScrollView, render_strip


class EntryList(RowScrollView):
    """A list with a cursor and marks. The dialog opens folders and adds files."""

    BINDINGS = textual_bindings(Scope.PICKING)

    DEFAULT_CSS = "EntryList { height: 1fr; }"

    class Changed(Message):
        """The cursor or the marks changed."""

    @dataclass
    class OpenRequested(Message):
        """The user wants to open a folder; None: the parent folder."""

        folder: FolderEntry | None

    class Exited(Message):
        """The user moved up from the first row."""

    class Submitted(Message):
        """The user double-clicked a row, which does the same as Enter."""

    def __init__(self, picker: FilePicker, look: Look, *, id: str) -> None:
        super().__init__(id=id)
        self._picker, self._look = picker, look

    def redraw(self) -> None:
        """Draws the list after a change of entries, cursor or marks."""
        self.set_row_count(len(self._picker.entries))
        self.ensure_row_visible(self._picker.cursor_row)
        self.refresh()

    @property
    def visible_entries(self) -> list[FolderEntry]:
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
        row, width, base = y + self.scroll_offset.y, self.size.width, self.rich_style
        if row >= len(self._picker.entries):
            return Strip.blank(width, base)
        entry = self._picker.entries[row]
        if row == self._picker.cursor_row and self.has_focus:
            base += self._look.cursor_style
        marked = entry.path in self._picker.marked
        duration_s = self._picker.durations_s.get(entry.path)
        line = entry_row(entry, duration_s, width, self._look.symbols, marked=marked)
        return render_strip(line, self._look, width, base)
