"""Text inputs of one line, without a frame: the base of all inputs of the desk."""

from textual.message import Message
from textual.widgets import Input

from tui.keys import key_table
from tui.keys.key_table import Scope


class LineInput(Input):
    """An `Input` of one row that keeps its text unselected when it gets the focus."""

    DEFAULT_CSS = """
    LineInput, LineInput:focus { border: none; height: 1; padding: 0; background: $panel; }
    """

    def __init__(
        self, text: str = "", *, id: str, placeholder: str = "", disabled: bool = False
    ) -> None:
        super().__init__(
            text, id=id, placeholder=placeholder, disabled=disabled, select_on_focus=False
        )

    def set_text(self, text: str) -> None:
        """Replaces the text and puts the cursor behind it."""
        self.value = text
        self.cursor_position = len(text)


class BarInput(LineInput):
    """The input of a bar that opens and closes."""

    class Closed(Message):
        """The user has finished typing. ``keep``: what was typed stays in effect."""

        def __init__(self, *, keep: bool) -> None:
            super().__init__()
            self.keep = keep


class FilterInput(BarInput):
    """Filters the table."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.FILTERING))

    def action_keep(self) -> None:
        self.post_message(self.Closed(keep=True))

    def action_clear(self) -> None:
        self.post_message(self.Closed(keep=False))


class SearchInput(BarInput):
    """Searches a tab. Up and down go to other matches."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.SEARCH))

    class StepRequested(Message):
        """The user wants to see another match."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

    def action_leave(self) -> None:
        self.post_message(self.Closed(keep=False))

    def action_found(self, places: int) -> None:
        self.post_message(self.StepRequested(places))
