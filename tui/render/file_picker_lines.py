"""The lines of the dialog that adds recordings."""

from collections.abc import Sequence

from tui.files.folder_listing import FolderEntry
from tui.keys.key_table import Scope
from tui.model.run_forecast import RunForecast
from tui.render.forecast import cost_sentence, pre_recorded_sentence, time_sentence
from tui.render.sentences import wrap_sentence
from tui.text.formats import format_bytes, format_count, format_duration
from tui.text.width import cell_width, clean, fit_middle
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import Symbols
from workers.audio.discovery import SkippedPaths

SIZE_WIDTH, DURATION_WIDTH = 9, 9  # cells at the end of a row
PATH_INPUT_HINTS = (
    (Scope.ADDING, "submit", "add"),
    (Scope.ADDING, "complete", "complete"),
    (Scope.ADDING, "browse", "list"),
)
FILE_LIST_HINTS = (
    (Scope.ADDING, "submit", "add"),
    (Scope.PICKING, "mark", "mark"),
    (Scope.PICKING, "open", "open"),
    (Scope.PICKING, "up", "up"),
    (Scope.ADDING, "complete", "line"),
)
FOLDER_ROW_HINTS = (
    (Scope.ADDING, "submit", "open"),
    (Scope.PICKING, "mark", "mark"),
    (Scope.PICKING, "up", "up"),
    (Scope.ADDING, "complete", "line"),
)
"""The keys on the frame: in the path input, in the list, and there while Enter opens a folder."""

MAX_LISTED_REASONS = 4  # maximum skipped paths listed below a problem


def entry_row(
    entry: FolderEntry, duration_s: float | None, cells: int, symbols: Symbols, *, marked: bool
) -> StyledLine:
    """The row of a folder or a recording."""
    name = clean(entry.name) + ("/" if entry.is_folder else "")
    room = max(cells - 4 - SIZE_WIDTH - DURATION_WIDTH, 8)
    shown = fit_middle(name, room, symbols.ellipsis)
    role = Role.KEY if entry.is_folder else Role.TEXT
    size = "" if entry.size_bytes is None else format_bytes(entry.size_bytes)
    length = "" if duration_s is None else format_duration(duration_s)
    return [
        (f" {symbols.marked if marked else ' '} ", Role.WARNING),
        (shown + " " * (room - cell_width(shown)), role),
        (f"{size:>{SIZE_WIDTH}}{length:>{DURATION_WIDTH}}", Role.MUTED),
    ]


def folder_heading(
    folder: str, entries: Sequence[FolderEntry], cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Shows the path of the listed folder, and how many folders and recordings it contains."""
    folders = sum(entry.is_folder for entry in entries)
    files = len(entries) - folders
    counts = f"  {format_count(folders, 'folder')}, {format_count(files, 'recording')}"
    where = fit_middle(clean(folder), max(cells - len(counts) - 1, 8), symbols.ellipsis).rstrip()
    return [[(where, Role.HEADING), (counts, Role.FAINT)]]


def submit_hint(
    marked_count: int, file_count: int | None, folder: str, *, has_input: bool, look: Look
) -> list[StyledLine]:
    """Says what Enter does: open a folder or add files. ``file_count``: None while counting."""
    key = (look.key_hint(Scope.ADDING, "submit"), Role.KEY)
    line: StyledLine = []
    if folder:
        line = [key, (f" opens {clean(folder)}", Role.MUTED)]
    elif file_count:
        line = [key, (f" adds {format_count(file_count, 'recording')}", Role.STRONG)]
    elif has_input and file_count is None:
        line = [key, (" searches, and adds what it finds", Role.MUTED)]
    elif not has_input:
        line = [("One or more paths, or a pattern like *.wav", Role.MUTED)]
    if marked_count:
        line += [(f"   {look.symbols.marked} {marked_count} marked", Role.WARNING)]
    return [line]


def forecast_rows(
    forecast: RunForecast, cells: int, symbols: Symbols, with_pre_recorded: bool
) -> list[StyledLine]:
    """Says what the recordings will take, and what that costs."""
    rows = wrap_sentence(" ", time_sentence(forecast), Role.MUTED, cells)
    if cost := cost_sentence(forecast, brief=True):
        role = Role.ALARM if forecast.cost else Role.MUTED
        source = f" by the {forecast.prices}" if forecast.cost else ""
        rows += wrap_sentence(" ", f"{cost}{source}", role, cells)
    if with_pre_recorded and (other := pre_recorded_sentence(forecast)):
        rows += wrap_sentence(symbols.hint, other, Role.MUTED, cells)
    return rows


def problem_lines(
    reason: str, hint: str, skipped: Sequence[tuple[str, str]], cells: int, symbols: Symbols
) -> list[StyledLine]:
    """Explains why nothing was added."""
    rows: list[StyledLine] = []
    for line in reason.splitlines()[:MAX_LISTED_REASONS]:  # a manifest may have several problems
        rows += wrap_sentence(symbols.warning, clean(line), Role.ERROR, cells)
    if hint:
        rows += wrap_sentence(symbols.hint, clean(hint), Role.TEXT, cells)
    for path, why in skipped[:MAX_LISTED_REASONS]:
        rows += wrap_sentence(symbols.hint, clean(f"{path}: {why}"), Role.MUTED, cells)
    return rows


def skipped_lines(skipped: SkippedPaths, symbols: Symbols, cells: int) -> list[StyledLine]:
    """Lists skipped paths, each with its reason on the next line; then says what is not listed."""
    lines: list[StyledLine] = [[]]
    for path, reason in skipped.listed:
        lines += wrap_sentence(symbols.separator, clean(path), Role.TEXT, cells)
        lines += wrap_sentence(" ", clean(reason), Role.MUTED, cells)
    unlisted = skipped.count - len(skipped.listed)
    for rest in (f"{unlisted} more paths" if unlisted else "", skipped.other_files):
        if rest:
            lines += wrap_sentence(symbols.separator, clean(rest), Role.TEXT, cells)
    return lines
