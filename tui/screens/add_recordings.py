"""The dialog that adds recordings: a line to type paths in, and the folder below it to walk."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical

from tui.files import file_picker, path_input
from tui.files.file_picker import Picking, Wish
from tui.files.folder_listing import Entry, seconds
from tui.files.recording_search import CalledOff, Gathering
from tui.keys import key_table
from tui.keys.key_table import Scope
from tui.render import file_picker_lines
from tui.screens.dialog import Dialog
from tui.theme.roles import Line, Look, Role
from tui.widgets.entries import EntryList
from tui.widgets.painted import Painted
from tui.widgets.path_line import PathLine
from workers.errors import PacelineError

PATIENCE = 1.5
"""Seconds after which counting gives up; Enter then searches to the end."""


class Adding(Dialog[list[str]]):
    """Gives the recordings that were chosen.

    ``folder`` then tells where the list was, ``skipped`` what is no recording: paths, and why, in
    words.
    """

    BINDINGS = key_table.bindings(key_table.of(Scope.ADDING))

    DEFAULT_CSS = """
    Adding {
        #box { height: 26; }
        PathLine { margin: 1 0; }
        #below { margin-top: 1; }
    }
    """

    def __init__(self, look: Look, line: str = "", folder: str = "") -> None:
        super().__init__(look)
        self.folder = folder
        self.skipped: list[tuple[str, str]] = []
        self._typed = line
        self._listed = folder
        """Whose list is shown: the folder, or where the line leads from there."""
        self._picking = Picking()
        self._found: tuple[Wish, list[str]] | None = None
        """The recordings that it was found to mean."""
        self._wished = Wish()
        self._gathering = Gathering()
        self._searching = False
        self._problem: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = "Add recordings"
            line = PathLine(self._typed, placeholder="path", id="path")
            line.base = self.folder
            yield line
            yield Painted(self.look, self._heading, id="heading")
            yield EntryList(self._picking, self.look, id="entries")
            yield Painted(self.look, self._below, id="below")

    def on_mount(self) -> None:
        self._look_up()

    def on_unmount(self) -> None:
        self._gathering.call_off()

    @property
    def _line(self) -> PathLine:
        return self.query_one(PathLine)

    @property
    def _list(self) -> EntryList:
        return self.query_one(EntryList)

    @property
    def _wish(self) -> Wish:
        return self._picking.wish(self._line.value, in_list=self._list.has_focus)

    @property
    def _opens(self) -> Entry | None:
        """The folder that Enter would open."""
        current = self._picking.current
        in_list = self._list.has_focus and not self._picking.marked
        return current if in_list and current is not None and current.folder else None

    # --- the list follows the line

    def on_input_changed(self) -> None:
        self._problem = None
        self._look_up()

    def on_descendant_focus(self) -> None:
        hints = file_picker_lines.IN_LIST if self._list.has_focus else file_picker_lines.IN_LINE
        self.query_one("#box").border_subtitle = self.hints(*hints)
        self._count()

    def on_entry_list_moved(self) -> None:
        self._problem = None
        self._measure()
        self._count()

    def _newest(self, group: str, work: Callable[[], Awaitable[None]]) -> None:
        """Only the newest of a group goes on; it is made when it begins, if it still does."""
        self.run_worker(work, group=group, exclusive=True)

    def _look_up(self, at: str = "") -> None:
        self._newest("look", partial(self._look_into, self._line.value, at))
        self._count()

    async def _look_into(self, line: str, at: str) -> None:
        try:
            place = await asyncio.to_thread(path_input.place, line, self.folder)
        except (OSError, ValueError):  # Enter says what is wrong with it
            self._picking.show(())
        else:
            self._listed = place.folder
            self._picking.show(place.entries, at)
        self._list.show()
        self.query_one("#heading", Painted).redraw()
        self._measure()
        self._count()

    def _measure(self) -> None:
        self._newest("lengths", self._tell_lengths)

    async def _tell_lengths(self) -> None:
        """Of what is on the screen: the first bytes of a file tell it, or nothing does."""
        known = self._picking.lengths
        unknown = [each for each in self._list.visible_entries if each.path not in known]
        lengths = await asyncio.to_thread(lambda: [(each.path, seconds(each)) for each in unknown])
        known.update((path, length) for path, length in lengths if length is not None)
        if lengths:
            self._list.refresh()

    # --- how many that would be

    def _count(self) -> None:
        wish = Wish() if self._opens else self._wish
        if wish != self._wished:
            self._wished, self._found = wish, None
            self._gathering.call_off()
            if wish:
                self._newest("count", partial(self._count_up, wish))
        self._redraw()

    async def _count_up(self, wish: Wish) -> None:
        with suppress(CalledOff, PacelineError, OSError, ValueError):  # Enter says what is wrong
            self._found = wish, await self._gather(wish, PATIENCE)
            self._redraw()

    async def _gather(self, wish: Wish, seconds: float | None = None) -> list[str]:
        skipped: list[tuple[str, str]] = []
        self.skipped = skipped
        named = partial(path_input.named, wish.line, self.folder)
        return await self._gathering.files(
            (lambda: wish.paths) if wish.paths else named, skipped, seconds
        )

    # --- keys

    def action_complete(self) -> None:
        if self._list.has_focus:
            self.set_focus(self._line)
        else:
            self._line.complete()

    def action_browse(self) -> None:
        self.set_focus(self._list)  # at once: keys may follow fast

    def on_entry_list_left(self) -> None:
        self.set_focus(self._line)

    def on_entry_list_opened(self, message: EntryList.Opened) -> None:
        """The line is empty then: what is typed goes on from the folder that is shown."""
        left = self._listed
        self.folder = file_picker.parent(left) if message.folder is None else message.folder.path
        self._line.base = self.folder
        with self.prevent(PathLine.Changed):
            self._line.put("")
        self._look_up(at=left if message.folder is None else "")

    def on_entry_list_taken(self) -> None:
        self.action_submit()

    def on_input_submitted(self) -> None:
        self.action_submit()  # the input takes Enter itself, after all that was typed before it

    def action_submit(self) -> None:
        if (opens := self._opens) is not None:
            self.on_entry_list_opened(EntryList.Opened(opens))
            return
        wish = self._wish
        if not wish or self._searching:
            return
        if self._found is not None and self._found[0] == wish:
            self.dismiss(self._found[1])
            return
        self._searching = True
        self._redraw()
        work: Callable[[], Awaitable[None]] = partial(self._add, wish)
        self.run_worker(work, group="add")

    async def _add(self, wish: Wish) -> None:
        """A big folder takes a while; closing the dialog ends the search."""
        try:
            self.dismiss(await self._gather(wish))
        except CalledOff:
            self._searching = False
        except PacelineError as problem:
            self._say(problem.reason, problem.hint)
        except (OSError, ValueError) as problem:  # the latter for a path that no system has
            self._say(str(problem), "")

    # --- lines

    def _say(self, reason: str, hint: str) -> None:
        self._searching, self._problem = False, (reason, hint)
        self._redraw()

    def _redraw(self) -> None:
        self.query_one("#below", Painted).redraw()

    def _heading(self, width: int) -> list[Line]:
        folder = os.path.abspath(self._listed)
        return file_picker_lines.heading(folder, self._picking, width, self.look.symbols)

    def _below(self, width: int) -> list[Line]:
        symbols = self.look.symbols
        if self._searching:
            return [[("Searching", Role.MUTED)]]
        if self._problem is not None:
            return file_picker_lines.problem(*self._problem, self.skipped, width, symbols)
        wish, opens = self._wish, self._opens
        found = self._found[1] if self._found is not None and self._found[0] == wish else None
        return file_picker_lines.prospect(
            self._picking,
            None if found is None else len(found),
            opens.name if opens else "",
            named=bool(wish),
            look=self.look,
        )
