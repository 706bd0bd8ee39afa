"""The transcript of one job: finals solid, the open turn revised in place, the end followed."""

from collections.abc import Sequence

from textual.events import Resize

from tui.model.tabs import Stamps, Viewing
from tui.model.transcript_search import Mark, Search
from tui.render.transcript_layout import Paragraphs, Row, seam
from tui.theme.roles import Line, Look, Role
from tui.theme.symbols import Symbols
from tui.widgets.pane import Pane
from workers.jobs.attempt_spans import Takeover, takeovers
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory, Status

MARGINS = {Stamps.NONE: 2, Stamps.BEGINNINGS: 9, Stamps.WHOLE: 23}
"""Cells before the text: a turn's times, and a sign beside the turn that is still open."""

NARROW = {Stamps.WHOLE: 70, Stamps.BEGINNINGS: 50}
"""Below so many cells those times give way."""


def shown_stamps(wanted: Stamps, cells: int) -> Stamps:
    """The times that there is room for."""
    if wanted is Stamps.WHOLE and cells < NARROW[Stamps.WHOLE]:
        wanted = Stamps.BEGINNINGS
    return Stamps.NONE if cells < NARROW.get(wanted, 0) else wanted


def text_line(
    row: Row, stamps: Stamps, cells: int, symbols: Symbols, marks: Sequence[Mark] = ()
) -> Line:
    """A row of the transcript in pieces; ``cells``: of its text."""
    if isinstance(row, Takeover):
        return [(" " * MARGINS[stamps] + seam(row, cells, symbols), Role.FAINT)]
    times = {Stamps.BEGINNINGS: f"{row.stamp:>6} ", Stamps.WHOLE: f"{row.stamp:>6}{row.end:14} "}
    margin = times.get(stamps, "") + (" " if row.final else symbols.speaking) + " "
    role = Role.FINAL if row.final else Role.SETTLED
    words: Line = [(row.settled, role), (row.unsettled, Role.PARTIAL)]
    return [(margin, Role.FAINT), *(_marked(words, marks) if marks else words)]


def _marked(line: Line, marks: Sequence[Mark]) -> Line:
    """The line with these characters of it in roles of their own."""
    roles = [role for text, role in line for _ in text]
    for mark in marks:
        length = mark.end - mark.start
        roles[mark.start : mark.end] = [Role.HERE if mark.here else Role.FOUND] * length
    pieces: Line = []
    for char, role in zip("".join(text for text, _ in line), roles, strict=True):
        if pieces and pieces[-1][1] is role:
            pieces[-1] = (pieces[-1][0] + char, role)
        else:
            pieces.append((char, role))
    return pieces


class TranscriptView(Pane):
    """Draws only visible rows, and wraps only turns that changed."""

    SEARCH = "find"

    def __init__(self, look: Look, viewing: Viewing, *, id: str) -> None:
        super().__init__(look, viewing, id=id)
        self._shown: JobId | None = None
        self._stamps = Stamps.NONE
        self._paragraphs = Paragraphs(1)
        self._search = Search()
        self._left_at = 0
        """So many rows there were when the end was no longer followed."""
        self.following = True
        """The end stays in view; off as soon as the user scrolls up."""

    def read(self) -> bool:
        """The transcript comes with the reports."""
        return False

    def show(self, history: JobHistory | None) -> None:
        """Draws what is new in the transcript of this job."""
        super().show(history)
        shown = None if history is None else history.job
        if shown != self._shown:
            self._shown, self.following = shown, True
            self._paragraphs = Paragraphs(self._cells)
            self.refresh()
        elif self._stamps is not self._wanted_stamps:
            self._wrap_again()
        self._update()

    @property
    def _wanted_stamps(self) -> Stamps:
        return shown_stamps(self.viewing.stamps, self.scrollable_content_region.width)

    @property
    def _cells(self) -> int:
        self._stamps = self._wanted_stamps
        return max(self.scrollable_content_region.width - MARGINS[self._stamps] - 1, 1)

    def _wrap_again(self) -> None:
        self._paragraphs = Paragraphs(self._cells)
        self.refresh()

    def _update(self) -> None:
        if self.history is None or not self.size.width:
            self.hold(0)
            return
        before = len(self._paragraphs.rows)
        first = self._paragraphs.update(self.history.transcript.turns, takeovers(self.history)[1:])
        rows = len(self._paragraphs.rows)
        if not rows:
            self.following = True  # it begins anew: there is nothing left that was being read
            self.refresh()  # the sentence that stands there instead may have changed
        if first < max(rows, before):
            self.refresh_rows(first, max(rows, before, 1))
            if self._search.words:
                self._search.look_again(self._paragraphs, first)
        self.hold(max(rows, 1))
        if self.following:
            self.scroll_to_row(self.max_scroll_y)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follows again once the end is in view."""
        super().watch_scroll_y(old_value, new_value)
        following = round(new_value) >= self.max_scroll_y
        if self.following and not following:
            self._left_at = len(self._paragraphs.rows)
        self.following = following

    @property
    def news(self) -> str:
        """How many lines came since the end is not followed any more; empty while it is."""
        if self.following or self.history is None:
            return ""
        return self.unfollowed(len(self._paragraphs.rows) - self._left_at)

    def on_resize(self, event: Resize) -> None:
        following = self.following
        if self._paragraphs.cells != self._cells:
            self._wrap_again()
        self.following = following
        self._update()
        if self._search.words:
            self._search.look_again(self._paragraphs)

    def row(self, index: int) -> Line:
        """One row, or what there is to say instead of any."""
        rows, symbols = self._paragraphs.rows, self.look.symbols
        if index < len(rows):
            marks = self._search.marks(index)
            return text_line(rows[index], self._stamps, self._paragraphs.cells, symbols, marks)
        return [] if self.history is None or rows else [(_silence(self.history), Role.FAINT)]

    def action_follow(self) -> None:
        self.following = True
        super().action_follow()

    # --- searching

    def seek(self, words: str) -> None:
        """Marks these words wherever they stand, and goes to the next place."""
        top = self._search.row if self._search.row is not None else self.scroll_offset.y
        self._search.begin(words, self._paragraphs, top)
        self._go_there()

    def step(self, places: int) -> None:
        """To another place that was found."""
        self._search.step(places)
        self._go_there()

    def _go_there(self) -> None:
        row, height = self._search.row, self.size.height
        if row is not None and not 0 <= row - self.scroll_offset.y < height:
            self.scroll_to_row(row - height // 2)
        self.refresh()

    @property
    def found(self) -> str:
        """Which of how many places it is."""
        return self._search.count


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
