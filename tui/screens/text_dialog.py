"""The dialog that shows text, such as the help or the skipped paths."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.screens.dialog import Dialog
from tui.theme.roles import Look, StyledLine
from tui.widgets.line_widgets import LineBlock


class TextDialog(Dialog[None]):
    """Lines that scroll. ``source`` returns them for a width; ``wide``: uses more of the screen."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.HELP))

    DEFAULT_CSS = """
    TextDialog #box { scrollbar-size-vertical: 1; }
    TextDialog.-wide #box { width: 120; }
    """

    def __init__(
        self,
        look: Look,
        heading: str,
        source: Callable[[int], list[StyledLine]],
        *,
        wide: bool = False,
    ) -> None:
        super().__init__(look)
        self._heading = heading
        self._source = source
        self.set_class(wide, "-wide")

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = self._heading
            box.border_subtitle = self.hints()
            yield LineBlock(self.look, self._source, id="lines")

    def action_lines(self, lines: int) -> None:
        self.query_one("#box").scroll_relative(y=lines, animate=False)
