"""Lines of pieces on the screen."""

from collections.abc import Callable, Sequence
from typing import Self

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.text.width import ascii_only
from tui.theme.roles import Line, Look, Role
from tui.theme.symbols import ASCII


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


class Canvas(Drawn):
    """All of its cells are such lines, and each is kept until it is refreshed.

    It must have neither border nor padding. What Textual does to put those around a line costs as
    much again as to draw it.
    """

    def __init__(self, *, id: str) -> None:
        self._kept: dict[int, Strip] = {}
        self._kept_for: object = None
        """The size and the colours that they were drawn for."""
        self.cells = 0
        """How wide a line is. It ends at the scrollbar, else Textual would cut it into two."""
        super().__init__(id=id)

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Draws these parts of it again at the next paint; without any, all of it."""
        if layout or not regions:
            self._kept.clear()
        for region in regions:
            for y in region.line_range:
                self._kept.pop(y, None)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of one paint; only those are drawn that are not kept."""
        bar = self.vertical_scrollbar.region.width if self.show_vertical_scrollbar else 0
        self.cells = self.size.width - bar
        filters, ground = self.get_line_filters(), self.background_colors[1]
        drawn_for = self.size, self.cells, self.rich_style, filters
        if drawn_for != self._kept_for:
            self._kept.clear()
            self._kept_for = drawn_for
        for y in crop.line_range:
            if y not in self._kept:
                line = self.render_line(y)
                for each in filters:
                    line = line.apply_filter(each, ground)
                self._kept[y] = line
        lines = [self._kept[y] for y in crop.line_range]
        if crop.column_span == (0, self.size.width):
            return lines
        return [line.crop(*crop.column_span) for line in lines]


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
