"""Finds the recordings that paths mean: expands patterns and searches folders."""

import asyncio
import os
from collections.abc import Callable, Iterable
from threading import Event

from tui.files.folder_listing import GLOB_CHARS, glob_recordings
from workers.audio.discovery import find_recordings
from workers.errors import UsageProblem


class SearchCancelled(Exception):
    """The search was cancelled."""


def search_recordings(
    paths: Iterable[str], skipped: list[tuple[str, str]], cancelled: Event
) -> list[str]:
    """The recordings, each once; adds to ``skipped`` the paths that are none, with the reason.

    Raises `SearchCancelled` once the event is set, `UsageProblem` for a path or pattern that names
    nothing.
    """

    def skip(path: str, reason: str) -> None:
        skipped.append((path, reason))

    def looked(_folder: str) -> None:
        if cancelled.is_set():
            raise SearchCancelled

    files: dict[str, None] = {}
    for path in paths:
        if os.path.lexists(path) or GLOB_CHARS.isdisjoint(path):
            files |= dict.fromkeys(find_recordings([path], skip, looked))
            continue
        fit = list(glob_recordings(path, looked))
        if not fit:
            raise UsageProblem(f"no recording or folder is called “{path}”", "Check the pattern.")
        for each in fit:
            try:
                files |= dict.fromkeys(find_recordings([each], skip, looked))
            except UsageProblem as empty:  # a folder without recordings, which nobody named
                skip(each, empty.reason)
    return list(files)


class RecordingSearch:
    """Searches in a thread, for the screen's thread. A new search cancels the one before."""

    def __init__(self) -> None:
        self._cancelled = Event()

    def cancel(self) -> None:
        """Ends a running search at its next folder."""
        self._cancelled.set()

    async def search(
        self,
        list_paths: Callable[[], Iterable[str]],
        skipped: list[tuple[str, str]],
        timeout_s: float | None = None,
    ) -> list[str]:
        """Runs `search_recordings`, cancelled after ``timeout_s``.

        ``list_paths`` returns the paths and is called in the thread.
        """
        self.cancel()
        off = self._cancelled = Event()
        loop = asyncio.get_running_loop()
        ending = None if timeout_s is None else loop.call_later(timeout_s, off.set)
        try:
            return await asyncio.to_thread(lambda: search_recordings(list_paths(), skipped, off))
        finally:
            off.set()
            if ending is not None:
                ending.cancel()
