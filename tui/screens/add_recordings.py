"""The dialog that adds recordings: an input for paths, and below it a list of the folder."""

import asyncio
import os
from contextlib import suppress
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.files import file_picker, path_input
from tui.files.file_picker import FilePicker, PathSelection
from tui.files.folder_listing import FolderEntry, estimate_duration
from tui.files.recording_search import RecordingSearch, SearchCancelled
from tui.keys.key_table import Scope, textual_bindings
from tui.render import file_picker_lines
from tui.screens.dialogs import Dialog
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.entry_list import EntryList
from tui.widgets.line_input import PathInput
from tui.widgets.line_widgets import LineBlock
from workers.errors import PacelineError

COUNT_TIMEOUT_S = 1.5
"""Seconds after which counting gives up; Enter then searches without a limit."""


class AddDialog(Dialog[list[str]]):
    """Returns the recordings that were chosen.

    After that, ``folder`` is the folder of the list, and ``skipped`` has the paths that are not
    recordings, each with the reason.
    """

    BINDINGS = textual_bindings(Scope.ADDING)

    DEFAULT_CSS = """
    AddDialog {
        #box { height: 26; }
        PathInput { margin: 1 0; }
        #below { margin-top: 1; }
    }
    """

    def __init__(self, look: Look, text: str = "", folder: str = "") -> None:
        super().__init__(look)
        self.folder = folder
        self.skipped: list[tuple[str, str]] = []
        self._initial_text = text
        self._listed_folder = folder
        """The folder of the list: `folder`, or a folder below it that the input names."""
        self._picker = FilePicker()
        self._counted_files: tuple[PathSelection, list[str]] | None = None
        """The last selection that was counted, with its recordings."""
        self._counted_selection = PathSelection()
        self._search = RecordingSearch()
        self._searching = False
        self._problem: tuple[str, str] | None = None

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
    def _path_selection(self) -> PathSelection:
        return self._picker.selection(self._path_input.value, in_list=self._entry_list.has_focus)

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
        hints = (
            file_picker_lines.FILE_LIST_HINTS
            if self._entry_list.has_focus
            else file_picker_lines.PATH_INPUT_HINTS
        )
        self.query_one("#box").border_subtitle = self.hints(*hints)
        self._start_count()

    def on_entry_list_changed(self) -> None:
        self._problem = None
        self._start_durations()
        self._start_count()

    def _start_listing(self, cursor_path: str = "") -> None:
        self.start_task("list", self._list_folder, self._path_input.value, cursor_path)
        self._start_count()

    async def _list_folder(self, text: str, cursor_path: str) -> None:
        try:
            completions = await asyncio.to_thread(path_input.find_completions, text, self.folder)
        except (OSError, ValueError):  # Enter shows what is wrong
            self._picker.set_entries(())
        else:
            self._listed_folder = completions.folder
            self._picker.set_entries(completions.entries, cursor_path)
        self._entry_list.redraw()
        self.query_one("#heading", LineBlock).redraw()
        self._start_durations()
        self._start_count()

    def _start_durations(self) -> None:
        self.start_task("durations", self._read_durations)

    async def _read_durations(self) -> None:
        """Reads the durations of visible files from their first bytes, as far as these tell."""
        known = self._picker.durations_s
        unknown = [entry for entry in self._entry_list.visible_entries if entry.path not in known]
        durations = await asyncio.to_thread(
            lambda: [(entry.path, estimate_duration(entry)) for entry in unknown]
        )
        known.update((path, duration) for path, duration in durations if duration is not None)
        if durations:
            self._entry_list.refresh()

    # --- how many recordings the selection has

    def _start_count(self) -> None:
        selection = PathSelection() if self._folder_to_open else self._path_selection
        if selection != self._counted_selection:
            self._counted_selection, self._counted_files = selection, None
            self._search.cancel()
            if selection:
                self.start_task("count", self._count_recordings, selection)
        self._redraw_status()

    async def _count_recordings(self, selection: PathSelection) -> None:
        # Enter shows what is wrong
        with suppress(SearchCancelled, PacelineError, OSError, ValueError):
            self._counted_files = selection, await self._find_recordings(selection, COUNT_TIMEOUT_S)
            self._redraw_status()

    async def _find_recordings(
        self, selection: PathSelection, timeout_s: float | None = None
    ) -> list[str]:
        skipped: list[tuple[str, str]] = []
        self.skipped = skipped
        typed = partial(path_input.split_paths, selection.line, self.folder)
        paths = (lambda: selection.paths) if selection.paths else typed
        return await self._search.search(paths, skipped, timeout_s)

    # --- keys

    def action_complete(self) -> None:
        if self._entry_list.has_focus:
            self.set_focus(self._path_input)
        else:
            self._path_input.complete()

    def action_browse(self) -> None:
        self.set_focus(self._entry_list)  # not focus(): the next key may come before its effect

    def on_entry_list_exited(self) -> None:
        self.set_focus(self._path_input)

    def on_entry_list_open_requested(self, message: EntryList.OpenRequested) -> None:
        """Opens a folder and empties the input, which then starts from that folder."""
        left = self._listed_folder
        self.folder = (
            file_picker.parent_folder(left) if message.folder is None else message.folder.path
        )
        self._path_input.base_folder = self.folder
        with self.prevent(PathInput.Changed):
            self._path_input.set_text("")
        self._start_listing(cursor_path=left if message.folder is None else "")

    def on_entry_list_submitted(self) -> None:
        self.action_submit()

    def on_input_submitted(self) -> None:
        self.action_submit()  # the input itself receives Enter, after all text typed before it

    def action_submit(self) -> None:
        if (opens := self._folder_to_open) is not None:
            self.on_entry_list_open_requested(EntryList.OpenRequested(opens))
            return
        selection = self._path_selection
        if not selection or self._searching:
            return
        if self._counted_files is not None and self._counted_files[0] == selection:
            self.dismiss(self._counted_files[1])
            return
        self._searching = True
        self._redraw_status()
        self.start_task("add", self._search_and_dismiss, selection)

    async def _search_and_dismiss(self, selection: PathSelection) -> None:
        """Searches without a time limit; closing the dialog ends the search."""
        try:
            self.dismiss(await self._find_recordings(selection))
        except SearchCancelled:
            self._searching = False
        except PacelineError as problem:
            self._show_error(problem.reason, problem.hint)
        except (OSError, ValueError) as problem:  # ValueError: a path that no system allows
            self._show_error(str(problem), "")

    # --- lines

    def _show_error(self, reason: str, hint: str) -> None:
        self._searching, self._problem = False, (reason, hint)
        self._redraw_status()

    def _redraw_status(self) -> None:
        self.query_one("#below", LineBlock).redraw()

    def _heading_lines(self, width: int) -> list[StyledLine]:
        folder = os.path.abspath(self._listed_folder)
        return file_picker_lines.folder_heading(
            folder, self._picker.entries, width, self.look.symbols
        )

    def _status_lines(self, width: int) -> list[StyledLine]:
        symbols = self.look.symbols
        if self._searching:
            return [[("Searching", Role.MUTED)]]
        if self._problem is not None:
            return file_picker_lines.problem_lines(*self._problem, self.skipped, width, symbols)
        selection, opens = self._path_selection, self._folder_to_open
        found = (
            self._counted_files[1]
            if self._counted_files is not None and self._counted_files[0] == selection
            else None
        )
        return file_picker_lines.submit_hint(
            len(self._picker.marked),
            None if found is None else len(found),
            opens.name if opens else "",
            has_input=bool(selection),
            look=self.look,
        )
