"""What is known of one job, and its transcript under it."""

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.lines.facts import facts
from tui.lines.rows import Stance
from tui.palette import Line, Look
from tui.state import DeskState
from tui.widgets.painted import Painted
from tui.widgets.transcript import TranscriptView

BRIEF = 20
"""Below so many rows of screen the file's facts give way to the transcript."""


class Detail(Vertical):
    """The current job."""

    DEFAULT_CSS = """
    Detail { height: 1fr; }
    Detail > TranscriptView { height: 1fr; }
    """

    def __init__(self, state: DeskState, look: Look) -> None:
        super().__init__()
        self._state = state
        self._look = look

    def compose(self) -> ComposeResult:
        yield Painted(self._look, self._facts, id="facts")
        yield TranscriptView(self._look, id="transcript")

    @property
    def transcript(self) -> TranscriptView:
        """The scrolling part."""
        return self.query_one(TranscriptView)

    def redraw(self) -> None:
        """The current job changed, or another one is the current one."""
        self.query_one(Painted).redraw()
        self.transcript.show(self._state.selected)

    def on_mount(self) -> None:
        self.redraw()

    def _facts(self, width: int) -> list[Line]:
        history = self._state.selected
        if history is None or not width:
            return []
        stance = Stance(
            stopping=self._state.stopping(history.job), wait=self._state.wait(history.job)
        )
        brief = self.app.size.height < BRIEF
        return facts(history, stance, width, self._look.symbols, brief=brief)
