"""Rows of text that scroll: what the tabs of a job have in common."""

from rich.style import Style
from textual.actions import SkipAction
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tui.keys import key_table
from tui.model.tabs import Viewing
from tui.model.trace_tail import Record
from tui.theme.roles import Line, Look
from tui.widgets.painted import strip
from tui.widgets.scrolled import Scrolled
from workers.jobs.job_state import JobHistory


class Pane(Scrolled):
    """Draws only visible rows. The end is followed until the user scrolls up, if it moves."""

    BINDINGS = key_table.bindings(key_table.of(key_table.Scope.TRANSCRIPT))

    DEFAULT_CSS = """
    Pane {
        height: 1fr;
    }
    """

    class Moved(Message):
        """Something else is in view or at the cursor, so there is other news."""

    class Sought(Message):
        """The user wants to search here."""

    SEARCH: str = ""
    """What a search does here, in a word; empty where there is none."""

    def __init__(self, look: Look, viewing: Viewing, *, id: str) -> None:
        super().__init__(id=id)
        self.look = look
        self.viewing = viewing
        self.history: JobHistory | None = None
        self._base = Style()

    # --- what a tab says of itself

    def show(self, history: JobHistory | None) -> None:
        """Draws what is new of this job."""
        self.history = history

    def read(self) -> bool:
        """Reads on in the traces, if need be; True while there is more. Not in the UI's thread."""
        record = self.record
        return record is not None and record.read()

    @property
    def record(self) -> Record | None:
        """What the traces of this job hold."""
        return None if self.history is None else self.viewing.record(self.history.job)

    def row(self, index: int) -> Line:
        """One of its rows."""
        raise NotImplementedError  # each pane has its own; Textual's widgets cannot be abstract

    @property
    def news(self) -> str:
        """What came in since the end is not followed any more; empty while it is."""
        return ""

    def seek(self, words: str) -> None:
        """Searches for these words; without any, for nothing more."""

    def step(self, places: int) -> None:
        """To another place that was found."""

    @property
    def found(self) -> str:
        """What a search came to."""
        return ""

    def unfollowed(self, new: int) -> str:
        """What to say while the end is not followed; ``new``: lines that have come since."""
        follows = f"{self.look.key(key_table.Scope.TRANSCRIPT, 'follow')} follows"
        if new > 0:
            return f"{new} new below, {follows}"
        over = self.history is not None and self.history.status.over
        return "" if over else f"not following, {follows}"

    def fold(self) -> bool:
        """Back from what was opened within; False if nothing was."""
        return False

    # --- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """All lines of one paint; their style is looked up once."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One visible row."""
        index = y + self.scroll_offset.y
        line = self.row(index) if index < self.virtual_size.height else []
        return strip(line, self.look, self.cells, self._base)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Moved())

    def refresh_rows(self, first: int, end: int) -> None:
        """Draws the rows before ``end`` again, from ``first`` on."""
        scrolled = self.scroll_offset.y
        top, bottom = max(first - scrolled, 0), min(end - scrolled, self.size.height)
        if top < bottom:
            self.refresh(Region(0, top, self.size.width, bottom - top))

    # --- keys

    def action_lines(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, immediate=True)

    def action_pages(self, pages: int) -> None:
        self.action_lines(pages * max(self.size.height - 1, 1))

    def action_beginning(self) -> None:
        self.scroll_to(y=0, animate=False, immediate=True)

    def action_follow(self) -> None:
        self.scroll_to_row(self.max_scroll_y)

    def action_search(self) -> None:
        if not self.SEARCH:
            raise SkipAction  # whatever / means outside
        self.post_message(self.Sought())

    def action_found(self, places: int) -> None:
        self.step(places)
        self.post_message(self.Moved())
