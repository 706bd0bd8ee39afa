"""The dialog that writes transcripts to files."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Click

from tui import keys
from tui.keys import Scope
from tui.lines.cells import clean, fit_middle
from tui.lines.paragraphs import said
from tui.palette import Line, Look, Role
from tui.screens.dialog import Dialog
from tui.widgets.painted import Painted
from workers.errors import PacelineError
from workers.exports import FORMATS, AlreadyThere, export
from workers.history import JobHistory

LISTED = 6
"""So many files are named; the rest is counted."""

REPLACE = "replace files that exist"


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be exported, as it stood when the dialog opened."""

    histories: Sequence[JobHistory]
    names: Sequence[str]
    """A file name for each, no two the same."""
    folder: Path


@dataclass(slots=True)
class Written:
    """What became of it."""

    files: list[Path] = field(default_factory=list)
    there: list[Path] = field(default_factory=list)
    problem: PacelineError | None = None


def write(batch: Batch, formats: Sequence[str], *, replace: bool) -> Written:
    """Writes job after job; an existing file keeps its own job from being written, no other."""
    written = Written()
    for history, name in zip(batch.histories, batch.names, strict=True):
        try:
            written.files += export(history, formats, batch.folder, overwrite=replace, name=name)
        except AlreadyThere as there:
            written.there += there.paths
        except PacelineError as problem:
            written.problem = problem
            break
    return written


class Exporting(Dialog[frozenset[str]]):
    """Formats by their letters, or by arrows and Space. Gives the choice back for the next time."""

    BINDINGS = keys.bindings(keys.of(Scope.EXPORTING))

    def __init__(self, look: Look, batch: Batch, chosen: frozenset[str]) -> None:
        super().__init__(look)
        self._batch = batch
        self._chosen = set(chosen)
        self._replace = False
        self._cursor = 0
        self._writing = False
        self._result: Written | None = None
        self._note = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Export"
            box.border_subtitle = "Enter write  Space choose  Esc close"
            yield Painted(self.look, self._about, id="about")
            yield Painted(self.look, self._choices, id="choices")
            yield Painted(self.look, self._outcome, id="outcome")

    def action_close(self) -> None:
        self.dismiss(frozenset(self._chosen))

    def action_choose(self, format: str) -> None:
        self._chosen ^= {format}
        self._redraw()

    def action_replace(self) -> None:
        self._replace = not self._replace
        self._redraw()

    def action_move(self, rows: int) -> None:
        self._cursor = (self._cursor + rows) % (len(FORMATS) + 1)
        self._redraw()

    def action_choose_here(self) -> None:
        if self._cursor < len(FORMATS):
            self.action_choose(list(FORMATS)[self._cursor])
        else:
            self.action_replace()

    def action_write(self) -> None:
        if self._writing:
            return
        if not self._chosen:
            self._note = "No format is chosen."
            self._redraw()
            return
        self._writing, self._note = True, "Writing"
        self._redraw()
        self.run_worker(self._write(), group="export")

    async def _write(self) -> None:
        formats = [each for each in FORMATS if each in self._chosen]
        self._result = await asyncio.to_thread(write, self._batch, formats, replace=self._replace)
        self._writing, self._note = False, ""
        self._redraw()

    def on_click(self, event: Click) -> None:
        choices = self.query_one("#choices", Painted)
        if event.widget is choices and 0 < event.y <= len(FORMATS) + 2:
            row = event.y - 1
            self._cursor = min(row, len(FORMATS)) if row != len(FORMATS) else self._cursor
            self.action_choose_here()

    def _redraw(self) -> None:
        for painted in self.query(Painted):
            painted.redraw()

    # --- lines

    def _about(self, width: int) -> list[Line]:
        count = len(self._batch.histories)
        live = sum(not history.status.over for history in self._batch.histories)
        what = "1 transcript" if count == 1 else f"{count} transcripts"
        if live:
            what += f", {live} of them as far as heard" if count > 1 else ", as far as heard"
        folder = fit_middle(
            clean(str(self._batch.folder)), max(width - 3, 8), self.look.symbols.cut
        )
        return [
            [],
            [(what, Role.STRONG)],
            [(f"{self.look.symbols.to} ", Role.FAINT), (folder.rstrip(), Role.MUTED)],
        ]

    def _choices(self, _width: int) -> list[Line]:
        told = {key.action: key for key in keys.of(Scope.EXPORTING)}
        lines: list[Line] = [[]]
        for index, format in enumerate(FORMATS):
            key = told.get(f"choose('{format}')")
            letter, says = (key.shown, key.says) if key else (" ", "")
            lines.append(self._choice(index, format in self._chosen, letter, format, says))
        lines.append([])
        lines.append(self._choice(len(FORMATS), self._replace, "o", "", REPLACE))
        return lines

    def _choice(self, index: int, on: bool, letter: str, format: str, says: str) -> Line:
        symbols = self.look.symbols
        return [
            (symbols.cursor if index == self._cursor else " ", Role.KEY),
            (f" {symbols.on if on else symbols.off} ", Role.LIVE if on else Role.FAINT),
            (f" {letter} ", Role.KEY),
            (f" {format:<5}" if format else " ", Role.STRONG if on else Role.TEXT),
            (says, Role.MUTED),
        ]

    def _outcome(self, width: int) -> list[Line]:
        symbols = self.look.symbols
        lines: list[Line] = [[]]
        if self._note:
            lines.append([(self._note, Role.MUTED)])
        if self._result is None or self._writing:
            return lines
        done = self._result
        if done.files:
            lines += self._files("1 file", "{} files", " written", done.files, Role.GOOD, width)
        if done.there:
            lines += self._files(
                "1 file is", "{} files are", " already there", done.there, Role.LATE, width
            )
            lines.append([("o replaces them, then Enter.", Role.MUTED)])
        if done.problem is not None:
            lines += said(symbols.warning, clean(done.problem.reason), Role.BAD, width)
            if done.problem.hint:
                lines += said(symbols.hint, clean(done.problem.hint), Role.TEXT, width)
        return lines

    def _files(
        self, one: str, many: str, tail: str, files: Sequence[Path], role: Role, width: int
    ) -> list[Line]:
        count = one if len(files) == 1 else many.format(len(files))
        lines: list[Line] = [[(count + tail, role)]]
        for file in files[:LISTED]:
            name = fit_middle(clean(file.name), max(width - 4, 8), self.look.symbols.cut)
            lines.append([("  " + name.rstrip(), Role.MUTED)])
        if len(files) > LISTED:
            lines.append([(f"  and {len(files) - LISTED} more", Role.FAINT)])
        return lines
