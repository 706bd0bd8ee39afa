"""Draws the nodes of a fleet: one line each, under headings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.model.metrics import punctuality
from tui.render import gauges
from tui.text.width import cell_width, clean, fit
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.node_status import NodeState, NodeStatus

STATE_ROLES = {
    NodeState.READY: Role.SUCCESS,
    NodeState.DRAINING: Role.WARNING,
    NodeState.SILENT: Role.ALARM,
    NodeState.REFUSED: Role.ERROR,
    NodeState.GONE: Role.ERROR,
}

MARGIN, GAP = 2, 2
MIN_NAME_WIDTH, MAX_NAME_WIDTH = 6, 24


@dataclass(frozen=True, slots=True)
class _Column:
    """A figure of a node. ``text`` returns it for the symbols; narrow screens leave it out."""

    heading: str
    cells: int
    text: Callable[[NodeStatus, Symbols], str]


def _number(value: float | None, decimals: int, symbols: Symbols) -> str:
    return symbols.no_value if value is None else f"{value:.{decimals}f}"


def _clock(node: NodeStatus, symbols: Symbols) -> str:
    if node.clock_offset_ms is None:
        return symbols.no_value
    error = "" if node.clock_error_ms is None else f" ±{node.clock_error_ms:.1f}"
    return f"{node.clock_offset_ms:+.1f}{error}"


_COLUMNS = (
    _Column("SESSIONS", 9, lambda node, _: f"{node.sessions}/{node.capacity}"),
    _Column("LAG p99 ms", 10, lambda node, symbols: _number(node.lag_p99_ms, 1, symbols)),
    _Column("CPU %", 5, lambda node, symbols: _number(node.cpu_percent, 0, symbols)),
    _Column("CLOCK ms", 14, _clock),
    _Column("LEASE s", 7, lambda node, symbols: _number(node.lease_left_s, 0, symbols)),
    _Column("TRACES", 6, lambda node, _: str(node.uncollected_traces or "")),
)
"""From left to right; the last ones are left out first."""


def node_lines(
    nodes: Sequence[NodeStatus], cursor: int, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """The headings, then a line for each node. ``cursor``: the number of the current one."""
    names = [cell_width(clean(node.name)) for node in nodes]
    name_cells = min(max(MIN_NAME_WIDTH, *names, 0), MAX_NAME_WIDTH)
    state_cells = max(len(state.value) for state in NodeState)
    used = MARGIN + name_cells + GAP + state_cells
    columns = list(_COLUMNS)
    while columns and used + sum(GAP + column.cells for column in columns) > cells:
        columns.pop()
    rest = cells - used - sum(GAP + column.cells for column in columns) - GAP
    gap = " " * GAP
    headings = f"{'':{MARGIN}}{'NODE':<{name_cells}}{gap}{'STATE':<{state_cells}}"
    headings += "".join(f"{gap}{column.heading:>{column.cells}}" for column in columns)
    lines: list[StyledLine] = [[(headings, Role.HEADING)]]
    for number, node in enumerate(nodes):
        sign = symbols.cursor if number == cursor else " "
        line: StyledLine = [
            (f"{sign:<{MARGIN}}", Role.KEY),
            (fit(clean(node.name), name_cells, symbols.ellipsis) + gap, Role.TEXT),
            (f"{node.state.value:<{state_cells}}", STATE_ROLES[node.state]),
        ]
        for column in columns:
            role = Role.TEXT
            if column.heading.startswith("LAG") and node.lag_p99_ms is not None:
                role = gauges.PUNCTUALITY_ROLES[punctuality(node.lag_p99_ms)]
            line.append((f"{gap}{column.text(node, symbols):>{column.cells}}", role))
        if node.problem and rest > 0:
            line.append((gap + fit(clean(node.problem), rest, symbols.ellipsis), Role.WARNING))
        lines.append(line)
    return lines


def node_detail_lines(node: NodeStatus, cells: int, symbols: Symbols) -> list[StyledLine]:
    """Where a node is, and why it is not ready, as whole sentences."""
    from tui.render.sentences import indented_sentence

    lines: list[StyledLine] = [[(f"  {clean(node.name)} on {clean(node.host)}", Role.MUTED)]]
    if node.problem:
        lines += indented_sentence(symbols.warning, clean(node.problem), Role.WARNING, cells)
    if node.uncollected_traces:
        text = f"{node.uncollected_traces} traces of ended sessions are still on it alone."
        lines += indented_sentence(symbols.warning, text, Role.WARNING, cells)
    return lines
