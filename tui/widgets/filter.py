"""The line above the table that narrows it."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.desk_state import DeskState
from tui.render import table_head
from tui.theme.roles import Line, Look, Role
from tui.widgets.painted import Painted

EXAMPLES = "words, state:failed, lag>20, !not"
"""What the line says while it is empty."""


class FilterField(Input):
    """Where it is typed; Textual's own line of text."""

    BINDINGS = key_table.bindings(key_table.of(Scope.FILTERING))

    class Left(Message):
        """The user is done with it."""

        def __init__(self, *, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def action_keep(self) -> None:
        self.post_message(self.Left(kept=True))

    def action_clear(self) -> None:
        self.post_message(self.Left(kept=False))


class FilterLine(Horizontal):
    """What was typed, and what came of it; hidden as long as there is nothing of either."""

    DEFAULT_CSS = """
    FilterLine {
        height: 1;
        display: none;
        background: $panel;
        &.-open { display: block; }
        #slash { width: 4; }
        #found { width: 3fr; padding-left: 2; }
        FilterField, FilterField:focus {
            width: 2fr; border: none; height: 1; padding: 0; background: $panel;
        }
    }
    """

    def __init__(self, state: DeskState, look: Look) -> None:
        super().__init__()
        self._state = state
        self._look = look

    def compose(self) -> ComposeResult:
        yield Painted(self._look, lambda _: [[("  / ", Role.KEY)]], id="slash")
        yield FilterField(placeholder=EXAMPLES, select_on_focus=False, id="field")
        yield Painted(self._look, self._found, id="found")

    @property
    def field(self) -> FilterField:
        """Where it is typed."""
        return self.query_one(FilterField)

    def open(self) -> None:
        """To be typed into."""
        self.add_class("-open")
        self.screen.set_focus(self.field)  # at once: what is typed next is no verb any more

    def show(self) -> None:
        """Draws what came of it; hides it when there is nothing to tell."""
        text, typing = self._state.filter_text, self.screen.focused is self.field
        if not typing:  # else it is ahead of what the filter is
            self.field.value = text
        self.set_class(bool(text) or typing, "-open")
        self.query_one("#found", Painted).redraw()

    def _found(self, width: int) -> list[Line]:
        state = self._state
        shown, of = len(state.order), len(state.histories)
        return [table_head.found(shown, of, state.doubts, width, self._look.symbols)]
