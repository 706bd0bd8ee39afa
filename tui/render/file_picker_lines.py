"""The lines of the dialog that adds recordings."""

from collections.abc import Sequence

from tui.files.file_picker import Picking
from tui.files.folder_listing import Entry
from tui.keys.key_table import Scope
from tui.render.transcript_layout import said
from tui.text.formats import clock, counted
from tui.text.width import clean, fit_middle, width
from tui.theme.roles import Line, Look, Role
from tui.theme.symbols import Symbols

SIZE, LENGTH = 9, 9
"""Cells of a row's end."""

IN_LINE = (
    (Scope.ADDING, "submit", "add"),
    (Scope.ADDING, "complete", "complete"),
    (Scope.ADDING, "browse", "list"),
)
IN_LIST = (
    (Scope.ADDING, "submit", "add"),
    (Scope.PICKING, "mark", "mark"),
    (Scope.PICKING, "open", "open"),
    (Scope.PICKING, "up", "up"),
    (Scope.ADDING, "complete", "line"),
)
"""Actions told on the frame, while the one or the other has the keys."""

SHOWN = 4
"""So many reasons are listed below a problem."""


def entry(
    each: Entry, seconds: float | None, cells: int, symbols: Symbols, *, marked: bool
) -> Line:
    """A folder or a recording."""
    name = clean(each.name) + ("/" if each.folder else "")
    room = max(cells - 4 - SIZE - LENGTH, 8)
    shown = fit_middle(name, room, symbols.cut)
    role = Role.KEY if each.folder else Role.TEXT
    size = "" if each.size is None else bytes_of(each.size)
    length = "" if seconds is None else clock(seconds)
    return [
        (f" {symbols.marked if marked else ' '} ", Role.LATE),
        (shown + " " * (room - width(shown)), role),
        (f"{size:>{SIZE}}{length:>{LENGTH}}", Role.MUTED),
    ]


def bytes_of(size: int) -> str:
    """``812 B``, ``3.2 MB``: three digits at most before the unit."""
    number, unit = float(size), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if number < 999.5 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 99.5 else f"{number:.1f} {unit}"


def heading(folder: str, picking: Picking, cells: int, symbols: Symbols) -> list[Line]:
    """Whose list it is, and how long it is."""
    folders = sum(each.folder for each in picking.entries)
    files = len(picking.entries) - folders
    counts = f"  {counted(folders, 'folder')}, {counted(files, 'recording')}"
    where = fit_middle(clean(folder), max(cells - len(counts) - 1, 8), symbols.cut).rstrip()
    return [[(where, Role.HEADING), (counts, Role.FAINT)]]


def prospect(
    picking: Picking, files: int | None, opens: str, *, named: bool, look: Look
) -> list[Line]:
    """What Enter would do now: opens a folder, or adds so many (None: not counted to the end)."""
    marked, key = len(picking.marked), (look.key(Scope.ADDING, "submit"), Role.KEY)
    line: Line = []
    if opens:
        line = [key, (f" opens {clean(opens)}", Role.MUTED)]
    elif files:
        line = [key, (f" adds {counted(files, 'file')}", Role.STRONG)]
    elif named and files is None:
        line = [key, (" searches, and adds what it finds", Role.MUTED)]
    elif not named:
        line = [("A path, several, or a pattern like *.wav", Role.MUTED)]
    if marked:
        line += [(f"   {look.symbols.marked} {marked} marked", Role.LATE)]
    return [line]


def problem(
    reason: str, hint: str, skipped: Sequence[tuple[str, str]], cells: int, symbols: Symbols
) -> list[Line]:
    """Why nothing was added, in words."""
    rows = said(symbols.warning, clean(reason), Role.BAD, cells)
    if hint:
        rows += said(symbols.hint, clean(hint), Role.TEXT, cells)
    for path, why in skipped[:SHOWN]:
        rows += said(symbols.hint, clean(f"{path}: {why}"), Role.MUTED, cells)
    return rows
