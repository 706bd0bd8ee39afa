"""A tab that is lines from a function of job and width: timing, and the job itself."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from textual.events import Resize

from tui.model.tabs import Viewing
from tui.model.trace_tail import Record
from tui.theme.roles import Line, Look
from tui.widgets.pane import Pane
from workers.jobs.job_state import JobHistory

Source: TypeAlias = Callable[[JobHistory, Record | None, int], list[Line]]


class Sheet(Pane):
    """Draws again only what differs."""

    def __init__(self, look: Look, viewing: Viewing, source: Source, *, id: str) -> None:
        super().__init__(look, viewing, id=id)
        self._source = source
        self._lines: Sequence[Line] = ()

    def show(self, history: JobHistory | None) -> None:
        """Asks for the lines again."""
        if history is not None and self.history is not None and history.job != self.history.job:
            self.scroll_to_row(0)
        super().show(history)
        width = self.scrollable_content_region.width
        before, self._lines = self._lines, ()
        if history is not None and width:
            self._lines = self._source(history, self.record, width)
        self.hold(len(self._lines))
        same = min(len(before), len(self._lines))
        first = next((y for y in range(same) if before[y] != self._lines[y]), same)
        self.refresh_rows(first, max(len(before), len(self._lines)))

    def on_resize(self, event: Resize) -> None:
        self.show(self.history)

    def row(self, index: int) -> Line:
        """One of the lines."""
        return self._lines[index]
