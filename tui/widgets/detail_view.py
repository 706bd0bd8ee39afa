"""The details of one job: a summary and five tabs."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from textual import on
from textual.app import ComposeResult
from textual.events import (
    Click,
    DescendantBlur,
    DescendantFocus,
    MouseDown,
    MouseMove,
    MouseUp,
)
from textual.widgets import Input

from tui.model.desk_state import DeskState
from tui.model.tabs import Tab
from tui.render.job_details import details_lines
from tui.render.job_summary import job_summary_lines, title_line
from tui.render.pair_details import pair_details_lines, pair_timing_lines
from tui.render.tabs import tab_at, tab_line
from tui.render.timing import timing_lines
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.background_tasks import BackgroundTasks
from tui.widgets.events import EventsView
from tui.widgets.input_bars import SearchBar, SearchInput
from tui.widgets.line_widgets import LineBlock, StyledContainer
from tui.widgets.messages import EdgeDragged, RedrawRequested
from tui.widgets.score_pane import ScorePane
from tui.widgets.tab_pane import LinesPane, Pane
from tui.widgets.transcript import TranscriptView
from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState
from workers.traces.tail import TraceTail

MIN_ROWS_FOR_SUMMARY = 20
"""Screens with fewer rows have a shorter summary, to leave room for the transcript."""

TRACE_READ_PAUSE_S = 0.008
"""Seconds between two reads of the traces. A read takes about as long, so half of the time is left
for drawing."""

TRACE_REDRAW_INTERVAL_S = 0.2
"""Seconds between two redraws while a long trace is read."""


class DetailView(StyledContainer, BackgroundTasks):
    """A summary of the current job, and below it the tab that is shown."""

    DEFAULT_CSS = "DetailView { height: 1fr; }"

    def __init__(self, state: DeskState, look: Look) -> None:
        super().__init__()
        self._state, self._tab_state, self._look = state, state.tab_state, look
        self._shown_tab: Tab | None = None
        self._read_requested = self._reader_running = False
        self._is_dragged = False
        """The user drags the edge between the table and these details."""

    def compose(self) -> ComposeResult:
        look, tab_state = self._look, self._tab_state
        yield LineBlock(look, self._summary_lines, id="facts")
        yield LineBlock(look, self._tab_lines, id="tabs")
        yield TranscriptView(look, tab_state, id=Tab.TRANSCRIPT.value)
        yield LinesPane(look, tab_state, self._timing_lines, id=Tab.TIMING.value)
        yield EventsView(look, tab_state, id=Tab.EVENTS.value)
        yield LinesPane(look, tab_state, self._job_lines, id=Tab.JOB.value)
        yield ScorePane(self._state, look, id=Tab.SCORE.value)
        yield SearchBar(look)

    def on_mount(self) -> None:
        for pane in self.query(Pane):
            pane.open_search = self._open_search
        self.redraw()

    @property
    def pane(self) -> Pane:
        return self.query_one(f"#{self._tab_state.tab.value}", Pane)

    @property
    def search_bar(self) -> SearchBar:
        return self.query_one(SearchBar)

    @property
    def first_word_ms(self) -> int:
        """The start of the first word of the transcript in view, in ms of the recording."""
        return self.query_one(TranscriptView).first_word_ms

    # --- drawing

    def redraw(self) -> None:
        """Draws the current job, which may have changed."""
        self._switch_pane()
        self.query_one("#facts", LineBlock).redraw()
        self._show_pane()
        self._read_requested = self._tab_state.tab not in (Tab.TRANSCRIPT, Tab.SCORE)
        if self._read_requested and not self._reader_running:
            self._reader_running = True
            self.start_task("traces", self._read_traces)

    def _show_pane(self) -> None:
        self.pane.show_job(self._state.table.current_job_state)
        self._redraw_tab_bar()

    def _switch_pane(self) -> None:
        """Shows the selected tab, which may have been selected on another screen."""
        if self._shown_tab is self._tab_state.tab:
            return
        self._shown_tab, pane = self._tab_state.tab, self.pane
        focused = self.has_focus_within
        self.end_search()
        for other in self.query(Pane):
            other.display = other is pane
        if focused:
            pane.focus()

    def _summary_lines(self, width: int) -> list[StyledLine]:
        job_state = self._state.table.current_job_state
        if job_state is None or not width:
            return []
        symbols = self._look.symbols
        context = self._state.row_context(job_state.job)
        if self._tab_state.tab is not Tab.TRANSCRIPT:
            return [title_line(job_state, context, width, symbols)]
        brief = self.app.size.height < MIN_ROWS_FOR_SUMMARY
        return job_summary_lines(job_state, context, width, symbols, brief=brief)

    def _tab_lines(self, width: int) -> list[StyledLine]:
        if self._state.table.current_job_state is None or not width:
            return []
        pane, symbols = self.pane, self._look.symbols
        line = tab_line(self._tab_state.tab, pane.follow_status, width - 1, self._look)
        return [[(symbols.cursor if pane.has_focus else " ", Role.KEY), *line]]

    def _timing_lines(
        self, job: JobState, traces: Sequence[TraceTail], width: int
    ) -> list[StyledLine]:
        if not all(trace.is_loaded for trace in traces):
            return [[("  Reading the trace.", Role.FAINT)]]
        symbols, timings = self._look.symbols, [trace.timings for trace in traces]
        if isinstance(job, PairState):
            return pair_timing_lines(job, traces, width, symbols)
        return timing_lines(timings[0] if timings else (), width, symbols)

    def _job_lines(
        self, job: JobState, traces: Sequence[TraceTail], width: int
    ) -> list[StyledLine]:
        symbols = self._look.symbols
        if isinstance(job, PairState):
            return pair_details_lines(job, traces, width, symbols)
        return details_lines(job, traces[0] if traces else None, width, symbols)

    async def _read_traces(self) -> None:
        """Reads the traces in a thread until the selected tab needs no more of them."""
        try:
            while self._read_requested:
                self._read_requested = False
                shown = monotonic()
                while await asyncio.to_thread(self.pane.read_more):
                    if monotonic() > shown + TRACE_REDRAW_INTERVAL_S:
                        self._show_pane()
                        shown = monotonic()
                    await asyncio.sleep(TRACE_READ_PAUSE_S)
                self._show_pane()
        finally:
            self._reader_running = False

    @on(DescendantFocus)
    @on(DescendantBlur)
    @on(Pane.ViewChanged)
    def _redraw_tab_bar(self) -> None:
        self.query_one("#tabs", LineBlock).redraw()
        if self.search_bar.is_open:
            self.search_bar.update_status(self.pane.search_status)

    # --- what the user does

    def show_tab(self, tab: Tab) -> None:
        self._tab_state.tab = tab
        self.redraw()

    def step_tab(self, offset: int) -> None:
        """Selects the next tab (1) or the previous one (-1)."""
        self._tab_state.step_tab(offset)
        self.redraw()

    def cycle_stamps(self) -> str:
        """Selects the next kind of time stamps and returns its name."""
        self._tab_state.cycle_stamps()
        self.redraw()
        return self._tab_state.stamps.value

    def go_back(self) -> bool:
        """Folds an unfolded line, or else ends the search; returns False if there was neither."""
        return self.pane.fold() or self.end_search()

    def on_mouse_down(self, event: MouseDown) -> None:
        """Begins to drag the edge: the first row, or the space at the left where there is one."""
        is_beside = self.styles.padding.left > 0
        x, y = event.screen_x - self.region.x, event.screen_y - self.region.y
        if (x if is_beside else y) == 0:
            self._is_dragged = True
            self.capture_mouse()

    def on_mouse_move(self, event: MouseMove) -> None:
        if self._is_dragged:
            self.post_message(EdgeDragged(event.screen_x, event.screen_y))

    def on_mouse_up(self, event: MouseUp) -> None:
        if self._is_dragged:
            self._is_dragged = False
            self.release_mouse()
            self.post_message(EdgeDragged(event.screen_x, event.screen_y, is_end=True))

    def on_click(self, event: Click) -> None:
        if event.widget is self.query_one("#tabs") and (tab := tab_at(event.x - 1, self._look)):
            self.show_tab(tab)

    # --- searching

    def _open_search(self) -> None:
        self.search_bar.show_empty(self.pane.SEARCH_LABEL)

    def on_input_changed(self, message: Input.Changed) -> None:
        message.stop()  # the screen handles such messages from another input
        self.pane.search(message.value)
        self.redraw()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.pane.focus()

    def on_bar_input_closed(self) -> None:
        self.end_search()

    def on_search_input_step_requested(self, message: SearchInput.StepRequested) -> None:
        self.pane.step_match(message.offset)
        self.redraw()

    def end_search(self) -> bool:
        """Ends the search; returns False if there was none."""
        if not self.search_bar.is_open:
            return False
        if self.search_bar.search_input.has_focus:
            self.pane.focus()
        self.search_bar.hide()
        for pane in self.query(Pane):
            pane.search("")
        self.post_message(RedrawRequested())
        return True
