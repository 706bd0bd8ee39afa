"""What screens have in common that show the current job: its tabs, and how they are looked at."""

from time import monotonic

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.tabs import Tab
from tui.screens.framed_screen import FramedScreen
from tui.widgets.detail_view import DetailView
from tui.widgets.messages import RedrawRequested


class DetailScreen(FramedScreen):
    """A screen with a `DetailView` in its body."""

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.VIEW))

    @property
    def detail(self) -> DetailView:
        """The current job."""
        return self.query_one(DetailView)

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self.detail.redraw()  # another screen may have shown another tab

    def action_tab(self, name: str) -> None:
        self.detail.show_tab(Tab(name))
        self.post_message(RedrawRequested())

    def action_tabs(self, tabs: int) -> None:
        self.detail.step_tab(tabs)
        self.post_message(RedrawRequested())

    def action_stamps(self) -> None:
        self.frame.show_notice(self.detail.cycle_stamps(), monotonic())
        self.post_message(RedrawRequested())
