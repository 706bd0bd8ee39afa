"""The dialog that writes transcripts to files."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Click

from tui.files import path_input
from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.model.desk_state import DeskState
from tui.model.export_job import Choice, Group, Written
from tui.model.transcript_cache import TurnsMissing, fill
from tui.render import export_choices as lines
from tui.screens.dialog import Dialog
from tui.text.width import clean
from tui.theme.roles import Line, Look
from tui.widgets.painted import Painted
from tui.widgets.path_line import PathLine
from workers.exports import FORMATS, names
from workers.jobs.job import JobId
from workers.jobs.job_state import JobHistory

LOOK_EVERY = 0.1
"""Seconds between two looks at how far it is."""


class Exporting(Dialog[None]):
    """Every question by its letter, or by arrows and Space; opens as it was closed."""

    BINDINGS = key_table.bindings(key_table.of(Scope.EXPORTING))
    AUTO_FOCUS = ""  # letters choose until the folder is asked for

    DEFAULT_CSS = """
    Exporting {
        #box { overflow-y: auto; scrollbar-size-vertical: 1; }
        #where { height: 1; }
        #label { width: 12; }
    }
    """

    def __init__(
        self,
        look: Look,
        state: DeskState,
        groups: Sequence[Group],
        group: int,
        run: Path,
        choice: Choice,
    ) -> None:
        super().__init__(look)
        self._state = state
        self._groups = groups
        self._group = group
        self._run = run
        self._own = run / "exports"
        self._choice = self._kept = choice
        self._cursor = next(iter(FORMATS))
        self._done: int | None = None
        """So many are written while it goes on."""
        self._written: Written | None = None
        self._folder = self._own
        """Where it was written last."""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Export"
            box.border_subtitle = self.hints(
                (Scope.EXPORTING, "write", "write"), (Scope.EXPORTING, "choose_here", "choose")
            )
            yield Painted(self.look, self._about, id="about")
            yield Painted(self.look, self._choices, id="choices")
            with Horizontal(id="where"):
                yield Painted(self.look, self._label, id="label")
                yield PathLine(
                    path_input.typed(self._choice.folder),
                    placeholder=clean(str(self._own)),
                    folders=True,
                    id="folder",
                )
            yield Painted(self.look, self._outcome, id="outcome")

    def on_mount(self) -> None:
        self.set_interval(LOOK_EVERY, self._show_progress)

    @property
    def _line(self) -> PathLine:
        return self.query_one(PathLine)

    @property
    def _named(self) -> Path:
        """The folder that the line names."""
        folder = os.path.expanduser(path_input.typed(self._line.value.strip()))
        return Path(folder) if folder else self._own  # of nobody's ~: as it stands

    @property
    def _jobs(self) -> Sequence[JobId]:
        return self._groups[self._group].jobs

    # --- keys

    def action_close(self) -> None:
        if self._line.has_focus:
            self._leave_line()
            return
        self._keep()
        self.dismiss(None)

    def action_choose(self, question: str) -> None:
        if self._done is not None:
            return  # what is written stands above, and what became of it is to stand below
        match question:
            case lines.ROWS:
                self._group = (self._group + 1) % len(self._groups)
            case lines.TOGETHER:
                self._choice = replace(self._choice, together=not self._choice.together)
            case lines.THERE:
                self._choice = self._choice.turned()
            case lines.FOLDER:
                self.set_focus(self._line)
            case format:
                self._choice = self._choice.toggled(format)
        self._written = None
        self._redraw()

    def action_choose_here(self) -> None:
        self.action_choose(self._cursor)

    def action_move(self, rows: int) -> None:
        asked = list(filter(None, lines.layout(self._groups)))
        at = asked.index(self._cursor) if self._cursor in asked else 0
        self._cursor = asked[(at + rows) % len(asked)]
        self._leave_line()
        row = lines.layout(self._groups).index(self._cursor)
        self.query_one("#box").scroll_to(y=row - 2, animate=False)  # in a tiny window

    def action_complete(self) -> None:
        if self._line.has_focus:
            self._line.complete()
        else:
            self.set_focus(self._line)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(str(self._folder if self._written else self._named))

    def on_input_submitted(self) -> None:
        self._leave_line()

    def _leave_line(self) -> None:
        self.set_focus(None)
        self._redraw()

    def on_click(self, event: Click) -> None:
        choices = self.query_one("#choices", Painted)
        if event.widget is choices:
            asked = lines.layout(self._groups)
            if question := asked[event.y] if event.y < len(asked) else "":
                self._cursor = question
                self.action_choose(question)

    # --- writing

    def _keep(self) -> None:
        """For the next time, if it is another one: else the settings go on to say."""
        before = self._kept
        self._kept = self._choice = replace(self._choice, folder=self._line.value.strip())
        if self._kept != before:
            self._kept.remember()

    def action_write(self) -> None:
        if self._done is not None or not self._choice.files(len(self._jobs)):
            return
        self._keep()
        self._folder = self._named
        self._done, self._written = 0, Written()
        self._redraw()
        work: Callable[[], Awaitable[None]] = partial(
            self._write, self._choice, self._folder, self._written
        )
        self.run_worker(work, group="export")

    async def _write(self, choice: Choice, folder: Path, written: Written) -> None:
        """A thread writes, job after job; each is copied when its turn has come."""
        named = names(self._state.run)
        copies: list[JobHistory] = []
        for done, job in enumerate(list(self._jobs)):
            self._done = done
            history = self._state.snapshot(job)
            if not await asyncio.to_thread(fill, self._run, history):  # old turns stay on disk
                written.problem = TurnsMissing(history.file)
                break
            if choice.together:
                copies.append(history)
                continue
            await asyncio.to_thread(written.write, history, named[job], choice, folder)
            if written.problem is not None:
                break
        if choice.together and written.problem is None:
            await asyncio.to_thread(written.write_together, copies, choice, folder)
        self._done = None
        self._redraw()
        self.call_after_refresh(self.query_one("#outcome").scroll_visible, animate=False)

    def _show_progress(self) -> None:
        if self._done is not None:
            self.query_one("#outcome", Painted).redraw()

    # --- lines

    def _redraw(self) -> None:
        for painted in self.query(Painted):
            painted.redraw()

    def _about(self, _width: int) -> list[Line]:
        histories = [self._state.histories[job] for job in self._jobs]
        return lines.about(len(histories), sum(not each.status.over for each in histories))

    def _choices(self, _width: int) -> list[Line]:
        return lines.choices(self._groups, self._group, self._choice, self._cursor, self.look)

    def _label(self, _width: int) -> list[Line]:
        return [lines.folder_label(self._cursor, self.look)]

    def _outcome(self, width: int) -> list[Line]:
        if self._done is not None:
            return lines.writing(self._done, len(self._jobs), self.look)
        if self._written is None:
            return lines.promise(self._choice, len(self._jobs), self.look)
        return lines.outcome(self._written, self._folder, width, self.look)
