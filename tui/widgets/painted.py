"""Lines of pieces on the screen."""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.lines.cells import ascii_only
from tui.palette import Line, Look, Role
from tui.symbols import ASCII


def strip(line: Line, look: Look, cells: int, base: Style) -> Strip:
    """A line in colours, exactly so many cells wide. Text is never read as markup."""
    joined: list[tuple[str, Role]] = []
    plain = look.symbols is ASCII
    for text, role in line:
        if plain:
            text = ascii_only(text)
        if joined and (joined[-1][1] is role or not text.strip(" ")):
            joined[-1] = (joined[-1][0] + text, joined[-1][1])  # every segment costs at each paint
        else:
            joined.append((text, role))
    styles = look.over(base)
    segments = [Segment(text, styles[role]) for text, role in joined]
    return Strip(segments).adjust_cell_length(cells, base)


class Drawn(Widget):
    """A widget of such lines. Their colours are what they are to be on the screen."""

    def get_line_filters(self) -> Sequence[LineFilter]:
        """But for the one that looks for a terminal's own colours, and copies every line for it.

        Where a theme has any, they are meant to stay.
        """
        filters = super().get_line_filters()
        return [each for each in filters if not isinstance(each, ANSIToTruecolor)]


class Painted(Drawn):
    """A few lines from a function of the width; only those that differ are drawn again."""

    DEFAULT_CSS = """
    Painted { height: auto; width: 1fr; }
    """

    def __init__(self, look: Look, source: Callable[[int], list[Line]], *, id: str) -> None:
        super().__init__(id=id)
        self._look = look
        self._source = source
        self._lines: list[Line] = []

    def redraw(self) -> None:
        """Asks for the lines again."""
        before, self._lines = self._lines, self._source(self.content_size.width)
        if len(before) != len(self._lines):
            self.refresh(layout=True)
            return
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.content_size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are lines at that width."""
        return len(self._source(width))

    def on_resize(self, event: Resize) -> None:
        self._lines = self._source(self.content_size.width)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the content."""
        width, base = self.content_size.width, self.rich_style
        if y >= len(self._lines):
            return Strip.blank(width, base)
        return strip(self._lines[y], self._look, width, base)
