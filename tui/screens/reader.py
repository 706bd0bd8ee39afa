"""One job over the whole screen."""

from textual.app import ComposeResult

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.desk_state import Changes
from tui.screens.viewed import Viewed
from tui.widgets.detail import Detail
from tui.widgets.messages import Touched


class Reading(Viewed):
    """The current job, large."""

    BINDINGS = key_table.bindings(key_table.of(Scope.READING))
    FOOT = [  # noqa: RUF012  as Framed declares it
        *key_table.of(Scope.READING),
        *(key for key in key_table.of(Scope.TRANSCRIPT) if key.label),
        *key_table.of(Scope.VIEW, Scope.JOBS, Scope.DESK),
    ]

    def body(self) -> ComposeResult:
        yield Detail(self.state, self.look)

    def on_mount(self) -> None:
        self.state.reading = True
        self.detail.pane.focus()

    def on_unmount(self) -> None:
        self.state.reading = False

    def show(self, changes: Changes) -> None:
        """Draws what changed."""
        super().show(changes)
        if changes.order or self.state.current in changes.jobs:
            self.detail.redraw()

    def action_neighbour(self, rows: int) -> None:
        self.state.move(rows)
        self.post_message(Touched())

    def action_back(self) -> None:
        if not self.detail.back():
            self.dismiss()
