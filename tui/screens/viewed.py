"""What screens have in common that show the current job: its tabs, and how they are looked at."""

from time import monotonic

from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.tabs import Tab
from tui.screens.framed import Framed
from tui.widgets.detail import Detail
from tui.widgets.messages import Touched


class Viewed(Framed):
    """A screen with a `Detail` in its body."""

    BINDINGS = key_table.bindings(key_table.of(Scope.VIEW))

    @property
    def detail(self) -> Detail:
        """The current job."""
        return self.query_one(Detail)

    def on_screen_resume(self) -> None:
        if self.is_mounted:
            self.detail.redraw()  # another screen may have shown another tab

    def action_tab(self, name: str) -> None:
        self.detail.show_tab(Tab(name))
        self.post_message(Touched())

    def action_tabs(self, tabs: int) -> None:
        self.detail.step_tab(tabs)
        self.post_message(Touched())

    def action_stamps(self) -> None:
        self.frame.say(self.detail.restamp(), monotonic())
        self.post_message(Touched())
