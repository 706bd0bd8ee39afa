"""The dialog that adds recordings: an input for paths, and below it a list of the folder."""

import asyncio
import os
from contextlib import suppress
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.files.file_picker import FilePicker, PathSelection, parent_folder
from tui.files.folder_listing import FolderEntry, estimate_duration
from tui.files.path_input import find_completions, split_paths
from tui.files.recording_search import RecordingSearch, SearchCancelled
from tui.keys.key_table import Scope, textual_bindings
from tui.model.run_forecast import RunForecast, RunForecaster
from tui.render import file_picker_lines as lines
from tui.screens.dialogs import Dialog
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.entry_list import EntryList
from tui.widgets.line_input import PathInput
from tui.widgets.line_widgets import LineBlock
from workers.audio.discovery import SkippedPaths
from workers.audio.source import Source
from workers.errors import PacelineError
from workers.sources.manifest import SourceRules

MAX_FORECAST_FILES = 5000
"""With more recordings, reading the beginning of each takes too long for a dialog."""

COUNT_TIMEOUT_S = 1.5
"""Seconds after which counting gives up; Enter then searches without a time limit."""


class AddDialog(Dialog[list[Source]]):
    """A dialog that returns the chosen recordings. Afterwards, ``folder`` is the folder of the
    list, and ``skipped`` has the paths that are not recordings."""

    BINDINGS = textual_bindings(Scope.ADDING)

    DEFAULT_CSS = """
    AddDialog {
        #box { height: 26; }
        PathInput { margin: 1 0; }
        #below { margin-top: 1; }
    }
    """

    def __init__(
        self,
        look: Look,
        rules: SourceRules,
        text: str = "",
        folder: str = "",
        forecaster: RunForecaster | None = None,
    ) -> None:
        """``forecaster``: says what the recordings of the selection will take."""
        super().__init__(look)
        self.folder = folder
        self.forecast: RunForecast | None = None
        """What the recordings of the selection will take; None until that is known."""
        self.names_pre_recorded = True
        """Whether to say where another API is cheaper."""
        self._forecaster = forecaster
        self.skipped = SkippedPaths()
        self._rules = rules
        self._initial_text = text
        self._listed_folder = folder
        """The folder that is listed: `folder`, or one below it whose path was typed."""
        self._picker = FilePicker()
        self._selection = PathSelection()
        """The paths that Enter adds."""
        self._counted: list[Source] | None = None
        """The recordings of the selection; None until they are counted."""
        self._search = RecordingSearch()
        self._is_adding = False
        self._problem: tuple[str, str] | None = None
        """The reason why nothing was added, and a hint."""

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Add recordings"
            line = PathInput(self._initial_text, placeholder="path", id="path")
            line.base_folder = self.folder
            yield line
            yield LineBlock(self.look, self._heading_lines, id="heading")
            yield EntryList(self._picker, self.look, id="entries")
            yield LineBlock(self.look, self._status_lines, id="below")

    def on_mount(self) -> None:
        self._start_listing()

    def on_unmount(self) -> None:
        self._search.cancel()

    @property
    def _path_input(self) -> PathInput:
        return self.query_one(PathInput)

    @property
    def _entry_list(self) -> EntryList:
        return self.query_one(EntryList)

    @property
    def _folder_to_open(self) -> FolderEntry | None:
        """The folder that Enter would open."""
        current = self._picker.current
        in_list = self._entry_list.has_focus and not self._picker.marked
        return current if in_list and current is not None and current.is_folder else None

    # --- the list follows the input

    def on_input_changed(self) -> None:
        self._problem = None
        self._start_listing()

    def on_descendant_focus(self) -> None:
        self._update_selection()

    def on_entry_list_changed(self) -> None:
        self._problem = None
        self.start_task("durations", self._read_durations)
        self._update_selection()

    def _start_listing(self, cursor_path: str = "") -> None:
        self.start_task("list", self._list_folder, self._path_input.value, cursor_path)
        self._update_selection()

    async def _list_folder(self, text: str, cursor_path: str) -> None:
        try:
            completions = await asyncio.to_thread(find_completions, text, self.folder)
        except (OSError, ValueError):  # Enter shows what is wrong
            self._picker.set_entries(())
        else:
            self._listed_folder = completions.folder
            self._picker.set_entries(completions.entries, cursor_path)
        self._entry_list.redraw()
        self.query_one("#heading", LineBlock).redraw()
        self.start_task("durations", self._read_durations)
        self._update_selection()

    async def _read_durations(self) -> None:
        """Estimates the durations of visible files from their first bytes, where possible."""
        known = self._picker.durations_s
        unknown = [entry for entry in self._entry_list.visible_entries if entry.path not in known]
        durations = await asyncio.to_thread(
            lambda: [(entry.path, estimate_duration(entry.path)) for entry in unknown]
        )
        known.update((path, duration) for path, duration in durations if duration is not None)
        if durations:
            self._entry_list.refresh()

    # --- the recordings of the selection

    def _update_selection(self) -> None:
        """Updates the selection, and counts its recordings if it changed."""
        line, in_list = self._path_input.value, self._entry_list.has_focus
        selection = self._picker.selection(line, in_list=in_list)
        if selection != self._selection:
            self._selection, self._counted, self.forecast = selection, None, None
            self._search.cancel()
            if selection:
                self.start_task("count", self._count_recordings, selection)
        self._redraw_status()

    async def _count_recordings(self, selection: PathSelection) -> None:
        # Enter shows what is wrong
        with suppress(SearchCancelled, PacelineError, OSError, ValueError):
            files = await self._find_recordings(selection, COUNT_TIMEOUT_S)
            if selection == self._selection:
                self._counted = files
            self._redraw_status()
            forecast = await asyncio.to_thread(self._make_forecast, files)
            if selection == self._selection:
                self.forecast = forecast
                self._redraw_status()

    def _make_forecast(self, sources: list[Source]) -> RunForecast | None:
        """Called in a thread, as it reads the beginning of each file."""
        if self._forecaster is None or not 0 < len(sources) <= MAX_FORECAST_FILES:
            return None
        planned = []
        for source in sources:
            planned += self._forecaster.planned(source, _estimate_part_s(source))
        return self._forecaster.forecast(planned)

    async def _find_recordings(
        self, selection: PathSelection, timeout_s: float | None = None
    ) -> list[Source]:
        self.skipped = SkippedPaths()
        typed = partial(split_paths, selection.line, self.folder)
        paths = (lambda: selection.paths) if selection.paths else typed
        return await self._search.search(paths, self._rules, self.skipped, timeout_s)

    # --- keys

    def action_complete(self) -> None:
        if self._entry_list.has_focus:
            self.set_focus(self._path_input)
        else:
            self._path_input.complete()

    def action_browse(self) -> None:
        self.set_focus(self._entry_list)  # focus() might take effect only after the next key

    def on_entry_list_exited(self) -> None:
        self.set_focus(self._path_input)

    def on_entry_list_open_requested(self, message: EntryList.OpenRequested) -> None:
        self._open_folder(message.folder)

    def _open_folder(self, folder: FolderEntry | None) -> None:
        """Opens a folder (None: the parent) and empties the input, which then starts there."""
        left = self._listed_folder
        self.folder = parent_folder(left) if folder is None else folder.path
        self._path_input.base_folder = self.folder
        with self.prevent(PathInput.Changed):
            self._path_input.set_text("")
        self._start_listing(cursor_path=left if folder is None else "")

    def on_entry_list_submitted(self) -> None:
        self.action_submit()

    def on_input_submitted(self) -> None:
        self.action_submit()  # the input itself receives Enter, after all text typed before it

    def action_submit(self) -> None:
        if (folder := self._folder_to_open) is not None:
            self._open_folder(folder)
            return
        self._update_selection()
        if not self._selection or self._is_adding:
            return
        if self._counted is not None:
            self.dismiss(self._counted)
            return
        self._is_adding = True
        self._redraw_status()
        self.start_task("add", self._search_and_dismiss, self._selection)

    async def _search_and_dismiss(self, selection: PathSelection) -> None:
        """Searches without a time limit; closing the dialog ends the search."""
        try:
            self.dismiss(await self._find_recordings(selection))
        except SearchCancelled:
            self._is_adding = False
        except PacelineError as problem:
            self._show_problem(problem.reason, problem.hint)
        except (OSError, ValueError) as problem:  # ValueError: a path that no system allows
            self._show_problem(str(problem), "")

    def _show_problem(self, reason: str, hint: str) -> None:
        self._is_adding, self._problem = False, (reason, hint)
        self._redraw_status()

    # --- lines

    def _redraw_status(self) -> None:
        """Redraws what Enter does, below the list and on the frame."""
        self.query_one("#below", LineBlock).redraw()
        box = self.query_one("#box")
        if self._folder_to_open is not None:
            box.border_subtitle = self.hints(*lines.FOLDER_ROW_HINTS)
        elif self._entry_list.has_focus:
            box.border_subtitle = self.hints(*lines.FILE_LIST_HINTS)
        else:
            box.border_subtitle = self.hints(*lines.PATH_INPUT_HINTS)

    def _heading_lines(self, width: int) -> list[StyledLine]:
        folder = os.path.abspath(self._listed_folder)
        return lines.folder_heading(folder, self._picker.entries, width, self.look.symbols)

    def _status_lines(self, width: int) -> list[StyledLine]:
        if self._is_adding:
            return [[("Searching", Role.MUTED)]]
        if self._problem is not None:
            return lines.problem_lines(
                *self._problem, self.skipped.listed, width, self.look.symbols
            )
        folder = self._folder_to_open
        hint = lines.submit_hint(
            len(self._picker.marked),
            None if self._counted is None else len(self._counted),
            folder.name if folder else "",
            has_input=bool(self._selection),
            look=self.look,
        )
        if self.forecast is None or folder is not None:
            return hint
        with_other = self.names_pre_recorded
        return hint + lines.forecast_rows(self.forecast, width, self.look.symbols, with_other)


def _estimate_part_s(source: Source) -> float | None:
    """How much of a recording is streamed, according to its header; None if that does not say."""
    if not source.is_local or (seconds := estimate_duration(source.file)) is None:
        return None
    end_s = source.options.end_s
    end_s = seconds if end_s is None else min(end_s, seconds)
    return max(0.0, end_s - source.options.start_s)
