"""The dialog that writes transcripts to files."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Click

from tui.files import confinement
from tui.files.path_input import sanitize_paste
from tui.keys.key_table import Scope, textual_bindings
from tui.model.desk_state import DeskState
from tui.model.export_choice import ExportChoice, ExportGroup
from tui.model.export_job import ExportResult
from tui.model.transcript_cache import TurnsMissing, restore_turns
from tui.render import export_choices as lines
from tui.screens.dialogs import Dialog
from tui.theme.roles import Look, StyledLine
from tui.widgets.line_input import PathInput
from tui.widgets.line_widgets import LineBlock
from workers.errors import UsageProblem
from workers.exports.files import FORMATS
from workers.exports.names import export_names
from workers.jobs.job import JobId
from workers.jobs.job_state import JobState
from workers.jobs.pair import PairState
from workers.runs.reader import measure_skew

PROGRESS_INTERVAL_S = 0.1
"""Seconds between two redraws of the progress."""


class ExportDialog(Dialog[None]):
    """A dialog in which letters, or arrows and Space, change the choices. Opens with the choices of
    the last export. ``group_index``: index of the group in ``groups`` that is chosen at first."""

    BINDINGS = textual_bindings(Scope.EXPORTING)
    AUTO_FOCUS = ""  # letters choose as long as no input has the focus

    DEFAULT_CSS = """
    ExportDialog {
        #box { overflow-y: auto; scrollbar-size-vertical: 1; }
        #where { height: 1; }
        #label { width: 12; }
    }
    """

    def __init__(
        self,
        look: Look,
        state: DeskState,
        groups: Sequence[ExportGroup],
        group_index: int,
        run_folder: Path,
        choice: ExportChoice,
    ) -> None:
        super().__init__(look)
        self._state, self._run_folder = state, run_folder
        self._groups, self._group_index = groups, group_index
        self._default_folder = run_folder / "exports"
        self._choice = self._saved_choice = choice
        self._cursor = next(iter(FORMATS))
        self._done_count: int | None = None
        """Jobs written so far; None while nothing is being written."""
        self._result: ExportResult | None = None
        self._last_folder = self._default_folder

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Export"
            write, choose = (Scope.EXPORTING, "write"), (Scope.EXPORTING, "choose_here")
            box.border_subtitle = self.hints((*write, "write"), (*choose, "choose"))
            yield LineBlock(self.look, self._intro_lines, id="about")
            yield LineBlock(self.look, self._choice_lines, id="choices")
            with Horizontal(id="where"):
                label = lines.folder_label
                yield LineBlock(self.look, lambda _: [label(self._cursor, self.look)], id="label")
                text = sanitize_paste(self._choice.folder)
                default = lines.default_folder_text(self._default_folder, self.look)
                yield PathInput(text, placeholder=default, folders_only=True, id="folder")
            yield LineBlock(self.look, self._outcome_lines, id="outcome")

    def on_mount(self) -> None:
        self.set_interval(PROGRESS_INTERVAL_S, self._show_progress)

    @property
    def _path_input(self) -> PathInput:
        return self.query_one(PathInput)

    @property
    def _entered_folder(self) -> Path:
        # expanduser leaves the ~ of an unknown user unchanged
        folder = os.path.expanduser(sanitize_paste(self._path_input.value.strip()))
        return Path(folder) if folder else self._default_folder

    @property
    def _jobs(self) -> Sequence[JobId]:
        return self._groups[self._group_index].jobs

    # --- keys

    def action_close(self) -> None:
        if self._path_input.has_focus:
            self._leave_path_input()
            return
        self._save_choice()
        self.dismiss(None)

    def action_choose(self, field: str) -> None:
        if self._done_count is not None:
            return  # the choices and the result belong to the export that is running
        match field:
            case lines.ROWS_FIELD:
                self._group_index = (self._group_index + 1) % len(self._groups)
            case lines.TOGETHER_FIELD:
                self._choice = replace(self._choice, together=not self._choice.together)
            case lines.EXISTING_FIELD:
                self._choice = self._choice.with_next_existing()
            case lines.FOLDER_FIELD:
                self.set_focus(self._path_input)
            case format:
                self._choice = self._choice.with_format_toggled(format)
        self._result = None
        self._redraw()

    def action_choose_here(self) -> None:
        self.action_choose(self._cursor)

    def action_move(self, rows: int) -> None:
        fields = list(filter(None, lines.field_order(self._groups)))
        index = fields.index(self._cursor) if self._cursor in fields else 0
        self._cursor = fields[(index + rows) % len(fields)]
        self._leave_path_input()
        row = lines.field_order(self._groups).index(self._cursor)
        self.query_one("#box").scroll_to(y=row - 2, animate=False)  # in a tiny window

    def action_complete(self) -> None:
        if self._path_input.has_focus:
            self._path_input.complete()
        else:
            self.set_focus(self._path_input)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(str(self._last_folder if self._result else self._entered_folder))

    def on_input_submitted(self) -> None:
        self._leave_path_input()

    def _leave_path_input(self) -> None:
        self.set_focus(None)
        self._redraw()

    def on_click(self, event: Click) -> None:
        fields, choices = lines.field_order(self._groups), self.query_one("#choices")
        if event.widget is choices and event.y < len(fields) and fields[event.y]:
            self._cursor = fields[event.y]
            self.action_choose(self._cursor)

    # --- writing

    def _save_choice(self) -> None:
        """Saves changed choices for the next export; without changes, the settings still apply."""
        self._choice = replace(self._choice, folder=self._path_input.value.strip())
        if self._choice != self._saved_choice:
            self._choice.save()
            self._saved_choice = self._choice

    def action_write(self) -> None:
        if self._done_count is not None or not self._choice.file_count(len(self._jobs)):
            return
        self._save_choice()
        self._last_folder = self._entered_folder
        in_run = self._last_folder == self._default_folder
        self._done_count, self._result = 0, ExportResult(in_run=in_run)
        if confinement.is_confined() and not in_run:
            self._done_count = None
            self._result.error = UsageProblem(
                "in a browser, exports go only to the folder of the run",
                "Leave the folder empty; the link below the desk downloads them.",
            )
            self._redraw()
            return
        self._redraw()
        self.start_task("export", self._write, self._choice, self._last_folder, self._result)

    async def _write(self, choice: ExportChoice, folder: Path, result: ExportResult) -> None:
        """Writes one job after another in a thread, each from a snapshot of its state."""
        named = export_names({one.job: one.file for one in self._state.all_job_states})
        copies: list[JobState] = []
        for done, job in enumerate(list(self._jobs)):
            self._done_count = done
            job_state = self._state.job_states[job].copy()
            # turns that were evicted are read from disk
            if not await asyncio.to_thread(restore_turns, self._run_folder, job_state):
                result.error = TurnsMissing(job_state.file)
                break
            if isinstance(job_state, PairState):
                await asyncio.to_thread(measure_skew, self._run_folder, job_state)
            if choice.together:
                copies.append(job_state)
                continue
            await asyncio.to_thread(result.write, job_state, named[job], choice, folder)
            if result.error is not None:
                break
        if choice.together and result.error is None:
            await asyncio.to_thread(result.write_together, copies, choice, folder)
        self._done_count = None
        if result.files:
            self._state.exported_to = folder
        self._redraw()
        self.call_after_refresh(self.query_one("#outcome").scroll_visible, animate=False)

    def _show_progress(self) -> None:
        if self._done_count is not None:
            self.query_one("#outcome", LineBlock).redraw()

    # --- lines

    def _redraw(self) -> None:
        for block in self.query(LineBlock):
            block.redraw()

    def _intro_lines(self, _width: int) -> list[StyledLine]:
        statuses = [self._state.job_states[job].status for job in self._jobs]
        unfinished = sum(not status.is_finished for status in statuses)
        return lines.transcript_count_lines(len(statuses), unfinished)

    def _choice_lines(self, _width: int) -> list[StyledLine]:
        index, cursor = self._group_index, self._cursor
        return lines.field_lines(self._groups, index, self._choice, cursor, self.look)

    def _outcome_lines(self, width: int) -> list[StyledLine]:
        if self._done_count is not None:
            return lines.export_progress_lines(self._done_count, len(self._jobs), self.look)
        if self._result is None:
            return lines.preview_lines(self._choice, len(self._jobs), self.look)
        result, folder = self._result, self._last_folder
        files, existing = result.files, result.existing_files
        return lines.export_result_lines(files, existing, result.error, folder, width, self.look)
