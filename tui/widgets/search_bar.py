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

    BINDINGS = key_table.bindings(key_table.of(Scope.SEARCH))

    class Left(Message):
        """Nothing is searched for any more."""

    class Stepped(Message):
        """To another place that was found."""

        def __init__(self, places: int) -> None:
            super().__init__()
            self.places = places

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def action_found(self, places: int) -> None:
        self.post_message(self.Stepped(places))


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
    def words(self) -> Input:
        """What one types into."""
        return self.query_one(SearchInput)

    @property
    def open(self) -> bool:
        """Whether it is shown."""
        return self.has_class("-open")

    def begin(self, what: str) -> None:
        """Opens it to type anew; ``what``: the word for what it does."""
        self.add_class("-open")
        self.words.placeholder = what
        self.words.value = ""
        self.words.focus()

    def end(self) -> None:
        """Closes it."""
        self.remove_class("-open")
        self.words.value = ""

    def tell(self, found: str) -> None:
        """What it came to."""
        if self.words.has_focus:
            hint = f"{self._look.key(Scope.SEARCH, 'leave')} ends"
        else:
            forth, back = (self._look.key(Scope.TRANSCRIPT, f"found({by})") for by in (1, -1))
            hint = f"{forth} next  {back} previous"
        self.query_one("#count", Label).update(f" {found}  {hint} ")
