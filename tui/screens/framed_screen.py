"""The base of full screens: a banner above the body, a footer below it."""

from collections.abc import Sequence
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.events import Paste
from textual.screen import Screen

from tui.keys.key_table import KeyBinding
from tui.model.desk_state import DeskState
from tui.model.table_view import Changes
from tui.screens import frame
from tui.screens.available_actions import keys_in_focus
from tui.screens.frame import ScreenFrame
from tui.theme.roles import Look, StyledLine
from tui.widgets.line_widgets import LineBlock
from tui.widgets.messages import PathsPasted, RedrawRequested, RowSelected


class FramedScreen(Screen[None]):
    """A screen with banner and footer around what `compose_body` yields."""

    DEFAULT_CSS = """
    FramedScreen {
        layers: default above;
        overflow: hidden;
        #small { layer: above; width: 100%; height: 100%; background: $background; display: none; }
        &.-small #small { display: block; }
    }
    """

    FOOTER_KEYS: ClassVar[Sequence[KeyBinding]] = ()
    """The screen's own keys, for the footer."""

    def __init__(self, state: DeskState, look: Look, frame: ScreenFrame) -> None:
        super().__init__()
        self.state = state
        self.look = look
        self.frame = frame

    def compose(self) -> ComposeResult:
        yield LineBlock(self.look, self._banner_lines, id="banner")
        yield from self.compose_body()
        yield LineBlock(self.look, self._footer_lines, id="foot")
        yield LineBlock(self.look, lambda _: frame.TOO_SMALL_LINES, id="small")

    def compose_body(self) -> ComposeResult:
        """Yields the widgets between banner and footer."""
        yield from ()

    def show_changes(self, changes: Changes) -> None:
        """Draws what changed. Called on every tick and after every key."""
        self.set_class(frame.is_too_small(*self.app.size), "-small")
        self.query_one("#banner", LineBlock).redraw()
        self.query_one("#foot", LineBlock).redraw()

    def on_screen_resume(self) -> None:
        """Draws everything: changes are not shown while another screen covers this one."""
        if self.is_mounted:
            self.show_changes(Changes(frozenset(self.state.job_states), order_changed=True))

    def request_redraw(self) -> None:
        """Asks for a redraw now, as the user changed what is shown; the next tick is too late."""
        self.post_message(RedrawRequested())

    async def on_row_selected(self, message: RowSelected) -> None:
        self.state.table.select(message.job)
        self.request_redraw()
        if message.double_click:
            await self.run_action("read")

    def on_paste(self, event: Paste) -> None:
        self.post_message(PathsPasted(event.text))

    def _banner_lines(self, width: int) -> list[StyledLine]:
        return self.frame.banner_lines(width, self.app.size.height, monotonic())

    def _footer_lines(self, width: int) -> list[StyledLine]:
        keys = self.frame.footer_keys(self.FOOTER_KEYS)
        keys = keys_in_focus(self.focused, keys, self.look.keymap)
        return self.frame.footer_lines(keys, width, monotonic())
