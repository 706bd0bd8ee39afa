"""What stands in place of the table while there are no recordings."""

from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
from tui.render.banner import Destination
from tui.render.glossary import glossary
from tui.render.transcript_layout import said
from tui.text.width import clean
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.protocol.endpoint import Kind

COSTS = {
    Kind.EMBEDDED: "Nothing leaves this machine, and nothing costs money.",
    Kind.CUSTOM: "That is the endpoint you named; what it costs, its owner knows.",
    Kind.SERVICE: "The service bills every second that a session is open.",
}

FIRST = (
    (Scope.JOBS, "add", "add files or folders: type or browse, or drop them on this window"),
    (Scope.DESK, "help", "keys and signs"),
    (Scope.DESK, "command_palette", "every action by name"),
    (Scope.DESK, "quit", "leave"),
)


def welcome(where: Destination, keymap: Keymap, cells: int, symbols: Symbols) -> list[Line]:
    """What to press, what happens then, and whether it costs anything."""
    pairs = [(keymap.shown(scope, action), does) for scope, action, does in FIRST]
    keys = glossary(pairs, cells, least=4, indent=0)
    lines: list[Line] = [[("No recordings yet.", Role.STRONG)], [], *keys, []]
    told = f"What is added is streamed at the speed of speech to: {clean(where.name)}."
    lines += said(symbols.to, told, Role.MUTED, cells)
    if where.kind is not None:
        role = Role.ALARM if where.kind is Kind.SERVICE else Role.MUTED
        lines += said(" ", COSTS[where.kind], role, cells)
    return lines
