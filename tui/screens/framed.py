"""What the full screens of the desk have in common: banner and foot, and how they are drawn."""

from collections.abc import Sequence
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.events import Paste
from textual.screen import Screen

from tui.frame import Frame
from tui.keys import Key
from tui.messages import Dropped
from tui.palette import Line, Look
from tui.state import Changes, DeskState
from tui.widgets.painted import Painted


class Framed(Screen[None]):
    """A screen with the frame around its `body`."""

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

    def body(self) -> ComposeResult:
        """What stands between banner and foot."""
        yield from ()

    def show(self, changes: Changes) -> None:
        """Draws what changed; called on every tick and after every key."""
        self.query_one("#banner", Painted).redraw()
        self.query_one("#foot", Painted).redraw()

    def on_paste(self, event: Paste) -> None:
        self.post_message(Dropped(event.text))

    def _top(self, width: int) -> list[Line]:
        return self.frame.top(width, self.app.size.height, monotonic())

    def _foot(self, width: int) -> list[Line]:
        return self.frame.foot(self.FOOT, width, monotonic())
