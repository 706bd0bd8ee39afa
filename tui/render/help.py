"""The help: keys that work here, tips, signs, other keys, and the columns."""

from collections.abc import Iterable, Sequence
from itertools import groupby

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
"""Minimum cells for the keys of a line."""

MIN_HELP_COLUMN_WIDTH = 52
"""Minimum cells of each of two columns."""

HELP_COLUMN_GAP = 2
"""Cells between two columns."""

ALWAYS_LISTED_SCOPES = (
    Scope.SESSIONS,
    Scope.VIEW,
    Scope.TRANSCRIPT,
    Scope.EVENTS,
    Scope.READING,
    Scope.WALL,
)
"""Scopes whose keys are listed even where they do not work. Dialogs list their own."""

STATUS_DESCRIPTIONS = {
    JobStatus.QUEUED: "queued: waits for a free place",
    JobStatus.RETRYING: "retrying: it broke, a further attempt comes",
    JobStatus.CONNECTING: "connecting: calls the server",
    JobStatus.STREAMING: "streaming at the speed of speech",
    JobStatus.FINISHING: "finishing: all is sent, last words awaited",
    JobStatus.DONE: "done: the server confirmed the end",
    JobStatus.CANCELLED: "cancelled: what was heard is kept",
    JobStatus.INTERRUPTED: "interrupted: paceline resume goes on with it",
    JobStatus.FAILED: "failed: the reason stands in the row",
}


def help_lines(
    active: Sequence[KeyBinding],
    cells: int,
    keymap: Keymap,
    symbols: Symbols,
    columns: Sequence[ColumnSpec] = COLUMNS,
) -> list[StyledLine]:
    """In two columns if there is room. ``active``: the keys that work where the user is."""
    beside = cells >= 2 * MIN_HELP_COLUMN_WIDTH
    column = cells // 2 - HELP_COLUMN_GAP if beside else cells
    unnamed = [key for key in keymap.bindings_in(Scope.DESK) if key.priority]
    elsewhere = keymap.bindings_in(
        *(scope for scope in ALWAYS_LISTED_SCOPES if scope not in {k.scope for k in active})
    )
    left = [line for block in _scope_blocks([*active, *unnamed], column, symbols) for line in block]
    right = [*_tips_block(column), *_symbols_block(column, symbols)]
    rest = [*_scope_blocks(elsewhere, column, symbols), _columns_block(columns, column)]
    if beside:
        return _two_columns(left, right, rest, column + HELP_COLUMN_GAP)
    return [*left, *right, *(line for block in rest for line in block)]


def _scope_blocks(
    bindings: Iterable[KeyBinding], cells: int, symbols: Symbols
) -> list[list[StyledLine]]:
    """A block for each scope, in the order of their first key."""
    bindings = list(bindings)
    order = list(dict.fromkeys(key.scope for key in bindings))
    in_order = sorted(bindings, key=lambda key: order.index(key.scope))
    return [
        _scope_block(scope, list(group), cells, symbols)
        for scope, group in groupby(in_order, key=lambda key: key.scope)
    ]


def _scope_block(
    scope: Scope, bindings: Sequence[KeyBinding], cells: int, symbols: Symbols
) -> list[StyledLine]:
    pairs = [
        (key.key_display.translate(symbols.arrow_key_names), key.description) for key in bindings
    ]
    return _definition_block(scope.value, pairs, cells)


def _definition_block(
    heading: str,
    definitions: Sequence[tuple[str, str]],
    cells: int,
    min_term_width: int = MIN_KEYS_WIDTH,
) -> list[StyledLine]:
    return [
        [(heading, Role.BRAND)],
        *definition_lines(definitions, cells, min_term_width, indent=2),
        [],
    ]


def _symbols_block(cells: int, symbols: Symbols) -> list[StyledLine]:
    states: list[tuple[str, str]] = [
        (symbols.status[status], STATUS_DESCRIPTIONS[status]) for status in JobStatus
    ]
    others = [
        (f"{symbols.status[JobStatus.RETRYING]}2", "before words: of the second attempt"),
        (symbols.warning, "before words: a warning, which the job tab tells"),
        (symbols.stopping, "stopping: was cancelled, ends now"),
        (symbols.marked, "marked"),
        (
            symbols.tolerance_mark,
            f"on a gauge: {LAG_TOLERANCE_MS:.0f} ms; beyond it a chunk is late",
        ),
        (symbols.late, f"the last chunk left more than {LAG_TOLERANCE_MS:.0f} ms late"),
        (symbols.very_late, f"more than {VERY_LATE_MS:.0f} ms late"),
        (symbols.slip, "slip: a stall of over 5 s moved the schedule"),
        (symbols.held, "new starts are held"),
        (symbols.open_turn, "this turn is still being revised"),
        (symbols.sent, "among the events: sent to the server"),
        (symbols.received, "among the events: received from it"),
    ]
    return _definition_block("Signs", states + others, cells, min_term_width=3)


def _columns_block(columns: Sequence[ColumnSpec], cells: int) -> list[StyledLine]:
    """What each column shows, and an example of its filter."""
    pairs = [
        (column.name, f"{column.help}; filter: {column.filter}" if column.filter else column.help)
        for column in columns_reference(columns)
    ]
    return _definition_block("Columns", pairs, cells)


def _tips_block(cells: int) -> list[StyledLine]:
    sentences = (
        "Verbs act on the marked rows, else on the current one.",
        "A paced stream cannot pause; new starts can be held.",
        "Slanted words may still change.",
        "Lag: how long after its due time a chunk of audio left.",
        "p99: what 99 of 100 chunks stayed under; p50, half of them.",
        "Pacing held: chunks left on time, so delays can be trusted.",
        "Many sessions late at once: this machine is too busy.",
        f"Level: how loud it is, from {SILENCE_DBFS} to 0 dBFS.",
        "Open: how long sockets were; that is what a service bills.",
    )
    lines = [line for each in sentences for line in wrap_sentence(" ", each, Role.TEXT, cells)]
    return [[("Good to know", Role.BRAND)], *lines, []]


def _two_columns(
    left: list[StyledLine],
    right: list[StyledLine],
    other_blocks: Sequence[list[StyledLine]],
    cells: int,
) -> list[StyledLine]:
    """Tips and signs at the top of the right column, further blocks where there is more room."""
    left, right = left[:], right[:]
    for block in other_blocks:
        (left if len(left) < len(right) else right).extend(block)
    rows = max(len(left), len(right))
    pairs = zip(left + [[]] * (rows - len(left)), right + [[]] * (rows - len(right)), strict=True)
    return [[*one, (" " * (cells - line_width(one)), Role.TEXT), *two] for one, two in pairs]
