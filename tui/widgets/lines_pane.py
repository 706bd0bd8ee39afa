"""A tab whose lines come from a function: the timing tab and the job tab."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from textual.events import Resize

from tui.model.tabs import TabState
from tui.theme.roles import Look, StyledLine
from tui.widgets.tab_pane import Pane
from workers.jobs.job_state import JobState
from workers.traces.tail import TraceTail

JobLinesSource: TypeAlias = Callable[[JobState, TraceTail | None, int], list[StyledLine]]


class LinesPane(Pane):
    """Redraws only lines that differ. ``source`` returns the lines for job, traces and width."""

    def __init__(self, look: Look, viewing: TabState, source: JobLinesSource, *, id: str) -> None:
        super().__init__(look, viewing, id=id)
        self._source = source
        self._lines: Sequence[StyledLine] = ()

    def show_job(self, job_state: JobState | None) -> None:
        """Gets the lines and draws those that differ."""
        if (
            job_state is not None
            and self.job_state is not None
            and job_state.job != self.job_state.job
        ):
            self.scroll_to_row(0)
        super().show_job(job_state)
        width = self.scrollable_content_region.width
        before, self._lines = self._lines, ()
        if job_state is not None and width:
            self._lines = self._source(job_state, self.trace_tail, width)
        self.set_row_count(len(self._lines))
        same = min(len(before), len(self._lines))
        first = next((y for y in range(same) if before[y] != self._lines[y]), same)
        self.refresh_rows(first, max(len(before), len(self._lines)))

    def on_resize(self, event: Resize) -> None:
        self.show_job(self.job_state)

    def row(self, index: int) -> StyledLine:
        """One line of the tab."""
        return self._lines[index]
