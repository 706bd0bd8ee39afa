"""The bar in which the search of a tab is typed."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from tui.keys.key_table import Scope
from tui.theme.roles import Look
from tui.widgets.line_input import SearchInput


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
    def search_input(self) -> Input:
        """The input of the bar."""
        return self.query_one(SearchInput)

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return self.has_class("-open")

    def show_empty(self, placeholder: str) -> None:
        """Opens the bar with an empty input. ``placeholder``: what a search does in this tab."""
        self.add_class("-open")
        self.search_input.placeholder = placeholder
        self.search_input.value = ""
        self.search_input.focus()

    def hide(self) -> None:
        """Closes the bar."""
        self.remove_class("-open")
        self.search_input.value = ""

    def update_status(self, search_status: str) -> None:
        """Shows the result of the search, and the keys that work."""
        if self.search_input.has_focus:
            hint = f"{self._look.key_hint(Scope.SEARCH, 'leave')} ends"
        else:
            following, previous = (
                self._look.key_hint(Scope.TRANSCRIPT, f"found({by})") for by in (1, -1)
            )
            hint = f"{following} next  {previous} previous"
        self.query_one("#count", Label).update(f" {search_status}  {hint} ")
