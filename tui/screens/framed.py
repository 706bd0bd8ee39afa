"""What the full screens of the desk have in common: banner and foot, and how they are drawn."""

from collections.abc import Sequence
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.events import Paste
from textual.screen import Screen

from tui.keys.key_table import Key
from tui.model.desk_state import Changes, DeskState
from tui.screens import frame
from tui.screens.available_actions import nearest
from tui.screens.frame import Frame
from tui.theme.roles import Line, Look
from tui.widgets.messages import Dropped
from tui.widgets.painted import Painted


class Framed(Screen[None]):
    """A screen with the frame around its `body`."""

    DEFAULT_CSS = """
    Framed {
        layers: default above;
        overflow: hidden;
        #small { layer: above; width: 100%; height: 100%; background: $background; display: none; }
        &.-small #small { display: block; }
    }
    """

    FOOT: ClassVar[Sequence[Key]] = ()
    """Whose keys the foot offers."""

    def __init__(self, state: DeskState, look: Look, frame: Frame) -> None:
        super().__init__()
        self.state = state
        self.look = look
        self.frame = frame

    def compose(self) -> ComposeResult:
        yield Painted(self.look, self._top, id="banner")
        yield from self.body()
        yield Painted(self.look, self._foot, id="foot")
        yield Painted(self.look, lambda _: frame.TOO_SMALL, id="small")

    def body(self) -> ComposeResult:
        """What stands between banner and foot."""
        yield from ()

    def show(self, changes: Changes) -> None:
        """Draws what changed; called on every tick and after every key."""
        self.set_class(frame.too_small(*self.app.size), "-small")
        self.query_one("#banner", Painted).redraw()
        self.query_one("#foot", Painted).redraw()

    def on_screen_resume(self) -> None:
        """Nobody told it of changes while another screen covered it."""
        if self.is_mounted:
            self.show(Changes(frozenset(self.state.histories), order=True))

    def on_paste(self, event: Paste) -> None:
        self.post_message(Dropped(event.text))

    def _top(self, width: int) -> list[Line]:
        return self.frame.top(width, self.app.size.height, monotonic())

    def _foot(self, width: int) -> list[Line]:
        keys = nearest(self.focused, self.FOOT, self.look.keys)
        return self.frame.foot(keys, width, monotonic())
