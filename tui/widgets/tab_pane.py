"""The base class of a job's tabs, and the class of those that show lines: timing and job."""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from tui.keys.key_table import Scope, textual_bindings
from tui.model.tabs import TabState
from tui.render.line_search import LineSearch
from tui.theme.roles import Look, StyledLine
from tui.widgets.line_widgets import RowScrollView, render_strip
from workers.jobs.job_state import JobState
from workers.traces.tail import TraceTail


class Pane(RowScrollView):
    """The base class of a job's tabs. Draws only visible rows."""

    BINDINGS = textual_bindings(Scope.TRANSCRIPT)

    DEFAULT_CSS = "Pane { height: 1fr; }"

    class ViewChanged(Message):
        """The view or the cursor moved, so `follow_status` or `search_status` may have changed."""

    SEARCH_LABEL: str = "find"
    """Placeholder of the search input."""

    def __init__(self, look: Look, tab_state: TabState, *, id: str) -> None:
        super().__init__(id=id)
        self.look, self.tab_state = look, tab_state
        self.job_state: JobState | None = None
        self.open_search: Callable[[], None] = lambda: None
        """Opens the search input; set by the owner of this tab."""
        self.following = True
        """Whether the end stays in view; scrolling up stops it."""
        self._rows_when_unfollowed = 0
        self._base_style = Style()

    def show_job(self, job_state: JobState | None) -> None:
        """Shows a job, or updates what is shown of it."""
        is_other = job_state and self.job_state and job_state.job != self.job_state.job
        if is_other and self.text_selection is not None:
            self.screen.clear_selection()
        self.job_state = job_state

    def read_more(self) -> bool:
        """Reads more of the traces; returns True while there is more. Runs in a worker thread."""
        return any([tail.read() for tail in self.trace_tails])

    @property
    def trace_tails(self) -> Sequence[TraceTail]:
        """The traces of the job, or those of each half of a pair."""
        return () if self.job_state is None else self.tab_state.trace_tails(self.job_state)

    def row(self, index: int) -> StyledLine:
        raise NotImplementedError  # Textual's widgets cannot be abstract classes

    @property
    def available_rows(self) -> int:
        """Number of rows of the tab, including rows that are not drawn yet."""
        return 0

    def set_following(self, following: bool, rows: int) -> None:
        """Starts or stops following the end; rows after the first ``rows`` then count as new."""
        if self.following and not following:
            self._rows_when_unfollowed = rows
        self.following = following

    @property
    def follow_status(self) -> str:
        """Number of new rows since following stopped, with the key to resume, or an empty text."""
        if self.following or self.job_state is None:
            return ""
        follows = f"{self.look.key_hint(Scope.TRANSCRIPT, 'follow')} follows"
        if (new_rows := self.available_rows - self._rows_when_unfollowed) > 0:
            return f"{new_rows} new below, {follows}"
        return "" if self.job_state.status.is_finished else f"not following, {follows}"

    def search(self, words: str) -> None:
        """Searches for words; an empty text ends the search."""

    def step_match(self, offset: int) -> None:
        """Goes to another match."""

    @property
    def search_status(self) -> str:
        """The result of the search, as text; empty without a search."""
        return ""

    def fold(self) -> bool:
        """Folds an unfolded line; returns False if there was none."""
        return False

    # --- drawing

    def draw_lines(self, crop: Region) -> list[Strip]:
        """Renders the lines of one paint; computes their style once."""
        self._base_style = self.rich_style
        return super().draw_lines(crop)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        line = self.row(index) if index < self.virtual_size.height else []
        strip = render_strip(line, self.look, self.line_width, self._base_style)
        selected = None if self.text_selection is None else self.text_selection.get_span(index)
        if selected is not None:
            strip = _with_selection(strip, *selected)
        return strip.apply_offsets(0, index)  # Textual finds what the mouse selects by these

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text of a selection that the user made with the mouse, and what separates it from the
        text of another widget."""
        rows = self.virtual_size.height
        first = selection.start.y if selection.start else 0
        end_row = min(selection.end.y + 1, rows) if selection.end else rows
        parts: list[str] = []
        for index in range(first, end_row):
            start, end = selection.get_span(index) or (0, -1)
            parts.append(self.selected_text(index, start, None if end < 0 else end))
        return "".join(parts).strip(), "\n"

    def selected_text(self, index: int, start: int, end: int | None) -> str:
        """The text of a part of a row, with what separates it from the row before. ``start`` and
        ``end``: in characters of the row."""
        text = "".join(text for text, _ in self.row(index))
        return "\n" + text[start:end].rstrip()

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.ViewChanged())

    def refresh_rows(self, first: int, end: int) -> None:
        """Redraws rows from ``first`` up to, not including, ``end``."""
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
        # A message would come too late: the next keys would be verbs instead of typed letters.
        self.open_search()

    def action_found(self, places: int) -> None:
        self.step_match(places)
        self.post_message(self.ViewChanged())


def _with_selection(strip: Strip, start: int, end: int) -> Strip:
    """The strip with the characters from ``start`` to ``end`` reversed; an end of -1 is the end of
    the line."""
    selected: list[Segment] = []
    at = 0
    for text, style, _ in strip:
        for char in text:
            is_in = at >= start and (end < 0 or at < end)
            shown = (style or Style()) + Style(reverse=True) if is_in else style
            if selected and selected[-1].style == shown:
                selected[-1] = Segment(selected[-1].text + char, shown)
            else:
                selected.append(Segment(char, shown))
            at += 1
    return Strip(selected, strip.cell_length)


class LinesPane(Pane):
    """A tab that redraws only changed lines. ``source``: returns them for job, traces and width.
    Searching goes to lines with the text."""

    def __init__(
        self,
        look: Look,
        tab_state: TabState,
        source: Callable[[JobState, Sequence[TraceTail], int], list[StyledLine]],
        *,
        id: str,
    ) -> None:
        super().__init__(look, tab_state, id=id)
        self._source = source
        self._lines: Sequence[StyledLine] = ()
        self._search = LineSearch()

    def show_job(self, job_state: JobState | None) -> None:
        if job_state and self.job_state and job_state.job != self.job_state.job:
            self.scroll_to_row(0)
        super().show_job(job_state)
        width = self.scrollable_content_region.width
        before, self._lines = self._lines, ()
        if job_state is not None and width:
            lines = self._source(job_state, self.trace_tails, width)
            self._lines = self._search.apply(lines)
        self.set_row_count(len(self._lines))
        same = min(len(before), len(self._lines))
        first = next((y for y in range(same) if before[y] != self._lines[y]), same)
        self.refresh_rows(first, max(len(before), len(self._lines)))

    def on_resize(self, event: Resize) -> None:
        self.show_job(self.job_state)

    def row(self, index: int) -> StyledLine:
        return self._lines[index]

    # --- searching

    def search(self, words: str) -> None:
        if words != self._search.words:
            self._search.start(words)
            self._show_match()

    def step_match(self, offset: int) -> None:
        self._search.step(offset)
        self._show_match()

    def _show_match(self) -> None:
        self.show_job(self.job_state)
        if (row := self._search.current_row) is not None:
            self.ensure_row_visible(row)

    @property
    def search_status(self) -> str:
        return self._search.status
