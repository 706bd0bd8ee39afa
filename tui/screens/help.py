"""Keys and signs."""

from collections.abc import Sequence

from tui.keys.key_table import Key
from tui.render.help import help_lines
from tui.screens.page import Page
from tui.theme.roles import Line, Look


class Help(Page):
    """``here``: the keys that work beneath it."""

    HEADING = "Keys and signs"

    DEFAULT_CSS = """
    Help #box { width: 120; }
    """

    def __init__(self, look: Look, here: Sequence[Key]) -> None:
        super().__init__(look)
        self._here = here

    def lines(self, width: int) -> list[Line]:
        """The keys of where the user is first."""
        return help_lines(self._here, width, self.look.keys, self.look.symbols)
