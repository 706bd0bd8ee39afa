"""The first screen: the table of sessions, and the details of the current one."""

from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import Input

from tui.keys.key_table import Scope, bindings_in, textual_bindings
from tui.model.column_spec import ColumnSpec
from tui.model.desk_state import DeskState
from tui.model.row_filter import Filter, parse_filter
from tui.model.split import Split
from tui.model.table_view import Changes
from tui.render.columns import COLUMNS, sort_columns
from tui.screens.frame import ScreenFrame
from tui.screens.reading_screen import DetailScreen, ReadingScreen
from tui.theme.roles import Look
from tui.widgets.detail_view import DetailView
from tui.widgets.input_bars import BarInput, FilterBar, FilterInput
from tui.widgets.line_widgets import LineBlock, StyledContainer
from tui.widgets.messages import EdgeDragged, SortRequested
from tui.widgets.table import ColumnHeader, SessionTable

MAX_ROWS_TO_FILTER_AT_ONCE = 12_000
"""Up to so many rows are filtered after each key: a word takes some 2 µs a row."""

MIN_BESIDE_CELLS = 150
"""From this width on, the details are beside the table."""

FILTER_PAUSE_S = 0.1
"""More rows are filtered when typing pauses for so long, as that takes longer than a key."""


class Overview(DetailScreen):
    """Table and details, side by side on a wide screen, else one above the other."""

    BINDINGS = textual_bindings(Scope.SESSIONS)
    FOOTER_KEYS = bindings_in(Scope.SESSIONS)
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (MIN_BESIDE_CELLS, "-beside")]  # noqa: RUF012  as Textual declares it

    DEFAULT_CSS = """
    Overview {
        #body { height: 1fr; }
        #sessions { height: auto; }
        SessionTable { height: auto; max-height: 100%; min-height: 3; }
        #none { width: 1fr; height: auto; margin: 2 4; display: none; }
        &.-empty {
            #none { display: block; }
            #sessions, DetailView { display: none; }
        }
        &.-beside {
            #body { layout: horizontal; }
            #sessions { height: 1fr; max-height: 100%; }
            SessionTable { height: 1fr; }
            DetailView { width: 1fr; padding-left: 1; }
        }
    }
    """

    def __init__(
        self,
        state: DeskState,
        look: Look,
        frame: ScreenFrame,
        columns: tuple[ColumnSpec, ...],
    ) -> None:
        super().__init__(state, look, frame)
        self._columns = columns
        self._split = Split.load()
        self._filter_text = ""
        """The text of the filter's input; applied at once or when typing pauses."""
        self._filter_timer: Timer | None = None

    def compose_body(self) -> ComposeResult:
        # Now, because a class that came after the widgets would style them all again.
        self.set_class(not self.state.job_states, "-empty", update=False)
        self.set_class(self._is_beside, "-beside", update=False)
        self.set_class(not self._is_beside, "-stacked", update=False)
        with StyledContainer(id="body"):
            yield LineBlock(self.look, self.frame.welcome_lines, id="none")
            with StyledContainer(id="sessions"):
                table = SessionTable(self.state, self.look, self._columns, id="table")
                yield FilterBar(self.state, self.look)
                yield ColumnHeader(self.look, table, id="head")
                yield table
            yield DetailView(self.state, self.look)

    @property
    def table(self) -> SessionTable:
        return self.query_one(SessionTable)

    def on_mount(self) -> None:
        self.table.focus()
        self._apply_split()

    # --- the split

    @property
    def _is_beside(self) -> bool:
        # The class of the screen follows a resize only later.
        return self.app.size.width >= MIN_BESIDE_CELLS

    def on_resize(self) -> None:
        self._apply_split()

    def _apply_split(self) -> None:
        sessions = self.query_one("#sessions")
        beside = self._is_beside
        sessions.styles.width = f"{self._split.columns}%" if beside else "100%"
        sessions.styles.max_height = "100%" if beside else f"{self._split.rows}%"

    def action_resize(self, steps: int) -> None:
        self._split.step(steps, beside=self._is_beside)
        self._split.save()
        self._apply_split()

    def on_edge_dragged(self, message: EdgeDragged) -> None:
        body = self.query_one("#body").region
        if self._is_beside:
            share = (message.x - body.x) / max(body.width, 1)
        else:
            share = (message.y - body.y) / max(body.height, 1)
        self._split.set(round(100 * share), beside=self._is_beside)
        self._apply_split()
        if message.is_end:
            self._split.save()

    def show_changes(self, changes: Changes) -> None:
        super().show_changes(changes)
        if changes.order_changed:
            self.set_class(not self.state.job_states, "-empty")
        self.query_one(FilterBar).redraw()
        self.table.show_changes(changes)
        self.query_one(ColumnHeader).redraw()

    def request_redraw(self) -> None:
        """Scrolls to the current row, then asks for a redraw."""
        self.table.scroll_to_current()
        super().request_redraw()

    def action_move(self, rows: int) -> None:
        self.state.table.move(rows)
        self.request_redraw()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(self.table.size.height - 1, 1))

    def action_edge(self, direction: int) -> None:
        self.action_move(direction * len(self.state.table.visible))

    def action_mark(self) -> None:
        self.state.table.toggle_mark()
        self.request_redraw()

    def action_mark_all(self) -> None:
        self.state.table.toggle_all_marks()
        self.request_redraw()

    def action_invert_marks(self) -> None:
        self.state.table.invert_marks()
        self.request_redraw()

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()
        self.request_redraw()

    def on_input_changed(self, message: Input.Changed) -> None:
        if isinstance(message.input, FilterInput):
            self._filter_text = message.value
            if len(self.state.job_states) <= MAX_ROWS_TO_FILTER_AT_ONCE:
                self._apply_filter_text()
            elif self._filter_timer is None:
                self._filter_timer = self.set_timer(FILTER_PAUSE_S, self._apply_filter_text)
            else:
                self._filter_timer.reset()

    def _apply_filter_text(self) -> None:
        if self._filter_timer is not None:
            self._filter_timer.stop()
            self._filter_timer = None
        if self._filter_text != self.state.table.filter.text:
            parsed = parse_filter(self._filter_text, COLUMNS)
            if parsed.uses_scores:
                self.state.scores.show_columns()
            self.state.table.filter_by(parsed)
            self.request_redraw()

    def on_bar_input_closed(self, message: BarInput.Closed) -> None:
        if self._filter_timer is not None:
            self._apply_filter_text()
        if not message.keep:
            self.state.table.filter_by(Filter())
        elif (found := self.state.table.current) is not None:
            self.state.table.select(found)  # the user stays on the row that the filter found
        self.set_focus(self.table)
        self.request_redraw()

    def action_sort(self) -> None:
        from tui.screens.dialogs import SortDialog  # dialogs load when they open

        columns = sort_columns(has_nodes=self.state.has_nodes)
        dialog = SortDialog(self.look, self.state.table.sorting, columns)
        self.app.push_screen(dialog, self._sort_by)

    def on_sort_requested(self, message: SortRequested) -> None:
        self._sort_by(message.column)

    def action_reverse(self) -> None:
        self._sort_by(self.state.table.sorting.column)

    def _sort_by(self, column: ColumnSpec | None) -> None:
        if column is not None:
            if column.figure is not None:
                self.state.scores.show_columns()
            self.state.table.sort_by(column)
            self.request_redraw()

    def action_freeze(self) -> None:
        self.state.table.set_frozen(not self.state.table.frozen)
        self.request_redraw()

    def action_read(self) -> None:
        if self.state.table.current is not None:
            self.app.push_screen(ReadingScreen(self.state, self.look, self.frame))

    def action_other_pane(self) -> None:
        pane = self.detail.pane
        (self.table if pane.has_focus else pane).focus()

    def action_back(self) -> None:
        """Goes back one step: to the table, or clears the marks, or the filter. Never quits."""
        if self.detail.go_back():
            return
        if self.frame.hide_panel():
            self.request_redraw()
            return
        if not self.table.has_focus:
            self.table.focus()
        elif self.state.table.unmark_all():
            self.request_redraw()
        elif self.state.table.filter.text:
            self.state.table.filter_by(Filter())
            self.request_redraw()
