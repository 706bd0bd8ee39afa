"""The lines of the dialog that exports."""

from collections.abc import Sequence
from pathlib import Path

from tui.keys.key_table import Scope
from tui.model.export_job import Choice, Group, Written
from tui.render.transcript_layout import said
from tui.text.formats import counted
from tui.text.width import clean, fit_middle
from tui.theme.roles import Line, Look, Role
from tui.theme.symbols import Symbols
from workers.exports import FORMATS, Existing

LISTED = 4
"""So many files are named; the rest is counted."""

EXISTING = {
    Existing.REFUSE: "leave them",
    Existing.REPLACE: "replace them",
    Existing.NUMBER: "number the new",
}

SAYS = {
    "txt": "plain text",
    "srt": "SubRip subtitles",
    "vtt": "WebVTT subtitles",
    "json": "everything, every word",
    "csv": "a table, one turn a line",
}

ROWS, TOGETHER, THERE, FOLDER = "r", "a", "o", "f"
"""The questions that are no format, by the keys that they have at first."""


def layout(groups: Sequence[Group]) -> list[str]:
    """The questions from above, empty for an empty line; which rows only if that is a question."""
    rows = [ROWS, ""] if len(groups) > 1 else []
    return ["", *rows, *FORMATS, "", TOGETHER, THERE, FOLDER]


def choices(
    groups: Sequence[Group], group: int, choice: Choice, cursor: str, look: Look
) -> list[Line]:
    """One line a question but for the folder, which is a field of its own."""
    lines: list[Line] = []
    for question in layout(groups)[:-1]:
        head = _head(question, cursor, look)
        if question == ROWS:
            named = [f"{each.says} {len(each.jobs)}" for each in groups]
            lines.append(head + _ways("rows", named, group, look.symbols))
        elif question == TOGETHER:
            ways = ["one each", "one for all"]
            lines.append(head + _ways("files", ways, int(choice.together), look.symbols))
        elif question == THERE:
            at = list(EXISTING).index(choice.existing)
            lines.append(head + _ways("existing", list(EXISTING.values()), at, look.symbols))
        elif question:
            lines.append(head + _format(question, choice, look.symbols))
        else:
            lines.append([])
    return lines


def folder_label(cursor: str, look: Look) -> Line:
    """What stands before the folder's field."""
    return [*_head(FOLDER, cursor, look), ("folder", Role.MUTED)]


def _format(format: str, choice: Choice, symbols: Symbols) -> Line:
    on = format in choice.formats
    return [
        *_box(on, symbols),
        (f"{format:<5}", Role.STRONG if on else Role.TEXT),
        (SAYS[format], Role.MUTED),
    ]


def _ways(label: str, ways: Sequence[str], at: int, symbols: Symbols) -> Line:
    line: Line = [(f"{label:<9}", Role.MUTED)]
    for index, way in enumerate(ways):
        role = Role.STRONG if index == at else Role.MUTED
        line += [*_box(index == at, symbols), (f"{way}  ", role)]
    return line


def _box(on: bool, symbols: Symbols) -> Line:
    return [(f"{symbols.on if on else symbols.off} ", Role.LIVE if on else Role.FAINT)]


def _head(question: str, cursor: str, look: Look) -> Line:
    key = look.keys.shown(Scope.EXPORTING, f"choose('{question}')") if question else ""
    here = look.symbols.cursor if question == cursor else " "
    return [(here, Role.KEY), (f" {key} ", Role.KEY)]


def about(recordings: int, live: int) -> list[Line]:
    """How many transcripts, and how many of them are still being heard."""
    what = counted(recordings, "transcript")
    if live:
        what += f", {live} of them as far as heard" if recordings > 1 else ", as far as heard"
    return [[], [(what, Role.STRONG)]]


def promise(choice: Choice, recordings: int, look: Look) -> list[Line]:
    """What writing would do."""
    lines: list[Line] = [[]]
    files = choice.files(recordings)
    if choice.passed_over:
        names = " and ".join(choice.passed_over)
        sentence = f"{names} passed over: subtitles belong to one recording"
        lines.append([(f"{look.symbols.hint} {sentence}", Role.LATE)])
    if not choice.formats:
        lines.append([("No format is chosen.", Role.LATE)])
    elif files:
        stays = "; what is there stays" if choice.existing is Existing.REFUSE else ""
        writes = (look.key(Scope.EXPORTING, "write"), Role.KEY)
        lines.append([writes, (f" writes {counted(files, 'file')}{stays}", Role.MUTED)])
    return lines


def writing(done: int, recordings: int, look: Look) -> list[Line]:
    """How far it is."""
    stops = look.key(Scope.DIALOG, "close")
    return [[], [(f"Writing {done} of {recordings}, {stops} stops", Role.MUTED)]]


def outcome(written: Written, folder: Path, width: int, look: Look) -> list[Line]:
    """What was written and where; what was not, and why."""
    symbols = look.symbols
    lines: list[Line] = [[]]
    if written.files:
        count = f"{counted(len(written.files), 'file')} written"
        where = fit_middle(clean(str(folder)), max(width - len(count) - 14, 8), symbols.cut)
        lines.append(
            [
                (count, Role.GOOD),
                (f" {symbols.to} {where.rstrip()}", Role.TEXT),
                ("  " + look.key(Scope.EXPORTING, "copy"), Role.KEY),
                (" copies", Role.MUTED),
            ]
        )
        lines += _listed(written.files, width, symbols)
    if written.there:
        verb = " is" if len(written.there) == 1 else " are"
        lines.append([(f"{counted(len(written.there), 'file')}{verb} already there", Role.LATE)])
        lines += _listed(written.there, width, symbols)
        turns = look.key(Scope.EXPORTING, f"choose('{THERE}')")
        writes = look.key(Scope.EXPORTING, "write")
        lines.append([(turns, Role.KEY), (f" replaces or numbers, then {writes}", Role.MUTED)])
    if written.problem is not None:
        lines += said(symbols.warning, clean(written.problem.reason), Role.BAD, width)
        if written.problem.hint:
            lines += said(symbols.hint, clean(written.problem.hint), Role.TEXT, width)
    return lines


def _listed(files: Sequence[Path], width: int, symbols: Symbols) -> list[Line]:
    room = max(width - 4, 8)
    lines: list[Line] = [
        [("  " + fit_middle(clean(file.name), room, symbols.cut).rstrip(), Role.MUTED)]
        for file in files[:LISTED]
    ]
    if len(files) > LISTED:
        lines.append([(f"  and {len(files) - LISTED} more", Role.FAINT)])
    return lines
