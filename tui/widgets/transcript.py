"""The transcript tab: final turns, and the open turn, which is revised in place."""

from collections.abc import Sequence

from textual.events import Resize

from tui.model.tabs import TabState, TimeStamps
from tui.model.transcript_search import Highlight, TranscriptSearch
from tui.render.transcript_layout import TranscriptLayout, TranscriptRow, attempt_divider
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import Symbols
from tui.widgets.tab_pane import Pane
from workers.jobs.attempt_spans import AttemptSpan, attempt_spans
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus

STAMP_MARGIN_WIDTHS = {TimeStamps.NONE: 2, TimeStamps.START: 9, TimeStamps.DETAILED: 23}
"""Cells before the text, for a turn's times and the symbol of the open turn."""

MIN_WIDTH_FOR_STAMPS = {TimeStamps.DETAILED: 70, TimeStamps.START: 50}
"""Narrower tabs show less detailed times, or none."""


def fitting_stamps(wanted: TimeStamps, width: int) -> TimeStamps:
    """The most detailed kind of times, up to ``wanted``, that fits into ``width`` cells."""
    if wanted is TimeStamps.DETAILED and width < MIN_WIDTH_FOR_STAMPS[TimeStamps.DETAILED]:
        wanted = TimeStamps.START
    return TimeStamps.NONE if width < MIN_WIDTH_FOR_STAMPS.get(wanted, 0) else wanted


def turn_row_line(
    row: TranscriptRow,
    stamps: TimeStamps,
    text_width: int,
    symbols: Symbols,
    marks: Sequence[Highlight] = (),
) -> StyledLine:
    """A row of the transcript. ``text_width``: cells of its text, without the margin."""
    if isinstance(row, AttemptSpan):
        margin = " " * STAMP_MARGIN_WIDTHS[stamps]
        return [(margin + attempt_divider(row, text_width, symbols), Role.FAINT)]
    end = f"{row.end_label:14}" if stamps is TimeStamps.DETAILED else ""
    times = "" if stamps is TimeStamps.NONE else f"{row.start_label:>6}{end} "
    margin = times + (" " if row.final else symbols.open_turn) + " "
    role = Role.FINAL if row.final else Role.SETTLED
    words: StyledLine = [(row.settled, role), (row.unsettled, Role.PARTIAL)]
    return [(margin, Role.FAINT), *(_with_marks(words, marks) if marks else words)]


def _with_marks(line: StyledLine, marks: Sequence[Highlight]) -> StyledLine:
    """The line with search matches highlighted."""
    roles = [role for text, role in line for _ in text]
    for mark in marks:
        role = Role.CURRENT_MATCH if mark.is_current else Role.MATCH
        roles[mark.start : mark.end] = [role] * (mark.end - mark.start)
    pieces: StyledLine = []
    for char, role in zip("".join(text for text, _ in line), roles, strict=True):
        if pieces and pieces[-1][1] is role:
            pieces[-1] = (pieces[-1][0] + char, role)
        else:
            pieces.append((char, role))
    return pieces


class TranscriptView(Pane):
    """The transcript tab. Draws only visible rows and wraps only turns that changed."""

    SEARCH_LABEL = "find"

    def __init__(self, look: Look, tab_state: TabState, *, id: str) -> None:
        super().__init__(look, tab_state, id=id)
        self._shown_job: JobId | None = None
        self._stamps = TimeStamps.NONE
        self._text_layout = TranscriptLayout(1)
        self._search = TranscriptSearch()

    def read_more(self) -> bool:
        """Returns False: reports fill this tab, and `TranscriptCache` restores evicted turns."""
        return False

    def show_job(self, job_state: JobState | None) -> None:
        super().show_job(job_state)
        shown = None if job_state is None else job_state.job
        is_other = shown != self._shown_job
        if is_other:
            self._shown_job, self.following = shown, True
        if is_other or self._stamps is not self._fitting_stamps:
            self._rewrap()
        self._update_rows()

    @property
    def _fitting_stamps(self) -> TimeStamps:
        return fitting_stamps(self.tab_state.stamps, self.scrollable_content_region.width)

    @property
    def _text_width(self) -> int:
        margin = STAMP_MARGIN_WIDTHS[self._fitting_stamps]
        return max(self.scrollable_content_region.width - margin - 1, 1)

    def _rewrap(self) -> None:
        self._stamps = self._fitting_stamps
        self._text_layout = TranscriptLayout(self._text_width)
        self.refresh()

    def _update_rows(self) -> None:
        if self.job_state is None or not self.size.width:
            self.set_row_count(0)
            return
        before, turns = len(self._text_layout.rows), self.job_state.transcript.turns
        first = self._text_layout.update(turns, attempt_spans(self.job_state)[1:])
        rows = len(self._text_layout.rows)
        if not rows:
            self.following = True  # the transcript restarted: what the user was reading is gone
            self.refresh()  # the text of an empty transcript may have changed
        if first < max(rows, before):
            self.refresh_rows(first, max(rows, before, 1))
            if self._search.query:
                self._search.refresh(self._text_layout, first)
        self.set_row_count(max(rows, 1))
        if self.following:
            self.scroll_to_row(self.max_scroll_y)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follows again once the end is in view."""
        super().watch_scroll_y(old_value, new_value)
        self.set_following(round(new_value) >= self.max_scroll_y, self.available_rows)

    @property
    def available_rows(self) -> int:
        return len(self._text_layout.rows)

    def on_resize(self, event: Resize) -> None:
        following = self.following
        if (self._text_layout.cells, self._stamps) != (self._text_width, self._fitting_stamps):
            self._rewrap()
        self.following = following
        self._update_rows()
        if self._search.query:
            self._search.refresh(self._text_layout)

    def row(self, index: int) -> StyledLine:
        """A row of the transcript, or the text that stands for an empty one."""
        rows, symbols = self._text_layout.rows, self.look.symbols
        if index < len(rows):
            marks = self._search.highlights(index)
            return turn_row_line(rows[index], self._stamps, self._text_layout.cells, symbols, marks)
        if self.job_state is None or rows:
            return []
        return [(_empty_transcript_text(self.job_state), Role.FAINT)]

    def action_follow(self) -> None:
        self.following = True
        super().action_follow()

    # --- searching

    def search(self, words: str) -> None:
        """Highlights all matches and goes to the next one."""
        row = self._search.current_row
        top = self.scroll_offset.y if row is None else row
        self._search.start(words, self._text_layout, top)
        self._scroll_to_match()

    def step_match(self, offset: int) -> None:
        self._search.step(offset)
        self._scroll_to_match()

    def _scroll_to_match(self) -> None:
        row, height = self._search.current_row, self.size.height
        if row is not None and not 0 <= row - self.scroll_offset.y < height:
            self.scroll_to_row(row - height // 2)
        self.refresh()

    @property
    def search_status(self) -> str:
        return self._search.count_text


def _empty_transcript_text(job_state: JobState) -> str:
    match job_state.status:
        case JobStatus.QUEUED if job_state.retrying is None:
            return "  Waiting for a free slot."
        case JobStatus.QUEUED | JobStatus.RETRYING:
            return "  No transcript yet."
        case JobStatus.CONNECTING:
            return "  Connecting to the server."
        case JobStatus.STREAMING | JobStatus.FINISHING:
            return "  Listening. No words yet."
        case _:
            return "  The transcript is empty."
