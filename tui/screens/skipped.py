"""What was named and is no recording."""

from collections.abc import Sequence

from tui.render.transcript_layout import said
from tui.screens.page import Page
from tui.text.width import clean
from tui.theme.roles import Line, Look, Role


class SkippedPaths(Page):
    """All of it, with reasons."""

    HEADING = "Skipped"

    def __init__(self, look: Look, skipped: Sequence[tuple[str, str]]) -> None:
        super().__init__(look)
        self._skipped = skipped

    def lines(self, width: int) -> list[Line]:
        """A path, and below it why."""
        lines: list[Line] = [[]]
        for path, why in self._skipped:
            lines += said(self.look.symbols.dot, clean(path), Role.TEXT, width)
            lines += said(" ", clean(why), Role.MUTED, width)
        return lines
