"""Every line of a job's traces, one row each; one of them at full length on request."""

from textual.events import Click, Resize
from textual.geometry import Region
from textual.strip import Strip

from tui.keys import key_table
from tui.model.tabs import Viewing
from tui.model.trace_filter import Sifted
from tui.model.trace_tail import Record
from tui.render.trace_events import row, told, whole
from tui.theme.roles import Line, Look, Role
from tui.widgets.painted import strip
from tui.widgets.pane import Pane
from workers.jobs.job_state import JobHistory

BROAD = 150
"""From so many cells on there is room for a line at full length beside the rows."""


class EventsView(Pane):
    """A row is looked up in its file when it comes into view."""

    BINDINGS = key_table.bindings(key_table.of(key_table.Scope.EVENTS))
    SEARCH = "filter"

    def __init__(self, look: Look, viewing: Viewing, *, id: str) -> None:
        super().__init__(look, viewing, id=id)
        self._filter = ""
        self._sifted: Sifted | None = None
        self._edition: tuple[int, int] | None = None
        """Which record is shown."""
        self._rows = 0
        self._cursor = 0
        """The row that Enter opens."""
        self._left_at = 0
        """So many rows there were when the end was no longer followed."""
        self.following = True
        self._unfolded: list[Line] | None = None
        self._at_length: list[Line] = []
        """The line at the cursor, while there is room for it beside the rows."""
        self._top = 0
        """Where the rows were scrolled to, while one is unfolded."""

    # --- what there is

    def read(self) -> bool:
        """Reads on in the traces, and looks for what the filter leaves."""
        more = super().read()
        sifted = self._sifted
        return (sifted is not None and sifted.read()) or more

    def show(self, history: JobHistory | None) -> None:
        """Draws what has come in."""
        super().show(history)
        record = self.record
        edition = None if record is None else (record.job, record.edition)
        if edition != self._edition:
            self._edition, self.following, self._unfolded = edition, True, None
            self._rows = self._cursor = 0
            self._sift()
        if self._unfolded is not None:
            return
        before, self._rows = self._rows, self._count()
        last = max(self._rows - 1, 0)  # in a replay there may be fewer than before
        self._cursor = last if self.following else min(self._cursor, last)
        if before != self._rows or not before:
            self.hold(max(self._rows, 1))
            # the cursor may have stood in the last row; what stands beside is as high as all
            first = 0 if self._row_cells < self.size.width - 1 else before - 1
            self.refresh_rows(max(first, 0), max(before, self._rows, 1, self.size.height))
            if self.following:
                self.scroll_to_row(self.max_scroll_y)

    def _count(self) -> int:
        if self._sifted is not None:
            return self._sifted.count
        return 0 if self.record is None else len(self.record)

    def _sift(self) -> None:
        record, wanted = self.record, self._filter.strip()
        self._sifted = Sifted(record, wanted) if record is not None and wanted else None

    # --- drawing

    def render_line(self, y: int) -> Strip:
        """One visible row, marked where the cursor stands."""
        if self._unfolded is not None or not self._rows:
            return super().render_line(y)
        index, cells, base = y + self.scroll_offset.y, self._row_cells, self._base
        here = base + self.look.cursor if index == self._cursor and self.has_focus else base
        line = self.row(index) if index < self._rows else []
        rest = self.size.width - cells
        if rest <= self.scrollbar_size_vertical:
            return strip(line, self.look, self.size.width, here)
        beside = self._at_length[y] if y < len(self._at_length) else []
        upright: Line = [(f" {self.look.symbols.upright} ", Role.FAINT)]
        pieces = strip(line, self.look, cells, here), strip(upright + beside, self.look, rest, base)
        return Strip.join(pieces)

    @property
    def _row_cells(self) -> int:
        """Of a row; where there is room, all of the line at the cursor stands beside."""
        cells = self.scrollable_content_region.width
        return cells if cells < BROAD else cells * 3 // 5

    def render_lines(self, crop: Region) -> list[Strip]:
        """All lines of one paint; what stands beside them is looked up once."""
        cells, record = self.scrollable_content_region.width - self._row_cells - 3, self.record
        self._at_length = []
        if cells > 0 and record is not None and self._cursor < self._rows:
            self._at_length = whole(record.entry(self._number(self._cursor)), cells)
        return super().render_lines(crop)

    def row(self, index: int) -> Line:
        """One of the rows; or of the lines of the one that is unfolded."""
        if self._unfolded is not None:
            return self._unfolded[index]
        if not self._rows:
            return [(_silence(self.record, self._sifted), Role.FAINT)]
        cells, symbols = self._row_cells, self.look.symbols
        sign = symbols.cursor if index == self._cursor else " "
        record = self.record
        if record is None or index >= self._rows:
            return []
        event = told(record.entry(self._number(index)))
        return [(sign, Role.KEY), *row(event, cells - 1, symbols)]

    def _number(self, index: int) -> int:
        return self._sifted.lines[index] if self._sifted else index

    def on_resize(self, event: Resize) -> None:
        following = self.following
        self.fold()
        self.refresh()
        if following:
            self.action_follow()

    # --- what the user does

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The cursor stays in view, whatever scrolls."""
        super().watch_scroll_y(old_value, new_value)
        top, height = round(new_value), self.size.height
        if self._unfolded is None and height and self._rows:
            self._put_cursor(min(max(self._cursor, top), top + height - 1))

    @property
    def news(self) -> str:
        """How many lines came since the end is not followed any more; empty while it is."""
        if self._unfolded is not None:
            return f"{self.look.key(key_table.Scope.EVENTS, 'unfold')} folds it"
        if self.following or self.history is None:
            return ""
        return self.unfollowed(self._count() - self._left_at)

    def action_lines(self, lines: int) -> None:
        if self._unfolded is not None:
            super().action_lines(lines)
        else:
            self._go_to(self._cursor + lines)

    def action_beginning(self) -> None:
        if self._unfolded is not None:
            super().action_beginning()
        else:
            self._go_to(0)

    def action_follow(self) -> None:
        if self._unfolded is not None:
            super().action_follow()
        else:
            self._go_to(self._rows - 1)

    def _go_to(self, index: int) -> None:
        self._put_cursor(index)
        self.bring_into_view(self._cursor)

    def _put_cursor(self, index: int) -> None:
        was = self.following
        self._cursor = max(min(index, self._rows - 1), 0)
        self.following = self._cursor >= self._rows - 1
        if was and not self.following:
            self._left_at = self._rows
        self.refresh()
        self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        if self._unfolded is None:
            self._go_to(event.y + self.scroll_offset.y)
            if event.chain > 1:
                self.action_unfold()

    def action_unfold(self) -> None:
        """All of the row at the cursor, or back to the rows."""
        if self.fold() or not self._rows or self.record is None:
            return
        entry = self.record.entry(self._number(self._cursor))
        self._top = self.scroll_offset.y
        self._unfolded = whole(entry, self.scrollable_content_region.width - 1)
        self.hold(len(self._unfolded))
        self.scroll_to_row(0)
        self.refresh()

    def fold(self) -> bool:
        """Back to the rows."""
        if self._unfolded is None:
            return False
        self._unfolded = None
        self._rows = self._count()
        self.hold(max(self._rows, 1))
        self.scroll_to_row(self._top)
        self.show(self.history)
        self.refresh()
        return True

    # --- filtering

    def seek(self, words: str) -> None:
        """Leaves only rows in which all of these words stand; behind ``!``, none."""
        self.fold()
        here = self._number(self._cursor) if self._cursor < self._rows else 0
        self._filter = words
        self._sift()
        self.following, self._rows = True, 0
        self.show(self.history)
        if not self._sifted and self._rows:
            self._go_to(here)  # all rows are back, around the one that was found
        self.refresh()

    @property
    def found(self) -> str:
        """How many rows are left of how many."""
        record, sifted = self.record, self._sifted
        if record is None or sifted is None:
            return ""
        looking = "" if sifted.looked_at >= len(record) else self.look.symbols.cut
        return f"{sifted.count} of {len(record)}{looking}"


def _silence(record: Record | None, sifted: Sifted | None) -> str:
    """Why there is no row."""
    if record is None or (record.begun and not len(record)):
        return "  No attempt has left a trace yet."
    if not record.begun:
        return "  Reading the trace."
    whole = sifted is not None and sifted.looked_at >= len(record)
    return "  Nothing of that kind." if whole else "  Looking through the trace."
