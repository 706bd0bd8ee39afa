"""Keys and signs."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui import keys
from tui.keys import Scope
from tui.lines.help import help_lines
from tui.screens.dialog import Dialog
from tui.widgets.painted import Painted


class Help(Dialog[None]):
    """Scrolls with the arrows; closes with Esc, ? or q."""

    BINDINGS = keys.bindings(keys.of(Scope.HELP))

    DEFAULT_CSS = """
    Help #box { width: 120; height: auto; scrollbar-size-vertical: 1; }
    """

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = "Keys and signs"
            box.border_subtitle = "Esc close"
            yield Painted(self.look, lambda width: help_lines(width, self.look.symbols), id="lines")

    def action_lines(self, lines: int) -> None:
        self.query_one("#box").scroll_relative(y=lines, animate=False)
