"""The events tab: a row for each line of a job's traces, which unfolds to the whole line."""

from textual.events import Click, Resize
from textual.geometry import Region
from textual.strip import Strip

from tui.keys.key_table import Scope, textual_bindings
from tui.model.tabs import TabState
from tui.model.trace_filter import TraceFilter
from tui.render.trace_events import entry_lines, event_row, event_summary, search_text
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.line_widgets import render_strip
from tui.widgets.tab_pane import Pane
from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState
from workers.traces.tail import TraceTail

MIN_PREVIEW_WIDTH = 150
"""Minimum cells of a tab that previews the line at the cursor beside the rows."""


class EventsView(Pane):
    """The events tab. A line is read from its file when its row comes into view."""

    BINDINGS = textual_bindings(Scope.EVENTS)
    SEARCH_LABEL = "filter"

    def __init__(self, look: Look, tab_state: TabState, *, id: str) -> None:
        super().__init__(look, tab_state, id=id)
        self._filter_text = ""
        self._trace_filter: TraceFilter | None = None
        self._shown_edition: tuple[int, int] | None = None
        """Job and version of the trace that is shown."""
        self._row_count = 0
        self._cursor = 0
        self._unfolded_lines: list[StyledLine] | None = None
        self._preview_lines: list[StyledLine] = []
        """The preview of the line at the cursor; empty in a narrow tab."""
        self._folded_scroll_y = 0
        """Scroll offset of the rows, to return to after unfolding."""

    @property
    def trace_tail(self) -> TraceTail | None:
        """The traces of the job; None for a pair, whose halves have traces of their own."""
        tails = self.trace_tails
        return tails[0] if len(tails) == 1 else None

    def read_more(self) -> bool:
        """Reads more of the traces and applies the filter to new lines."""
        more, trace_filter = super().read_more(), self._trace_filter
        return (trace_filter is not None and trace_filter.read()) or more

    def show_job(self, job_state: JobState | None) -> None:
        super().show_job(job_state)
        trace = self.trace_tail
        edition = None if trace is None else (trace.job, trace.version)
        if edition != self._shown_edition:
            self._shown_edition, self.following, self._unfolded_lines = edition, True, None
            self._row_count = self._cursor = 0
            self._apply_filter()
        if self._unfolded_lines is not None:
            return
        before, self._row_count = self._row_count, self.available_rows
        last = max(self._row_count - 1, 0)  # in a replay there may be fewer than before
        self._cursor = last if self.following else min(self._cursor, last)
        if before != self._row_count or not before:
            self.set_row_count(max(self._row_count, 1))
            # the former last row may show the cursor; a preview fills the height of the tab
            first = 0 if self._row_width < self.size.width - 1 else before - 1
            self.refresh_rows(max(first, 0), max(before, self._row_count, 1, self.size.height))
            if self.following:
                self.scroll_to_row(self.max_scroll_y)

    @property
    def available_rows(self) -> int:
        if self._trace_filter is not None:
            return self._trace_filter.count
        return 0 if self.trace_tail is None else len(self.trace_tail)

    def _apply_filter(self) -> None:
        trace, wanted = self.trace_tail, self._filter_text.strip()
        self._trace_filter = None
        if trace is not None and wanted:
            self._trace_filter = TraceFilter(trace, wanted, search_text)

    # --- drawing

    def render_line(self, y: int) -> Strip:
        if self._unfolded_lines is not None or not self._row_count:
            return super().render_line(y)
        index, cells, base = y + self.scroll_offset.y, self._row_width, self._base_style
        style = base
        if index == self._cursor and self.has_focus:
            style = base + self.look.cursor_style
        line = self.row(index) if index < self._row_count else []
        rest = self.size.width - cells
        if rest <= self.scrollbar_size_vertical:
            return render_strip(line, self.look, self.size.width, style)
        preview = self._preview_lines[y] if y < len(self._preview_lines) else []
        rule: StyledLine = [(f" {self.look.symbols.vertical_rule} ", Role.FAINT)]
        right = render_strip(rule + preview, self.look, rest, base)
        return Strip.join((render_strip(line, self.look, cells, style), right))

    @property
    def _row_width(self) -> int:
        """Cells of a row; a wide tab leaves room for the preview."""
        cells = self.scrollable_content_region.width
        return cells if cells < MIN_PREVIEW_WIDTH else cells * 3 // 5

    def draw_lines(self, crop: Region) -> list[Strip]:
        """Renders the lines of one paint; builds the preview beside them once."""
        cells, trace = self.scrollable_content_region.width - self._row_width - 3, self.trace_tail
        self._preview_lines = []
        if cells > 0 and trace is not None and self._cursor < self._row_count:
            self._preview_lines = entry_lines(trace.entry(self._trace_line(self._cursor)), cells)
        return super().draw_lines(crop)

    def row(self, index: int) -> StyledLine:
        if self._unfolded_lines is not None:
            return self._unfolded_lines[index]
        if not self._row_count:
            return [(self._empty_text, Role.FAINT)]
        if self.trace_tail is None or index >= self._row_count:
            return []
        symbols = self.look.symbols
        cursor = symbols.cursor if index == self._cursor else " "
        event = event_summary(self.trace_tail.entry(self._trace_line(index)))
        return [(cursor, Role.KEY), *event_row(event, self._row_width - 1, symbols)]

    def _trace_line(self, index: int) -> int:
        return self._trace_filter.line_numbers[index] if self._trace_filter else index

    def on_resize(self, event: Resize) -> None:
        following = self.following
        self.fold()
        self.refresh()
        if following:
            self.action_follow()

    # --- what the user does

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Moves the cursor so that it stays in view."""
        super().watch_scroll_y(old_value, new_value)
        top, height = round(new_value), self.size.height
        if self._unfolded_lines is None and height and self._row_count:
            self._set_cursor(min(max(self._cursor, top), top + height - 1))

    @property
    def follow_status(self) -> str:
        if self._unfolded_lines is not None:
            return f"{self.look.key_hint(Scope.EVENTS, 'unfold')} folds it"
        return super().follow_status

    def action_lines(self, lines: int) -> None:
        if self._unfolded_lines is not None:
            super().action_lines(lines)
        else:
            self._go_to_row(self._cursor + lines)

    def action_beginning(self) -> None:
        if self._unfolded_lines is not None:
            super().action_beginning()
        else:
            self._go_to_row(0)

    def action_follow(self) -> None:
        if self._unfolded_lines is not None:
            super().action_follow()
        else:
            self._go_to_row(self._row_count - 1)

    def _go_to_row(self, index: int) -> None:
        self._set_cursor(index)
        self.ensure_row_visible(self._cursor)

    def _set_cursor(self, index: int) -> None:
        self._cursor = max(min(index, self._row_count - 1), 0)
        self.set_following(self._cursor >= self._row_count - 1, self._row_count)
        self.refresh()
        self.post_message(self.ViewChanged())

    def on_click(self, event: Click) -> None:
        if self._unfolded_lines is None:
            self._go_to_row(event.y + self.scroll_offset.y)
            if event.chain > 1:
                self.action_unfold()

    def action_unfold(self) -> None:
        """Shows the whole line at the cursor, or goes back to the rows."""
        if self.fold() or not self._row_count or self.trace_tail is None:
            return
        entry = self.trace_tail.entry(self._trace_line(self._cursor))
        self._folded_scroll_y = self.scroll_offset.y
        self._unfolded_lines = entry_lines(entry, self.scrollable_content_region.width - 1)
        self.set_row_count(len(self._unfolded_lines))
        self.scroll_to_row(0)
        self.refresh()

    def fold(self) -> bool:
        """Closes the unfolded line; returns False if none was unfolded."""
        if self._unfolded_lines is None:
            return False
        self._unfolded_lines = None
        self._row_count = self.available_rows
        self.set_row_count(max(self._row_count, 1))
        self.scroll_to_row(self._folded_scroll_y)
        self.show_job(self.job_state)
        self.refresh()
        return True

    def search(self, words: str) -> None:
        """Shows only rows that contain all words, and none of the words after ``!``."""
        self.fold()
        line = self._trace_line(self._cursor) if self._cursor < self._row_count else 0
        self._filter_text = words
        self._apply_filter()
        self.following, self._row_count = True, 0
        self.show_job(self.job_state)
        if not self._trace_filter and self._row_count:
            self._go_to_row(line)  # the filter is gone: stay at the row that it found
        self.refresh()

    @property
    def search_status(self) -> str:
        trace, trace_filter = self.trace_tail, self._trace_filter
        if trace is None or trace_filter is None:
            return ""
        more = "" if trace_filter.lines_checked >= len(trace) else self.look.symbols.ellipsis
        return f"{trace_filter.count} of {len(trace)}{more}"

    @property
    def _empty_text(self) -> str:
        trace, trace_filter = self.trace_tail, self._trace_filter
        if isinstance(self.job_state, PairState):
            key = self.look.key_hint(Scope.JOBS, "unfold")
            return f"  Each speaker has a session: press {key} and select one to see its events."
        if trace is None or (trace.is_loaded and not len(trace)):
            return "  There is no trace yet."
        if not trace.is_loaded:
            return "  Reading the trace."
        whole = trace_filter is not None and trace_filter.lines_checked >= len(trace)
        return "  No matching events." if whole else "  Searching the trace."
