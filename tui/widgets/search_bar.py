"""The line in which one says what to look for."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.theme.roles import Look


class SearchInput(Input):
    """Up and down go to other places while one types."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.SEARCH))

    class Closed(Message):
        """Nothing is searched for any more."""

    class StepRequested(Message):
        """To another place that was found."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

    def action_leave(self) -> None:
        self.post_message(self.Closed())

    def action_found(self, places: int) -> None:
        self.post_message(self.StepRequested(places))


class SearchBar(Horizontal):
    """Shown while there is something to look for."""

    DEFAULT_CSS = """
    SearchBar { height: 1; display: none; background: $surface; }
    SearchBar.-open { display: block; }
    SearchBar Label { width: auto; color: $text-muted; }
    SearchBar Input, SearchBar Input:focus {
        border: none; height: 1; padding: 0; width: 1fr; background: $surface;
    }
    """

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look

    def compose(self) -> ComposeResult:
        yield Label(" / ", id="slash")
        yield SearchInput(id="words", select_on_focus=False)
        yield Label("", id="count", markup=False)

    @property
    def search_input(self) -> Input:
        """What one types into."""
        return self.query_one(SearchInput)

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return self.has_class("-open")

    def show_empty(self, placeholder: str) -> None:
        """Opens it to type anew; ``placeholder``: the word for what it does."""
        self.add_class("-open")
        self.search_input.placeholder = placeholder
        self.search_input.value = ""
        self.search_input.focus()

    def hide(self) -> None:
        """Closes it."""
        self.remove_class("-open")
        self.search_input.value = ""

    def update_status(self, search_status: str) -> None:
        """What it came to."""
        if self.search_input.has_focus:
            hint = f"{self._look.key_hint(Scope.SEARCH, 'leave')} ends"
        else:
            forth, back = (self._look.key_hint(Scope.TRANSCRIPT, f"found({by})") for by in (1, -1))
            hint = f"{forth} next  {back} previous"
        self.query_one("#count", Label).update(f" {search_status}  {hint} ")
