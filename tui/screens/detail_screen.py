"""The base of screens that show the details of the current job in tabs."""

from time import monotonic

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.table_view import Changes
from tui.model.tabs import Tab
from tui.screens.framed_screen import FramedScreen
from tui.widgets.detail_view import DetailView


class DetailScreen(FramedScreen):
    """A screen with a `DetailView` in its body."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.VIEW))

    @property
    def detail(self) -> DetailView:
        """The details of the current job."""
        return self.query_one(DetailView)

    def show_changes(self, changes: Changes) -> None:
        """Draws what changed, the details too."""
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
