"""The bar above the table in which the filter is typed."""

from textual.app import ComposeResult
from textual.containers import Horizontal

from tui.model.desk_state import DeskState
from tui.render import table
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.line_input import FilterInput
from tui.widgets.line_widgets import LineBlock

FILTER_EXAMPLES = "words, state:failed, lag>20, !not"
"""The placeholder of the input."""


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
        self._state = state
        self._look = look

    def compose(self) -> ComposeResult:
        yield LineBlock(self._look, lambda _: [[("  / ", Role.KEY)]], id="slash")
        yield FilterInput(placeholder=FILTER_EXAMPLES, id="field")
        yield LineBlock(self._look, self._result_lines, id="found")

    @property
    def filter_input(self) -> FilterInput:
        """The input of the bar."""
        return self.query_one(FilterInput)

    def open(self) -> None:
        """Shows the bar and focuses the input."""
        self.add_class("-open")
        self.screen.set_focus(self.filter_input)  # at once: keys that follow are text, not verbs

    def redraw(self) -> None:
        """Shows the current filter and its matches; hides the bar if there is none."""
        text, typing = self._state.table.filter.text, self.screen.focused is self.filter_input
        if not typing:  # while typing, the text is ahead of the filter
            self.filter_input.value = text
        self.set_class(bool(text) or typing, "-open")
        self.query_one("#found", LineBlock).redraw()

    def _result_lines(self, width: int) -> list[StyledLine]:
        state = self._state
        shown, of = len(state.table.visible), len(state.job_states)
        return [
            table.filter_result_line(
                shown, of, state.table.filter.problems, width, self._look.symbols
            )
        ]
