"""The dashboard: accuracy and delays of all sessions, kept up to date while they are scored."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from tui.keys.key_table import Scope, bindings_in, textual_bindings
from tui.model.table_view import Changes
from tui.render.dashboard import DashboardCounts, dashboard_lines
from tui.screens.frame import FramedScreen
from tui.theme.roles import StyledLine
from tui.widgets.line_widgets import LineBlock
from workers.jobs.job_state import JobStatus


class DashboardScreen(FramedScreen):
    """Shows the summary that the process of the scores computes."""

    BINDINGS = textual_bindings(Scope.DASHBOARD)
    FOOTER_KEYS = bindings_in(Scope.DASHBOARD)

    DEFAULT_CSS = """
    DashboardScreen {
        #body { height: 1fr; scrollbar-size-vertical: 1; padding-top: 1; }
    }
    """

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body", can_focus=False):
            yield LineBlock(self.look, self._summary_lines, id="summary")

    def on_mount(self) -> None:
        self.state.scores.want_summary(True)

    def on_unmount(self) -> None:
        self.state.scores.want_summary(False)

    def show_changes(self, changes: Changes) -> None:
        super().show_changes(changes)
        self.query_one("#summary", LineBlock).redraw()

    def _summary_lines(self, width: int) -> list[StyledLine]:
        state, scores, look = self.state, self.state.scores, self.look
        counts = DashboardCounts(
            {status: state.status_counts[status] for status in JobStatus},
            scores.scored_count,
            scores.unscored_count,
            scores.problem,
        )
        keys = {
            "references": look.key_hint(Scope.JOBS, "references"),
            "group": look.key_hint(Scope.DASHBOARD, "group"),
        }
        return dashboard_lines(counts, scores.summary, width, look.symbols, keys)

    def action_lines(self, lines: int) -> None:
        self.query_one("#body").scroll_relative(y=lines, animate=False)

    def action_pages(self, pages: int) -> None:
        self.action_lines(pages * max(self.query_one("#body").size.height - 1, 1))

    def action_edge(self, direction: int) -> None:
        body = self.query_one("#body")
        body.scroll_to(y=body.max_scroll_y if direction > 0 else 0, animate=False)

    def action_group(self) -> None:
        self.state.scores.group_by_next_column()
        self.request_redraw()

    def action_back(self) -> None:
        self.dismiss()
