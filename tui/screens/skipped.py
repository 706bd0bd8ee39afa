"""What was named and is no recording."""

from collections.abc import Sequence

from tui.render.sentences import wrap_sentence
from tui.screens.text_dialog import TextDialog
from tui.text.width import clean
from tui.theme.roles import Look, Role, StyledLine


class SkippedDialog(TextDialog):
    """All of it, with reasons."""

    HEADING = "Skipped"

    def __init__(self, look: Look, skipped: Sequence[tuple[str, str]]) -> None:
        super().__init__(look)
        self._skipped = skipped

    def lines(self, width: int) -> list[StyledLine]:
        """A path, and below it why."""
        lines: list[StyledLine] = [[]]
        for path, why in self._skipped:
            lines += wrap_sentence(self.look.symbols.separator, clean(path), Role.TEXT, width)
            lines += wrap_sentence(" ", clean(why), Role.MUTED, width)
        return lines
