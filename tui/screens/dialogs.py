"""The base class of dialogs, and small dialogs: a text, a question, the column to sort by."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.events import Click
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.keys.key_table import Scope, textual_bindings
from tui.model.column_spec import ColumnSpec, Sorting
from tui.render.line_search import LineSearch
from tui.render.table import sort_choice_lines
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import ASCII
from tui.widgets.background_tasks import BackgroundTasks
from tui.widgets.input_bars import SearchBar, SearchInput
from tui.widgets.line_widgets import LineBlock

DialogResult = TypeVar("DialogResult")

MATCH_CONTEXT_ROWS = 3
"""Rows above a match that stay in view."""


class Dialog(ModalScreen[DialogResult | None], BackgroundTasks):
    """A box in the middle of the screen that Esc closes. Subclasses put their widgets into a
    container with the id ``box``."""

    BINDINGS = textual_bindings(Scope.DIALOG)

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;
        #box {
            width: 76;
            max-width: 96%;
            height: auto;
            max-height: 96%;
            padding: 0 1;
            background: $surface;
            border: round $border;
            border-title-color: $primary;
            border-title-style: bold;
            border-subtitle-color: $foreground 60%;
        }
        &.-ascii #box { border: ascii $border; }
    }
    """

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look
        self.set_class(look.symbols is ASCII, "-ascii")

    def hints(self, *actions: tuple[Scope, str, str]) -> str:
        """Key hints for the lower edge: ``actions`` (scope, action, label), then the close key."""
        actions = (*actions, (Scope.DIALOG, "close", "close"))
        key_hint = self.look.key_hint
        return "  ".join(f"{key_hint(scope, name)} {label}" for scope, name, label in actions)

    def action_close(self) -> None:
        self.dismiss(None)


class TextDialog(Dialog[None]):
    """A dialog with scrolling lines that can be searched. ``source`` returns them for a width;
    ``wide`` adds width."""

    BINDINGS = textual_bindings(Scope.HELP)
    AUTO_FOCUS = ""  # else the search, which is hidden, would get the focus

    DEFAULT_CSS = """
    TextDialog #box { scrollbar-size-vertical: 1; }
    TextDialog.-wide #box { width: 120; }
    TextDialog SearchBar { dock: bottom; }
    """

    def __init__(
        self,
        look: Look,
        heading: str,
        source: Callable[[int], list[StyledLine]],
        *,
        wide: bool = False,
    ) -> None:
        super().__init__(look)
        self._heading, self._source = heading, source
        self._search = LineSearch()
        self.set_class(wide, "-wide")

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = self._heading
            box.border_subtitle = self.hints((Scope.HELP, "search", "find"))
            yield LineBlock(
                self.look, lambda width: self._search.apply(self._source(width)), id="lines"
            )
            yield SearchBar(self.look)

    @property
    def _search_bar(self) -> SearchBar:
        return self.query_one(SearchBar)

    def action_lines(self, lines: int) -> None:
        self.query_one("#box").scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Ends the search, or else closes the dialog."""
        if self._search_bar.is_open:
            self._end_search()
        else:
            super().action_close()

    # --- searching

    def action_search(self) -> None:
        self._search_bar.show_empty("find")
        self._search_bar.update_status("")

    def action_found(self, matches: int) -> None:
        self._search.step(matches)
        self._show_match()

    def on_input_changed(self, message: Input.Changed) -> None:
        self._search.start(message.value)
        self._show_match()

    def on_input_submitted(self) -> None:
        self.set_focus(None)
        self._show_match()

    def on_bar_input_closed(self) -> None:
        self._end_search()

    def on_search_input_step_requested(self, message: SearchInput.StepRequested) -> None:
        self.action_found(message.offset)

    def _show_match(self) -> None:
        self.query_one("#lines", LineBlock).redraw()
        if self._search_bar.is_open:
            self._search_bar.update_status(self._search.status)
        if (row := self._search.current_row) is not None:
            self.query_one("#box").scroll_to(y=max(row - MATCH_CONTEXT_ROWS, 0), animate=False)

    def _end_search(self) -> None:
        self._search.start("")
        self.set_focus(None)
        self._search_bar.hide()
        self._show_match()


class ConfirmDialog(Dialog[bool]):
    """A question; returns True for yes, None if the dialog was closed."""

    BINDINGS = textual_bindings(Scope.CONFIRMING)

    def __init__(self, look: Look, question: str, consequence: str) -> None:
        super().__init__(look)
        self._lines: list[StyledLine] = [
            [],
            [(question, Role.STRONG)],
            [(consequence, Role.MUTED)],
            [],
        ]

    def compose(self) -> ComposeResult:
        yes, no = (self.look.key_hint(Scope.CONFIRMING, name) for name in ("confirm", "close"))
        with Vertical(id="box") as box:
            box.border_subtitle = f"{yes} yes  {no} no"
            yield LineBlock(self.look, lambda _: self._lines, id="question")

    def action_confirm(self) -> None:
        self.dismiss(True)


class SortDialog(Dialog[ColumnSpec]):
    """A list of columns to sort by; returns the chosen one."""

    BINDINGS = textual_bindings(Scope.SORTING)

    DEFAULT_CSS = "SortDialog #box { width: 54; }"

    def __init__(self, look: Look, sorting: Sorting, columns: Sequence[ColumnSpec]) -> None:
        super().__init__(look)
        self._sorting = sorting
        self._columns = columns
        self._cursor = self._columns.index(sorting.column)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Sort by"
            box.border_subtitle = f"repeat to reverse  {self.hints()}"
            yield LineBlock(self.look, self._choice_lines, id="choices")

    def action_choose(self, name: str) -> None:
        for column in self._columns:
            if column.name == name.lower():
                self.dismiss(column)

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
        current = self._columns[self._cursor]
        return sort_choice_lines(self._columns, current, self._sorting, self.look)
