"""The line above the table that narrows it."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.desk_state import DeskState
from tui.render import table
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.line_widgets import LineBlock

FILTER_EXAMPLES = "words, state:failed, lag>20, !not"
"""What the line says while it is empty."""


class FilterInput(Input):
    """Where it is typed; Textual's own line of text."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.FILTERING))

    class Closed(Message):
        """The user is done with it."""

        def __init__(self, *, keep_filter: bool) -> None:
            super().__init__()
            self.keep_filter = keep_filter

    def action_keep(self) -> None:
        self.post_message(self.Closed(keep_filter=True))

    def action_clear(self) -> None:
        self.post_message(self.Closed(keep_filter=False))


class FilterBar(Horizontal):
    """What was typed, and what came of it; hidden as long as there is nothing of either."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1;
        display: none;
        background: $panel;
        &.-open { display: block; }
        #slash { width: 4; }
        #found { width: 3fr; padding-left: 2; }
        FilterInput, FilterInput:focus {
            width: 2fr; border: none; height: 1; padding: 0; background: $panel;
        }
    }
    """

    def __init__(self, state: DeskState, look: Look) -> None:
        super().__init__()
        self._state = state
        self._look = look

    def compose(self) -> ComposeResult:
        yield LineBlock(self._look, lambda _: [[("  / ", Role.KEY)]], id="slash")
        yield FilterInput(placeholder=FILTER_EXAMPLES, select_on_focus=False, id="field")
        yield LineBlock(self._look, self._result_lines, id="found")

    @property
    def filter_input(self) -> FilterInput:
        """Where it is typed."""
        return self.query_one(FilterInput)

    def open(self) -> None:
        """To be typed into."""
        self.add_class("-open")
        self.screen.set_focus(self.filter_input)  # at once: what is typed next is no verb any more

    def redraw(self) -> None:
        """Draws what came of it; hides it when there is nothing to tell."""
        text, typing = self._state.table.filter_text, self.screen.focused is self.filter_input
        if not typing:  # else it is ahead of what the filter is
            self.filter_input.value = text
        self.set_class(bool(text) or typing, "-open")
        self.query_one("#found", LineBlock).redraw()

    def _result_lines(self, width: int) -> list[StyledLine]:
        state = self._state
        shown, of = len(state.table.visible), len(state.job_states)
        return [
            table.filter_result_line(
                shown, of, state.table.filter_problems, width, self._look.symbols
            )
        ]
