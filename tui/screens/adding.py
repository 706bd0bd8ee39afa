"""The dialog that adds files and folders."""

import asyncio

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from tui import keys, paths
from tui.keys import Scope
from tui.lines.cells import clean, fit
from tui.lines.paragraphs import said
from tui.palette import Line, Look, Role
from tui.screens.dialog import Dialog
from tui.widgets.painted import Painted
from workers.audio.discovery import found
from workers.errors import PacelineError

CHOICES = 6
"""So many ways to go on are listed."""


class Adding(Dialog[list[str]]):
    """A path goes in, the recordings that it names come out.

    ``skipped`` then tells what of it is no recording: paths, and why, in words.
    """

    BINDINGS = keys.bindings(keys.of(Scope.ADDING))

    DEFAULT_CSS = """
    Adding Input, Adding Input:focus {
        border: none; height: 1; padding: 0; margin: 1 0; background: $panel;
    }
    """

    def __init__(self, look: Look, path: str = "") -> None:
        super().__init__(look)
        self.skipped: list[tuple[str, str]] = []
        self._path = path
        self._below: list[Line] = [[("A file or a folder; folders are searched.", Role.MUTED)]]
        self._searching = False

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Add recordings"
            box.border_subtitle = "Enter add  Tab complete  Esc close"
            yield Input(self._path, placeholder="path", id="path", select_on_focus=False)
            yield Painted(self.look, lambda _: self._below, id="below")

    def _say(self, *lines: Line) -> None:
        self._below = list(lines)
        self.query_one("#below", Painted).redraw()

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    def action_complete(self) -> None:
        self.run_worker(self._complete(self._input.value), group="complete", exclusive=True)

    async def _complete(self, typed: str) -> None:
        completion = await asyncio.to_thread(paths.complete, typed)
        if self._input.value != typed:
            return  # the user typed on
        self._input.value = completion.text
        self._input.cursor_position = len(completion.text)
        width = self.query_one("#below", Painted).content_size.width
        cut = self.look.symbols.cut
        lines: list[Line] = [
            [(fit(clean(name), width, cut), Role.MUTED)] for name in completion.choices[:CHOICES]
        ]
        if (more := len(completion.choices) - CHOICES) > 0:
            lines.append([(f"and {more} more", Role.FAINT)])
        self._say(*lines)

    def on_input_submitted(self) -> None:
        self.action_submit()  # the input takes Enter itself, after all that was typed before it

    def action_submit(self) -> None:
        named = paths.named(self._input.value)
        if named and not self._searching:
            self._searching = True
            self._say([("Searching", Role.MUTED)])
            self.run_worker(self._add(named), group="add")

    async def _add(self, named: list[str]) -> None:
        """A big folder takes a while, so a thread reads it."""
        self.skipped.clear()
        try:
            files = await asyncio.to_thread(found, named, lambda *one: self.skipped.append(one))
        except PacelineError as problem:
            self._problem(problem.reason, problem.hint)
        except OSError as problem:
            self._problem(f"{problem.filename or named[0]}: {problem.strerror}", "")
        else:
            self.dismiss(files)

    def _problem(self, reason: str, hint: str) -> None:
        self._searching = False
        symbols = self.look.symbols
        width = self.query_one("#below", Painted).content_size.width
        rows = said(symbols.warning, clean(reason), Role.BAD, width)
        if hint:
            rows += said(symbols.hint, clean(hint), Role.TEXT, width)
        for path, why in self.skipped[:CHOICES]:
            rows += said(symbols.hint, clean(f"{path}: {why}"), Role.MUTED, width)
        self._say(*rows)
