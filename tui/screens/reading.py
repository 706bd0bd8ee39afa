"""One transcript over the whole screen."""

from textual.app import ComposeResult

from tui import keys
from tui.keys import Scope
from tui.messages import Touched
from tui.screens.framed import Framed
from tui.state import Changes
from tui.widgets.detail import Detail


class Reading(Framed):
    """The current job, large."""

    BINDINGS = keys.bindings(keys.of(Scope.READING))
    FOOT = keys.of(Scope.READING, Scope.JOBS, Scope.DESK)

    def body(self) -> ComposeResult:
        yield Detail(self.state, self.look)

    def on_mount(self) -> None:
        self.query_one(Detail).transcript.focus()

    def show(self, changes: Changes) -> None:
        """Draws what changed."""
        super().show(changes)
        if changes.order or self.state.current in changes.jobs:
            self.query_one(Detail).redraw()

    def action_neighbour(self, rows: int) -> None:
        self.state.move(rows)
        self.post_message(Touched())

    def action_back(self) -> None:
        self.dismiss()
