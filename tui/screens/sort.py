"""The dialog that chooses the column to sort by."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Click

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.column_spec import QUEUE_ORDER, ColumnSpec, Sorting
from tui.render.columns import COLUMNS
from tui.render.table import sort_choice_lines
from tui.screens.dialog import Dialog
from tui.theme.roles import Look, StyledLine
from tui.widgets.line_widgets import LineBlock


class SortDialog(Dialog[ColumnSpec]):
    """Returns the chosen column."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.SORTING))

    DEFAULT_CSS = """
    SortDialog #box { width: 54; }
    """

    def __init__(
        self, look: Look, sorting: Sorting, columns: tuple[ColumnSpec, ...] = COLUMNS
    ) -> None:
        super().__init__(look)
        self._sorting = sorting
        self._columns = (QUEUE_ORDER, *columns)
        self._cursor = self._columns.index(sorting.column)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Sort by"
            box.border_subtitle = f"again: in reverse  {self.hints()}"
            yield LineBlock(self.look, self._choice_lines, id="choices")

    def action_choose(self, name: str) -> None:
        self.dismiss(next(column for column in self._columns if column.name == name.lower()))

    def action_choose_here(self) -> None:
        self.dismiss(self._columns[self._cursor])

    def action_move(self, rows: int) -> None:
        self._cursor = (self._cursor + rows) % len(self._columns)
        self.query_one("#choices", LineBlock).redraw()

    def on_click(self, event: Click) -> None:
        choices = self.query_one("#choices", LineBlock)
        row = event.screen_y - choices.region.y
        if choices.region.contains(event.screen_x, event.screen_y) and row < len(self._columns):
            self.dismiss(self._columns[row])

    def _choice_lines(self, _width: int) -> list[StyledLine]:
        return sort_choice_lines(
            self._columns, self._columns[self._cursor], self._sorting, self.look
        )
