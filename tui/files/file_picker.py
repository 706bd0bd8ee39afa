"""What is picked in the dialog that adds recordings: the place, the list, the marks.

Plain Python; it reads no disk.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tui.files.folder_listing import FolderEntry


class FilePicker:
    """The list below the line."""

    def __init__(self) -> None:
        self.entries: Sequence[FolderEntry] = ()
        self.durations_s: dict[str, float] = {}
        """Seconds, by path, as far as they are known."""
        self.cursor_row = 0
        self.marked: dict[str, FolderEntry] = {}
        """By path, in the order in which they were marked, wherever they stand."""

    @property
    def current(self) -> FolderEntry | None:
        """Where the cursor is; None in an empty list."""
        return self.entries[self.cursor_row] if self.entries else None

    def set_entries(self, entries: Sequence[FolderEntry], cursor_path: str = "") -> None:
        """Another list; the cursor stays on its path, or goes to ``cursor_path``, else to the
        top."""
        wanted = cursor_path or (self.current.path if self.current else "")
        self.entries = entries
        self.cursor_row = next((row for row, each in enumerate(entries) if each.path == wanted), 0)

    def move(self, rows: int) -> None:
        """Moves the cursor, and stops at the ends."""
        self.cursor_row = min(max(self.cursor_row + rows, 0), max(len(self.entries) - 1, 0))

    def toggle_mark(self) -> None:
        """Marks the current entry, or takes its mark away, and goes on to the next."""
        if (entry := self.current) is not None:
            if self.marked.pop(entry.path, None) is None:
                self.marked[entry.path] = entry
            self.move(1)

    def toggle_all_marks(self) -> None:
        """Marks every recording of the list; when all are, takes their marks away."""
        files = {each.path: each for each in self.entries if not each.is_folder}
        if files.keys() <= self.marked.keys():
            self.marked = {path: each for path, each in self.marked.items() if path not in files}
        else:
            self.marked |= files

    def selection(self, line: str, *, in_list: bool) -> "PathSelection":
        """What Enter adds: what is marked; else the recording at the cursor of the list, or what
        the line names."""
        if self.marked:
            return PathSelection(paths=tuple(self.marked))
        if not in_list:
            return PathSelection(line=line.strip())
        entry = self.current
        return (
            PathSelection()
            if entry is None or entry.is_folder
            else PathSelection(paths=(entry.path,))
        )


@dataclass(frozen=True, slots=True)
class PathSelection:
    """What is to be added: paths as they are, or a line that names some. False when nothing is."""

    paths: Sequence[str] = ()
    line: str = ""

    def __bool__(self) -> bool:
        return bool(self.paths or self.line)


def parent_folder(folder: str) -> str:
    """The folder above; relative ones go on to be relative as long as they can."""
    below = os.path.basename(folder.rstrip(os.sep))
    if below and below not in (os.curdir, os.pardir):
        return os.path.dirname(folder.rstrip(os.sep)) or ("" if not os.path.isabs(folder) else "/")
    return os.path.dirname(os.path.abspath(folder or os.curdir))
