"""Keys and signs."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui import keys
from tui.keys import Key, Scope
from tui.lines.help import help_lines
from tui.palette import Line, Look
from tui.screens.dialog import Dialog
from tui.widgets.painted import Painted


class Help(Dialog[None]):
    """Scrolls with the arrows; closes with Esc, ? or q. ``here``: the keys beneath it."""

    BINDINGS = keys.bindings(keys.of(Scope.HELP))

    DEFAULT_CSS = """
    Help #box { width: 120; height: auto; scrollbar-size-vertical: 1; }
    """

    def __init__(self, look: Look, here: Sequence[Key]) -> None:
        super().__init__(look)
        self._here = here

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = "Keys and signs"
            box.border_subtitle = self.hints()
            yield Painted(self.look, self._lines, id="lines")

    def action_lines(self, lines: int) -> None:
        self.query_one("#box").scroll_relative(y=lines, animate=False)

    def _lines(self, width: int) -> list[Line]:
        return help_lines(self._here, width, self.look.keys, self.look.symbols)
