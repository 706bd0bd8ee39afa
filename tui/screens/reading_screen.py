"""The details of one job on the full screen."""

from textual.app import ComposeResult

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.screens.detail_screen import DetailScreen
from tui.widgets.detail_view import DetailView


class ReadingScreen(DetailScreen):
    """The current job, with more room."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.READING))
    FOOTER_KEYS = [  # noqa: RUF012  as FramedScreen declares it
        *key_table.bindings_in(Scope.READING),
        *(key for key in key_table.bindings_in(Scope.TRANSCRIPT) if key.footer_label),
    ]

    def compose_body(self) -> ComposeResult:
        yield DetailView(self.state, self.look)

    def on_mount(self) -> None:
        self.state.table.is_reading = True
        self.detail.pane.focus()

    def on_unmount(self) -> None:
        self.state.table.is_reading = False

    def action_neighbour(self, rows: int) -> None:
        self.state.table.move(rows)
        self.request_redraw()

    def action_back(self) -> None:
        if not self.detail.go_back():
            self.dismiss()
