"""The state of the list in the dialog that adds recordings. Does not read the disk."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tui.files.folder_listing import FolderEntry


class FilePicker:
    """The list below the path input, its cursor and the marked entries."""

    def __init__(self) -> None:
        self.entries: Sequence[FolderEntry] = ()
        self.durations_s: dict[str, float] = {}
        """Known durations by path, in seconds."""
        self.cursor_row = 0
        self.marked: dict[str, FolderEntry] = {}
        """Marked entries of all folders by path, in the order of marking."""

    @property
    def current(self) -> FolderEntry | None:
        """The entry at the cursor; None in an empty list."""
        return self.entries[self.cursor_row] if self.entries else None

    def set_entries(self, entries: Sequence[FolderEntry], cursor_path: str = "") -> None:
        """Replaces the list; the cursor goes to ``cursor_path``, or stays on its own path."""
        wanted = cursor_path or (self.current.path if self.current else "")
        self.entries = entries
        paths = [entry.path for entry in entries]
        self.cursor_row = paths.index(wanted) if wanted in paths else 0

    def move(self, rows: int) -> None:
        """Moves the cursor; it stops at the ends."""
        self.cursor_row = min(max(self.cursor_row + rows, 0), max(len(self.entries) - 1, 0))

    def toggle_mark(self) -> None:
        """Marks or unmarks the current entry and moves to the next one."""
        if (entry := self.current) is not None:
            if self.marked.pop(entry.path, None) is None:
                self.marked[entry.path] = entry
            self.move(1)

    def toggle_all_marks(self) -> None:
        """Marks every recording of the list; if all are marked, unmarks them."""
        files = {entry.path: entry for entry in self.entries if not entry.is_folder}
        if files.keys() <= self.marked.keys():
            for path in files:
                del self.marked[path]
        else:
            self.marked |= files

    def selection(self, line: str, *, in_list: bool) -> "PathSelection":
        """What Enter adds: the marked entries, else the one at the cursor or the typed ``line``."""
        if self.marked:
            return PathSelection(paths=tuple(self.marked))
        if not in_list:
            return PathSelection(line=line.strip())
        entry = self.current
        return PathSelection(() if entry is None or entry.is_folder else (entry.path,))


@dataclass(frozen=True, slots=True)
class PathSelection:
    """What to add: exact paths, or a line that contains paths. An empty selection is false."""

    paths: Sequence[str] = ()
    line: str = ""

    def __bool__(self) -> bool:
        return bool(self.paths or self.line)


def parent_folder(folder: str) -> str:
    """The parent folder; a relative path stays relative as long as possible."""
    parent, name = os.path.split(folder.rstrip(os.sep))
    if name and name not in (os.curdir, os.pardir):
        return parent
    return os.path.dirname(os.path.abspath(folder or os.curdir))
