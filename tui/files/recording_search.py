"""Searches for recordings in a thread, so that the desk stays quick."""

import asyncio
from collections.abc import Callable, Iterable
from threading import Event

from tui.files.sources import iter_sources
from workers.audio.discovery import SkippedPaths
from workers.audio.source import Source
from workers.sources.manifest import SourceRules


class SearchCancelled(Exception):
    """The search was cancelled; raised in the thread that searches."""


def search_sources(
    names: Iterable[str], rules: SourceRules, skipped: SkippedPaths, cancelled: Event
) -> list[Source]:
    """Returns everything that `iter_sources` yields; raises `SearchCancelled` once the event is
    set."""

    def check_cancelled(_folder: str) -> None:
        if cancelled.is_set():
            raise SearchCancelled

    return list(iter_sources(names, rules, skipped, check_cancelled))


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
        rules: SourceRules,
        skipped: SkippedPaths,
        timeout_s: float | None = None,
    ) -> list[Source]:
        """Runs `search_sources`, cancelled after ``timeout_s``.

        ``list_paths`` returns the paths and is called in the thread.
        """
        self.cancel()
        stop = self._cancelled = Event()
        loop = asyncio.get_running_loop()
        timer = None if timeout_s is None else loop.call_later(timeout_s, stop.set)
        try:
            return await asyncio.to_thread(
                lambda: search_sources(list_paths(), rules, skipped, stop)
            )
        finally:
            stop.set()
            if timer is not None:
                timer.cancel()
