"""The lines of the dialog that exports."""

from collections.abc import Sequence
from pathlib import Path

from tui.keys.key_table import Scope
from tui.model.export_job import ExportChoice, ExportGroup, ExportResult
from tui.render.transcript_layout import wrap_sentence
from tui.text.formats import format_count
from tui.text.width import clean, fit_middle
from tui.theme.roles import Look, Role, StyledLine
from tui.theme.symbols import Symbols
from workers.exports import FORMATS, OverwritePolicy

MAX_LISTED_FILES = 4
"""So many files are named; the rest is counted."""

EXISTING_LABELS = {
    OverwritePolicy.REFUSE: "leave them",
    OverwritePolicy.REPLACE: "replace them",
    OverwritePolicy.NUMBER: "number the new",
}

FORMAT_DESCRIPTIONS = {
    "txt": "plain text",
    "srt": "SubRip subtitles",
    "vtt": "WebVTT subtitles",
    "json": "everything, every word",
    "csv": "a table, one turn a line",
}

ROWS_FIELD, TOGETHER_FIELD, EXISTING_FIELD, FOLDER_FIELD = "r", "a", "o", "f"
"""The questions that are no format, by the keys that they have at first."""


def field_order(groups: Sequence[ExportGroup]) -> list[str]:
    """The questions from above, empty for an empty line; which rows only if that is a question."""
    rows = [ROWS_FIELD, ""] if len(groups) > 1 else []
    return ["", *rows, *FORMATS, "", TOGETHER_FIELD, EXISTING_FIELD, FOLDER_FIELD]


def field_lines(
    groups: Sequence[ExportGroup],
    selected_group: int,
    choice: ExportChoice,
    focused: str,
    look: Look,
) -> list[StyledLine]:
    """One line a question but for the folder, which is a field of its own."""
    lines: list[StyledLine] = []
    for question in field_order(groups)[:-1]:
        head = _field_prefix(question, focused, look)
        if question == ROWS_FIELD:
            named = [f"{each.label} {len(each.jobs)}" for each in groups]
            lines.append(head + _radio_line("rows", named, selected_group, look.symbols))
        elif question == TOGETHER_FIELD:
            ways = ["one each", "one for all"]
            lines.append(head + _radio_line("files", ways, int(choice.together), look.symbols))
        elif question == EXISTING_FIELD:
            at = list(EXISTING_LABELS).index(choice.existing)
            lines.append(
                head + _radio_line("existing", list(EXISTING_LABELS.values()), at, look.symbols)
            )
        elif question:
            lines.append(head + _format_line(question, choice, look.symbols))
        else:
            lines.append([])
    return lines


def folder_label(focused: str, look: Look) -> StyledLine:
    """What stands before the folder's field."""
    return [*_field_prefix(FOLDER_FIELD, focused, look), ("folder", Role.MUTED)]


def _format_line(format: str, choice: ExportChoice, symbols: Symbols) -> StyledLine:
    on = format in choice.formats
    return [
        *_checkbox(on, symbols),
        (f"{format:<5}", Role.STRONG if on else Role.TEXT),
        (FORMAT_DESCRIPTIONS[format], Role.MUTED),
    ]


def _radio_line(label: str, options: Sequence[str], selected: int, symbols: Symbols) -> StyledLine:
    line: StyledLine = [(f"{label:<9}", Role.MUTED)]
    for index, way in enumerate(options):
        role = Role.STRONG if index == selected else Role.MUTED
        line += [*_checkbox(index == selected, symbols), (f"{way}  ", role)]
    return line


def _checkbox(on: bool, symbols: Symbols) -> StyledLine:
    return [(f"{symbols.checked if on else symbols.unchecked} ", Role.LIVE if on else Role.FAINT)]


def _field_prefix(field: str, focused: str, look: Look) -> StyledLine:
    key = look.keymap.key_display(Scope.EXPORTING, f"choose('{field}')") if field else ""
    here = look.symbols.cursor if field == focused else " "
    return [(here, Role.KEY), (f" {key} ", Role.KEY)]


def transcript_count_lines(count: int, live: int) -> list[StyledLine]:
    """How many transcripts, and how many of them are still being heard."""
    what = format_count(count, "transcript")
    if live:
        what += f", {live} of them as far as heard" if count > 1 else ", as far as heard"
    return [[], [(what, Role.STRONG)]]


def preview_lines(choice: ExportChoice, count: int, look: Look) -> list[StyledLine]:
    """What writing would do."""
    lines: list[StyledLine] = [[]]
    files = choice.file_count(count)
    if choice.unmergeable_formats:
        names = " and ".join(choice.unmergeable_formats)
        sentence = f"{names} passed over: subtitles belong to one recording"
        lines.append([(f"{look.symbols.hint} {sentence}", Role.WARNING)])
    if not choice.formats:
        lines.append([("No format is chosen.", Role.WARNING)])
    elif files:
        stays = "; what is there stays" if choice.existing is OverwritePolicy.REFUSE else ""
        writes = (look.key_hint(Scope.EXPORTING, "write"), Role.KEY)
        lines.append([writes, (f" writes {format_count(files, 'file')}{stays}", Role.MUTED)])
    return lines


def export_progress_lines(done: int, total: int, look: Look) -> list[StyledLine]:
    """How far it is."""
    stops = look.key_hint(Scope.DIALOG, "close")
    return [[], [(f"Writing {done} of {total}, {stops} stops", Role.MUTED)]]


def export_result_lines(
    result: ExportResult, folder: Path, cells: int, look: Look
) -> list[StyledLine]:
    """What was written and where; what was not, and why."""
    symbols = look.symbols
    lines: list[StyledLine] = [[]]
    if result.files:
        count = f"{format_count(len(result.files), 'file')} written"
        where = fit_middle(clean(str(folder)), max(cells - len(count) - 14, 8), symbols.ellipsis)
        lines.append(
            [
                (count, Role.SUCCESS),
                (f" {symbols.target_arrow} {where.rstrip()}", Role.TEXT),
                ("  " + look.key_hint(Scope.EXPORTING, "copy"), Role.KEY),
                (" copies", Role.MUTED),
            ]
        )
        lines += _file_name_lines(result.files, cells, symbols)
    if result.existing_files:
        verb = " is" if len(result.existing_files) == 1 else " are"
        lines.append(
            [
                (
                    f"{format_count(len(result.existing_files), 'file')}{verb} already there",
                    Role.WARNING,
                )
            ]
        )
        lines += _file_name_lines(result.existing_files, cells, symbols)
        turns = look.key_hint(Scope.EXPORTING, f"choose('{EXISTING_FIELD}')")
        writes = look.key_hint(Scope.EXPORTING, "write")
        lines.append([(turns, Role.KEY), (f" replaces or numbers, then {writes}", Role.MUTED)])
    if result.error is not None:
        lines += wrap_sentence(symbols.warning, clean(result.error.reason), Role.ERROR, cells)
        if result.error.hint:
            lines += wrap_sentence(symbols.hint, clean(result.error.hint), Role.TEXT, cells)
    return lines


def _file_name_lines(files: Sequence[Path], cells: int, symbols: Symbols) -> list[StyledLine]:
    room = max(cells - 4, 8)
    lines: list[StyledLine] = [
        [("  " + fit_middle(clean(file.name), room, symbols.ellipsis).rstrip(), Role.MUTED)]
        for file in files[:MAX_LISTED_FILES]
    ]
    if len(files) > MAX_LISTED_FILES:
        lines.append([(f"  and {len(files) - MAX_LISTED_FILES} more", Role.FAINT)])
    return lines
