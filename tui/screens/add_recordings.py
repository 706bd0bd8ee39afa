"""The dialog that adds recordings: a line to type paths in, and the folder below it to walk."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.files import file_picker, path_input
from tui.files.file_picker import FilePicker, PathSelection
from tui.files.folder_listing import FolderEntry, estimate_duration
from tui.files.recording_search import RecordingSearch, SearchCancelled
from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.render import file_picker_lines
from tui.screens.dialog import Dialog
from tui.theme.roles import Look, Role, StyledLine
from tui.widgets.entry_list import EntryList
from tui.widgets.line_widgets import LineBlock
from tui.widgets.path_input import PathInput
from workers.errors import PacelineError

COUNT_TIMEOUT_S = 1.5
"""Seconds after which counting gives up; Enter then searches to the end."""


class AddDialog(Dialog[list[str]]):
    """Gives the recordings that were chosen.

    ``folder`` then tells where the list was, ``skipped`` what is no recording: paths, and why, in
    words.
    """

    BINDINGS = key_table.textual_bindings(key_table.bindings_in(Scope.ADDING))

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
        """Whose list is shown: the folder, or where the line leads from there."""
        self._picker = FilePicker()
        self._counted_files: tuple[PathSelection, list[str]] | None = None
        """The recordings that it was found to mean."""
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

    # --- the list follows the line

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

    def _run_exclusive(self, group: str, work: Callable[[], Awaitable[None]]) -> None:
        """Only the newest of a group goes on; it is made when it begins, if it still does."""
        self.run_worker(work, group=group, exclusive=True)

    def _start_listing(self, cursor_path: str = "") -> None:
        self._run_exclusive("look", partial(self._list_folder, self._path_input.value, cursor_path))
        self._start_count()

    async def _list_folder(self, text: str, cursor_path: str) -> None:
        try:
            place = await asyncio.to_thread(path_input.find_completions, text, self.folder)
        except (OSError, ValueError):  # Enter says what is wrong with it
            self._picker.set_entries(())
        else:
            self._listed_folder = place.folder
            self._picker.set_entries(place.entries, cursor_path)
        self._entry_list.redraw()
        self.query_one("#heading", LineBlock).redraw()
        self._start_durations()
        self._start_count()

    def _start_durations(self) -> None:
        self._run_exclusive("lengths", self._read_durations)

    async def _read_durations(self) -> None:
        """Of what is on the screen: the first bytes of a file tell it, or nothing does."""
        known = self._picker.durations_s
        unknown = [each for each in self._entry_list.visible_entries if each.path not in known]
        lengths = await asyncio.to_thread(
            lambda: [(each.path, estimate_duration(each)) for each in unknown]
        )
        known.update((path, length) for path, length in lengths if length is not None)
        if lengths:
            self._entry_list.refresh()

    # --- how many that would be

    def _start_count(self) -> None:
        wish = PathSelection() if self._folder_to_open else self._path_selection
        if wish != self._counted_selection:
            self._counted_selection, self._counted_files = wish, None
            self._search.cancel()
            if wish:
                self._run_exclusive("count", partial(self._count_recordings, wish))
        self._redraw_status()

    async def _count_recordings(self, selection: PathSelection) -> None:
        with suppress(
            SearchCancelled, PacelineError, OSError, ValueError
        ):  # Enter says what is wrong
            self._counted_files = selection, await self._find_recordings(selection, COUNT_TIMEOUT_S)
            self._redraw_status()

    async def _find_recordings(
        self, selection: PathSelection, timeout_s: float | None = None
    ) -> list[str]:
        skipped: list[tuple[str, str]] = []
        self.skipped = skipped
        named = partial(path_input.split_paths, selection.line, self.folder)
        return await self._search.search(
            (lambda: selection.paths) if selection.paths else named, skipped, timeout_s
        )

    # --- keys

    def action_complete(self) -> None:
        if self._entry_list.has_focus:
            self.set_focus(self._path_input)
        else:
            self._path_input.complete()

    def action_browse(self) -> None:
        self.set_focus(self._entry_list)  # at once: keys may follow fast

    def on_entry_list_exited(self) -> None:
        self.set_focus(self._path_input)

    def on_entry_list_open_requested(self, message: EntryList.OpenRequested) -> None:
        """The line is empty then: what is typed goes on from the folder that is shown."""
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
        self.action_submit()  # the input takes Enter itself, after all that was typed before it

    def action_submit(self) -> None:
        if (opens := self._folder_to_open) is not None:
            self.on_entry_list_open_requested(EntryList.OpenRequested(opens))
            return
        wish = self._path_selection
        if not wish or self._searching:
            return
        if self._counted_files is not None and self._counted_files[0] == wish:
            self.dismiss(self._counted_files[1])
            return
        self._searching = True
        self._redraw_status()
        work: Callable[[], Awaitable[None]] = partial(self._search_and_dismiss, wish)
        self.run_worker(work, group="add")

    async def _search_and_dismiss(self, selection: PathSelection) -> None:
        """A big folder takes a while; closing the dialog ends the search."""
        try:
            self.dismiss(await self._find_recordings(selection))
        except SearchCancelled:
            self._searching = False
        except PacelineError as problem:
            self._show_error(problem.reason, problem.hint)
        except (OSError, ValueError) as problem:  # the latter for a path that no system has
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
        wish, opens = self._path_selection, self._folder_to_open
        found = (
            self._counted_files[1]
            if self._counted_files is not None and self._counted_files[0] == wish
            else None
        )
        return file_picker_lines.submit_hint(
            len(self._picker.marked),
            None if found is None else len(found),
            opens.name if opens else "",
            has_input=bool(wish),
            look=self.look,
        )
