"""Finds recordings that appear in folders, once they have stopped growing.

The folders are listed again and again: notifications of the file system (inotify and its like) do
not tell of changes that another machine makes in a network folder, and need a watch for each
subfolder. Listing 20,000 files takes a seventh of a second.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

from workers.audio.discovery import SkippedPaths, search_folder
from workers.errors import UsageProblem

STABLE_S = 3.0
"""A file is complete if size and modification time have not changed for this many seconds."""

MIN_POLL_INTERVAL_S = 1.0
"""Seconds between two listings of the folders."""

MAX_POLL_SHARE = 0.05
"""The largest share of processor time that listing may take."""


@dataclass(frozen=True, slots=True)
class _FileState:
    """What stays the same when a complete file is renamed, but not while it grows."""

    device: int
    inode: int
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class _NewFile:
    state: _FileState
    since: float  # when it was first seen in that state


class FolderWatch:
    """Watches folders and their subfolders. Not thread-safe; `poll` reads the disk.

    ``known``: the recordings that a search has already found there.
    """

    def __init__(self, folders: Iterable[str], known: Iterable[str] = ()) -> None:
        self.folders = list(folders)
        self.poll_interval_s = MIN_POLL_INTERVAL_S
        """How long to wait before the next `poll`."""
        self._known = set(known)
        self._known_files: dict[_FileState, str] = {}
        """Known recordings by what identifies them, to recognise one that was renamed."""
        self._growing: dict[str, _NewFile] = {}
        self._has_polled = False

    @property
    def growing_count(self) -> int:
        """How many new files have not been complete for long enough."""
        return len(self._growing)

    def add_known(self, path: str) -> None:
        """Records that a search has found this recording. Call it before the first `poll`."""
        self._known.add(path)

    def poll(self, now: float) -> list[str]:
        """Lists the folders; returns new recordings that have not changed for `STABLE_S`, by name.

        ``now``: seconds on a monotonic clock. A folder that cannot be listed, such as one on a
        drive that is away for a moment, has no news.
        """
        began = time.thread_time()
        complete: list[str] = []
        growing: dict[str, _NewFile] = {}
        for path in self._list_files():
            if path in self._known and self._has_polled:
                continue
            if (state := _file_state(path)) is None:
                continue
            if path in self._known or self._is_renamed(state):
                self._add(path, state)
                continue
            before = self._growing.get(path)
            if before is None or before.state != state:
                growing[path] = _NewFile(state, now)
            elif now - before.since < STABLE_S:
                growing[path] = before
            else:
                complete.append(path)
                self._add(path, state)
        self._growing, self._has_polled = growing, True
        busy_s = time.thread_time() - began
        self.poll_interval_s = max(MIN_POLL_INTERVAL_S, busy_s / MAX_POLL_SHARE)
        return complete

    def _list_files(self) -> Iterable[str]:
        for folder in self.folders:
            try:
                yield from search_folder(folder, SkippedPaths())
            except UsageProblem:  # it is away
                continue

    def _add(self, path: str, state: _FileState) -> None:
        self._known.add(path)
        self._known_files[state] = path

    def _is_renamed(self, state: _FileState) -> bool:
        """Whether the file is one that was known by another name, which is gone."""
        former = self._known_files.get(state)
        return former is not None and not os.path.lexists(former)


def _file_state(path: str) -> _FileState | None:
    """None if the file has vanished since its folder was listed."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return _FileState(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
