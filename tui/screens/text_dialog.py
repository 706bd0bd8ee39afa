"""A dialog that is only read."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.screens.dialog import Dialog
from tui.theme.roles import StyledLine
from tui.widgets.line_widgets import LineBlock


class TextDialog(Dialog[None]):
    """Lines that scroll with the arrows; closes with Esc and with the keys of habit."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.HELP))

    DEFAULT_CSS = """
    TextDialog #box { scrollbar-size-vertical: 1; }
    """

    HEADING = ""

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = self.HEADING
            box.border_subtitle = self.hints()
            yield LineBlock(self.look, self.lines, id="lines")

    def lines(self, width: int) -> list[StyledLine]:
        """What stands there, in so many cells."""
        raise NotImplementedError  # each page has its own; Textual's widgets cannot be abstract

    def action_lines(self, lines: int) -> None:
        self.query_one("#box").scroll_relative(y=lines, animate=False)
