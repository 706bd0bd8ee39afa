"""The base class of screens with the current job's tabs, and the full-screen view of them."""

from time import monotonic

from textual.app import ComposeResult

from tui.keys.key_table import Scope, bindings_in, textual_bindings
from tui.model.table_view import Changes
from tui.model.tabs import Tab
from tui.screens.frame import FramedScreen
from tui.widgets.detail_view import DetailView


class DetailScreen(FramedScreen):
    """A screen with a `DetailView` in its body."""

    BINDINGS = textual_bindings(Scope.VIEW)

    @property
    def detail(self) -> DetailView:
        return self.query_one(DetailView)

    def show_changes(self, changes: Changes) -> None:
        super().show_changes(changes)
        if changes.order_changed or self.state.table.current in changes.jobs:
            self.detail.redraw()

    def action_tab(self, name: str) -> None:
        self.detail.show_tab(Tab(name))
        self.request_redraw()

    def action_tabs(self, tabs: int) -> None:
        self.detail.step_tab(tabs)
        self.request_redraw()

    def action_stamps(self) -> None:
        self.frame.show_notice(self.detail.cycle_stamps(), monotonic())
        self.request_redraw()


class ReadingScreen(DetailScreen):
    """The details of the current job on the full screen."""

    BINDINGS = textual_bindings(Scope.READING)
    FOOTER_KEYS = [  # noqa: RUF012  as FramedScreen declares it
        *bindings_in(Scope.READING),
        *(key for key in bindings_in(Scope.TRANSCRIPT) if key.footer_label),
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
