"""The transcript of one job: finals solid, the open turn revised in place, the end followed."""

from rich.style import Style
from textual.events import Resize
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui import keys
from tui.lines.paragraphs import Paragraphs, Row, seam
from tui.palette import Line, Look, Role
from tui.symbols import Symbols
from tui.widgets.painted import strip
from workers.history import JobHistory, Status
from workers.jobs import JobId
from workers.takeovers import Takeover, takeovers

STAMP = 9
"""Cells before the text: a turn's time, and a sign beside the turn that is still open."""

NARROW = 50
"""Below so many cells the times give way."""


def text_line(row: Row, stamped: bool, cells: int, symbols: Symbols) -> Line:
    """A row of the transcript in pieces; ``cells``: of its text."""
    if isinstance(row, Takeover):
        margin = " " * (STAMP if stamped else 2)
        return [(margin + seam(row, cells, symbols), Role.FAINT)]
    sign = " " if row.final else symbols.speaking
    margin = f"{row.stamp:>{STAMP - 3}} {sign} " if stamped else f"{sign} "
    role = Role.FINAL if row.final else Role.SETTLED
    return [(margin, Role.FAINT), (row.settled, role), (row.unsettled, Role.PARTIAL)]


class TranscriptView(ScrollView, can_focus=True, inherit_bindings=False):
    """Draws only visible rows, and wraps only turns that changed."""

    BINDINGS = keys.bindings(keys.of(keys.Scope.TRANSCRIPT))

    DEFAULT_CSS = """
    TranscriptView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
    }
    """

    def __init__(self, look: Look, *, id: str) -> None:
        super().__init__(id=id)
        self._look = look
        self._shown: JobId | None = None
        self._history: JobHistory | None = None
        self._paragraphs = Paragraphs(1)
        self._base = Style()
        self.following = True
        """The end stays in view; off as soon as the user scrolls up."""

    def show(self, history: JobHistory | None) -> None:
        """Draws what is new in the transcript of this job."""
        shown = None if history is None else history.job
        if shown != self._shown:
            self._shown, self.following = shown, True
            self._paragraphs = Paragraphs(self._cells)
            self.refresh()
        self._history = history
        self._update()

    @property
    def _stamped(self) -> bool:
        return self.scrollable_content_region.width >= NARROW

    @property
    def _cells(self) -> int:
        margin = STAMP if self._stamped else 2
        return max(self.scrollable_content_region.width - margin - 1, 1)

    def _update(self) -> None:
        if self._history is None or not self.size.width:
            self.virtual_size = Size(0, 0)
            return
        if not len(self._paragraphs.rows):
            self.refresh()  # the sentence that stands there instead may have changed
        transcript = self._history.transcript
        first = self._paragraphs.update(transcript.turns, takeovers(self._history)[1:])
        rows = len(self._paragraphs.rows)
        if not rows:
            self.following = True  # it begins anew: there is nothing left that was being read
        if first < max(rows, self.virtual_size.height):
            top = max(first - self.scroll_offset.y, 0)
            if top < self.size.height:
                self.refresh(Region(0, top, self.size.width, self.size.height - top))
        self.virtual_size = Size(0, rows)
        if self.following:
            self._to_end()

    def _to_end(self) -> None:
        # By force: the layout may not know yet that there is something to scroll.
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follows again once the end is in view."""
        super().watch_scroll_y(old_value, new_value)
        self.following = round(new_value) >= self.max_scroll_y

    def on_resize(self, event: Resize) -> None:
        following = self.following
        if self._paragraphs.cells != self._cells:
            self._paragraphs = Paragraphs(self._cells)
            self.refresh()
        self.following = following
        self._update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """All lines of one paint; their style is looked up once."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        width, base = self.size.width, self._base
        index = y + self.scroll_offset.y
        rows = self._paragraphs.rows
        if index < len(rows):
            cells, symbols = self._paragraphs.cells, self._look.symbols
            line = text_line(rows[index], self._stamped, cells, symbols)
            return strip(line, self._look, width, base)
        if not rows and index == 0 and self._history is not None:
            return strip([(_silence(self._history), Role.FAINT)], self._look, width, base)
        return Strip.blank(width, base)

    def action_lines(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, immediate=True)

    def action_pages(self, pages: int) -> None:
        self.action_lines(pages * max(self.size.height - 1, 1))

    def action_beginning(self) -> None:
        self.scroll_to(y=0, animate=False, immediate=True)

    def action_follow(self) -> None:
        self.following = True
        self._to_end()


def _silence(history: JobHistory) -> str:
    match history.status:
        case Status.QUEUED if history.retrying is None:
            return "  Waits for a free place."
        case Status.QUEUED | Status.RETRYING:
            return "  Nothing was heard yet."
        case Status.CONNECTING:
            return "  Calling the server."
        case Status.STREAMING | Status.FINISHING:
            return "  Listening. Nothing said yet."
        case _:
            return "  Nothing was heard."
