"""The help: keys that work here, tips, signs, other keys, and the columns."""

from collections.abc import Sequence
from itertools import zip_longest

from tui.keys.key_table import KeyBinding, Scope
from tui.keys.keymap import Keymap
from tui.model.column_spec import ColumnSpec, columns_reference
from tui.model.metrics import VERY_LATE_MS
from tui.render.columns import COLUMNS
from tui.render.gauges import SILENCE_DBFS
from tui.render.sentences import definition_lines, wrap_sentence
from tui.text.width import line_width
from tui.theme.roles import Role, StyledLine
from tui.theme.symbols import Symbols
from workers.jobs.job_state import JobStatus
from workers.pacing.certificate import LAG_TOLERANCE_MS

MIN_KEYS_WIDTH = 9
MIN_HELP_COLUMN_WIDTH = 52
HELP_COLUMN_GAP = 2

ALWAYS_LISTED_SCOPES = (
    Scope.SESSIONS,
    Scope.VIEW,
    Scope.TRANSCRIPT,
    Scope.EVENTS,
    Scope.READING,
    Scope.WALL,
    Scope.DASHBOARD,
    Scope.NODES,
)
"""Scopes that are always listed, even if they are not active. Dialogs list their own keys."""

STATUS_DESCRIPTIONS = {
    JobStatus.QUEUED: "queued: waits for a free slot",
    JobStatus.RETRYING: "retrying: broke off, another attempt follows",
    JobStatus.CONNECTING: "connecting to the server",
    JobStatus.STREAMING: "streaming: audio is being sent",
    JobStatus.FINISHING: "finishing: all sent, waiting for last words",
    JobStatus.DONE: "done: the server confirmed the end",
    JobStatus.CANCELLED: "cancelled: the transcript so far is kept",
    JobStatus.INTERRUPTED: "interrupted: “paceline resume” continues it",
    JobStatus.FAILED: "failed: the row shows the reason",
}


TIPS = (
    "Actions apply to marked rows, or to the current row.",
    "A paced stream cannot pause; new starts can be held.",
    "Words in italics may still change.",
    "Lag: how late a chunk of audio was sent.",
    "p99: 99 % of chunks had a smaller lag; p50: half of them.",
    "Pacing held: chunks left on time, so latencies are reliable.",
    "If many sessions are late at once, this machine is too busy.",
    f"Level: how loud it is, from {SILENCE_DBFS} to 0 dBFS.",
    "Open: how long sockets were open; a service bills that time.",
    "Two speakers in stereo: start with --channels split.",
)


def help_lines(
    active: Sequence[KeyBinding],
    cells: int,
    keymap: Keymap,
    symbols: Symbols,
    columns: Sequence[ColumnSpec] = COLUMNS,
) -> list[StyledLine]:
    """Draws the help, in two columns if they fit. ``active``: the keys that work at the moment."""
    beside = cells >= 2 * MIN_HELP_COLUMN_WIDTH
    width = cells // 2 - HELP_COLUMN_GAP if beside else cells
    always_active = [key for key in keymap.bindings_in(Scope.DESK) if key.priority]
    active_scopes = {key.scope for key in active}
    other_scopes = (scope for scope in ALWAYS_LISTED_SCOPES if scope not in active_scopes)
    left = [
        line for block in _scope_blocks([*active, *always_active], width, symbols) for line in block
    ]
    tips = [line for tip in TIPS for line in wrap_sentence(" ", tip, Role.TEXT, width)]
    right = [[("Good to know", Role.BRAND)], *tips, [], *_symbols_block(width, symbols)]
    column_pairs = [
        (column.name, f"{column.help}; filter: {column.filter}" if column.filter else column.help)
        for column in columns_reference(columns)
    ]
    rest = [
        *_scope_blocks(keymap.bindings_in(*other_scopes), width, symbols),
        _definition_block("Columns", column_pairs, width),
    ]
    if not beside:
        return [*left, *right, *(line for block in rest for line in block)]
    for block in rest:  # add it to the column with more room
        (left if len(left) < len(right) else right).extend(block)
    empty: StyledLine = []
    return [
        [*one, (" " * (width + HELP_COLUMN_GAP - line_width(one)), Role.TEXT), *other]
        for one, other in zip_longest(left, right, fillvalue=empty)
    ]


def _scope_blocks(
    bindings: Sequence[KeyBinding], cells: int, symbols: Symbols
) -> list[list[StyledLine]]:
    """Draws a block for each scope, in the order of their first keys."""
    pairs: dict[Scope, list[tuple[str, str]]] = {}
    for key in bindings:
        display = key.key_display.translate(symbols.arrow_key_names)
        pairs.setdefault(key.scope, []).append((display, key.description))
    return [_definition_block(scope.value, pairs[scope], cells) for scope in pairs]


def _definition_block(
    heading: str,
    definitions: Sequence[tuple[str, str]],
    cells: int,
    min_term_width: int = MIN_KEYS_WIDTH,
) -> list[StyledLine]:
    lines = definition_lines(definitions, cells, min_term_width, indent=2)
    return [[(heading, Role.BRAND)], *lines, []]


def _symbols_block(cells: int, symbols: Symbols) -> list[StyledLine]:
    tolerance = f"{LAG_TOLERANCE_MS:.0f} ms"
    definitions = [
        *((symbols.status[status], STATUS_DESCRIPTIONS[status]) for status in JobStatus),
        (f"{symbols.status[JobStatus.RETRYING]}2", "before words: number of the attempt"),
        (symbols.warning, "before words: a warning; the recording tab shows it"),
        (symbols.stopping, "stopping: cancelled, will end soon"),
        (symbols.marked, "marked"),
        (symbols.tolerance_mark, f"on a gauge: {tolerance}; beyond it a chunk is late"),
        (symbols.late, f"the last chunk left more than {tolerance} late"),
        (symbols.very_late, f"more than {VERY_LATE_MS:.0f} ms late"),
        (symbols.slip, "slip: a stall of more than 5 s moved the schedule"),
        (symbols.held, "new starts are held"),
        (symbols.open_turn, "this turn is still being revised"),
        (symbols.heard, "you listen to this session"),
        (symbols.sent, "in the events: sent to the server"),
        (symbols.received, "in the events: received from the server"),
    ]
    return _definition_block("Signs", definitions, cells, min_term_width=3)
