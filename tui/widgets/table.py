"""The session table and its header. Draws only visible rows that changed."""

from itertools import islice

from rich.style import Style
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.strip import Strip

from tui.keys.key_table import Scope
from tui.model.column_spec import ColumnSpec
from tui.model.desk_state import DeskState
from tui.model.table_view import Changes
from tui.render import table
from tui.render.columns import name_width
from tui.render.table import MAX_NAME_WIDTH, TableLayout, fit_columns, session_row
from tui.theme.roles import Look, StyledLine
from tui.widgets.line_widgets import LineBlock, RowScrollView, render_strip
from tui.widgets.messages import RowSelected, SortRequested
from workers.jobs.job import JobId

MAX_REPORTED_ROWS = 32
"""Rows that are redrawn at once because of reports. If more change, the others are redrawn with the
next tick: a large table costs less, and a key waits for a shorter paint."""


class SessionTable(RowScrollView):
    """A row for each job. (Textual's DataTable repaints all visible rows when one cell changes.)
    ``columns``: the columns that the settings allow; a narrow table shows fewer."""

    def __init__(
        self, state: DeskState, look: Look, columns: tuple[ColumnSpec, ...], *, id: str
    ) -> None:
        super().__init__(id=id)
        self._state, self._rows = state, state.table
        self._look, self._columns = look, columns
        self._max_name_width = 0
        self._measured_count = 0
        """Number of jobs whose names have been measured."""
        self._last_row = 0
        """Position of the current row at the last update."""
        self._base_style = Style()
        self._first_visible_row = 0
        self._waiting_jobs: dict[JobId, None] = {}
        """Jobs that reports have changed and whose rows are not redrawn yet, in their order."""
        self._painted_layout = TableLayout((), None)

    def show_changes(self, changes: Changes) -> None:
        """Draws what changed. The cost depends on the number of visible rows only."""
        if changes.order_changed:
            self._measure_names()
            self._keep_current_in_view()
        if changes.order_changed or self.table_layout != self._painted_layout:
            self._waiting_jobs.clear()
            self.refresh()
            return
        top, height = self.scroll_offset.y, self.size.height
        visible = self._rows.visible[top : top + height]
        row_of = {job: y for y, job in enumerate(visible)}
        changed = [row_of[job] for job in changes.jobs - changes.reported if job in row_of]
        self._waiting_jobs |= dict.fromkeys(changes.reported)
        if changes.ticked:
            waiting = [row_of[job] for job in self._waiting_jobs if job in row_of]
            changed += waiting[:MAX_REPORTED_ROWS]
            self._waiting_jobs = dict.fromkeys(visible[y] for y in waiting[MAX_REPORTED_ROWS:])
        if changed:  # without regions, all rows would be drawn
            self.refresh(*(Region(0, y, self.line_width, 1) for y in changed))

    def _keep_current_in_view(self) -> None:
        """Scrolls to the current row if it was visible before the rows were reordered."""
        top, height = self.scroll_offset.y, self.size.height
        if top <= self._last_row < top + height:
            self.scroll_to_current()
        last = max(len(self._rows.visible) - height, 0)
        if self.scroll_offset.y > last:
            self.scroll_to_row(last)
        self._last_row = self._rows.current_row

    def scroll_to_current(self) -> None:
        """Scrolls just far enough to show the current row."""
        self._measure_names()  # removed rows may have come back
        self._last_row = self._rows.current_row
        self.ensure_row_visible(self._last_row)

    @property
    def table_layout(self) -> TableLayout:
        return fit_columns(
            self.scrollable_content_region.width,
            has_hours=self._state.max_duration_s >= 3600,
            longest_name=self._max_name_width,
            has_estimates=self._state.has_estimates,
            show_attempts=self._state.highest_attempt > 1,
            has_scores=self._state.scores.are_columns_shown,
            node_cells=self._state.longest_node_name,
            columns=self._columns,
        )

    def header_lines(self, _width: int) -> list[StyledLine]:
        rows, symbols, room = self._rows, self._look.symbols, self.table_layout
        marked, frozen, new = len(rows.marked), rows.frozen, rows.newcomer_count
        note = table.table_status(
            rows.sorting, room, symbols, marked_count=marked, frozen=frozen, new_count=new
        )
        return [table.heading_line(room, symbols, rows.sorting, note)]

    def _measure_names(self) -> None:
        job_states = self._state.job_states
        if len(job_states) < self._measured_count:  # some were removed
            self._measured_count = 0
        new = islice(job_states.values(), self._measured_count, None)
        longest = max(map(name_width, new), default=0)
        self._max_name_width = min(MAX_NAME_WIDTH, max(self._max_name_width, longest))
        self._measured_count = len(job_states)
        self.set_row_count(max(len(self._rows.visible), 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One row per job, filtered or not: widgets below must not move while the user types."""
        return max(len(self._state.job_states) + 2 * len(self._rows.unfolded), 1)

    def column_at(self, x: int) -> ColumnSpec:
        return table.column_at(x, self.table_layout)

    def on_mount(self) -> None:
        self._measure_names()

    def on_resize(self, event: Resize) -> None:
        self.refresh()
        self.scroll_to_current()

    def on_click(self, event: Click) -> None:
        row = event.y + self.scroll_offset.y
        if 0 <= row < len(self._rows.visible):
            self.post_message(RowSelected(self._rows.visible[row], double_click=event.chain > 1))

    def draw_lines(self, crop: Region) -> list[Strip]:
        """Renders the lines of one paint; computes what they share once, which halves the time."""
        self._base_style, self._painted_layout = self.rich_style, self.table_layout
        self._first_visible_row = self.scroll_offset.y
        return super().draw_lines(crop)

    def render_line(self, y: int) -> Strip:
        state, rows, base = self._state, self._rows, self._base_style
        width, index = self.line_width, y + self._first_visible_row
        if index == 0 and state.job_states and not rows.visible:
            back = self._look.keymap.key_display(Scope.SESSIONS, "back")
            return render_strip(table.no_match_line(back), self._look, width, base)
        if index >= len(rows.visible):
            return Strip.blank(width, base)
        job = rows.visible[index]
        if job == rows.current:
            base += self._look.cursor_style
        context, layout = state.row_context(job), self._painted_layout
        job_state = state.half_states.get(job) or state.job_states[job]
        line = session_row(job_state, layout, context, self._look.symbols)
        return render_strip(line, self._look, width, base)


class ColumnHeader(LineBlock):
    """The header of the table; a click on a column sorts by it."""

    def __init__(self, look: Look, table: SessionTable, *, id: str) -> None:
        super().__init__(look, table.header_lines, id=id)
        self._table = table

    def on_click(self, event: Click) -> None:
        self.post_message(SortRequested(self._table.column_at(event.x)))
