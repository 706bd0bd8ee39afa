"""Which recordings some paths mean: patterns spread, folders searched."""

import asyncio
import os
from collections.abc import Callable, Iterable
from threading import Event

from tui.files.folder_listing import MAGIC, fitting
from workers.audio.discovery import found
from workers.errors import UsageProblem


class CalledOff(Exception):
    """Nobody wants to know any more."""


def gathered(paths: Iterable[str], skipped: list[tuple[str, str]], called_off: Event) -> list[str]:
    """The recordings, each once; ``skipped`` gets what is none, and why, in words.

    Raises `CalledOff` once the event is set, `UsageProblem` for a path or pattern that names
    nothing.
    """

    def skip(path: str, reason: str) -> None:
        skipped.append((path, reason))

    def looked(_folder: str) -> None:
        if called_off.is_set():
            raise CalledOff

    files: dict[str, None] = {}
    for path in paths:
        if os.path.lexists(path) or MAGIC.isdisjoint(path):
            files |= dict.fromkeys(found([path], skip, looked))
            continue
        fit = list(fitting(path, looked))
        if not fit:
            raise UsageProblem(f"no recording or folder is called “{path}”", "Check the pattern.")
        for each in fit:
            try:
                files |= dict.fromkeys(found([each], skip, looked))
            except UsageProblem as empty:  # a folder without recordings, which nobody named
                skip(each, empty.reason)
    return list(files)


class Gathering:
    """Gathers in a thread, for that of the screen. A newer search calls the one before off."""

    def __init__(self) -> None:
        self._off = Event()

    def call_off(self) -> None:
        """Ends what goes on, at the next folder."""
        self._off.set()

    async def files(
        self,
        paths: Callable[[], Iterable[str]],
        skipped: list[tuple[str, str]],
        seconds: float | None = None,
    ) -> list[str]:
        """As `gathered`; called off after so many seconds. ``paths`` is asked in the thread."""
        self.call_off()
        off = self._off = Event()
        loop = asyncio.get_running_loop()
        ending = None if seconds is None else loop.call_later(seconds, off.set)
        try:
            return await asyncio.to_thread(lambda: gathered(paths(), skipped, off))
        finally:
            off.set()
            if ending is not None:
                ending.cancel()
