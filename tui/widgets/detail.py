"""What is known of one job: facts, and under them what its tabs show."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Click
from textual.messages import Prune
from textual.widgets import Input

from tui.model.desk_state import DeskState
from tui.model.tabs import Tab
from tui.model.trace_tail import Record
from tui.render.job_details import about
from tui.render.job_summary import facts, title
from tui.render.table_row import stance
from tui.render.tabs import tab_at, tab_line
from tui.render.timing import timing_lines
from tui.theme.roles import Line, Look, Role
from tui.widgets.events import EventsView
from tui.widgets.messages import Touched
from tui.widgets.painted import Painted
from tui.widgets.pane import Pane
from tui.widgets.search_bar import SearchBar, SearchInput
from tui.widgets.sheet import Sheet
from tui.widgets.transcript import TranscriptView
from workers.jobs.job_state import JobHistory

BRIEF = 20
"""Below so many rows of screen the file's facts give way to the transcript."""


BREATH = 0.008
"""Seconds between two looks into the traces, each as long: half of the time is the screen's."""

OFTEN = 0.2
"""Seconds between two drawings while much is read."""


class Detail(Vertical):
    """The current job."""

    DEFAULT_CSS = """
    Detail { height: 1fr; }
    """

    def __init__(self, state: DeskState, look: Look) -> None:
        super().__init__()
        self._state = state
        self._viewing = state.viewing
        self._look = look
        self._shown: Tab | None = None
        self._to_read = self._reading = False

    def compose(self) -> ComposeResult:
        look, viewing = self._look, self._viewing
        yield Painted(look, self._facts, id="facts")
        yield Painted(look, self._tabs, id="tabs")
        yield TranscriptView(look, viewing, id=Tab.TRANSCRIPT.value)
        yield Sheet(look, viewing, self._timing, id=Tab.TIMING.value)
        yield EventsView(look, viewing, id=Tab.EVENTS.value)
        yield Sheet(look, viewing, self._about, id=Tab.JOB.value)
        yield SearchBar(look)

    def on_mount(self) -> None:
        self.redraw()

    @property
    def pane(self) -> Pane:
        """What the tab shows."""
        return self.query_one(f"#{self._viewing.tab.value}", Pane)

    @property
    def bar(self) -> SearchBar:
        """Where one types what to look for."""
        return self.query_one(SearchBar)

    async def on_prune(self, event: Prune) -> None:
        """It closes: its panes go before their reader would."""
        self.workers.cancel_node(self)

    # --- drawing

    def redraw(self) -> None:
        """The current job changed, or another one is the current one."""
        self._bring_forward()
        self.query_one("#facts", Painted).redraw()
        self._show_pane()
        self._read_on()

    def _show_pane(self) -> None:
        self.pane.show(self._state.selected)
        self._tell()

    def _tell(self) -> None:
        self.query_one("#tabs", Painted).redraw()
        if self.bar.open:
            self.bar.tell(self.pane.found)

    def _bring_forward(self) -> None:
        """The tab may have been changed elsewhere."""
        if self._shown is self._viewing.tab:
            return
        self._shown, pane = self._viewing.tab, self.pane
        focused = self.has_focus_within
        self.end_search()
        for each in self.query(Pane):
            each.display = each is pane
        if focused:
            pane.focus()

    def _facts(self, width: int) -> list[Line]:
        history = self._state.selected
        if history is None or not width:
            return []
        symbols = self._look.symbols
        stands = stance(self._state, history.job)
        if self._viewing.tab is not Tab.TRANSCRIPT:
            return [title(history, stands, width, symbols)]
        return facts(history, stands, width, symbols, brief=self.app.size.height < BRIEF)

    def _tabs(self, width: int) -> list[Line]:
        if self._state.selected is None or not width:
            return []
        pane, symbols = self.pane, self._look.symbols
        line = tab_line(self._viewing.tab, pane.news, width - 1, self._look)
        return [[(symbols.cursor if pane.has_focus else " ", Role.KEY), *line]]

    def _timing(self, _history: JobHistory, record: Record | None, width: int) -> list[Line]:
        if record is not None and not record.begun:
            return [[("  Reading the trace.", Role.FAINT)]]
        return timing_lines(record.timings if record else (), width, self._look.symbols)

    def _about(self, history: JobHistory, record: Record | None, width: int) -> list[Line]:
        return about(history, record, width, self._look.symbols)

    # --- traces, read by a thread for as long as a tab needs them

    def _read_on(self) -> None:
        self._to_read = self._viewing.tab is not Tab.TRANSCRIPT
        if self._to_read and not self._reading:
            self._reading = True
            work: Callable[[], Awaitable[None]] = self._read  # it is made when it begins
            self.run_worker(work, group="record")

    async def _read(self) -> None:
        try:
            while self._to_read:
                self._to_read = False
                shown = monotonic()
                while await asyncio.to_thread(self.pane.read):
                    if monotonic() > shown + OFTEN:
                        self._show_pane()
                        shown = monotonic()
                    await asyncio.sleep(BREATH)
                self._show_pane()
        finally:
            self._reading = False

    def on_descendant_focus(self) -> None:
        self._tell()

    def on_descendant_blur(self) -> None:
        self._tell()

    def on_pane_moved(self) -> None:
        self._tell()

    # --- what the user does

    def show_tab(self, tab: Tab) -> None:
        """To this tab."""
        self._viewing.tab = tab
        self.redraw()

    def step_tab(self, tabs: int) -> None:
        """To the next tab, or the one before."""
        self._viewing.step(tabs)
        self.redraw()

    def restamp(self) -> str:
        """The next kind of time stamps; says which."""
        self._viewing.restamp()
        self.redraw()
        return self._viewing.stamps.value

    def back(self) -> bool:
        """Out of what was unfolded, or of a search; False if there was neither."""
        return self.pane.fold() or self.end_search()

    def on_click(self, event: Click) -> None:
        if event.widget is self.query_one("#tabs") and (tab := tab_at(event.x - 1, self._look)):
            self.show_tab(tab)

    # --- searching

    def on_pane_sought(self) -> None:
        self.bar.begin(self.pane.SEARCH)

    def on_input_changed(self, message: Input.Changed) -> None:
        message.stop()  # not for who else has an input
        self.pane.seek(message.value)
        self.redraw()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.pane.focus()

    def on_search_input_left(self) -> None:
        self.end_search()

    def on_search_input_stepped(self, message: SearchInput.Stepped) -> None:
        self.pane.step(message.places)
        self.redraw()

    def end_search(self) -> bool:
        """Nothing is looked for any more; False if nothing was."""
        if not self.bar.open:
            return False
        if self.bar.words.has_focus:
            self.pane.focus()
        self.bar.end()
        for pane in self.query(Pane):
            pane.seek("")
        self.post_message(Touched())
        return True
