"""The transcript tab: final turns, and the open turn, which is revised in place."""

from collections.abc import Sequence

from textual.events import Click, Resize

from tui.model.tabs import TabState, TimeStamps, WordCursor
from tui.model.transcript_search import Highlight, MatchSpans, TranscriptSearch
from tui.render.transcript_layout import TranscriptLayout
from tui.render.turn_rows import TextRow, TranscriptRow, attempt_divider
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import Symbols
from tui.widgets.tab_pane import Pane
from workers.jobs.attempt_spans import AttemptSpan, further_spans
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState, JobStatus
from workers.jobs.pair import PairState

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
    cursor: tuple[int, int, Role] | None = None,
) -> StyledLine:
    """A row of the transcript. ``text_width``: cells of its text, without the margin. ``cursor``:
    start, end and role of the part of it that is under the word cursor."""
    if isinstance(row, AttemptSpan):
        margin = " " * STAMP_MARGIN_WIDTHS[stamps]
        return [(margin + attempt_divider(row, text_width, symbols), Role.FAINT)]
    end = f"{row.end_label:14}" if stamps is TimeStamps.DETAILED else ""
    times = "" if stamps is TimeStamps.NONE else f"{row.start_label:>6}{end} "
    margin = times + (" " if row.final else symbols.open_turn) + " "
    role = Role.FINAL if row.final else Role.SETTLED
    words: StyledLine = [(row.settled, role), (row.unsettled, Role.PARTIAL)]
    parts = [cursor] if cursor and cursor[2] is Role.WORD_CURSOR else []
    parts += [
        (mark.start, mark.end, Role.CURRENT_MATCH if mark.is_current else Role.MATCH)
        for mark in marks
    ]
    parts += [cursor] if cursor and cursor[2] is Role.HEARD else []
    return [(margin, Role.FAINT), *(_with_roles(words, parts) if parts else words)]


def _with_roles(line: StyledLine, parts: Sequence[tuple[int, int, Role]]) -> StyledLine:
    """The line with other roles for these parts of it, each with its start and end."""
    roles = [role for text, role in line for _ in text]
    for start, end, role in parts:
        roles[start:end] = [role] * (end - start)
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
        self._cursor: WordCursor | None = None
        self._cursor_spans: MatchSpans = ()
        """Where the word under the cursor is drawn; empty if it is not in the transcript."""

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
        is_pair = isinstance(self.job_state, PairState)
        self._text_layout = TranscriptLayout(self._text_width, with_speakers=is_pair)
        self.refresh()

    def _update_rows(self) -> None:
        if self.job_state is None or not self.size.width:
            self.set_row_count(0)
            return
        before, turns = len(self._text_layout), self.job_state.transcript.turns
        old = self.tab_state.archive_of(self.job_state.job)
        first = self._text_layout.update(turns, further_spans(self.job_state), old)
        rows = len(self._text_layout)
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
        self._show_cursor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follows again once the end is in view."""
        super().watch_scroll_y(old_value, new_value)
        self.set_following(round(new_value) >= self.max_scroll_y, self.available_rows)

    @property
    def available_rows(self) -> int:
        return len(self._text_layout)

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
        rows, symbols = self._text_layout, self.look.symbols
        if index < len(rows):
            marks, width = self._search.highlights(index), self._text_layout.cells
            cursor = self._cursor_part(index)
            return turn_row_line(rows[index], self._stamps, width, symbols, marks, cursor)
        if self.job_state is None or rows:
            return []
        return [(_empty_transcript_text(self.job_state), Role.FAINT)]

    def selected_text(self, index: int, start: int, end: int | None) -> str:
        """A part of a row without the margin; the rows of one turn are joined to a line."""
        rows = self._text_layout
        if index >= len(rows):
            return super().selected_text(index, start, end)
        margin, *words = self.row(index)
        text = "".join(text for text, _ in words)
        in_margin = len(margin[0]) if isinstance(rows[index], TextRow) else 0
        part = text[max(start - in_margin, 0) : None if end is None else max(end - in_margin, 0)]
        return (" " if rows.continues_turn(index) else "\n") + part.strip()

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
        if not (self._cursor and self._cursor.is_heard):  # typing must not make the sound jump
            self._choose_match()

    def step_match(self, offset: int) -> None:
        self._search.step(offset)
        self._scroll_to_match()
        self._choose_match()

    def _scroll_to_match(self) -> None:
        row, height = self._search.current_row, self.size.height
        if row is not None and not 0 <= row - self.scroll_offset.y < height:
            self.scroll_to_row(row - height // 2)
        self.refresh()

    def _choose_match(self) -> None:
        if match := self._search.current_match:
            self._choose_word(self._text_layout.word_start_ms(match[0].row, match[0].start))

    @property
    def search_status(self) -> str:
        return self._search.count_text

    # --- the word cursor

    @property
    def first_word_ms(self) -> int:
        """The start of the first word in view, in ms of the recording; 0 without one."""
        if not self._text_layout:
            return 0
        row = min(self.scroll_offset.y, len(self._text_layout) - 1)
        return self._text_layout.word_start_ms(row) or 0

    def action_words(self, words: int) -> None:
        """Moves the cursor to the next word (1) or the one before (-1); without a cursor, to the
        first word in view."""
        if self.job_state is None:
            return
        cursor = self.tab_state.word_cursor_of(self.job_state.job)
        if cursor is None:
            start_ms: int | None = self.first_word_ms
        else:
            start_ms = self._text_layout.neighbour_word_ms(cursor.at_ms, words)
        self._choose_word(start_ms)
        if self._cursor_spans:
            self.ensure_row_visible(self._cursor_spans[0].row)

    def on_click(self, event: Click) -> None:
        """Moves the cursor to the word that was clicked."""
        row = event.y + self.scroll_offset.y
        if row < len(self._text_layout):
            column = max(event.x - STAMP_MARGIN_WIDTHS[self._stamps], 0)
            char = self._text_layout.char_at(row, column)
            self._choose_word(self._text_layout.word_start_ms(row, char))

    def _choose_word(self, start_ms: int | None) -> None:
        if self.job_state is None or start_ms is None:
            return
        self.tab_state.word_cursor = WordCursor(self.job_state.job, start_ms)
        self._show_cursor()

    def _show_cursor(self) -> None:
        """Redraws the words that the cursor left and reached. What is heard stays in view, unless
        the user has scrolled away from it."""
        job_state, before = self.job_state, self._cursor_spans
        cursor = None if job_state is None else self.tab_state.word_cursor_of(job_state.job)
        spans = () if cursor is None else self._text_layout.word_spans(cursor.at_ms)
        if (cursor and cursor.is_heard, spans) == (self._cursor and self._cursor.is_heard, before):
            return
        was_in_view = any(
            0 <= span.row - self.scroll_offset.y < self.size.height for span in before
        )
        self._cursor, self._cursor_spans = cursor, spans
        for span in (*before, *spans):
            self.refresh_rows(span.row, span.row + 1)
        if cursor and cursor.is_heard and was_in_view and spans and not self.following:
            self.ensure_row_visible(spans[-1].row)

    def _cursor_part(self, row: int) -> tuple[int, int, Role] | None:
        """The part of a row that is under the cursor, and its role."""
        role = Role.HEARD if self._cursor and self._cursor.is_heard else Role.WORD_CURSOR
        parts = ((span.start, span.end, role) for span in self._cursor_spans if span.row == row)
        return next(parts, None)


def _empty_transcript_text(job_state: JobState) -> str:
    if len(job_state.transcript):
        return "  Reading the transcript."
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
