"""What was named and is no recording."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui import keys
from tui.keys import Scope
from tui.lines.cells import clean
from tui.lines.paragraphs import said
from tui.palette import Line, Look, Role
from tui.screens.dialog import Dialog
from tui.widgets.painted import Painted


class SkippedPaths(Dialog[None]):
    """All of it, with reasons. Scrolls like the help."""

    BINDINGS = keys.bindings(keys.of(Scope.HELP))

    DEFAULT_CSS = """
    SkippedPaths #box { scrollbar-size-vertical: 1; }
    """

    def __init__(self, look: Look, skipped: Sequence[tuple[str, str]]) -> None:
        super().__init__(look)
        self._skipped = skipped

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = "Skipped"
            box.border_subtitle = self.hints()
            yield Painted(self.look, self._lines, id="lines")

    def _lines(self, width: int) -> list[Line]:
        lines: list[Line] = [[]]
        for path, why in self._skipped:
            lines += said(self.look.symbols.dot, clean(path), Role.TEXT, width)
            lines += said(" ", clean(why), Role.MUTED, width)
        return lines

    def action_lines(self, lines: int) -> None:
        self.query_one("#box").scroll_relative(y=lines, animate=False)
