"""Which recordings some paths mean: patterns spread, folders searched."""

import asyncio
import os
from collections.abc import Callable, Iterable
from threading import Event

from tui.files.folder_listing import GLOB_CHARS, glob_recordings
from workers.audio.discovery import find_recordings
from workers.errors import UsageProblem


class SearchCancelled(Exception):
    """Nobody wants to know any more."""


def search_recordings(
    paths: Iterable[str], skipped: list[tuple[str, str]], cancelled: Event
) -> list[str]:
    """The recordings, each once; ``skipped`` gets what is none, and why, in words.

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
    """Gathers in a thread, for that of the screen. A newer search calls the one before off."""

    def __init__(self) -> None:
        self._cancelled = Event()

    def cancel(self) -> None:
        """Ends what goes on, at the next folder."""
        self._cancelled.set()

    async def search(
        self,
        list_paths: Callable[[], Iterable[str]],
        skipped: list[tuple[str, str]],
        timeout_s: float | None = None,
    ) -> list[str]:
        """As `search_recordings`; called off after so many seconds. ``list_paths`` is asked in the
        thread."""
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
