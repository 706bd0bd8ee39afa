"""The menu of columns that rows can be sorted by."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Click

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.row_order import Column, Sorting
from tui.render.table_head import sort_arrow
from tui.screens.dialog import Dialog
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.line_widgets import LineBlock

SORT_DIRECTION_LABELS = {
    Column.QUEUE: ("the first to start first", "the last to start first"),
    Column.STATE: ("trouble first", "done first"),
    Column.FILE: ("from A on", "from Z on"),
    Column.PROGRESS: ("the least first", "the most first"),
    Column.LEFT: ("the soonest first", "the longest first"),
    Column.LAG: ("the smallest first", "the largest first"),
    Column.LEVEL: ("the quietest first", "the loudest first"),
    Column.ATTEMPTS: ("the fewest first", "the most first"),
    Column.WORDS: ("the oldest first", "the newest first"),
}
"""What stands first, by ascending and by descending values."""


class SortDialog(Dialog[Column]):
    """A letter each; gives the column that was chosen."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.SORTING))

    DEFAULT_CSS = """
    SortDialog #box { width: 54; }
    """

    def __init__(self, look: Look, sorting: Sorting) -> None:
        super().__init__(look)
        self._sorting = sorting
        self._cursor = list(Column).index(sorting.column)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Sort by"
            box.border_subtitle = f"again: the other way round  {self.hints()}"
            yield LineBlock(self.look, self._choice_lines, id="choices")

    def action_choose(self, column: str) -> None:
        self.dismiss(Column[column])

    def action_choose_here(self) -> None:
        self.dismiss(list(Column)[self._cursor])

    def action_move(self, rows: int) -> None:
        self._cursor = (self._cursor + rows) % len(Column)
        self.query_one("#choices", LineBlock).redraw()

    def on_click(self, event: Click) -> None:
        choices = self.query_one("#choices", LineBlock)
        row = event.screen_y - choices.region.y
        if choices.region.contains(event.screen_x, event.screen_y) and row < len(Column):
            self.dismiss(list(Column)[row])

    def _choice_lines(self, _width: int) -> list[StyledLine]:
        letters = {
            key.action: key.key_display for key in self.look.keymap.bindings_in(Scope.SORTING)
        }
        return [
            self._choice_line(column, letters[f"choose('{column.name}')"], row == self._cursor)
            for row, column in enumerate(Column)
        ]

    def _choice_line(self, column: Column, letter: str, at_cursor: bool) -> StyledLine:
        symbols, chosen = self.look.symbols, column is self._sorting.column
        line: StyledLine = [
            (symbols.cursor if at_cursor else " ", Role.KEY),
            (f" {letter}  ", Role.KEY),
            (f"{column.value:<14}", Role.STRONG if chosen else Role.TEXT),
        ]
        if chosen:
            end = SORT_DIRECTION_LABELS[column][self._sorting.descending]
            line.append((f"{sort_arrow(self._sorting, symbols)} {end}", Role.MUTED))
        return line
