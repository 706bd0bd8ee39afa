"""The first screen: every session, and the current one's transcript."""

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from tui import keys
from tui.keys import Scope
from tui.messages import Picked, Touched
from tui.palette import Line, Role
from tui.screens.framed import Framed
from tui.screens.reading import Reading
from tui.state import Changes
from tui.widgets.detail import Detail
from tui.widgets.painted import Painted
from tui.widgets.table import SessionTable
from tui.widgets.transcript import TranscriptView

EMPTY: list[Line] = [
    [("No recordings yet.", Role.STRONG)],
    [],
    [("a", Role.KEY), ("  add files or folders", Role.MUTED)],
    [("?", Role.KEY), ("  keys and signs", Role.MUTED)],
    [("q", Role.KEY), ("  leave", Role.MUTED)],
]


class Overview(Framed):
    """Table and detail; beneath each other, or beside where there is room."""

    BINDINGS = keys.bindings(keys.of(Scope.SESSIONS))
    FOOT = keys.of(Scope.SESSIONS, Scope.JOBS, Scope.DESK)
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (150, "-beside")]  # noqa: RUF012  as Textual declares it

    DEFAULT_CSS = """
    Overview {
        #body { height: 1fr; }
        #sessions { height: auto; max-height: 56%; }
        SessionTable { height: auto; max-height: 100%; min-height: 3; }
        #none { width: 1fr; height: auto; margin: 2 4; display: none; }
        &.-empty {
            #none { display: block; }
            #sessions, Detail { display: none; }
        }
        &.-beside {
            #body { layout: horizontal; }
            #sessions { width: 58%; height: 1fr; max-height: 100%; }
            SessionTable { height: 1fr; }
            Detail { width: 1fr; padding-left: 1; }
        }
    }
    """

    def body(self) -> ComposeResult:
        with Container(id="body"):
            yield Painted(self.look, lambda _: EMPTY, id="none")
            with Vertical(id="sessions"):
                table = SessionTable(self.state, self.look, id="table")
                yield Painted(self.look, table.head_line, id="head")
                yield table
            yield Detail(self.state, self.look)

    @property
    def table(self) -> SessionTable:
        """The rows."""
        return self.query_one(SessionTable)

    def on_mount(self) -> None:
        self.set_class(not self.state.order, "-empty")
        self.table.focus()

    def show(self, changes: Changes) -> None:
        """Draws what changed."""
        super().show(changes)
        if changes.order:
            self.set_class(not self.state.order, "-empty")
        self.table.show(changes)
        self.query_one("#head", Painted).redraw()
        if changes.order or self.state.current in changes.jobs:
            self.query_one(Detail).redraw()

    def _touched(self) -> None:
        self.table.show_current()
        self.post_message(Touched())

    def on_picked(self, message: Picked) -> None:
        self.state.select(message.job)
        self._touched()
        if message.twice:
            self.action_read()

    def action_move(self, rows: int) -> None:
        self.state.move(rows)
        self._touched()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(self.table.size.height - 1, 1))

    def action_edge(self, direction: int) -> None:
        self.action_move(direction * len(self.state.order))

    def action_mark(self) -> None:
        self.state.mark()
        self._touched()

    def action_read(self) -> None:
        if self.state.current is not None:
            self.app.push_screen(Reading(self.state, self.look, self.frame))

    def action_other_pane(self) -> None:
        transcript = self.query_one(TranscriptView)
        (self.table if transcript.has_focus else transcript).focus()

    def action_back(self) -> None:
        """To the table, then the marks away; never out of the desk."""
        if not self.table.has_focus:
            self.table.focus()
        elif self.state.unmark_all():
            self.post_message(Touched())
