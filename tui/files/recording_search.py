"""Finds the recordings that users name: expands patterns, reads manifests, searches folders."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from threading import Event

from tui.files.folder_listing import GLOB_CHARS, glob_recordings
from workers.audio.discovery import FolderCallback, SkippedPaths, iter_recordings
from workers.audio.source import Source
from workers.errors import UsageProblem
from workers.sources.manifest import SourceRules
from workers.sources.names import named_sources


class SearchCancelled(Exception):
    """The search was cancelled; raised in the thread that searches."""


def iter_sources(
    names: Iterable[str],
    rules: SourceRules,
    skipped: SkippedPaths,
    on_folder: FolderCallback = lambda folder: None,
    *,
    allow_empty: bool = False,
) -> Iterator[Source]:
    """Yields what files, folders, patterns, manifests and URLs stand for, without duplicates, while
    folders are still being searched. Adds other paths to ``skipped``.

    ``on_folder`` is called with each folder and may raise to end the search. Raises `UsageProblem`
    if a name or pattern matches nothing; with ``allow_empty``, a folder may be without audio.
    """
    seen: set[Source] = set()
    for name in names:
        for source in _sources_of(name, rules, skipped, on_folder, allow_empty=allow_empty):
            if source not in seen:
                seen.add(source)
                yield source


def _sources_of(
    name: str,
    rules: SourceRules,
    skipped: SkippedPaths,
    on_folder: FolderCallback,
    *,
    allow_empty: bool,
) -> Iterator[Source]:
    if (named := named_sources(name, rules)) is not None:
        yield from named
        return
    if os.path.lexists(name) or GLOB_CHARS.isdisjoint(name):
        for file in iter_recordings([name], skipped, on_folder, allow_empty=allow_empty):
            yield Source(file, rules.options)
        return
    matches = list(glob_recordings(name, on_folder))
    if not matches:
        raise UsageProblem(f"no recording or folder matches “{name}”", "Check the pattern.")
    for match in matches:
        try:
            for file in iter_recordings([match], skipped, on_folder):
                yield Source(file, rules.options)
        except UsageProblem as problem:  # a folder without recordings, found by a pattern
            skipped.add(match, problem.reason)


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
