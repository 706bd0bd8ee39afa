"""The score tab: errors and delays of the current job."""

from tui.keys.key_table import Scope
from tui.model.desk_state import DeskState
from tui.render.score_tab import message_lines, score_tab_lines
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.tab_pane import LinesPane
from workers.jobs.job_state import JobState


class ScorePane(LinesPane):
    """Shows the scores of a job that is done, and asks for them when it is first shown."""

    def __init__(self, state: DeskState, look: Look, *, id: str) -> None:
        super().__init__(look, state.tab_state, self._score_lines, id=id)
        self._state = state
        self._drawn: tuple[object, int, object] | None = None
        """The details, the width and the symbols that `_tab_lines` were drawn for."""
        self._tab_lines: list[StyledLine] = []

    def read_more(self) -> bool:
        return False  # the traces are read by the process that scores

    def _score_lines(self, job: JobState, _traces: object, width: int) -> list[StyledLine]:
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
