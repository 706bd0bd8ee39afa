"""The lines of the export dialog."""

from collections.abc import Sequence
from pathlib import Path

from tui.keys.key_table import Scope
from tui.model.export_choice import ExportChoice, ExportGroup
from tui.render.file_picker_lines import problem_lines
from tui.text.formats import format_count
from tui.text.width import cell_width, clean, fit_middle, line_width
from tui.theme.roles import Look, Role, StyledLine, StyledText
from tui.theme.symbols import Symbols
from workers.errors import PacelineError
from workers.exports.files import FORMATS, OverwritePolicy

MAX_LISTED_FILES = 4  # further files are only counted
MIN_NAME_CELLS = 8
DEFAULT_FOLDER_CELLS = 58  # what the narrowest terminal shows of the folder's field
MIN_ARROW_CELLS = 4  # cells for the arrow before the folder, and the spaces around it
EXISTING_LABELS = {
    OverwritePolicy.REFUSE: "leave them",
    OverwritePolicy.REPLACE: "replace them",
    OverwritePolicy.NUMBER: "number new ones",
}

FORMAT_DESCRIPTIONS = {
    "txt": "plain text",
    "srt": "SubRip subtitles",
    "vtt": "WebVTT subtitles",
    "json": "everything, every word",
    "csv": "a table, one turn per line",
    "stm": "turns for scoring tools",
    "ctm": "words for scoring tools",
    "seglst": "turns for MeetEval",
}

ROWS_FIELD, TOGETHER_FIELD, EXISTING_FIELD, FOLDER_FIELD = "r", "a", "o", "f"
"""The fields other than formats; each name is also the default key."""


def field_order(groups: Sequence[ExportGroup]) -> list[str]:
    """Lists the fields from the top; "" is an empty line. Omits the rows if there is no choice."""
    rows = [ROWS_FIELD, ""] if len(groups) > 1 else []
    return ["", *rows, *FORMATS, "", TOGETHER_FIELD, EXISTING_FIELD, FOLDER_FIELD]


def field_lines(
    groups: Sequence[ExportGroup],
    selected_group: int,
    choice: ExportChoice,
    focused: str,
    look: Look,
) -> list[StyledLine]:
    """Draws one line for each field except the folder, which has its own widget."""
    row_options = [f"{group.label} {len(group.jobs)}" for group in groups]
    existing = list(EXISTING_LABELS).index(choice.existing)
    radios = {
        ROWS_FIELD: ("rows", row_options, selected_group),
        TOGETHER_FIELD: ("files", ["one each", "one for all"], int(choice.together)),
        EXISTING_FIELD: ("existing", list(EXISTING_LABELS.values()), existing),
    }
    lines: list[StyledLine] = []
    for field in field_order(groups)[:-1]:
        line: StyledLine = _field_prefix(field, focused, look) if field else []
        if field in radios:
            label, options, selected = radios[field]
            line.append((f"{label:<9}", Role.MUTED))
            for index, option in enumerate(options):
                on = index == selected
                role = Role.STRONG if on else Role.MUTED
                line += [_checkbox(on, look.symbols), (f"{option}  ", role)]
        elif field:
            on = field in choice.formats
            name = (f"{field:<7}", Role.STRONG if on else Role.TEXT)
            line += [_checkbox(on, look.symbols), name, (FORMAT_DESCRIPTIONS[field], Role.MUTED)]
        lines.append(line)
    return lines


def default_folder_text(folder: Path, look: Look) -> str:
    """The folder that an empty field stands for; its middle is cut, because its end is the run."""
    return fit_middle(clean(str(folder)), DEFAULT_FOLDER_CELLS, look.symbols.ellipsis).rstrip()


def folder_label(focused: str, look: Look) -> StyledLine:
    """The label of the folder's field."""
    return [*_field_prefix(FOLDER_FIELD, focused, look), ("folder", Role.MUTED)]


def _checkbox(on: bool, symbols: Symbols) -> StyledText:
    return (f"{symbols.checked if on else symbols.unchecked} ", Role.LIVE if on else Role.FAINT)


def _field_prefix(field: str, focused: str, look: Look) -> StyledLine:
    key = look.keymap.key_display(Scope.EXPORTING, f"choose('{field}')")
    return [(look.symbols.cursor if field == focused else " ", Role.KEY), (f" {key} ", Role.KEY)]


def transcript_count_lines(count: int, live: int) -> list[StyledLine]:
    """Counts the transcripts, and those whose jobs have not finished."""
    text = format_count(count, "transcript")
    if live:
        text += f", {live} not finished yet" if count > 1 else ", not finished yet"
    return [[], [(text, Role.STRONG)]]


def preview_lines(choice: ExportChoice, count: int, look: Look) -> list[StyledLine]:
    """Describes what writing would do with this choice."""
    lines: list[StyledLine] = [[]]
    files = choice.file_count(count)
    if choice.unmergeable_formats:
        sentence = f"{' and '.join(choice.unmergeable_formats)} skipped"
        sentence = f"{look.symbols.hint} {sentence}: subtitles belong to one recording"
        lines.append([(sentence, Role.WARNING)])
    if not choice.formats:
        lines.append([("No format is chosen.", Role.WARNING)])
    elif files:
        stays = "; existing files stay" if choice.existing is OverwritePolicy.REFUSE else ""
        writes = (look.key_hint(Scope.EXPORTING, "write"), Role.KEY)
        lines.append([writes, (f" writes {format_count(files, 'file')}{stays}", Role.MUTED)])
    return lines


def export_progress_lines(done: int, total: int, look: Look) -> list[StyledLine]:
    """Shows the progress while files are being written."""
    stops = look.key_hint(Scope.DIALOG, "close")
    return [[], [(f"Writing {done} of {total}, {stops} stops", Role.MUTED)]]


def export_result_lines(
    files: Sequence[Path],
    existing_files: Sequence[Path],
    error: PacelineError | None,
    folder: Path,
    cells: int,
    look: Look,
) -> list[StyledLine]:
    """Lists the files that were written, the files that already existed, and the error, if any."""
    symbols = look.symbols
    lines: list[StyledLine] = [[]]
    if files:
        count = f"{format_count(len(files), 'file')} written"
        copy = [("  " + look.key_hint(Scope.EXPORTING, "copy"), Role.KEY), (" copies", Role.MUTED)]
        room = max(cells - cell_width(count) - line_width(copy) - MIN_ARROW_CELLS, MIN_NAME_CELLS)
        where = fit_middle(clean(str(folder)), room, symbols.ellipsis).rstrip()
        arrow = f" {symbols.target_arrow} {where}"
        lines.append([(count, Role.SUCCESS), (arrow, Role.TEXT), *copy])
        lines += _file_name_lines(files, cells, symbols)
    if existing_files:
        verb = "exists" if len(existing_files) == 1 else "exist"
        sentence = f"{format_count(len(existing_files), 'file')} already {verb}"
        lines.append([(sentence, Role.WARNING)])
        lines += _file_name_lines(existing_files, cells, symbols)
        turns = look.key_hint(Scope.EXPORTING, f"choose('{EXISTING_FIELD}')")
        writes = look.key_hint(Scope.EXPORTING, "write")
        lines.append([(turns, Role.KEY), (f" for replace/number, then {writes}", Role.MUTED)])
    if error is not None:
        lines += problem_lines(error.reason, error.hint, (), cells, symbols)
    return lines


def _file_name_lines(files: Sequence[Path], cells: int, symbols: Symbols) -> list[StyledLine]:
    room = max(cells - 4, MIN_NAME_CELLS)
    lines: list[StyledLine] = [
        [("  " + fit_middle(clean(file.name), room, symbols.ellipsis).rstrip(), Role.MUTED)]
        for file in files[:MAX_LISTED_FILES]
    ]
    if len(files) > MAX_LISTED_FILES:
        lines.append([(f"  and {len(files) - MAX_LISTED_FILES} more", Role.FAINT)])
    return lines
