"""The score tab: errors and delays of the current job."""

from tui.keys.key_table import Scope
from tui.model.desk_state import DeskState
from tui.render.score_tab import find_spans, highlight, message_lines, score_tab_lines
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.tab_pane import LinesPane
from workers.jobs.job_state import JobState


class ScorePane(LinesPane):
    """Shows the scores of a job that is done, and asks for them when it is first shown. Searching
    goes to lines with the text."""

    SEARCH_LABEL = "search the scores"

    def __init__(self, state: DeskState, look: Look, *, id: str) -> None:
        super().__init__(look, state.tab_state, self._score_lines, id=id)
        self._state = state
        self._drawn: tuple[object, int, object] | None = None
        """The details, the width and the symbols that `_tab_lines` were drawn for."""
        self._tab_lines: list[StyledLine] = []
        self._words = ""
        self._match = 0
        self._matches: list[int] = []
        """The lines that contain what is searched for."""

    def read_more(self) -> bool:
        return False  # the traces are read by the process that scores

    def _score_lines(self, job: JobState, _traces: object, width: int) -> list[StyledLine]:
        lines = self._lines_of(job, width)
        self._matches = []
        if not self._words:
            return lines
        texts = ("".join(text for text, _ in line) for line in lines)
        self._matches = [row for row, text in enumerate(texts) if find_spans(text, self._words)]
        self._match = min(self._match, max(len(self._matches) - 1, 0))
        lines = list(lines)
        for number, row in enumerate(self._matches):
            role = Role.CURRENT_MATCH if number == self._match else Role.MATCH
            lines[row] = highlight(lines[row], self._words, role)
        return lines

    def _lines_of(self, job: JobState, width: int) -> list[StyledLine]:
        scores, symbols = self._state.scores, self.look.symbols
        number = job.job if job.half is None else job.half.pair_id
        detail = scores.detail(number)
        if scores.problem:
            return message_lines(scores.problem, width, Role.WARNING)
        if not scores.is_done(number):
            return message_lines("This session is scored when it is done.", width)
        if detail is None:
            return message_lines("Scoring.", width)
        from workers.evaluation.desk_figures import JobFigures

        if isinstance(detail, JobFigures):
            return message_lines(f"There is no score: {detail.problem}.", width, Role.WARNING)
        if self._drawn != (detail, width, symbols):
            self._drawn = (detail, width, symbols)
            self._tab_lines = score_tab_lines(detail, width, symbols)
            if detail.errors is None:
                key = self.look.key_hint(Scope.JOBS, "references")
                self._tab_lines[1:1] = message_lines(f"{key} attaches references.", width)
        return self._tab_lines

    # --- searching

    def search(self, words: str) -> None:
        if words != self._words:
            self._words, self._match = words, 0
            self.show_job(self.job_state)
            self._scroll_to_match()

    def step_match(self, offset: int) -> None:
        if self._matches:
            self._match = (self._match + offset) % len(self._matches)
            self.show_job(self.job_state)
            self._scroll_to_match()

    def _scroll_to_match(self) -> None:
        if self._matches:
            self.ensure_row_visible(self._matches[self._match])

    @property
    def search_status(self) -> str:
        if not self._words:
            return ""
        return f"{self._match + 1}/{len(self._matches)}" if self._matches else "not found"
