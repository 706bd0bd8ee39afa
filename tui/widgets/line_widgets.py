"""Widgets that draw `StyledLine`s, and the conversion of a line to a Textual strip."""

from collections.abc import Callable, Sequence
from typing import Self

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.containers import Vertical
from textual.events import Resize
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.strip import Strip
from textual.widget import Widget

from tui.text.width import ascii_only, line_width
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import ASCII


def render_strip(line: StyledLine, look: Look, width: int, base: Style) -> Strip:
    """Renders a line as a strip of ``width`` cells. Text is never parsed as markup."""
    if look.symbols is ASCII:
        line = [(ascii_only(text), role) for text, role in line]
    styles = look.styles_over(base)
    segments: list[Segment] = []
    joined, joined_role = "", Role.TEXT
    for text, role in line:
        if joined and (role is joined_role or text.isspace()):
            joined += text  # to one segment: segments cost time
        elif text:
            if joined:
                segments.append(Segment(joined, styles[joined_role]))
            joined, joined_role = text, role
    if joined:
        segments.append(Segment(joined, styles[joined_role]))
    cells = line_width(line)
    if cells > width:
        return Strip(segments, cells).adjust_cell_length(width)
    if cells < width:
        segments.append(Segment(" " * (width - cells), base))
    return Strip(segments, width)


def _filtered(strip: Strip, filters: Sequence[LineFilter], ground: Color) -> Strip:
    """The strip with filters applied; the same one if they change nothing, as most do."""
    before: list[Segment] = list(strip)
    segments = before
    for line_filter in filters:
        segments = line_filter.apply(segments, ground)
    return strip if segments == before else Strip(segments, strip.cell_length)


class StyledWidget(Widget):
    """A widget that keeps its lines until it is refreshed, and whose colours Textual does not
    convert. For each paint, Textual asks every widget for all of its lines, changed or not."""

    _kept_lines: tuple[tuple[Region, Size], list[Strip]] | None = None
    """The part and the size that were painted last, and the lines."""

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        self._kept_lines = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        drawn_for = crop, self.region.size
        if self._kept_lines is None or self._kept_lines[0] != drawn_for:
            self._kept_lines = drawn_for, self.draw_lines(crop)
        return self._kept_lines[1]

    def draw_lines(self, crop: Region) -> list[Strip]:
        """Draws a part that has changed."""
        return super().render_lines(crop)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Omits the filter that converts ANSI colours: it copies every line, and a theme with ANSI
        colours is meant to keep them."""
        filters = super().get_line_filters()
        return [filter for filter in filters if not isinstance(filter, ANSIToTruecolor)]


class StyledContainer(StyledWidget, Vertical):
    """A container whose empty lines cost a paint nothing."""


class CachedCanvas(StyledWidget):
    """Caches every line until it is refreshed. Must not have a border or padding: adding them
    costs Textual as much time as drawing the line."""

    def __init__(self, *, id: str) -> None:
        self._strip_cache: dict[int, Strip] = {}
        self._cache_key: object = None
        """Size and colours of the cached lines."""
        self.line_width = 0
        """Cells of a line, without the scrollbar: Textual would split a line that reached it."""
        super().__init__(id=id)

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Redraws these regions at the next paint, or everything if there are none."""
        if layout or not regions:
            self._strip_cache.clear()
        for region in regions:
            for y in region.line_range:
                self._strip_cache.pop(y, None)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def draw_lines(self, crop: Region) -> list[Strip]:
        """Draws only lines that are not cached."""
        bar = self.vertical_scrollbar.region.width if self.show_vertical_scrollbar else 0
        self.line_width = self.size.width - bar
        filters, ground = self.get_line_filters(), self.background_colors[1]
        drawn_for = self.size, self.line_width, self.rich_style, filters
        if drawn_for != self._cache_key:
            self._strip_cache.clear()
            self._cache_key = drawn_for
        for y in crop.line_range:
            if y not in self._strip_cache:
                self._strip_cache[y] = _filtered(self.render_line(y), filters, ground)
        strips = [self._strip_cache[y] for y in crop.line_range]
        if crop.column_span == (0, self.size.width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]


class LineScrollBar(StyledWidget, ScrollBar):
    """A vertical scrollbar that is drawn as cells, for Textual would give each line a frame: that
    takes as long as drawing the rows beside it."""

    def draw_lines(self, crop: Region) -> list[Strip]:
        bar = self.render()
        assert isinstance(bar, ScrollBarRender)
        style = self.app.console.get_style(bar.style)
        assert style.color is not None
        assert style.bgcolor is not None
        cells = bar.render_bar(
            size=self.size.height,
            virtual_size=bar.virtual_size,
            window_size=bar.window_size,
            position=bar.position,
            thickness=bar.thickness,
            back_color=style.bgcolor,
            bar_color=style.color,
        ).segments
        base, filters, ground = self.rich_style, self.get_line_filters(), self.background_colors[1]
        strips: dict[Segment, Strip] = {}  # cells have one of five looks
        for cell in cells:
            if cell not in strips:
                styled = Segment(cell.text, base + cell.style if cell.style else base)
                strips[cell] = _filtered(Strip([styled], bar.thickness), filters, ground)
        return [strips[cell] for cell in cells[crop.y : crop.bottom]]


class RowScrollView(CachedCanvas, ScrollView, can_focus=True, inherit_bindings=False):
    """Scrolling rows: the base class of the table, the tabs of a job and the file list. Subclasses
    draw one visible row in `render_line`."""

    DEFAULT_CSS = """
    RowScrollView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
    }
    """

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """As Textual's, of another class."""
        if self._vertical_scrollbar is None:
            self._vertical_scrollbar = LineScrollBar(
                vertical=True, name="vertical", thickness=self.scrollbar_size_vertical
            )
            self._vertical_scrollbar.display = False
            self.app._start_widget(self, self._vertical_scrollbar)
        return self._vertical_scrollbar

    def set_row_count(self, rows: int) -> None:
        if self.virtual_size.height != rows:
            self.virtual_size = Size(0, rows)

    def scroll_to_row(self, row: int) -> None:
        """Scrolls at once, with ``force`` because the layout may not have noticed new rows yet."""
        self.scroll_to(y=max(row, 0), animate=False, immediate=True, force=True)

    def ensure_row_visible(self, row: int) -> None:
        """Scrolls just far enough to show a row."""
        top, height = self.scroll_offset.y, self.size.height
        if row < top:
            self.scroll_to_row(row)
        elif height and row >= top + height:
            self.scroll_to_row(row - height + 1)


class LineBlock(StyledWidget):
    """A block of lines; redraws only those that differ. ``source``: returns them for a width."""

    DEFAULT_CSS = "LineBlock { height: auto; width: 1fr; }"

    def __init__(self, look: Look, source: Callable[[int], list[StyledLine]], *, id: str) -> None:
        super().__init__(id=id)
        self._look = look
        self._source = source
        self._lines: list[StyledLine] = []

    def redraw(self) -> None:
        before, self._lines = self._lines, self._source(self.content_size.width)
        if len(before) != len(self._lines):
            self.refresh(layout=True)
            return
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y, self.content_size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._source(width))

    def on_resize(self, event: Resize) -> None:
        self._lines = self._source(self.content_size.width)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.content_size.width, self.rich_style
        if y >= len(self._lines):
            return Strip.blank(width, base)
        return render_strip(self._lines[y], self._look, width, base)
