"""The help screen's lines, from the table of keys and the signs in use."""

from tui.keys import Scope, of
from tui.lines.cells import width
from tui.palette import Line, Role
from tui.symbols import Symbols
from workers.audio.certificate import TOLERANCE_MS
from workers.history import Status

SHOWN = 9
"""Cells for the keys of a line."""

COLUMN = 54
"""Cells of one of two columns."""

STATES = {
    Status.QUEUED: "queued: waits for a free place",
    Status.RETRYING: "retrying: it broke, a further attempt comes",
    Status.CONNECTING: "connecting: calls the server",
    Status.STREAMING: "streaming at the speed of speech",
    Status.FINISHING: "finishing: all is sent, last words awaited",
    Status.DONE: "done: the server confirmed the end",
    Status.CANCELLED: "cancelled: what was heard is kept",
    Status.FAILED: "failed: the reason stands in the row",
}


def help_lines(cells: int, symbols: Symbols) -> list[Line]:
    """In two columns where there is room."""
    left = [*(_keys(scope, symbols) for scope in (Scope.SESSIONS, Scope.JOBS, Scope.DESK)), _told()]
    right = [_keys(Scope.TRANSCRIPT, symbols), _keys(Scope.READING, symbols), _signs(symbols)]
    if cells < 2 * COLUMN:
        return [line for block in left + right for line in block]
    return _beside(
        [line for block in left for line in block], [line for block in right for line in block]
    )


def _keys(scope: Scope, symbols: Symbols) -> list[Line]:
    keys: list[Line] = [
        [
            (f"  {key.shown.translate(symbols.arrows):<{SHOWN}}", Role.KEY),
            (key.says, Role.TEXT),
        ]
        for key in of(scope)
    ]
    return [[(scope.value, Role.BRAND)], *keys, []]


def _signs(symbols: Symbols) -> list[Line]:
    states: list[tuple[str, str]] = [(symbols.status[status], STATES[status]) for status in Status]
    others = [
        (f"{symbols.status[Status.RETRYING]}2", "before words: of the second attempt"),
        (symbols.stopping, "stopping: was cancelled, ends now"),
        (symbols.marked, "marked"),
        (symbols.late, f"the last chunk left more than {TOLERANCE_MS:.0f} ms late"),
        (symbols.very_late, f"more than {10 * TOLERANCE_MS:.0f} ms late"),
        (symbols.slip, "slip: a stall moved the schedule"),
        (symbols.speaking, "this turn is still being revised"),
    ]
    signs: list[Line] = [
        [(f"  {sign:<{SHOWN}}", Role.KEY), (says, Role.TEXT)] for sign, says in states + others
    ]
    return [[("Signs", Role.BRAND)], *signs, []]


def _told() -> list[Line]:
    sentences = (
        "Verbs act on the marked rows, else on the current one.",
        "A paced stream cannot pause: p only holds new starts.",
        "Slanted words may still change.",
    )
    return [[("Good to know", Role.BRAND)], *([(f"  {each}", Role.TEXT)] for each in sentences), []]


def _beside(left: list[Line], right: list[Line]) -> list[Line]:
    rows = max(len(left), len(right))
    pairs = zip(left + [[]] * (rows - len(left)), right + [[]] * (rows - len(right)), strict=True)
    return [[*one, (" " * max(COLUMN - _cells(one), 0), Role.TEXT), *two] for one, two in pairs]


def _cells(line: Line) -> int:
    return sum(width(text) for text, _ in line)
