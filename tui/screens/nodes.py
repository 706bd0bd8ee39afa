"""The nodes of a fleet: what each carries, and the key that drains one."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import Click

from tui.keys.key_table import Scope, bindings_in, textual_bindings
from tui.model.row_filter import parse_filter
from tui.model.supervisor_protocol import SupervisorProtocol
from tui.model.table_view import Changes
from tui.render.columns import COLUMNS
from tui.render.nodes import node_detail_lines, node_lines
from tui.screens.frame import FramedScreen
from tui.theme.roles import Role, StyledLine
from tui.widgets.line_widgets import LineBlock
from workers.jobs.node_status import NodeState, NodeStatus


class NodesScreen(FramedScreen):
    """A line for each node, kept up to date; below them what is wrong with the current one."""

    BINDINGS = textual_bindings(Scope.NODES)
    FOOTER_KEYS = bindings_in(Scope.NODES)

    DEFAULT_CSS = """
    NodesScreen { #body { height: 1fr; scrollbar-size-vertical: 1; padding-top: 1; } }
    """

    supervisor: SupervisorProtocol
    """Drains nodes; set by who opens this screen."""
    _cursor = 0

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body", can_focus=False):
            yield LineBlock(self.look, self._node_lines, id="nodes")
            yield LineBlock(self.look, self._detail_lines, id="node")

    def show_changes(self, changes: Changes) -> None:
        super().show_changes(changes)
        self.query_one("#nodes", LineBlock).redraw()
        self.query_one("#node", LineBlock).redraw()

    @property
    def _current(self) -> NodeStatus | None:
        nodes = self.state.nodes
        return nodes[min(self._cursor, len(nodes) - 1)] if nodes else None

    def _node_lines(self, width: int) -> list[StyledLine]:
        if not self.state.nodes:
            return [[("  No node has joined yet.", Role.MUTED)]]
        return node_lines(self.state.nodes, self._cursor, width, self.look.symbols)

    def _detail_lines(self, width: int) -> list[StyledLine]:
        node = self._current
        return [] if node is None else [[], *node_detail_lines(node, width, self.look.symbols)]

    def action_move(self, rows: int) -> None:
        last = max(len(self.state.nodes) - 1, 0)
        self._cursor = min(max(self._cursor + rows, 0), last)
        self.request_redraw()

    def action_drain(self) -> None:
        """Gives the current node no new sessions, or gives it some again."""
        node = self._current
        if node is None:
            return
        drains = node.state is not NodeState.DRAINING
        self.supervisor.drain(node.name, drains)
        said = "gets no new sessions; those that stream go on" if drains else "gets sessions again"
        self.frame.show_sentence(f"Node {node.name} {said}")
        self.request_redraw()

    def action_show_sessions(self) -> None:
        """Shows the sessions of the current node in the table."""
        if (node := self._current) is not None:
            self.state.table.filter_by(parse_filter(f'node:"{node.name}"', COLUMNS))
            self.dismiss()

    def action_back(self) -> None:
        self.dismiss()

    def on_click(self, event: Click) -> None:
        super().on_click(event)
        lines = self.query_one("#nodes", LineBlock)
        if event.widget is lines and 0 < event.y <= len(self.state.nodes):
            self._cursor = event.y - 1
            self.request_redraw()
