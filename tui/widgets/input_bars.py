"""Input bars that open and close: the filter of the table, and the search of a tab."""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Label

from tui.keys.key_table import Scope, textual_bindings
from tui.model.desk_state import DeskState
from tui.render.table import filter_result_line
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.line_input import LineInput
from tui.widgets.line_widgets import LineBlock


class BarInput(LineInput):
    @dataclass
    class Closed(Message):
        """The user has finished typing. ``keep``: whether the typed text stays in effect."""

        keep: bool


class FilterInput(BarInput):
    BINDINGS = textual_bindings(Scope.FILTERING)

    def action_keep(self) -> None:
        self.post_message(self.Closed(keep=True))

    def action_clear(self) -> None:
        self.post_message(self.Closed(keep=False))


class FilterBar(Horizontal):
    """The filter and how many rows match it; hidden while there is no filter."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1;
        display: none;
        background: $panel;
        &.-open { display: block; }
        #slash { width: 4; }
        #found { width: 3fr; padding-left: 2; }
        FilterInput { width: 2fr; }
    }
    """

    def __init__(self, state: DeskState, look: Look) -> None:
        super().__init__()
        self._state, self._look = state, look

    def compose(self) -> ComposeResult:
        yield LineBlock(self._look, lambda _: [[("  / ", Role.KEY)]], id="slash")
        yield FilterInput(placeholder="words, state:failed, lag>20, !not", id="field")
        yield LineBlock(self._look, self._result_lines, id="found")

    def open(self) -> None:
        """Shows the bar and focuses the input."""
        self.add_class("-open")
        # immediately, so that the next keys are typed into it and run no verbs
        self.screen.set_focus(self.query_one(FilterInput))

    def redraw(self) -> None:
        """Shows the current filter and its matches; hides the bar if there is none."""
        text, field = self._state.table.filter.text, self.query_one(FilterInput)
        typing = self.screen.focused is field
        if not typing:  # while typing, the text is ahead of the filter
            field.value = text
        self.set_class(bool(text) or typing, "-open")
        self.query_one("#found", LineBlock).redraw()

    def _result_lines(self, width: int) -> list[StyledLine]:
        table, of = self._state.table, len(self._state.job_states)
        shown, problems = len(table.visible_jobs), table.filter.problems
        return [filter_result_line(shown, of, problems, width, self._look.symbols)]


class SearchInput(BarInput):
    """A search input in which the up and down keys go to other matches."""

    BINDINGS = textual_bindings(Scope.SEARCH)

    @dataclass
    class StepRequested(Message):
        """The user wants to see another match."""

        offset: int

    def action_leave(self) -> None:
        self.post_message(self.Closed(keep=False))

    def action_found(self, places: int) -> None:
        self.post_message(self.StepRequested(places))


class SearchBar(Horizontal):
    """The search and its result; shown while a search is open."""

    DEFAULT_CSS = """
    SearchBar { height: 1; display: none; background: $surface; }
    SearchBar.-open { display: block; }
    SearchBar Label { width: auto; color: $text-muted; }
    SearchBar SearchInput, SearchBar SearchInput:focus { width: 1fr; background: $surface; }
    """

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look

    def compose(self) -> ComposeResult:
        yield Label(" / ", id="slash")
        yield SearchInput(id="words")
        yield Label("", id="count", markup=False)

    @property
    def search_input(self) -> SearchInput:
        return self.query_one(SearchInput)

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def show_empty(self, placeholder: str) -> None:
        """Opens the bar with an empty input. ``placeholder``: what a search does in this tab."""
        self.add_class("-open")
        self.search_input.placeholder = placeholder
        self.search_input.value = ""
        # immediately, so that the next keys are typed into it and run no verbs
        self.screen.set_focus(self.search_input)

    def hide(self) -> None:
        self.remove_class("-open")
        self.search_input.value = ""

    def update_status(self, search_status: str) -> None:
        """Shows the result of the search, and hints for the keys that work now."""
        if self.search_input.has_focus:
            hint = f"{self._look.key_hint(Scope.SEARCH, 'leave')} ends"
        else:
            key_hint = self._look.key_hint
            after, before = (key_hint(Scope.TRANSCRIPT, f"found({by})") for by in (1, -1))
            hint = f"{after} next  {before} previous"
        self.query_one("#count", Label).update(f" {search_status}  {hint} ")
