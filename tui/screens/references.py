"""The dialog that attaches references: a path, and which recordings it has references for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.files import confinement
from tui.keys.key_table import Scope, textual_bindings
from tui.model.scores import Scores
from tui.render.dashboard import reference_lines
from tui.render.sentences import wrap_sentence
from tui.screens.dialogs import Dialog
from tui.text.width import clean
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.line_input import PathInput
from tui.widgets.line_widgets import LineBlock

if TYPE_CHECKING:  # loaded with the first score
    from workers.evaluation.desk_figures import FoundReferences

MAX_ROWS_PER_LIST = 4
"""Recordings that each list names."""


class ReferencesDialog(Dialog[str]):
    """Returns the path whose references are to be used; empty for those beside the recordings. The
    first Enter looks for references, the second uses them."""

    BINDINGS = textual_bindings(Scope.ATTACHING)

    DEFAULT_CSS = """
    ReferencesDialog {
        #box { height: auto; }
        PathInput { margin: 1 0; }
    }
    """

    def __init__(self, look: Look, scores: Scores) -> None:
        super().__init__(look)
        self._scores = scores
        self._searched: str | None = None
        """The path that `_found` is about; None: nothing was looked for yet."""
        self._is_outside = False
        """Whether that path may not be used."""
        self._found: FoundReferences | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Attach references"
            use = (Scope.ATTACHING, "submit", "look, then use")
            box.border_subtitle = self.hints(use, (Scope.ATTACHING, "complete", "complete"))
            yield PathInput(placeholder="a folder, a table or a file; empty: as found", id="path")
            yield LineBlock(self.look, self._found_lines, id="found")

    def on_mount(self) -> None:
        self._look("")

    def on_input_changed(self) -> None:
        self._redraw_found()

    def on_input_submitted(self) -> None:
        self.action_submit()  # the input itself receives Enter, after all text typed before it

    def action_complete(self) -> None:
        self.query_one(PathInput).complete()

    def action_submit(self) -> None:
        typed = self._typed
        if self._searched != typed:
            self._look(typed)
        elif self._found is not None and self._found.matched:
            self.dismiss(typed)

    @property
    def _typed(self) -> str:
        return self.query_one(PathInput).value.strip()

    def _look(self, typed: str) -> None:
        """Looks for references; the answer arrives with a later tick."""
        self._searched, self._found, path = typed, None, reference_path(typed)
        self._is_outside = path is not None and not confinement.may_use(path)
        if not self._is_outside:
            self._scores.find_references(path, self._show_found)
        self._redraw_found()

    def _show_found(self, found: FoundReferences) -> None:
        self._found = found
        self._redraw_found()

    def show_problem(self) -> None:
        """Draws why nothing can be scored, which is known only after the first request."""
        self._redraw_found()

    def _redraw_found(self) -> None:
        """Draws what was found, unless the dialog is being closed: an answer may come then."""
        for block in self.query("#found").results(LineBlock):
            block.redraw()

    def _found_lines(self, width: int) -> list[StyledLine]:
        symbols, found = self.look.symbols, self._found
        if not width:
            return [[]]
        if self._scores.problem:
            return wrap_sentence(symbols.warning, self._scores.problem, Role.ERROR, width)
        if self._typed != self._searched:
            enter = self.look.key_hint(Scope.ATTACHING, "submit")
            return [[(f"{enter} looks for references there.", Role.MUTED)]]
        if self._is_outside:
            reason = "This path is outside the folders that were named."
            return wrap_sentence(symbols.warning, reason, Role.ERROR, width)
        if found is None:
            return [[("Looking for references.", Role.MUTED)]]
        if found.problem:
            reason = found.problem[:1].upper() + found.problem[1:]
            return [
                *wrap_sentence(symbols.warning, clean(reason), Role.ERROR, width),
                *wrap_sentence(symbols.hint, clean(found.hint), Role.TEXT, width),
            ]
        where = "" if self._searched else " beside recordings, or in their manifest"
        rows = MAX_ROWS_PER_LIST
        matched = [f"{os.path.basename(file)} ← {origin}" for file, origin in found.matched]
        lines = reference_lines(f"References{where}", matched, rows, Role.SUCCESS, width, symbols)
        lines += reference_lines(
            "Recordings without", found.unmatched, rows, Role.WARNING, width, symbols
        )
        lines += reference_lines("Not used", found.unused, rows, Role.MUTED, width, symbols)
        if found.matched:
            enter = self.look.key_hint(Scope.ATTACHING, "submit")
            lines.append([(f"{enter} scores with these.", Role.STRONG)])
        return lines


def reference_path(typed: str) -> Path | None:
    """The path that was typed; None if it is empty."""
    return Path(typed).expanduser().absolute() if typed else None
