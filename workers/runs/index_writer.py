"""Writing a run's index: each change as soon as may be, in the supervisor's own thread."""

import threading
import time

from workers.runs.run_folder import RunFolder

SHARE = 0.1
"""The share of its time that may be spent on writing; what changes meanwhile goes together."""

AGAIN = 1.0
"""Seconds until it is tried again when it failed: the disk was full, say."""

LAST_TRIES = 3


class Saving:
    """``lock`` is that under which the folder changes."""

    def __init__(self, folder: RunFolder, lock: threading.Condition) -> None:
        self._folder = folder
        self._lock = lock
        self._due = 0.0

    def within(self, seconds: float) -> float:
        """Not longer than until something is to be written."""
        if not self._folder.changed:
            return seconds
        return min(seconds, self._due - time.monotonic())

    def save_at_last(self) -> None:
        """Everything, and durably; a disk that is full gets a few seconds to be so no more."""
        for _ in range(LAST_TRIES):
            self.save(at_once=True, durable=True)
            if not self._folder.changed:
                return
            time.sleep(AGAIN)

    def save(self, *, at_once: bool = False, durable: bool = False) -> None:
        """Writes what has changed, if it is time; a full disk is met with patience.

        ``durable`` waits for the disk.
        """
        began = time.monotonic()
        if not at_once and began < self._due:
            return
        with self._lock:
            index = self._folder.changes()
        if index is None:
            return
        try:
            self._folder.save(index, durable=durable)
            now = time.monotonic()
            self._due = now + (now - began) / SHARE
        except OSError:  # the traces tell of it
            with self._lock:
                self._folder.save_again()
            self._due = began + AGAIN
