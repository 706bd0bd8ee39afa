"""One job over the whole screen."""

from textual.app import ComposeResult

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.table_view import Changes
from tui.screens.detail_screen import DetailScreen
from tui.widgets.detail_view import DetailView
from tui.widgets.messages import RedrawRequested


class ReadingScreen(DetailScreen):
    """The current job, large."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.READING))
    FOOTER_KEYS = [  # noqa: RUF012  as Framed declares it
        *key_table.bindings_in(Scope.READING),
        *(key for key in key_table.bindings_in(Scope.TRANSCRIPT) if key.footer_label),
        *key_table.bindings_in(Scope.VIEW, Scope.JOBS, Scope.DESK),
    ]

    def compose_body(self) -> ComposeResult:
        yield DetailView(self.state, self.look)

    def on_mount(self) -> None:
        self.state.table.is_reading = True
        self.detail.pane.focus()

    def on_unmount(self) -> None:
        self.state.table.is_reading = False

    def show_changes(self, changes: Changes) -> None:
        """Draws what changed."""
        super().show_changes(changes)
        if changes.order_changed or self.state.table.current in changes.jobs:
            self.detail.redraw()

    def action_neighbour(self, rows: int) -> None:
        self.state.table.move(rows)
        self.post_message(RedrawRequested())

    def action_back(self) -> None:
        if not self.detail.go_back():
            self.dismiss()
