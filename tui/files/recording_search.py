"""Finds the recordings at given paths: expands patterns and searches folders."""

import asyncio
import os
from collections.abc import Callable, Iterable
from threading import Event

from tui.files.folder_listing import GLOB_CHARS, glob_recordings
from workers.audio.discovery import SkippedPaths, find_recordings
from workers.errors import UsageProblem


class SearchCancelled(Exception):
    """The search was cancelled; raised in the thread that searches."""


def search_recordings(paths: Iterable[str], skipped: SkippedPaths, cancelled: Event) -> list[str]:
    """Returns recordings without duplicates; adds other paths to ``skipped``, with the reason.

    Raises `SearchCancelled` once the event is set, and `UsageProblem` if a path or pattern
    matches nothing.
    """

    def check_cancelled(_folder: str) -> None:
        if cancelled.is_set():
            raise SearchCancelled

    files: dict[str, None] = {}
    for path in paths:
        if os.path.lexists(path) or GLOB_CHARS.isdisjoint(path):
            files |= dict.fromkeys(find_recordings([path], skipped, check_cancelled))
            continue
        matches = list(glob_recordings(path, check_cancelled))
        if not matches:
            raise UsageProblem(f"no recording or folder matches “{path}”", "Check the pattern.")
        for match in matches:
            try:
                files |= dict.fromkeys(find_recordings([match], skipped, check_cancelled))
            except UsageProblem as problem:  # a folder without recordings, found by a pattern
                skipped.add(match, problem.reason)
    return list(files)


class RecordingSearch:
    """Searches in a thread, not in the event loop. A new search cancels the previous one."""

    def __init__(self) -> None:
        self._cancelled = Event()

    def cancel(self) -> None:
        """Makes a running search stop at its next folder."""
        self._cancelled.set()

    async def search(
        self,
        list_paths: Callable[[], Iterable[str]],
        skipped: SkippedPaths,
        timeout_s: float | None = None,
    ) -> list[str]:
        """Runs `search_recordings`, cancelled after ``timeout_s``.

        ``list_paths`` returns the paths and is called in the thread.
        """
        self.cancel()
        stop = self._cancelled = Event()
        loop = asyncio.get_running_loop()
        timer = None if timeout_s is None else loop.call_later(timeout_s, stop.set)
        try:
            return await asyncio.to_thread(lambda: search_recordings(list_paths(), skipped, stop))
        finally:
            stop.set()
            if timer is not None:
                timer.cancel()
