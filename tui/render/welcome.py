"""The welcome text that replaces the table while there are no recordings."""

from tui.keys.key_table import Scope
from tui.keys.keymap import Keymap
from tui.render.banner import Destination
from tui.render.sentences import definition_lines, wrap_sentence
from tui.text.width import clean
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.protocol.endpoint import EndpointKind

COST_NOTES = {
    EndpointKind.EMBEDDED: "No audio leaves this machine, and nothing costs money.",
    EndpointKind.CUSTOM: "This is your own endpoint; ask its operator about costs.",
    EndpointKind.SERVICE: "The service bills every second that a session is open.",
}

FIRST_STEPS = (
    (Scope.JOBS, "add", "add files or folders: type or browse, or drop them on this window"),
    (Scope.DESK, "help", "keys and symbols"),
    (Scope.DESK, "command_palette", "all actions by name"),
    (Scope.DESK, "quit", "quit"),
)


def welcome_lines(
    destination: Destination, keymap: Keymap, cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Lists the first keys to press, and says where audio is streamed to and what that costs."""
    pairs = [(keymap.key_display(scope, action), does) for scope, action, does in FIRST_STEPS]
    keys = definition_lines(pairs, cells, min_term_width=4, indent=0)
    lines: list[StyledLine] = [[("No recordings yet.", Role.STRONG)], [], *keys, []]
    sentence = f"Added recordings are streamed to: {clean(destination.name)}."
    lines += wrap_sentence(symbols.target_arrow, sentence, Role.MUTED, cells)
    if destination.kind is not None:
        role = Role.ALARM if destination.kind is EndpointKind.SERVICE else Role.MUTED
        lines += wrap_sentence(" ", COST_NOTES[destination.kind], role, cells)
    return lines
