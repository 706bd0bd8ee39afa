"""The first screen: every session, and the current one's transcript."""

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Input

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.desk_state import Changes, DeskState
from tui.model.row_order import Column
from tui.render.columns import ALL
from tui.screens.frame import Frame
from tui.screens.reader import Reading
from tui.screens.viewed import Viewed
from tui.theme.roles import Look
from tui.widgets.detail import Detail
from tui.widgets.filter import FilterField, FilterLine
from tui.widgets.messages import Ordered, Picked, Touched
from tui.widgets.painted import Painted
from tui.widgets.table import Heads, SessionTable


class Overview(Viewed):
    """Table and detail; beneath each other, or beside where there is room."""

    BINDINGS = key_table.bindings(key_table.of(Scope.SESSIONS))
    FOOT = key_table.of(Scope.SESSIONS, Scope.VIEW, Scope.JOBS, Scope.DESK)
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (150, "-beside")]  # noqa: RUF012  as Textual declares it

    DEFAULT_CSS = """
    Overview {
        #body { height: 1fr; }
        #sessions { height: auto; max-height: 56%; }
        SessionTable { height: auto; max-height: 100%; min-height: 3; }
        #none { width: 1fr; height: auto; margin: 2 4; display: none; }
        &.-empty {
            #none { display: block; }
            #sessions, Detail { display: none; }
        }
        &.-beside {
            #body { layout: horizontal; }
            #sessions { width: 58%; height: 1fr; max-height: 100%; }
            SessionTable { height: 1fr; }
            Detail { width: 1fr; padding-left: 1; }
        }
    }
    """

    def __init__(
        self, state: DeskState, look: Look, frame: Frame, columns: frozenset[Column] = ALL
    ) -> None:
        super().__init__(state, look, frame)
        self._columns = columns

    def body(self) -> ComposeResult:
        with Container(id="body"):
            yield Painted(self.look, self.frame.welcome, id="none")
            with Vertical(id="sessions"):
                table = SessionTable(self.state, self.look, self._columns, id="table")
                yield FilterLine(self.state, self.look)
                yield Heads(self.look, table, id="head")
                yield table
            yield Detail(self.state, self.look)

    @property
    def table(self) -> SessionTable:
        """The rows."""
        return self.query_one(SessionTable)

    @property
    def filter(self) -> FilterLine:
        """What narrows them."""
        return self.query_one(FilterLine)

    def on_mount(self) -> None:
        self.set_class(not self.state.histories, "-empty")
        self.table.focus()

    def show(self, changes: Changes) -> None:
        """Draws what changed."""
        super().show(changes)
        if changes.order:
            self.set_class(not self.state.histories, "-empty")
        self.filter.show()
        self.table.show(changes)
        self.query_one(Heads).redraw()
        if changes.order or self.state.current in changes.jobs:
            self.detail.redraw()

    def _touched(self) -> None:
        self.table.show_current()
        self.post_message(Touched())

    def on_picked(self, message: Picked) -> None:
        self.state.select(message.job)
        self._touched()
        if message.twice:
            self.action_read()

    def action_move(self, rows: int) -> None:
        self.state.move(rows)
        self._touched()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(self.table.size.height - 1, 1))

    def action_edge(self, direction: int) -> None:
        self.action_move(direction * len(self.state.order))

    def action_mark(self) -> None:
        self.state.mark()
        self._touched()

    def action_mark_all(self) -> None:
        self.state.mark_all()
        self._touched()

    def action_invert_marks(self) -> None:
        self.state.invert_marks()
        self._touched()

    def action_filter(self) -> None:
        self.filter.open()
        self._touched()

    def on_input_changed(self, message: Input.Changed) -> None:
        if isinstance(message.input, FilterField) and message.value != self.state.filter_text:
            self.state.filter_by(message.value)
            self._touched()

    def on_filter_field_left(self, message: FilterField.Left) -> None:
        if not message.kept:
            self.state.filter_by("")
        elif self.state.current is not None:
            self.state.select(self.state.current)  # found, so that is where the user is now
        self.set_focus(self.table)
        self._touched()

    def action_sort(self) -> None:
        from tui.screens.sort import SortMenu  # only when asked for, as every dialog

        self.app.push_screen(SortMenu(self.look, self.state.sorting), self._sort_by)

    def on_ordered(self, message: Ordered) -> None:
        self._sort_by(message.column)

    def action_reverse(self) -> None:
        self._sort_by(self.state.sorting.column)

    def _sort_by(self, column: Column | None) -> None:
        if column is not None:
            self.state.sort_by(column)
            self._touched()

    def action_freeze(self) -> None:
        self.state.freeze(not self.state.frozen)
        self._touched()

    def action_read(self) -> None:
        if self.state.current is not None:
            self.app.push_screen(Reading(self.state, self.look, self.frame))

    def action_other_pane(self) -> None:
        pane = self.detail.pane
        (self.table if pane.has_focus else pane).focus()

    def action_back(self) -> None:
        """To the table, then the marks away, then the filter; never out of the desk."""
        if self.detail.back():
            return
        if not self.table.has_focus:
            self.table.focus()
        elif self.state.unmark_all():
            self._touched()
        elif self.state.filter_text:
            self.state.filter_by("")
            self._touched()
