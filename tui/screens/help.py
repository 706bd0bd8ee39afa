"""Keys and signs."""

from collections.abc import Sequence

from tui.keys.key_table import KeyBinding
from tui.render.help import help_lines
from tui.screens.text_dialog import TextDialog
from tui.theme.roles import Look, StyledLine


class HelpDialog(TextDialog):
    """``active_keys``: the keys that work beneath it."""

    HEADING = "Keys and signs"

    DEFAULT_CSS = """
    HelpDialog #box { width: 120; }
    """

    def __init__(self, look: Look, active_keys: Sequence[KeyBinding]) -> None:
        super().__init__(look)
        self._active_keys = active_keys

    def lines(self, width: int) -> list[StyledLine]:
        """The keys of where the user is first."""
        return help_lines(self._active_keys, width, self.look.keymap, self.look.symbols)
