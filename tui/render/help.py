"""The help screen's lines: the keys of where the user is, the signs in use, the other keys."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from tui.keys.key_table import Key, Scope
from tui.keys.keymap import Keymap
from tui.render.gauges import SILENCE_DB, VERY_LATE_MS
from tui.render.glossary import glossary
from tui.render.responsive_line import cells_of
from tui.render.transcript_layout import said
from tui.theme.roles import Line, Role
from tui.theme.symbols import Symbols
from workers.jobs.job_state import Status
from workers.pacing.certificate import TOLERANCE_MS

SHOWN = 9
"""Cells for the keys of a line, at least."""

LEAST = 52
"""Cells that each of two columns has at least."""

GAP = 2
"""Cells between them."""

ELSEWHERE = (
    Scope.SESSIONS,
    Scope.VIEW,
    Scope.TRANSCRIPT,
    Scope.EVENTS,
    Scope.READING,
    Scope.WALL,
)
"""Whose keys are told even where they do not work. Dialogs tell their own."""

STATES = {
    Status.QUEUED: "queued: waits for a free place",
    Status.RETRYING: "retrying: it broke, a further attempt comes",
    Status.CONNECTING: "connecting: calls the server",
    Status.STREAMING: "streaming at the speed of speech",
    Status.FINISHING: "finishing: all is sent, last words awaited",
    Status.DONE: "done: the server confirmed the end",
    Status.CANCELLED: "cancelled: what was heard is kept",
    Status.INTERRUPTED: "interrupted: paceline resume goes on with it",
    Status.FAILED: "failed: the reason stands in the row",
}


def help_lines(here: Sequence[Key], cells: int, keymap: Keymap, symbols: Symbols) -> list[Line]:
    """In two columns where there is room. ``here``: the keys that work where the user is."""
    beside = cells >= 2 * LEAST
    column = cells // 2 - GAP if beside else cells
    unnamed = [key for key in keymap.of(Scope.DESK) if key.priority]
    elsewhere = keymap.of(*(scope for scope in ELSEWHERE if scope not in {k.scope for k in here}))
    left = [line for block in _by_scope([*here, *unnamed], column, symbols) for line in block]
    right = [*_told(column), *_signs(column, symbols)]
    rest = _by_scope(elsewhere, column, symbols)
    if beside:
        return _beside(left, right, rest, column + GAP)
    return [*left, *right, *(line for block in rest for line in block)]


def _by_scope(keys: Iterable[Key], cells: int, symbols: Symbols) -> list[list[Line]]:
    """A block for each scope, in the order in which they come first."""
    keys = list(keys)
    order = list(dict.fromkeys(key.scope for key in keys))
    in_order = sorted(keys, key=lambda key: order.index(key.scope))
    return [
        _keys(scope, list(group), cells, symbols)
        for scope, group in groupby(in_order, key=lambda key: key.scope)
    ]


def _keys(scope: Scope, keys: Sequence[Key], cells: int, symbols: Symbols) -> list[Line]:
    pairs = [(key.shown.translate(symbols.arrows), key.says) for key in keys]
    return _block(scope.value, pairs, cells)


def _block(
    heading: str, pairs: Sequence[tuple[str, str]], cells: int, least: int = SHOWN
) -> list[Line]:
    return [[(heading, Role.BRAND)], *glossary(pairs, cells, least, indent=2), []]


def _signs(cells: int, symbols: Symbols) -> list[Line]:
    states: list[tuple[str, str]] = [(symbols.status[status], STATES[status]) for status in Status]
    others = [
        (f"{symbols.status[Status.RETRYING]}2", "before words: of the second attempt"),
        (symbols.warning, "before words: a warning, which the job tab tells"),
        (symbols.stopping, "stopping: was cancelled, ends now"),
        (symbols.marked, "marked"),
        (symbols.tolerance, f"on a gauge: {TOLERANCE_MS:.0f} ms; beyond it a chunk is late"),
        (symbols.late, f"the last chunk left more than {TOLERANCE_MS:.0f} ms late"),
        (symbols.very_late, f"more than {VERY_LATE_MS:.0f} ms late"),
        (symbols.slip, "slip: a stall of over 5 s moved the schedule"),
        (symbols.held, "new starts are held"),
        (symbols.speaking, "this turn is still being revised"),
        (symbols.sent, "among the events: sent to the server"),
        (symbols.received, "among the events: received from it"),
    ]
    return _block("Signs", states + others, cells, least=3)


def _told(cells: int) -> list[Line]:
    sentences = (
        "Verbs act on the marked rows, else on the current one.",
        "A paced stream cannot pause; new starts can be held.",
        "Slanted words may still change.",
        "Lag: how long after its due time a chunk of audio left.",
        "p99: what 99 of 100 chunks stayed under; p50, half of them.",
        "Pacing held: chunks left on time, so delays can be trusted.",
        "Many sessions late at once: this machine is too busy.",
        f"Level: how loud it is, from {SILENCE_DB} to 0 dBFS.",
        "Open: how long sockets were; that is what a service bills.",
    )
    told = [line for each in sentences for line in said(" ", each, Role.TEXT, cells)]
    return [[("Good to know", Role.BRAND)], *told, []]


def _beside(
    left: list[Line], right: list[Line], rest: Sequence[list[Line]], cells: int
) -> list[Line]:
    """What the words and signs mean is at the top, the rest where there is more room."""
    left, right = left[:], right[:]
    for block in rest:
        (left if len(left) < len(right) else right).extend(block)
    rows = max(len(left), len(right))
    pairs = zip(left + [[]] * (rows - len(left)), right + [[]] * (rows - len(right)), strict=True)
    return [[*one, (" " * (cells - cells_of(one)), Role.TEXT), *two] for one, two in pairs]
